"""What a source is: records of a product or a site, page by page, each with where the next page begins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ccos.domain.errors import SourceStuck
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge.formats.problem import Unreadable
from ccos.knowledge.formats.records import Options
from ccos.knowledge.formats.records import item as item_of
from ccos.knowledge.sources.fields import Record, identity, moment, newest

Position = Mapping[str, Any]
MOST_NOTES = 200
MOST_BARREN = 3
"""So many pages running that bring nothing new are a source that goes in circles."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a pass, with ids as the source has them.

    `kept` are there and unchanged since the pass before, or could not be read this time; `gone` are archived
    or deleted. `position` is where the pass goes on after this page. `mark`, on the last page, is where the
    next pass may begin. `complete` is false when something that is there may have been passed over: then
    nothing is archived for not having been seen. `total`: how many there are, where that is known.
    """

    items: tuple[Item, ...] = ()
    kept: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    position: Position | None = None
    mark: str | None = None
    notes: tuple[str, ...] = ()
    complete: bool = True
    total: int | None = None


class Source(Protocol):
    """Raises a `SourceError` when it cannot go on; the pages before that stand."""

    kind: EvidenceKind

    def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:
        """All there is (`since` None), or what changed after that mark; from `position` on, if there is one.

        A record that changes while a pass runs is given at least once, in this pass or in the next.
        """
        ...


@dataclass(slots=True)
class Gathered:
    """A page that is being made."""

    kind: EvidenceKind
    items: list[Item] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, record: Mapping[str, object]) -> None:
        """An item from a record with the names of ours; what cannot be read is kept as it was, and told."""
        name = str(record["external_id"])
        try:
            made = item_of(record, Options(self.kind), lambda sentence: self.note(f"{name}: {sentence}"))
        except Unreadable as fault:
            self.kept.append(name)
            self.note(f"{name}: {fault}")
            return
        self.items.append(made)

    def note(self, sentence: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(sentence)

    def page(self, **more: Any) -> Page:
        return Page(tuple(self.items), tuple(self.kept), tuple(self.gone), notes=tuple(self.notes), **more)


@dataclass(slots=True)
class Clock:
    """What a list that is read page by page may be asked for next time: what changed since the newest change
    that was seen, or since the list was begun where that is earlier, for what was read first may have changed
    while the rest was read."""

    begun: datetime
    latest: datetime | None = None

    @classmethod
    def at(cls, position: Position | None) -> Clock:
        """Of a new pass, or of the one that was cut off there."""
        said = position or {}
        return cls(moment(said.get("begun")) or datetime.now(UTC), moment(said.get("latest")))

    def saw(self, *moments: datetime | None) -> None:
        self.latest = newest([self.latest, *moments])

    def mark(self, overlap: timedelta) -> datetime | None:
        return None if self.latest is None else min(self.latest, self.begun) - overlap

    def position(self) -> dict[str, Any]:
        latest = None if self.latest is None else self.latest.isoformat()
        return {"begun": self.begun.isoformat(), "latest": latest}


async def numbered(
    fetch: Callable[[int], Awaitable[list[Record]]], start: int, *, whole: bool
) -> AsyncIterator[tuple[int, list[Record]]]:
    """Pages of a list by number, from `start` on to the first empty one, which is given too.

    What is deleted from a page that was read draws what follows to the front, over the edge of the page: with
    `whole` the page before is looked at once more, after each, for what came to it.
    """
    before: set[str] = set()
    number = start
    while True:
        found = await fetch(number)
        slipped: list[Record] = []
        if whole and number > 1:
            slipped = [each for each in await fetch(number - 1) if identity(each.get("id")) not in before]
        before = {identity(each.get("id")) for each in found}
        yield number, found + slipped
        if not found:
            return
        number += 1


class Advance:
    """Sees to it that a pass gets on. Raises `SourceStuck` for a cursor that was there before, and when
    `MOST_BARREN` pages running bring no record that was not there before."""

    def __init__(self) -> None:
        self._cursors: set[str] = set()
        self._seen: set[str] = set()
        self._barren = 0

    def to(self, cursor: object) -> None:
        if str(cursor) in self._cursors:
            raise SourceStuck
        self._cursors.add(str(cursor))

    def brought(self, ids: Iterable[object]) -> bool:
        """Whether any of the records is new in this pass."""
        fresh = {str(each) for each in ids} - self._seen
        self._seen |= fresh
        self._barren = 0 if fresh else self._barren + 1
        if self._barren >= MOST_BARREN:
            raise SourceStuck
        return bool(fresh)
