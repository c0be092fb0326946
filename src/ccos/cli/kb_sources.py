"""`ccos kb sources`: help centres, solved tickets and websites that are fetched and followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.source import SourceSpec, SourceState
    from ccos.knowledge.sources.syncing import SyncReport

MOST_NOTES = 50

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}


class Interval(click.ParamType[int]):
    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        said = str(value).strip().lower()
        number, unit = said[:-1], said[-1:]
        if unit not in _UNITS or not number.isdecimal() or len(number) > 6:
            self.fail(f"{value} is no interval; write it like 30m, 6h or 1d.", param, ctx)
        seconds = int(number) * _UNITS[unit]
        if not 300 <= seconds <= 31_536_000:
            self.fail(f"{value} is not between 5m and 365d.", param, ctx)
        return seconds


@click.group("sources")
def group() -> None:
    """Help centres, solved tickets and websites that knowledge comes from."""


@group.command()
@click.argument("name")
@click.argument("kind", type=click.Choice(["zendesk", "zammad", "chatwoot", "website"]))
@click.argument("address")
@tenancy.option
@click.option(
    "--content",
    type=click.Choice(["kb", "case"]),
    default="kb",
    show_default=True,
    help="Articles, or solved tickets as similar cases.",
)
@click.option("--token-env", metavar="NAME", help="Environment variable that holds the token.")
@click.option("--token-file", metavar="PATH", help="File that holds the token.")
@click.option("--user", metavar="EMAIL", help="Zendesk: whose API token it is; left out: an OAuth token.")
@click.option("--account", type=click.IntRange(1), help="Chatwoot: the number of the account.")
@click.option("--portal", metavar="SLUG", help="Chatwoot: only this help centre.")
@click.option("--locale", metavar="LOCALE", help="Only this language, as the product names it: ko, en-us.")
@click.option("--every", type=Interval(), help="Sync on schedule: 30m, 6h, 1d.")
@click.option("--follow/--no-follow", default=True, help="Website: also pages that its pages link to.")
@click.option(
    "--max-pages",
    type=click.IntRange(1, 20_000),
    default=2_000,
    show_default=True,
    help="Website: most pages fetched.",
)
@click.option("--allow-private", is_flag=True, help="ADDRESS may be in a private network.")
@as_json_option
def add(
    name: str,
    kind: str,
    address: str,
    tenant: str | None,
    content: str,
    token_env: str | None,
    token_file: str | None,
    every: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Keep a source to sync: ADDRESS like https://example.zendesk.com, or the path of a JSON export.

    The token itself is never stored, only where it is. Nothing is fetched before the first sync.
    """
    from ccos.store import sources
    from ccos.wiring import open_knowledge

    spec = described(name, kind, address, content, _secret(token_env, token_file), every, options)
    found = settings()

    async def go() -> SourceState:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            async with knowledge.database.tenant(whose.id) as tx:
                return await sources.add(tx, spec)

    state = run(go())
    if as_json:
        print_json(shown(state))
    else:
        click.echo(f"{spec.name} is kept; fetch it with `ccos kb sources sync {spec.name}`.")


@group.command("list")
@tenancy.option
@as_json_option
def list_sources(tenant: str | None, as_json: bool) -> None:
    """Show the sources, and how syncing them stands."""
    from ccos.store import sources
    from ccos.wiring import open_knowledge

    found = settings()

    async def go() -> list[SourceState]:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            async with knowledge.database.tenant(whose.id) as tx:
                return await sources.every(tx)

    states = run(go())
    if as_json:
        print_json({"sources": [shown(each) for each in states]})
    elif states:
        _print(states)
    else:
        click.echo("There are no sources; `ccos kb sources add` keeps one.")


@group.command()
@click.argument("name")
@tenancy.option
@click.option("--full", is_flag=True, help="Look at everything again, also at what did not change.")
@click.option("--dry-run", is_flag=True, help="Say what a full sync would change, and change nothing.")
@as_json_option
def sync(name: str, tenant: str | None, full: bool, dry_run: bool, as_json: bool) -> None:
    """Fetch what changed at a source; a sync that was cut off goes on from its last page."""
    from ccos.cli.terminal import progress
    from ccos.wiring import open_knowledge
    from ccos.wiring.sources import sync_source, try_source

    found = settings()

    async def go() -> SyncReport:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            with progress(f"Reading {name}", every=500) as tell:
                if dry_run:
                    return await try_source(knowledge.database, whose.id, name, progress=tell)
                return await sync_source(knowledge.database, whose.id, name, full=full, progress=tell)

    told(run(go()), as_json=as_json)


