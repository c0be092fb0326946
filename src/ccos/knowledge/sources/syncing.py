"""Brings a source into a tenant's knowledge, page by page, from where the last pass ended or was cut off.

A page and the place behind it are stored together: a kill loses nothing and repeats at most one page.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from ccos.domain.errors import BadKnowledge, CcosError
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage, Put
from ccos.domain.source import Pass, SourceSpec
from ccos.knowledge import chunking
from ccos.knowledge.anonymous import anonymous
from ccos.knowledge.shelf import Shelf
from ccos.knowledge.sources.port import MOST_NOTES, Page, Position, Source
from ccos.store import sources
from ccos.store.database import Database
from ccos.store.ending import end

BEAT_SECONDS = 15.0
BATCH = 100
"""Items in one transaction: a page of a product may be larger."""
SWEEP = 200
MOST_ID = 300

Progress = Callable[[int, int | None], None]
"""Told how many records were read, and how many there are where that is known."""
Opening = AbstractAsyncContextManager[Source]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync changed, or with `dry_run` would have. `full`: it looked at everything that there is."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    archived: int = 0
    full: bool = True
    dry_run: bool = False
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sum:
    outcomes: Counter[str] = field(default_factory=Counter)
    archived: int = 0
    read: int = 0
    position: Position | None = None
    notes: list[str] = field(default_factory=list)

    def note(self, *sentences: str) -> None:
        self.notes.extend(sentences[: max(MOST_NOTES - len(self.notes), 0)])

    def report(self, *, full: bool, dry_run: bool = False) -> SyncReport:
        return SyncReport(
            self.outcomes["created"],
            self.outcomes["changed"],
            self.outcomes["unchanged"],
            self.archived,
            full,
            dry_run,
            tuple(self.notes),
        )


async def sync(
    database: Database,
    tenant_id: UUID,
    spec: SourceSpec,
    opening: Callable[[], Opening],
    *,
    full: bool = False,
    progress: Progress | None = None,
) -> SyncReport:
    """One pass over the source, or the rest of one that was cut off.

    Raises `Conflict` when somebody is at it, and what the source raises: then the code of that is stored with
    the source, what came before stands, and the next sync goes on from there.
    """
    async with database.tenant(tenant_id) as tx:
        at = await sources.begin(tx, spec.name, full=full)
    try:
        async with _beating(database, tenant_id, at):
            return await _run(database, tenant_id, spec, at, opening, progress)
    except asyncio.CancelledError:
        await asyncio.shield(_stop(database, tenant_id, at, None, 0.0))
        raise
    except CcosError as fault:
        wait = fault.facts.get("retry_after_seconds") or 0.0
        await _stop(database, tenant_id, at, fault.code, min(float(wait), sources.FULL_EVERY_SECONDS))
        raise
    except Exception:
        await _stop(database, tenant_id, at, "internal", 0.0)
        raise


async def dry_run(
    database: Database,
    tenant_id: UUID,
    spec: SourceSpec,
    source: Source,
    *,
    progress: Progress | None = None,
) -> SyncReport:
    """What a full pass over the source would change; nothing is stored. Raises what the source raises."""
    done, present, complete, gone = _Sum(), set[str](), True, set[str]()
    async for page in source.pages(None, None):
        entries, refused = await asyncio.to_thread(_prepared, spec.name, page, done)
        for start in range(0, len(entries), BATCH):
            done.outcomes.update(await _tried(database, tenant_id, entries[start : start + BATCH]))
        present |= {item.external_id for item, _ in entries} | set(refused)
        present |= {external(spec.name, each) for each in page.kept}
        gone |= {external(spec.name, each) for each in page.gone}
        complete = complete and page.complete
        _tell(done, page, progress)
    async with database.tenant(tenant_id) as tx:
        known = await sources.known(tx, spec.name)
    done.archived = len(known - present) if complete and present else len(known & gone)
    return done.report(full=True, dry_run=True)


def external(name: str, external_id: str) -> str:
    """The id of a source's record among all items: two sources never collide.

    What is imported once, without a name, keeps its own.
    """
    return f"{name}:{external_id}" if name else external_id


async def _run(
    database: Database,
    tenant_id: UUID,
    spec: SourceSpec,
    at: Pass,
    opening: Callable[[], Opening],
    progress: Progress | None,
) -> SyncReport:
    done, mark, complete = _Sum(position=at.position), None, True
    async with opening() as source:
        async for page in source.pages(at.since, at.position):
            await _keep(database, tenant_id, spec, at, page, done)
            mark, complete = page.mark or mark, complete and page.complete
            _tell(done, page, progress)
    if at.full:
        await _sweep(database, tenant_id, at, source.kind, complete, done)
    async with database.tenant(tenant_id) as tx:
        await sources.end(tx, at, mark=mark)
    return done.report(full=at.full)


async def _keep(
    database: Database, tenant_id: UUID, spec: SourceSpec, at: Pass, page: Page, done: _Sum
) -> None:
    """The page, in transactions of `BATCH` items; the place behind it is stored with the last of them."""
    entries, refused = await asyncio.to_thread(_prepared, spec.name, page, done)
    kept = [external(spec.name, each) for each in page.kept] + refused
    gone = [external(spec.name, each) for each in page.gone]
    for start in range(0, max(len(entries), 1), BATCH):
        last = start + BATCH >= len(entries)
        if last and page.position is not None:
            done.position = page.position
        async with database.tenant(tenant_id) as tx:
            puts, archived = await sources.keep(
                tx,
                at,
                spec.content,
                entries[start : start + BATCH],
                kept=kept if last else (),
                gone=gone if last else (),
                position=done.position,
            )
        done.outcomes.update(put.outcome for put in puts)
        done.archived += archived


async def _sweep(
    database: Database, tenant_id: UUID, at: Pass, kind: EvidenceKind, complete: bool, done: _Sum
) -> None:
    """Archives what a full pass has not seen, unless that is no proof that it is gone."""
    async with database.tenant(tenant_id) as tx:
        seen, unseen = await sources.unseen(tx, at)
    if not unseen:
        return
    if not complete or not seen:
        why = "not everything could be read" if not complete else "the source showed nothing at all"
        done.note(f"Nothing was archived for being missing, because {why}.")
        return
    while True:
        async with database.tenant(tenant_id) as tx:
            looked_at, archived = await sources.sweep(tx, at, kind, limit=SWEEP)
        done.archived += archived
        if looked_at < SWEEP:
            return


def _prepared(name: str, page: Page, done: _Sum) -> tuple[list[tuple[Item, Sequence[Passage]]], list[str]]:
    """Entries to store, without the people in cases; and ids of those that could not be freed of them."""
    entries: dict[str, tuple[Item, Sequence[Passage]]] = {}
    refused: list[str] = []
    for each in page.items:
        item = replace(each, external_id=external(name, each.external_id))
        if len(item.external_id) > MOST_ID:
            done.note(f"{each.external_id[:80]}: its id is too long; it was passed over.")
            continue
        try:
            item = anonymous(item)
        except BadKnowledge as fault:
            done.note(f"{item.external_id}: {fault.sentence}")
            refused.append(item.external_id)
            continue
        entries[item.external_id] = (item, chunking.passages(item.title, item.body))
    return list(entries.values()), refused


def _tell(done: _Sum, page: Page, progress: Progress | None) -> None:
    done.read += len(page.items) + len(page.kept) + len(page.gone)
    done.note(*page.notes)
    if progress is not None:
        progress(done.read, None if page.total is None else max(page.total, done.read))


class _RolledBack(Exception):
    pass


async def _tried(
    database: Database, tenant_id: UUID, entries: Sequence[tuple[Item, Sequence[Passage]]]
) -> list[str]:
    """What storing them would do: it is done, and taken back."""
    puts: list[Put] = []
    with suppress(_RolledBack):
        async with database.tenant(tenant_id) as tx:
            puts = await sources.tried(tx, entries)
            raise _RolledBack
    return [put.outcome for put in puts]


async def _stop(
    database: Database, tenant_id: UUID, at: Pass, code: str | None, after_seconds: float
) -> None:
    with suppress(CcosError):  # a database that is away says so by itself; the pass is taken for dead then
        async with database.tenant(tenant_id) as tx:
            await sources.stop(tx, at, code, after_seconds=after_seconds)


@asynccontextmanager
async def _beating(database: Database, tenant_id: UUID, at: Pass) -> AsyncIterator[None]:
    """Says again and again that the pass goes on, also while the source keeps us waiting."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(CcosError):  # the next page's transaction tells
                async with database.tenant(tenant_id) as tx:
                    await sources.beat(tx, at)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        await end([beating])


async def import_pages(
    shelf: Shelf, tenant_id: UUID, source: Source, *, progress: Progress | None = None
) -> SyncReport:
    """What a source gives, once, under its own ids; nothing is archived and nothing is kept to be synced.

    Raises what the source and the shelf raise; what came before that stands.
    """
    done = _Sum()
    async for page in source.pages(None, None):
        entries, _ = await asyncio.to_thread(_prepared, "", page, done)
        for start in range(0, len(entries), BATCH):
            puts = await shelf.put(tenant_id, entries[start : start + BATCH])
            done.outcomes.update(put.outcome for put in puts)
        _tell(done, page, progress)
    return done.report(full=True)
