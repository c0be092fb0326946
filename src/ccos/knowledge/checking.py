"""What is wrong with a tenant's knowledge: each finding names an item and says one thing about it. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Literal
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Shelved
from ccos.knowledge import links
from ccos.knowledge.duplicates import Sketches, verified

Kind = Literal["link", "stale", "expired", "duplicate", "empty", "uncited"]
KINDS: tuple[Kind, ...] = ("link", "expired", "empty", "duplicate", "stale", "uncited")
"""The order in which findings are shown: what misleads a reader before what may be left."""

Place = tuple[UUID, int]
"""A passage, by its item and its number there from 0."""
Candidates = tuple[Place, Place]

TINY = 20
"""Letters and digits below which a text answers nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence` says what is wrong with the item `id`; `detail` is the link, or the other item's id."""

    check: Kind
    pool: EvidenceKind
    id: str
    title: str
    sentence: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """`stale`: an article that was not updated for so long; `soon`: one that ends within that time."""

    now: datetime
    stale: timedelta = timedelta(days=365)
    soon: timedelta = timedelta(days=30)


class Checks:
    """Takes items one after another, then says what two of them have in common.

    Of passages only a sketch is kept, so that a million of them fit. `uncited` may change between two items.
    """

    def __init__(self, rules: Rules, known: links.Known, uncited: set[UUID]) -> None:
        self._rules = rules
        self._known = known
        self._uncited = uncited
        self._sketches = Sketches()
        self._owners: list[UUID] = []
        self._firsts = array("Q")
        """The number of the first passage of each."""
        self._passages = 0

    def of(self, shelved: Shelved) -> Iterator[Finding]:
        """Findings about this item alone."""
        item = shelved.item
        letters = (letter for passage in shelved.passages for letter in passage.body if letter.isalnum())
        if next(islice(letters, TINY - 1, None), None) is None:
            yield _finding("empty", item, "has next to no text")
        yield from self._ends(item)
        if item.kind is EvidenceKind.KB:  # a case is what it was, and customers ask the same again
            self._owners.append(shelved.id)
            self._firsts.append(self._passages)
            for number, passage in enumerate(shelved.passages, start=self._passages):
                self._sketches.add(number, passage.body)
            self._passages += len(shelved.passages)
            for target in links.targets(item.body):
                if why := links.problem(target, item, self._known):
                    yield _finding("link", item, f"has a link that {why}: {target[:200]}", target)
            if item.updated_at is not None and item.updated_at < self._rules.now - self._rules.stale:
                days = (self._rules.now - item.updated_at).days
                yield _finding("stale", item, f"was last updated {days} days ago")
            if shelved.id in self._uncited:
                yield _finding("uncited", item, "is cited by no draft")

    def candidates(self, most: int | None = None) -> list[Candidates]:
        """Passages that may be the same, the `most` of the first items; those of one item are not told."""
        pairs = ((self._place(one), self._place(other)) for one, other in self._sketches.met())
        return list(islice((pair for pair in pairs if pair[0][0] != pair[1][0]), most))

    def _place(self, passage: int) -> Place:
        owner = bisect_right(self._firsts, passage) - 1
        return self._owners[owner], passage - self._firsts[owner]

    def _ends(self, item: Item) -> Iterator[Finding]:
        if item.valid_until is None:
            return
        left = item.valid_until - self._rules.now
        if left <= timedelta(0):
            yield _finding("expired", item, f"has run out on {item.valid_until:%Y-%m-%d} and is not found")
        elif left <= self._rules.soon:
            yield _finding("expired", item, f"runs out on {item.valid_until:%Y-%m-%d}, in {left.days} days")


def by_item(candidates: Sequence[Candidates], most: int) -> Iterator[list[Candidates]]:
    """The pairs in pieces of about so many; all of one item that is the first of them are in one piece."""
    piece: list[Candidates] = []
    for _, of_item in groupby(candidates, lambda pair: pair[0][0]):
        piece += of_item
        if len(piece) >= most:
            yield piece
            piece = []
    if piece:
        yield piece


def duplicates(
    candidates: Sequence[Candidates], loaded: Callable[[UUID], Shelved | None]
) -> Iterator[Finding]:
    """The items that share nearly the same passage, each pair of items once; archived ones are left out.

    Of two items the one whose id comes first is told, and the other is the detail.
    """
    places = sorted({place for pair in candidates for place in pair})
    numbers = {place: number for number, place in enumerate(places)}

    def text(number: int) -> str:
        item_id, passage = places[number]
        shelved = loaded(item_id)
        if shelved is None or shelved.archived or passage >= len(shelved.passages):
            return ""
        return shelved.passages[passage].body

    told: set[tuple[UUID, UUID]] = set()
    for pair in verified([(numbers[one], numbers[other]) for one, other in candidates], text):
        one, other = places[pair.one][0], places[pair.other][0]
        first, second = loaded(one), loaded(other)
        if first is None or second is None or (one, other) in told or (other, one) in told:
            continue
        told.add((one, other))
        first, second = sorted((first, second), key=lambda each: each.item.external_id)
        sentence = f"has a passage that is {pair.share:.0%} the same as one of {second.item.external_id}"
        yield _finding("duplicate", first.item, sentence, second.item.external_id)


def _finding(check: Kind, item: Item, sentence: str, detail: str | None = None) -> Finding:
    return Finding(check, item.kind, item.external_id, item.title, sentence, detail)
