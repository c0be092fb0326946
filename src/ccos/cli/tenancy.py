"""Which tenant a command is about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ccos.domain.tenant import Tenant
    from ccos.store.database import Database

DEFAULT = "default"

option = click.option("--tenant", metavar="SLUG", help=f"Whose; left out: {DEFAULT}, made on first use.")


async def tenant_for(database: Database, slug: str | None) -> Tenant:
    """The tenant of this slug; without one `default`, which is made when it is missing.

    Raises UnknownTenant.
    """
    from ccos.store import tenants
    from ccos.wiring.administration import ensure_tenant

    if slug is None:
        return await ensure_tenant(database, DEFAULT, "Default")
    async with database.unbound() as tx:
        return await tenants.by_slug(tx, slug)


async def every_tenant(database: Database) -> AsyncIterator[Tenant]:
    """All tenants, by slug. Works for a login that owns nothing too, since each is read when bound to it."""
    from ccos.store import tenants

    async with database.unbound() as tx:
        known = await tenants.ids(tx)
    found = []
    for tenant_id in known:
        async with database.tenant(tenant_id) as tx:
            found.append(await tenants.by_id(tx, tenant_id))
    for tenant in sorted(found, key=lambda each: each.slug):
        yield tenant
