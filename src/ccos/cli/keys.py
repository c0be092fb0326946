"""`ccos keys`: API keys, shown once and kept as a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.tenant import Tenant
    from ccos.store.keys import Key

ROLES = ("admin", "supervisor", "agent", "integration")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def keys() -> None:
    """API keys of tenants, for the HTTP interface and the console."""


@keys.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the key may do.")
@tenancy.option
@click.option("--label", default="", metavar="TEXT", help="What it is for, to know it again by.")
@as_json_option
def create(role: str, tenant: str | None, label: str, as_json: bool) -> None:
    """Make a key. It is printed once and cannot be had again."""
    from ccos.domain.errors import BadInput
    from ccos.domain.tenant import Role
    from ccos.store import keys as store
    from ccos.wiring import open_administration

    if len(label) > 200:
        raise BadInput("The label is longer than 200 characters; shorten it.")
    found = settings()

    async def go() -> tuple[str, Key, str]:
        async with open_administration(found) as owner:
            whose = await tenancy.tenant_for(owner, tenant)
            async with owner.tenant(whose.id) as tx:
                text, key = await store.create(tx, Role(role), label)
            return text, key, whose.slug

    text, key, slug = run(go())
    if as_json:
        print_json({"key": text, "id": str(key.id), "role": key.role.value, "tenant": slug})
        return
    click.echo(text)
    complain(f"This {key.role.value} key of {slug} is shown once; its id is {key.id}.")


@keys.command("list")
@click.option("--tenant", metavar="SLUG", help="Only this tenant's.")
@as_json_option
def list_keys(tenant: str | None, as_json: bool) -> None:
    """List the keys there are, without their text, newest first."""
    from ccos.store import keys as store
    from ccos.wiring import open_administration

    found = settings()

    async def go() -> list[tuple[Tenant, Key]]:
        async with open_administration(found) as owner:
            rows: list[tuple[Tenant, Key]] = []
            async for each in tenancy.every_tenant(owner):
                if tenant is None or each.slug == tenant:
                    async with owner.tenant(each.id) as tx:
                        rows += [(each, key) for key in await store.find_all(tx)]
            if not rows and tenant is not None:
                await tenancy.tenant_for(owner, tenant)  # raises for one that is not there
            return rows

    rows = run(go())
    if as_json:
        print_json({"keys": [_shown(whose, key) for whose, key in rows]})
        return
    if not rows:
        complain("There is no key yet; `ccos keys create --role admin` makes one.")
        return
    from rich.table import Table
    from rich.text import Text

    from ccos.cli.terminal import plain, stdout

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "tenant", "role", "label", "made", "last used", "state"):
        table.add_column(name, no_wrap=name != "label")
    for whose, key in rows:
        table.add_row(
            str(key.id),
            whose.slug,
            key.role.value,
            Text(plain(key.label)),
            f"{key.created_at:%Y-%m-%d %H:%M}" if key.created_at else "",
            f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
            "revoked" if key.revoked_at else "valid",
        )
    stdout().print(table)


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Make a key useless, at once and for good. ID is what `ccos keys list` shows."""
    from ccos.domain.errors import NotFound
    from ccos.store import keys as store
    from ccos.wiring import open_administration

    found = settings()

    async def go() -> None:
        async with open_administration(found) as owner:
            async for each in tenancy.every_tenant(owner):
                try:
                    async with owner.tenant(each.id) as tx:
                        await store.revoke(tx, key_id)
                    return
                except NotFound:
                    continue
        raise NotFound("There is no key with this id; `ccos keys list` shows those there are.")

    run(go())
    click.echo("The key is revoked.")


def _shown(whose: Tenant, key: Key) -> dict[str, object]:
    return {
        "id": str(key.id),
        "tenant": whose.slug,
        "role": key.role.value,
        "label": key.label,
        "created_at": key.created_at and key.created_at.isoformat(),
        "last_used_at": key.last_used_at and key.last_used_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
    }
