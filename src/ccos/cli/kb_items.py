"""`ccos kb show` and `ccos kb categories`: single items with their versions, and what is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccos.store.categories import CategoryCount
    from ccos.store.database import Tx
    from ccos.store.versions import Version

T = TypeVar("T")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command()
@click.argument("external_id", metavar="ID")
@tenancy.option
@click.option("--kind", type=click.Choice(["kb", "case"]), default="kb", show_default=True)
@click.option("--version", type=click.IntRange(1), help="As it was in this version; left out: as it is.")
@as_json_option
def show(external_id: str, tenant: str | None, kind: str, version: int | None, as_json: bool) -> None:
    """Print an item, also an archived one, and which of its versions are kept."""
    from ccos.domain.evidence import EvidenceKind
    from ccos.store import versions

    async def read(tx: Tx) -> tuple[Version, list[int]]:
        which = EvidenceKind(kind)
        found = await versions.get(tx, which, external_id, version)
        return found, await versions.kept(tx, which, external_id)

    found, kept = _with_tenant(tenant, read)
    if as_json:
        print_json(_document(found, kept))
    else:
        _print(found, kept)


@click.group(invoke_without_command=True)
@tenancy.option
@as_json_option
@click.pass_context
def categories(ctx: click.Context, tenant: str | None, as_json: bool) -> None:
    """List the categories with how many items are in each and below it."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = tenant
        return
    from ccos.store import categories as store

    found = _with_tenant(tenant, store.every)
    if as_json:
        print_json({"categories": [_category(each) for each in found]})
        return
    if not found:
        complain("No item has a category.")
    for each in found:
        state = (
            "" if each.active else "  switched off" if each.switched_off else "  off with the one above it"
        )
        _say(f"{each.items:>7}  {each.path}{state}")


@categories.command()
@click.argument("path")
@tenancy.option
@as_json_option
@click.pass_obj
def off(above: str | None, path: str, tenant: str | None, as_json: bool) -> None:
    """Hide what is in PATH ("a > b") and below it: no draft and no search finds it."""
    _switch(tenant or above, path, as_json, active=False)


@categories.command()
@click.argument("path")
@tenancy.option
@as_json_option
@click.pass_obj
def on(above: str | None, path: str, tenant: str | None, as_json: bool) -> None:
    """Let what is in PATH and below it be found again."""
    _switch(tenant or above, path, as_json, active=True)


def _switch(tenant: str | None, path: str, as_json: bool, *, active: bool) -> None:
    from ccos.store import categories as store

    async def switch(tx: Tx) -> CategoryCount:
        return await store.switch(tx, path, active=active)

    done = _with_tenant(tenant, switch)
    if as_json:
        print_json(_category(done))
        return
    state = "on" if done.active else "off" if done.switched_off else "off with the one above it"
    _say(f"{done.path} is {state}: {done.items} {'item' if done.items == 1 else 'items'}.")


def _with_tenant(tenant: str | None, work: Callable[[Tx], Awaitable[T]]) -> T:
    from ccos.wiring import open_knowledge

    found = settings()

    async def go() -> T:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            async with knowledge.database.tenant(whose.id) as tx:
                return await work(tx)

    return run(go())


def _category(each: CategoryCount) -> dict[str, Any]:
    return {
        "path": each.path,
        "items": each.items,
        "active": each.active,
        "switched_off": each.switched_off,
    }


def _document(found: Version, kept: list[int]) -> dict[str, Any]:
    from dataclasses import asdict

    item = asdict(found.item)
    return item | {
        "kind": found.item.kind.value,
        "visibility": found.item.visibility.value,
        "use": found.item.use.value,
        "version": found.version,
        "newest": found.newest,
        "versions": kept,
        "stored_at": found.stored_at,
        "archived_at": found.archived_at,
        "hidden": found.hidden,
        "passages": [asdict(each) for each in found.passages],
    }


def _print(found: Version, kept: list[int]) -> None:
    item = found.item
    _say(item.title)
    facts = {
        "id": item.external_id,
        "version": f"{found.version} of {found.newest}; kept: {', '.join(map(str, kept))}",
        "visibility": item.visibility.value,
        "use": item.use.value,
        "locale": item.locale,
        "category": item.category and item.category + (" (switched off)" if found.hidden else ""),
        "tags": ", ".join(item.tags),
        "link": item.url,
        "updated": item.updated_at and item.updated_at.date().isoformat(),
        "valid until": item.valid_until and item.valid_until.isoformat(),
        "archived": found.archived_at and found.archived_at.isoformat(timespec="seconds"),
    }
    for name, value in facts.items():
        if value:
            _say(f"{name:>12}  {value}")
    _say("")
    _say(item.body)


def _say(text: str) -> None:
    """Texts of others may hold control characters; a terminal gets none of them."""
    from ccos.cli.terminal import plain

    click.echo("\n".join(plain(line) for line in text.split("\n")))
