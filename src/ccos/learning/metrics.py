"""How well scores tell good answers from bad, and how true they are as probabilities. Needs numpy only.

Each measure takes the scores and, for each of them, whether the answer was good. A measure that is not
defined for them (no scores at all, or one class where there must be two) is None, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Weighted = Callable[[Floats], Floats]
"""A measure of many weighted samples at once: weights in rows, one result a row; nan where undefined."""

BINS = 15
ROOM = 4_000_000
"""Most weights of a bootstrap that are held at a time; bounds its memory at some 100 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores from `low` up to `high`: how many, their mean, and the share of good ones with its interval."""

    low: float
    high: float
    count: int
    score: float
    good: float
    interval: Interval


def auroc(scores: ArrayLike, good: ArrayLike) -> float | None:
    """The chance that a good answer has a higher score than a bad one, ties counted half (Mann-Whitney)."""
    return _whole(_auroc(*_pair(scores, good)), scores)


def average_precision(scores: ArrayLike, good: ArrayLike) -> float | None:
    """Mean precision over the recalls of the good ones, one step for each distinct score."""
    values, truth = _pair(scores, good)
    if not truth.any():
        return None
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[ends]
    steps = np.diff(hits, prepend=0.0)
    return float(np.sum(steps * hits / (ends + 1)) / truth.sum())


def brier(qualities: ArrayLike, good: ArrayLike) -> float | None:
    """Mean squared difference of probability and outcome: 0 is perfect."""
    values, truth = _pair(qualities, good)
    return float(np.mean((values - truth) ** 2)) if len(values) else None


Binning = Literal["width", "mass"]


def calibration_error(
    qualities: ArrayLike, good: ArrayLike, *, bins: int = BINS, by: Binning = "width"
) -> float | None:
    """ECE: mean distance of a bin's mean quality to its share of good ones, weighted by its count.

    `by` width: bins of equal width over [0, 1], as ECE is usually told; by mass: as many answers in each.
    """
    return _whole(_ece(*_pair(qualities, good), bins, by), qualities)


def reliability(
    qualities: ArrayLike, good: ArrayLike, *, bins: int = BINS, by: Binning = "width"
) -> tuple[Bin, ...]:
    """The bins of the calibration error that are not empty, with 95 % Wilson intervals."""
    values, truth = _pair(qualities, good)
    if not len(values):
        return ()
    edges = _edges(values, bins, by)
    places = _places(values, edges)
    found = []
    for place in range(len(edges) - 1):
        inside = places == place
        count, hits = int(inside.sum()), int(truth[inside].sum())
        if count:
            interval = wilson(hits, count)
            score = float(values[inside].mean())
            found.append(
                Bin(float(edges[place]), float(edges[place + 1]), count, score, hits / count, interval)
            )
    return tuple(found)


def wilson(hits: int, count: int, confidence: float = 0.95) -> Interval:
    """The interval of a share (Wilson 1927): it stays in [0, 1] and is of use for few counts, too."""
    if not count:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = hits / count, z * z / count
    middle = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    low, high = (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)
    return Interval(0.0 if hits == 0 else max(0.0, low), 1.0 if hits == count else min(1.0, high))


def spearman(one: ArrayLike, other: ArrayLike) -> float | None:
    """Correlation of the ranks, ties by their mean rank; None where one of both never changes."""
    a, b = _ranks(np.asarray(one, float)), _ranks(np.asarray(other, float))
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def auroc_interval(
    scores: ArrayLike, good: ArrayLike, groups: Sequence[Hashable], *, resamples: int = 1_000, seed: int = 0
) -> Interval | None:
    """95 % interval by a bootstrap of whole groups, percentiles."""
    return bootstrap(_auroc(*_pair(scores, good)), groups, resamples=resamples, seed=seed)


def auroc_gain_interval(
    one: ArrayLike,
    other: ArrayLike,
    good: ArrayLike,
    groups: Sequence[Hashable],
    *,
    resamples: int = 1_000,
    seed: int = 0,
) -> Interval | None:
    """95 % interval of how much higher the AUROC of `one` is than that of `other`, on the same draws."""
    first, second = _auroc(*_pair(one, good)), _auroc(*_pair(other, good))
    return bootstrap(lambda weights: first(weights) - second(weights), groups, resamples=resamples, seed=seed)


def calibration_interval(
    qualities: ArrayLike,
    good: ArrayLike,
    groups: Sequence[Hashable],
    *,
    bins: int = BINS,
    resamples: int = 1_000,
    seed: int = 0,
) -> Interval | None:
    """95 % interval of the ECE with bins of equal width.

    Chance alone moves shares away from their quality, so that every sample's ECE is too high, and a
    resample's once more. Both the percentiles and their reflection at the ECE are covered.
    """
    measure = _ece(*_pair(qualities, good), bins, "width")
    found = bootstrap(measure, groups, resamples=resamples, seed=seed)
    middle = _whole(measure, qualities)
    if found is None or middle is None:
        return None
    low, high = min(found.low, 2 * middle - found.high), max(found.high, 2 * middle - found.low)
    return Interval(max(0.0, low), min(1.0, high))


def bootstrap(
    measure: Weighted,
    groups: Sequence[Hashable],
    *,
    resamples: int = 1_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Percentile interval of `measure`, drawing whole groups with replacement (Efron 1979).

    A resample in which the measure is undefined is left out; None where it always is, or for one group.
    """
    numbers: dict[Hashable, int] = {}
    member = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.intp)
    if len(numbers) < 2:
        return None
    draw = np.random.default_rng(seed)
    even = np.full(len(numbers), 1 / len(numbers))
    at_a_time = max(1, min(resamples, ROOM // len(member)))
    found: list[Floats] = []
    for start in range(0, resamples, at_a_time):
        counts = draw.multinomial(len(numbers), even, size=min(at_a_time, resamples - start))
        found.append(measure(counts.astype(float)[:, member]))
    values = np.concatenate(found)
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    rest = (1 - confidence) / 2
    low, high = np.quantile(values, [rest, 1 - rest])
    return Interval(float(low), float(high))


def _auroc(values: Floats, truth: Floats) -> Weighted:
    if not len(values):
        return _undefined
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    positive = truth[order]

    def measure(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        up = np.add.reduceat(sorted_weights * positive, starts, axis=1)
        down = np.add.reduceat(sorted_weights * (1 - positive), starts, axis=1)
        below = np.cumsum(down, axis=1) - down / 2
        pairs = up.sum(axis=1) * down.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares: Floats = np.where(pairs > 0, (up * below).sum(axis=1) / pairs, np.nan)
        return shares

    return measure


def _ece(values: Floats, truth: Floats, bins: int, by: Binning) -> Weighted:
    if not len(values):
        return _undefined
    edges = _edges(values, bins, by)
    apart = np.zeros((len(values), len(edges) - 1))
    apart[np.arange(len(values)), _places(values, edges)] = values - truth

    def measure(weights: Floats) -> Floats:
        whole: Floats = np.abs(weights @ apart).sum(axis=1) / weights.sum(axis=1)
        return whole

    return measure


def _edges(values: Floats, bins: int, by: Binning) -> Floats:
    if by == "width":
        return np.linspace(0.0, 1.0, bins + 1)
    edges: Floats = np.unique(np.quantile(values, np.linspace(0.0, 1.0, bins + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0]])


def _places(values: Floats, edges: Floats) -> NDArray[np.intp]:
    """The bin of each value: from its lower edge, inclusive, up to its upper; the last one holds both."""
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _undefined(weights: Floats) -> Floats:
    return np.full(len(weights), np.nan)


def _whole(measure: Weighted, scores: ArrayLike) -> float | None:
    value = float(measure(np.ones((1, np.size(np.asarray(scores)))))[0])
    return None if math.isnan(value) else value


def _pair(scores: ArrayLike, good: ArrayLike) -> tuple[Floats, Floats]:
    values, truth = np.asarray(scores, dtype=float), np.asarray(good, dtype=float)
    if values.shape != truth.shape or values.ndim != 1:
        raise ValueError("there must be one label for each score")
    return values, truth


def rounded(value: float | None, digits: int = 4) -> Any:
    """For JSON: no more digits than mean something."""
    return None if value is None else round(value, digits)
