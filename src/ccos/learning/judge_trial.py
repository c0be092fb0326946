"""A judge held against people: how often its yes and its no were right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from ccos.learning.labelled import LabelledAnswer
from ccos.quality.judging import Rates


@dataclass(frozen=True, slots=True)
class Trial:
    """Counts of a judge's verdicts by what people said; `unusable` verdicts count for nothing."""

    hits: int
    misses: int
    false_alarms: int
    refusals: int
    unusable: int

    @property
    def labels(self) -> int:
        return self.hits + self.misses + self.false_alarms + self.refusals

    @property
    def rates(self) -> Rates:
        """Rates of a judge nobody tried on one side are those of a coin."""
        good, bad = self.hits + self.misses, self.false_alarms + self.refusals
        return Rates(
            true_positive=self.hits / good if good else 0.5,
            true_negative=self.refusals / bad if bad else 0.5,
            labels=self.labels if good and bad else 0,
            good=good,
            bad=bad,
        )

    @property
    def agreement(self) -> float | None:
        """The share of usable verdicts that people share."""
        return (self.hits + self.refusals) / self.labels if self.labels else None


def tally(verdicts: Iterable[tuple[bool, bool | None]]) -> Trial:
    """Pairs of what people said (good or not) and what the judge said."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    unusable = 0
    for good, said in verdicts:
        if said is None:
            unusable += 1
        else:
            counts[good, said] += 1
    return Trial(counts[True, True], counts[True, False], counts[False, True], counts[False, False], unusable)


def even_sample(rows: Sequence[LabelledAnswer], most: int, seed: int = 0) -> list[LabelledAnswer]:
    """At most `most` rows, as many good as bad ones where there are, in a seeded order.

    Rates are of each side alone, so an even sample measures both best.
    """
    shuffled = Random(seed).sample(list(rows), len(rows))  # noqa: S311  a sample keeps no secret
    good = [row for row in shuffled if row.good]
    bad = [row for row in shuffled if not row.good]
    half = max(most // 2, most - len(bad) if len(bad) < most // 2 else most // 2)
    chosen = good[:half]
    return chosen + bad[: most - len(chosen)]
