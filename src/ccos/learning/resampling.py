"""Is a certified promise kept? Tried on the labels themselves, again and again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ccos.learning.certifying import CONFIDENCE, LEAST, certify, upper_bound
from ccos.learning.metrics import Interval, wilson
from ccos.learning.repeats import one_each

RESAMPLINGS = 200


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of certifying on one part of the labels and counting on the other, `resamplings` times.

    `labels` is the mean size of the part that certified. `certified` is the share of times that a threshold
    was found; where none was, nothing was accepted: the promise is kept and the coverage is 0. `coverage` is
    the mean share of the other part that was accepted, `good` the mean share of good ones among those.
    `broken` is the share of times in which that share was below what is required; it includes the chance of
    the part it is counted on. `refuted` is the share of times in which that chance does not explain it
    (at 95 %).
    """

    required: float
    resamplings: int
    labels: int
    certified: float
    coverage: float
    good: float | None
    broken: float
    broken_interval: Interval
    refuted: float


def try_promise(
    qualities: ArrayLike,
    good: ArrayLike,
    groups: Sequence[Hashable],
    *,
    required: float,
    labels: int | None = None,
    resamplings: int = RESAMPLINGS,
    confidence: float = CONFIDENCE,
    least: int = LEAST,
    seed: int = 0,
    turns: Sequence[str] | None = None,
) -> Tried:
    """Certify on about `labels` answers (half of them all by default), count on the others.

    Whole groups go to one part. With `turns`, one answer of each group
    certifies (`repeats.one_each`). A negative quality stands for a vetoed answer, as in `certify`.
    Raises ValueError when the groups do not make two parts.
    """
    values, truth = np.asarray(qualities, dtype=float), np.asarray(good, dtype=bool)
    numbers: dict[Hashable, int] = {}
    member = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.intp)
    if len(numbers) < 2:
        raise ValueError("answers of one group alone cannot be parted")
    sizes = np.bincount(member)
    trials = np.ones(len(values), dtype=bool)
    if turns is not None:
        trials[:] = False
        trials[one_each(groups, turns)] = True
    wanted = min(labels or len(values) // 2, len(values) - 1)
    draw = np.random.default_rng(seed)
    taken, certified, broken, refuted = 0, 0, 0, 0
    coverages: list[float] = []
    shares: list[float] = []
    for _ in range(resamplings):
        order = draw.permutation(len(numbers))
        filled = np.cumsum(sizes[order])
        cut = min(int(np.searchsorted(filled, wanted)) + 1, len(numbers) - 1)
        chosen = np.zeros(len(numbers), dtype=bool)
        chosen[order[:cut]] = True
        ours = chosen[member]
        certifying = ours & trials
        taken += int(certifying.sum())
        found = certify(
            values[certifying], truth[certifying], required=required, confidence=confidence, least=least
        ).threshold
        if found is None:
            coverages.append(0.0)
            continue
        certified += 1
        accepted = ~ours & (values >= found - 1e-9)
        count, hits = int(accepted.sum()), int((accepted & truth).sum())
        coverages.append(count / int((~ours).sum()))
        if count:
            shares.append(hits / count)
            broken += hits / count < required - 1e-9
            refuted += upper_bound(hits, count, 0.95) < required
    return Tried(
        required=required,
        resamplings=resamplings,
        labels=round(taken / resamplings),
        certified=certified / resamplings,
        coverage=float(np.mean(coverages)),
        good=float(np.mean(shares)) if shares else None,
        broken=broken / resamplings,
        broken_interval=wilson(broken, resamplings),
        refuted=refuted / resamplings,
    )
