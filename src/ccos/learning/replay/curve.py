"""Cost and quality of sending a part of the tickets to the strong model. Pure arithmetic over arrays.

A policy gives every row a score, "how well the weak model will do here, compared with the strong one"; for a
budget the rows with the lowest scores go to the strong model. Formulas as in RouteLLM (Ong et al. 2024,
arXiv 2406.18665, section 4): with q(s) the mean quality when a share s goes to the strong model,

    PGR(s) = (q(s) - q_weak) / (q_strong - q_weak)        APGR = integral of PGR over s from 0 to 1,

which is 0.5 for a policy that draws lots. Costs are counted in calls of the strong model: before the call, a
row costs 1 or `cost_ratio`; after the call (a cascade) the weak model is always paid, and a row that goes on
pays both. The saving is 1 minus the mean cost, against sending every row to the strong model.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT = 0.95
"""The share of the strong model's quality at which savings are told."""


@dataclass(frozen=True, slots=True)
class Point:
    """One budget: `strong_share` of the rows went to the strong model."""

    strong_share: float
    quality: float
    cost: float

    @property
    def saving(self) -> float:
        return 1.0 - self.cost


@dataclass(frozen=True, slots=True)
class Curve:
    """A policy over all budgets, from no row to every row at the strong model.

    `quality` and `cost` have one value more than there are rows.
    """

    quality: Floats
    cost: Floats
    apgr: float

    def first_reaching(self, quality: float) -> Point:
        """The first budget at which the quality is reached; every row at the strong model if none does."""
        reached = self.quality >= quality - 1e-12
        at = int(np.argmax(reached)) if reached.any() else len(self.quality) - 1
        return self.at(at)

    def at(self, index: int) -> Point:
        rows = len(self.quality) - 1
        return Point(index / rows, float(self.quality[index]), float(self.cost[index]))


def curve(score: Floats, weak: Floats, strong: Floats, *, cost_ratio: float, after_the_call: bool) -> Curve:
    """The curve of a policy. Rows of equal score are sent on in proportion, whatever their order."""
    rows = len(weak)
    steps = _cumulated(score, strong - weak)
    quality = float(weak.mean()) + steps / rows
    share = np.arange(rows + 1) / rows
    cost = cost_ratio + share if after_the_call else share + cost_ratio * (1.0 - share)
    return Curve(quality, cost, _apgr(quality, float(weak.mean()), float(strong.mean())))


def cascade(
    score: Floats, skip: NDArray[np.bool_], weak: Floats, strong: Floats, *, cost_ratio: float
) -> Curve:
    """A gate behind a router: rows in `skip` go to the strong model first and are not asked of the weak one.

    Without any budget for the strong model they too are answered by the weak one.
    """
    rows = len(weak)
    first = np.where(skip, -np.inf, score)
    quality = float(weak.mean()) + _cumulated(first, strong - weak) / rows
    share = np.arange(rows + 1) / rows
    spared = np.minimum(np.arange(rows + 1), int(skip.sum())) / rows
    return Curve(
        quality, cost_ratio + share - cost_ratio * spared, _apgr(quality, weak.mean(), strong.mean())
    )


def _cumulated(score: Floats, gain: Floats) -> Floats:
    """The sum of gains of the k lowest scores, for k = 0 .. rows; within a tie each counts as their mean."""
    _, place = np.unique(score, return_inverse=True)
    mean = np.bincount(place, weights=gain) / np.bincount(place)
    order = np.argsort(place, kind="stable")
    return np.concatenate([[0.0], np.cumsum(mean[place[order]])])


def _apgr(quality: Floats, weak: float, strong: float) -> float:
    """NaN where the strong model is not the better one: there is no gap to recover."""
    if strong - weak <= 1e-12:
        return float("nan")
    gap = (quality - weak) / (strong - weak)
    return float(np.trapezoid(gap, dx=1.0 / (len(gap) - 1)))


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle 95 % of a figure over bootstrap resamplings."""

    low: float
    high: float


def bootstrap(
    score: Floats,
    weak: Floats,
    strong: Floats,
    groups: Sequence[Hashable],
    *,
    cost_ratio: float,
    after_the_call: bool,
    times: int = 300,
    seed: int = 0,
) -> tuple[Spread, Spread]:
    """Of APGR, and of the saving at KEPT of the strong model's quality, over groups drawn with replacement.

    A resample in which the strong model is not the better one is left out.
    """
    draw = np.random.default_rng(seed)
    numbers: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        numbers.setdefault(group, []).append(place)
    members = list(numbers.values())
    areas, savings = [], []
    for _ in range(times):
        chosen = draw.integers(0, len(members), len(members)).tolist()
        rows = np.array([place for group in chosen for place in members[group]], dtype=np.intp)
        again = curve(
            score[rows], weak[rows], strong[rows], cost_ratio=cost_ratio, after_the_call=after_the_call
        )
        if np.isfinite(again.apgr):
            areas.append(again.apgr)
            savings.append(again.first_reaching(KEPT * float(strong[rows].mean())).saving)
    return _spread(areas), _spread(savings)


def _spread(values: list[float]) -> Spread:
    if not values:
        return Spread(float("nan"), float("nan"))
    low, high = np.percentile(values, [2.5, 97.5])
    return Spread(float(low), float(high))
