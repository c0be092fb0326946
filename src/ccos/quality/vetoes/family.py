"""What a family of vetoes is: one question put to an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from ccos.domain.verdict import Veto
from ccos.quality.reading import Reading

MOST = 5
"""Vetoes one family gives at most: a person needs the first few places, not a hundred."""


@dataclass(frozen=True, slots=True)
class Family:
    """`look` is pure and gives the vetoes in reading order; `fine` says what holds when there is none."""

    name: str
    kinds: tuple[str, ...]
    fine: str
    look: Callable[[Reading], Iterator[Veto]]

    def vetoes(self, reading: Reading) -> tuple[Veto, ...]:
        return tuple(islice(self.look(reading), MOST))
