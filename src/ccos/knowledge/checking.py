"""What is wrong with a tenant's knowledge: each finding names an item and says one thing about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Shelved
from ccos.knowledge import links
from ccos.knowledge.duplicates import Sketches, verified

Kind = Literal["link", "stale", "expired", "duplicate", "empty", "uncited"]
KINDS: tuple[Kind, ...] = ("link", "expired", "empty", "duplicate", "stale", "uncited")
"""The order in which findings are shown: what misleads a reader before what may be left."""

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

    Of passages only a sketch is kept, so that a million of them fit.
    """

    def __init__(self, rules: Rules, known: links.Known, uncited: set[UUID]) -> None:
        self._rules = rules
        self._known = known
        self._uncited = uncited
        self._sketches = Sketches()
        self._owners: list[tuple[UUID, int]] = []

    def of(self, shelved: Shelved) -> Iterator[Finding]:
        """Findings about this item alone."""
        item = shelved.item
        text = "".join(passage.body for passage in shelved.passages)
        if sum(character.isalnum() for character in text) < TINY:
            yield _finding("empty", item, "has next to no text")
        yield from self._ends(item)
        if item.kind is EvidenceKind.KB:  # a case is what it was, and customers ask the same again
            for number, passage in enumerate(shelved.passages):
                self._sketches.add(len(self._owners), passage.body)
                self._owners.append((shelved.id, number))
            for target in links.targets(item.body):
                if why := links.problem(target, item, self._known):
                    yield _finding("link", item, f"has a link that {why}: {target[:200]}", target)
            if item.updated_at is not None and item.updated_at < self._rules.now - self._rules.stale:
                days = (self._rules.now - item.updated_at).days
                yield _finding("stale", item, f"was last updated {days} days ago")
            if shelved.id in self._uncited:
                yield _finding("uncited", item, "is cited by no draft")

    def candidates(self) -> list[tuple[tuple[UUID, int], tuple[UUID, int]]]:
        """Passages, by item and number from 0, that may be the same; those of one item are not told."""
        pairs = ((self._owners[one], self._owners[other]) for one, other in self._sketches.candidates())
        return sorted(pair for pair in pairs if pair[0][0] != pair[1][0])

    def _ends(self, item: Item) -> Iterator[Finding]:
        if item.valid_until is None:
            return
        left = item.valid_until - self._rules.now
        if left <= timedelta(0):
            yield _finding("expired", item, f"has run out on {item.valid_until:%Y-%m-%d} and is not found")
        elif left <= self._rules.soon:
            yield _finding("expired", item, f"runs out on {item.valid_until:%Y-%m-%d}, in {left.days} days")


def duplicates(
    candidates: list[tuple[tuple[UUID, int], tuple[UUID, int]]], loaded: Callable[[UUID], Shelved | None]
) -> Iterator[Finding]:
    """The items that share nearly the same passage, each pair of items once; archived ones are left out."""
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
        sentence = f"has a passage that is {pair.share:.0%} the same as one of {second.item.external_id}"
        yield _finding("duplicate", first.item, sentence, second.item.external_id)


def _finding(check: Kind, item: Item, sentence: str, detail: str | None = None) -> Finding:
    return Finding(check, item.kind, item.external_id, item.title, sentence, detail)