@group.command()
@click.argument("name")
@tenancy.option
@as_json_option
def remove(name: str, tenant: str | None, as_json: bool) -> None:
    """Forget a source; what came from it is archived."""
    from ccos.wiring import open_knowledge
    from ccos.wiring.sources import remove_source

    found = settings()

    async def go() -> int:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            return await remove_source(knowledge.database, whose.id, name)

    archived = run(go())
    if as_json:
        print_json({"name": name, "archived": archived})
    else:
        click.echo(f"{name} is removed; {archived} items were archived.")


def described(
    name: str,
    kind: str,
    address: str,
    content: str,
    secret: str | None,
    every: int | None,
    options: dict[str, Any],
) -> SourceSpec:
    """Raises BadInput, which says what does not fit."""
    from pathlib import Path

    from pydantic import ValidationError

    from ccos.domain.documents import sentence_for
    from ccos.domain.errors import BadInput
    from ccos.domain.source import SourceSpec

    if "://" not in address:
        if not Path(address).exists():
            raise BadInput(f"There is no file or folder {address}; an address begins with https://.")
        address = str(Path(address).resolve())
    try:
        return SourceSpec.model_validate(
            {
                "name": name,
                "kind": kind,
                "address": address,
                "content": content,
                "secret": secret,
                "every_seconds": every,
                "options": options,
            }
        )
    except ValidationError as fault:
        raise BadInput(sentence_for(fault, SourceSpec, "source")) from None


def told(report: SyncReport, *, as_json: bool) -> None:
    """Prints what a sync did, and what could not be read."""
    if as_json:
        print_json(
            {
                "added": report.added,
                "changed": report.changed,
                "unchanged": report.unchanged,
                "archived": report.archived,
                "full": report.full,
                "dry_run": report.dry_run,
                "notes": list(report.notes),
            }
        )
        return
    from ccos.cli.terminal import plain

    for note in report.notes[:MOST_NOTES]:
        complain(plain(note))
    if len(report.notes) > MOST_NOTES:
        complain(f"... and {len(report.notes) - MOST_NOTES} more; --json prints all.")
    would = "It would be: " if report.dry_run else ""
    click.echo(
        f"{would}{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.archived} archived{'' if report.full else '; only what changed was looked at'}."
    )


def shown(state: SourceState) -> dict[str, Any]:
    """A source as JSON; the same names as over HTTP."""
    spec = state.spec
    return spec.model_dump(mode="json", exclude={"secret"}) | {
        "token": spec.secret,
        "running": state.running,
        "waiting": state.waiting,
        "last_run_at": state.last_run_at and state.last_run_at.isoformat(),
        "last_full_at": state.last_full_at and state.last_full_at.isoformat(),
        "error": state.error,
        "items": state.items,
    }


def _secret(token_env: str | None, token_file: str | None) -> str | None:
    from pathlib import Path

    from ccos.domain.errors import BadInput

    if token_env and token_file:
        raise BadInput("The token is in one place: give --token-env or --token-file, not both.")
    if token_env:
        return f"env:{token_env}"
    return f"file:{Path(token_file).resolve()}" if token_file else None


def _print(states: list[SourceState]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import plain, stdout

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("name", "kind", "content", "address", "items", "last sync", "state"):
        table.add_column(head, justify="right" if head == "items" else "left")
    for each in states:
        spec = each.spec
        standing = "running" if each.running else "waiting" if each.waiting else each.error or "ok"
        at = f"{each.last_run_at:%Y-%m-%d %H:%M} UTC" if each.last_run_at else "never"
        table.add_row(
            spec.name,
            spec.kind.value,
            spec.content.value,
            Text(plain(spec.address)),
            str(each.items),
            at,
            Text(standing, "red" if each.error and not each.running else ""),
        )
    print_table(stdout(), table)


def import_url(address: str, tenant: str | None, *, allow_private: bool, as_json: bool) -> None:
    """Imports one page, or the pages of a sitemap, once."""
    from ccos.cli.run import fail
    from ccos.cli.terminal import progress
    from ccos.knowledge.sources.opening import open_source
    from ccos.knowledge.sources.syncing import import_pages
    from ccos.wiring import open_knowledge

    options = {"follow": False, "allow_private": allow_private}
    spec = described("import", "website", address, "kb", None, None, options)
    found = settings()

    async def go() -> SyncReport:
        async with open_source(spec, None) as source, open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            with progress("Reading pages", every=100) as tell:
                return await import_pages(knowledge.shelf, whose.id, source, progress=tell)

    report = run(go())
    told(report, as_json=as_json)
    if not report.added + report.changed + report.unchanged:
        fail("Nothing could be imported.")
