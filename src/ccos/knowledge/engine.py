"""What search needs of whatever keeps a tenant's index: tantivy on this machine, or an OpenSearch cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.cards import Hit
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.querying import Question
from ccos.knowledge.recipe import Recipe
from ccos.store.kb_indexes import Standing


class Damaged(Exception):
    """The index can no longer be read or written: it is to be built anew."""


class Away(Exception):
    """The engine cannot be asked now, or did not answer in full; its index may be as good as ever."""


class Index(Protocol):
    """One build of a tenant's index. `seq` is the change number up to which it is complete."""

    @property
    def generation(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def bytes(self) -> int:
        """What it takes on the disk; may block."""
        ...

    async def ranked(
        self,
        kind: EvidenceKind,
        asked: Sequence[Question],
        limit: int,
        now: datetime,
        recipe: Recipe,
        only: Filter = EVERYTHING,
    ) -> list[list[Hit]]:
        """For each question the best passage of each of the `limit` best items: valid at `now`, and `only`.

        Raises `Damaged` and `Away`.
        """
        ...

    async def holding(self, terms: Collection[str]) -> frozenset[str]:
        """Those of the word terms that any passage or title of either pool has. Raises as `ranked` does."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """An index that can be searched. One that is not `current` no longer takes in changes: what it finds is
    to be held against the shelf."""

    index: Index
    current: bool


class Follower(Protocol):
    """Keeps a tenant's index in step with the shelf's change feed, and has it built anew where it must be."""

    @property
    def idle(self) -> bool:
        """It may be forgotten without ending anything."""
        ...

    @property
    def standing(self) -> Standing: ...

    @property
    def serving(self) -> Serving | None:
        """None while there is no index that can be read."""
        ...

    async def fresh(self, seconds: float) -> Serving | None:
        """The index with all changes in it, or, after `seconds`, what can be searched so far. Raises what
        the shelf raises."""
        ...

    def distrust(self) -> None:
        """The index that serves could not be read."""
        ...

    async def built(self, tell: Callable[[int, int], None]) -> None:
        """Waits for the build that is wanted; `tell` hears of items done and all. Raises `IndexUnusable`."""
        ...

    async def aclose(self) -> None: ...


def best_of_items(hits: Sequence[Hit], now: datetime, only: Filter = EVERYTHING) -> list[Hit]:
    """Of each item the passage that comes first; none that has run out or is not wanted."""
    best: dict[str, Hit] = {}
    for hit in hits:
        if findable(hit, now, only):
            best.setdefault(hit.item, hit)
    return list(best.values())


def findable(hit: Hit, now: datetime, only: Filter) -> bool:
    return (hit.valid_until is None or hit.valid_until > now) and only.passes(hit)
