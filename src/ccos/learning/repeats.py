"""What is one observation, however often it stands there: the same words, and the drafts of one ticket."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from ccos.learning.labelled import LabelledAnswer


@dataclass(frozen=True, slots=True)
class Once:
    """The lines to count, in order, with the number of their set. `repeated` were left out; of `disputed` of
    those that stay the labels disagreed.
    """

    rows: tuple[tuple[int, LabelledAnswer], ...]
    repeated: int
    disputed: int

    @property
    def remark(self) -> str:
        """What has to be said of it; nothing where no line was repeated."""
        if not self.repeated:
            return ""
        said = f"{self.repeated:,} lines repeat another word for word and were left out"
        if not self.disputed:
            return f"{said}."
        return f"{said}; of {self.disputed:,} the labels disagree, and those count as rejected."


def once(rows: Iterable[tuple[int, LabelledAnswer]]) -> Once:
    """Each question with its evidence and its answer once, the first time it comes, with the worst of its
    labels: an answer that somebody refused is none that people agree on. `rows` hold the number of their set.
    """
    first: dict[tuple[str, ...], tuple[int, LabelledAnswer]] = {}
    disputed: set[tuple[str, ...]] = set()
    count = 0
    for number, row in rows:
        count += 1
        place, known = first.setdefault(row.words, (number, row))
        if known.good is not row.good:
            disputed.add(row.words)
        if _WORST.index(row.label) < _WORST.index(known.label):
            first[row.words] = place, known.model_copy(update={"label": row.label})
    return Once(tuple(first.values()), count - len(first), len(disputed))


_WORST = ("reject", "edit", "approve")


def one_each(tickets: Sequence[Hashable], turns: Sequence[str]) -> list[int]:
    """Of each ticket the place of the one whose turn is the least, in order; None is a ticket of its own.

    Drafts of one ticket are good or bad together: counted as so many trials they would make a bound look
    tighter than it is. Which of them counts must not hang on its label, so it is the first that was decided,
    or one drawn.
    """
    first: dict[Hashable, int] = {}
    for place, ticket in enumerate(tickets):
        key = (place,) if ticket is None else (None, ticket)
        known = first.setdefault(key, place)
        if turns[place] < turns[known]:
            first[key] = place
    return sorted(first.values())
