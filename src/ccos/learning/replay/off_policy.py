"""What another policy would have been worth, from decisions that were logged with their chances.

Averaging the decisions that both policies share is biased: the logging policy chose them for a reason. The
estimators here weigh each decision by how much more often the new policy would have taken it:
self-normalised inverse propensity scoring (Swaminathan, Joachims 2015) and doubly robust (Dudik, Langford, Li
2011), weights cut at MOST_WEIGHT. Both are told with their spread and the effective sample size (Kish).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ccos.domain.tier import Tier

MOST_WEIGHT = 20.0
APART = 2.0
"""Policies whose difference is not so many standard deviations are not ranked."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One decision: the tier that was begun with, the chance each tier had, and how good the outcome was.

    `cell` groups decisions that are alike, for the model of rewards; `reward` is None where nobody knows.
    """

    cell: str
    chosen: Tier
    chances: Mapping[Tier, float]
    reward: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's value per decision; `deviation` is the standard deviation of the estimate."""

    snips: float
    doubly_robust: float
    deviation: float
    effective: float
    decisions: int


Chooses = Callable[[Logged], Mapping[Tier, float]]
"""The chances with which a policy would take each tier."""


def estimate(log: Sequence[Logged], policy: Chooses) -> Estimate:
    """The value of `policy` by the log. Raises ValueError for an empty log, or a choice without a chance."""
    if not log:
        raise ValueError("there are no decisions in the log")
    if any(row.chances.get(row.chosen, 0.0) <= 0 for row in log):
        raise ValueError("a decision was logged without the chance it had")
    expected = _rewards(log)
    weights, corrections, models, rewards = [], [], [], []
    for row in log:
        wanted = policy(row)
        weight = min(wanted.get(row.chosen, 0.0) / row.chances[row.chosen], MOST_WEIGHT)
        weights.append(weight)
        rewards.append(row.reward)
        corrections.append(weight * (row.reward - expected[row.cell, row.chosen]))
        models.append(
            sum(p * expected.get((row.cell, tier), expected["", tier]) for tier, p in wanted.items())
        )
    w, r = np.array(weights), np.array(rewards)
    robust = np.array(models) + np.array(corrections)
    total = float(w.sum())
    return Estimate(
        snips=float((w * r).sum() / total) if total else float("nan"),
        doubly_robust=float(robust.mean()),
        deviation=float(robust.std(ddof=1) / np.sqrt(len(log))) if len(log) > 1 else float("inf"),
        effective=float(total**2 / (w**2).sum()) if total else 0.0,
        decisions=len(log),
    )


def better(log: Sequence[Logged], one: Chooses, other: Chooses) -> bool | None:
    """Whether `one` is worth more than `other`; None where the log cannot tell them apart."""
    first, second = estimate(log, one), estimate(log, other)
    spread = float(np.hypot(first.deviation, second.deviation))
    difference = first.doubly_robust - second.doubly_robust
    return None if abs(difference) < APART * spread or not np.isfinite(spread) else difference > 0


class _Expected(dict[tuple[str, Tier], float]):
    """Mean rewards; of what was never tried, 0.5: nobody knows."""

    def __missing__(self, key: tuple[str, Tier]) -> float:
        return 0.5


def _rewards(log: Sequence[Logged]) -> _Expected:
    """The mean reward of each cell and tier, shrunken towards the tier's own mean by ten decisions."""
    sums: dict[tuple[str, Tier], list[float]] = {}
    for row in log:
        sums.setdefault((row.cell, row.chosen), []).append(row.reward)
        sums.setdefault(("", row.chosen), []).append(row.reward)
    found = _Expected()
    for (cell, tier), values in sums.items():
        if cell == "":
            found[cell, tier] = float(np.mean(values))
    for (cell, tier), values in sums.items():
        if cell:
            found[cell, tier] = (sum(values) + 10 * found["", tier]) / (len(values) + 10)
    return found
