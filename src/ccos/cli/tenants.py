"""`ccos tenants`: companies and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.tenant import Tenant, TenantSettings
    from ccos.settings import Settings

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def tenants() -> None:
    """Companies on this CCOS. Nothing of one is visible to another."""


@tenants.command("list")
@as_json_option
def list_tenants(as_json: bool) -> None:
    """List every tenant."""
    from ccos.cli.tenancy import every_tenant
    from ccos.wiring import open_administration

    async def go() -> list[Tenant]:
        async with open_administration(found) as owner:
            return [tenant async for tenant in every_tenant(owner)]

    found = settings()
    every = run(go())
    if as_json:
        print_json({"tenants": [_shown(tenant) for tenant in every]})
        return
    if not every:
        complain("There is no tenant yet; `ccos tenants create SLUG NAME` makes one.")
    width = max((len(tenant.slug) for tenant in every), default=0)
    for tenant in every:
        click.echo(f"{tenant.slug:<{width}}  {_plain(tenant.name)}")


@tenants.command()
@click.argument("slug")
@click.argument("name")
@click.option("--settings", "file", metavar="FILE", help="Settings from a JSON file, or - for stdin.")
@as_json_option
def create(slug: str, name: str, file: str | None, as_json: bool) -> None:
    """Make a tenant. SLUG: 1 to 63 of a-z, 0-9 and -."""
    from ccos.cli.reading import document
    from ccos.domain.errors import BadInput, Conflict
    from ccos.domain.tenant import TenantSettings
    from ccos.store import tenants as store
    from ccos.wiring import open_administration

    if not name.strip() or len(name) > 200:
        raise BadInput("The name of a tenant must have 1 to 200 characters.")
    wanted = document(file, TenantSettings, "settings file") if file else TenantSettings()
    found = settings()

    async def go() -> Tenant:
        async with open_administration(found) as owner:
            try:
                async with owner.unbound() as tx:
                    return await store.create(tx, slug, name.strip(), wanted)
            except Conflict:
                raise Conflict(f"There is a tenant {slug!r} already; choose another slug.") from None

    made = run(go())
    _advise(found, wanted)
    if as_json:
        print_json(_shown(made))
    else:
        click.echo(f"Made the tenant {made.slug}. Next: ccos kb import PATH --tenant {made.slug}")


@tenants.command()
@click.argument("slug")
@as_json_option
def show(slug: str, as_json: bool) -> None:
    """Show a tenant with its settings."""
    from ccos.cli.tenancy import tenant_for
    from ccos.wiring import open_administration

    found = settings()

    async def go() -> Tenant:
        async with open_administration(found) as owner:
            return await tenant_for(owner, slug)

    tenant = run(go())
    if as_json:
        print_json(_shown(tenant))
        return
    own = tenant.settings
    lines = {
        "slug": tenant.slug,
        "id": str(tenant.id),
        "name": tenant.name,
        "company": ", ".join(f"{language}: {name}" for language, name in own.company.items()),
        "categories": ", ".join(each.name for each in own.categories if each.active),
        "tags": ", ".join(own.tags),
        "contact": " ".join(own.contact.values()),
        "hours": "; ".join(f"{day} {', '.join(spans)}" for day, spans in own.hours.week.items() if spans)
        or "round the clock",
        "first reply": ", ".join(f"{name}: {n} min" for name, n in own.hours.first_reply_minutes.items()),
        "longest reply": f"{own.reply_max_characters} characters",
        "by channel": ", ".join(f"{name}: {most}" for name, most in own.channel_max_characters.items()),
        "banned phrases": ", ".join(own.banned_phrases),
        "cloud": "allowed" if own.cloud_allowed else "never",
    }
    for name, value in lines.items():
        click.echo(f"{name + ':':<16}{_plain(value) or '(none)'}")


@tenants.command("set")
@click.argument("slug")
@click.argument("file")
@as_json_option
def set_settings(slug: str, file: str, as_json: bool) -> None:
    """Replace a tenant's settings by those of a JSON FILE, or - for standard input.

    `ccos tenants show SLUG --json` prints what there is, under "settings".
    """
    from ccos.cli.reading import document
    from ccos.cli.tenancy import tenant_for
    from ccos.domain.tenant import TenantSettings
    from ccos.store import tenants as store
    from ccos.wiring import open_administration

    wanted = document(file, TenantSettings, "settings file")
    found = settings()

    async def go() -> Tenant:
        async with open_administration(found) as owner:
            tenant = await tenant_for(owner, slug)
            async with owner.tenant(tenant.id) as tx:
                await store.update_settings(tx, wanted)
                return await store.by_id(tx, tenant.id)

    changed = run(go())
    _advise(found, wanted)
    if as_json:
        print_json(_shown(changed))
    else:
        click.echo(f"The settings of {changed.slug} are replaced.")


def _advise(found: Settings, wanted: TenantSettings) -> None:
    """Says when the tenant's own limit is so small that the cloud is hardly asked for it."""
    from ccos.wiring import advice

    if wanted.daily_cost_limit_usd is not None:
        for note in advice.small_limit(found, wanted.daily_cost_limit_usd, name="daily_cost_limit_usd"):
            click.echo(f"Note: {note}", err=True)


def _shown(tenant: Tenant) -> dict[str, Any]:
    return tenant.model_dump(mode="json")


def _plain(text: str) -> str:
    from ccos.cli.terminal import plain

    return plain(text)
