"""Companies on CCOS."""

from __future__ import annotations

import re
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.errors import BadInput, UnknownTenant
from ccos.domain.tenant import Tenant, TenantSettings
from ccos.store.database import Tx
from ccos.store.values import json_of, new_id

SCRATCH = "Scratch: made by a command for itself, and removed by it"
"""The name of a tenant that holds nothing anybody wants to keep."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


async def create(tx: Tx, slug: str, name: str, settings: TenantSettings | None = None) -> Tenant:
    """Store a tenant and bind the transaction to it. Raises `BadInput`, or `Conflict` for a taken slug."""
    if not _SLUG.fullmatch(slug):
        raise BadInput(
            f"The tenant slug {slug[:70]!r} cannot be used; take 1 to 63 of a-z, 0-9 and -, but not - first."
        )
    tenant = Tenant(id=new_id(), slug=slug, name=name, settings=settings or TenantSettings())
    await tx.bind(tenant.id)
    await tx.run(
        "INSERT INTO tenant (id, slug, name, settings) VALUES (%(tenant)s, %(slug)s, %(name)s, %(settings)s)",
        slug=slug,
        name=name,
        settings=json_of(tenant.settings),
    )
    return tenant


async def create_scratch(tx: Tx, slug: str) -> Tenant:
    """A tenant that `remove_scratch` may remove."""
    return await create(tx, slug, SCRATCH)


async def remove_scratch(tx: Tx, tenant_id: UUID | None = None) -> int:
    """The owner only: remove a scratch tenant with all that is its own, or those left for a day by commands
    that were killed. No tenant of another name is touched. How many that were.
    """
    return await tx.run(
        "DELETE FROM tenant WHERE name = %(name)s AND slug LIKE 'scratch-%%'"
        " AND CASE WHEN %(id)s::uuid IS NULL THEN created_at < now() - interval '1 day' ELSE id = %(id)s END",
        name=SCRATCH,
        id=tenant_id,
    )


async def by_slug(tx: Tx, slug: str) -> Tenant:
    """Raises `UnknownTenant`. Works in an unbound transaction; it is not bound by this."""
    await tx.run("SELECT set_config('ccos.tenant_slug', %(slug)s, true)", slug=slug)
    row = await tx.row("SELECT id, slug, name, settings FROM tenant WHERE slug = %(slug)s", slug=slug)
    if row is None:
        raise UnknownTenant(f"There is no tenant {slug[:70]!r}; `ccos tenants list` shows those there are.")
    return _tenant(row)


async def by_id(tx: Tx, tenant_id: UUID) -> Tenant:
    """Raises `UnknownTenant`. The application sees only the tenant it is bound to."""
    row = await tx.row("SELECT id, slug, name, settings FROM tenant WHERE id = %(id)s", id=tenant_id)
    if row is None:
        raise UnknownTenant
    return _tenant(row)


async def find_all(tx: Tx) -> list[Tenant]:
    """Every tenant the role may see, by slug: all of them for the owner, its own for the application."""
    return [
        _tenant(row) for row in await tx.rows("SELECT id, slug, name, settings FROM tenant ORDER BY slug")
    ]


async def ids(tx: Tx) -> list[UUID]:
    """The id of every tenant, for work that goes through them all; any role may ask, bound or not."""
    return [row["id"] for row in await tx.rows("SELECT tenant_ids() AS id")]


async def to_mend(tx: Tx, *, running_seconds: float, queued_seconds: float) -> list[UUID]:
    """Those with a hold whose time is over, or with a draft that has been running or queued for so long."""
    rows = await tx.rows(
        "SELECT tenants_to_mend(%(running)s::float8, %(queued)s::float8) AS id",
        running=running_seconds,
        queued=queued_seconds,
    )
    return [row["id"] for row in rows]


async def update_settings(tx: Tx, settings: TenantSettings) -> None:
    """Replace the bound tenant's settings. Raises `UnknownTenant`."""
    changed = await tx.run(
        "UPDATE tenant SET settings = %(settings)s WHERE id = %(tenant)s", settings=json_of(settings)
    )
    if not changed:
        raise UnknownTenant


def _tenant(row: DictRow) -> Tenant:
    return Tenant.model_validate(row)
