"""Goes through a tenant's knowledge and collects what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from yarl import URL

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Shelved
from ccos.knowledge import asking, links
from ccos.knowledge.checking import KINDS, Candidates, Checks, Finding, Rules, by_item, duplicates
from ccos.knowledge.sources.guard import Guard
from ccos.store import kb_figures, knowledge
from ccos.store.database import Database

PAGE = 500
MOST_PAIRS = 20_000
"""Passages that look alike and are compared; more come from a text that all items repeat."""

UNCITED_AFTER = timedelta(days=30)
"""An article that came or changed later than so long ago had no time to be cited."""

Tell = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Inspection:
    """`checked` counts items; `findings` come by kind, in the order of `checking.KINDS`."""

    checked: int
    findings: tuple[Finding, ...]


async def inspect(
    database: Database,
    tenant_id: UUID,
    rules: Rules,
    *,
    ask_links: bool = False,
    guard: Guard | None = None,
    tell: Tell = lambda _done, _all: None,
    tell_asked: Tell = lambda _done, _all: None,
) -> Inspection:
    """Every item that can be found. With `ask_links` the net is asked too, within a deadline a link.

    Raises StoreError.
    """
    async with database.tenant(tenant_id) as tx:
        living = await kb_figures.living(tx)
    uncited: set[UUID] = set()
    checks = Checks(rules, await _known(database, tenant_id), uncited)
    findings: list[Finding] = []
    outside: dict[URL, list[tuple[Item, str]]] = {}
    checked, after = 0, None
    while True:
        async with database.tenant(tenant_id) as tx:
            ids = await kb_figures.next_ids(tx, after, limit=PAGE)
            shelved = await knowledge.shelved(tx, ids)
            unused = await kb_figures.uncited(tx, ids, stored_before=rules.now - UNCITED_AFTER)
        if not ids:
            break
        after = ids[-1]
        uncited.clear()
        uncited.update(unused)
        found = sorted((each for each in shelved if not each.archived), key=lambda each: each.id)
        checked += len(found)
        findings += await asyncio.to_thread(_of_each, checks, found)
        if ask_links:
            _collect(found, outside)
        tell(checked, max(living, checked))
    findings += await _duplicates(database, tenant_id, checks)
    if outside:
        findings += await _asked(outside, guard, tell_asked)
    order = {kind: at for at, kind in enumerate(KINDS)}
    findings.sort(key=lambda each: (order[each.check], each.pool, each.id))
    return Inspection(checked, tuple(findings))


def _of_each(checks: Checks, found: list[Shelved]) -> list[Finding]:
    return [finding for each in found for finding in checks.of(each)]


async def _duplicates(database: Database, tenant_id: UUID, checks: Checks) -> list[Finding]:
    findings: list[Finding] = []
    for piece in by_item(await asyncio.to_thread(checks.candidates, MOST_PAIRS), PAGE):
        ids = {place[0] for pair in piece for place in pair}
        async with database.tenant(tenant_id) as tx:
            loaded = {each.id: each for each in await knowledge.shelved(tx, ids)}
        findings += await asyncio.to_thread(_compared, piece, loaded)
    return findings


def _compared(piece: list[Candidates], loaded: dict[UUID, Shelved]) -> list[Finding]:
    return list(duplicates(piece, loaded.get))


async def _known(database: Database, tenant_id: UUID) -> links.Known:
    """What links may lead to: all procedures, archived ones too."""
    there: list[tuple[str, str | None, bool]] = []
    after: UUID | None = None
    while True:
        async with database.tenant(tenant_id) as tx:
            page = await kb_figures.next_addresses(tx, after, limit=10 * PAGE)
        if not page:
            return links.known(there)
        after = page[-1].id
        there += ((each.external_id, each.url, each.archived) for each in page)


def _collect(found: list[Shelved], outside: dict[URL, list[tuple[Item, str]]]) -> None:
    for each in found:
        item = each.item
        if item.kind is EvidenceKind.KB:
            for target in links.targets(item.body):
                if (url := links.web_address(target, item)) is not None:
                    outside.setdefault(url, []).append((item, target))
            if item.url and (own := links.web_address(item.url, item)) is not None:
                outside.setdefault(own, []).append((item, item.url))


async def _asked(
    outside: dict[URL, list[tuple[Item, str]]], guard: Guard | None, tell: Tell
) -> list[Finding]:
    findings, done = [], 0
    async for each in asking.ask(list(outside), guard=guard):
        done += 1
        tell(done, len(outside))
        if each.problem is not None:
            findings += [
                Finding("link", item.kind, item.external_id, item.title,
                        f"has a link that {each.problem}: {target[:200]}", target)
                for item, target in outside[each.url]
            ]  # fmt: skip
    return findings
