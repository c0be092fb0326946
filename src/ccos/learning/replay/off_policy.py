"""What another policy would have been worth, from decisions that were logged with their chances.

Averaging the decisions that both policies share is biased: the logging policy chose them for a reason. The
estimators here weigh each decision by how much more often the new policy would have taken it:
w = min(P(new takes what was taken) / P(logged), MOST_WEIGHT), r = what came of it, m = the mean outcome of a
cell and tier, pi = the new policy's chances;

    IPS = mean(w r)        SNIPS = sum(w r) / sum(w)        DR = mean(sum_a pi(a) m(a) + w (r - m(taken)))

(Horvitz, Thompson 1952; Swaminathan, Joachims 2015; Dudik, Langford, Li 2011). All are told with the
deviation of DR and the effective sample size sum(w)^2 / sum(w^2) (Kish). A cut weight makes IPS too low.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ccos.domain.tier import Tier
from ccos.learning.replay.curve import Floats

MOST_WEIGHT = 20.0
APART = 2.0
"""Policies whose difference is not so many standard deviations are not ranked."""
SHRUNKEN_BY = 10.0
"""How many decisions of a cell the mean of its tier weighs as much as."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One decision: the tier that was begun with, the chance each tier had, and how good the outcome was.

    `cell` groups decisions that are alike, for the model of rewards. What nobody knows the outcome of is no
    part of a log.
    """

    cell: str
    chosen: Tier
    chances: Mapping[Tier, float]
    reward: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's value per decision; `deviation` is the standard deviation of `doubly_robust`.

    `effective` is how many decisions of its own the log is worth. `snips` is NaN where the policy never takes
    what was taken.
    """

    ips: float
    snips: float
    doubly_robust: float
    deviation: float
    effective: float
    decisions: int


Chooses = Callable[[Logged], Mapping[Tier, float]]
"""The chances with which a policy would take each tier; they sum to 1."""


def estimate(log: Sequence[Logged], policy: Chooses) -> Estimate:
    """The value of `policy` by the log. Raises ValueError for an empty log, or a choice without a chance."""
    weights, robust = _weighed(log, policy)
    rewards = np.array([row.reward for row in log])
    total = float(weights.sum())
    return Estimate(
        ips=float((weights * rewards).mean()),
        snips=float((weights * rewards).sum() / total) if total else float("nan"),
        doubly_robust=float(robust.mean()),
        deviation=_deviation(robust),
        effective=float(total**2 / (weights**2).sum()) if total else 0.0,
        decisions=len(log),
    )


def better(log: Sequence[Logged], one: Chooses, other: Chooses) -> bool | None:
    """Whether `one` is worth more than `other`; None where the log cannot tell them apart.

    The difference is taken decision by decision, so that what both share does not blur it.
    """
    apart = _weighed(log, one)[1] - _weighed(log, other)[1]
    difference, spread = float(apart.mean()), _deviation(apart)
    if not np.isfinite(spread) or abs(difference) <= APART * spread:
        return None
    return difference > 0


def _weighed(log: Sequence[Logged], policy: Chooses) -> tuple[Floats, Floats]:
    """Each decision's weight, and its doubly robust value."""
    if not log:
        raise ValueError("there are no decisions in the log")
    if any(row.chances.get(row.chosen, 0.0) <= 0 for row in log):
        raise ValueError("a decision was logged without the chance it had")
    expected = _rewards(log)
    weights, robust = np.zeros(len(log)), np.zeros(len(log))
    for place, row in enumerate(log):
        wanted = policy(row)
        weight = min(wanted.get(row.chosen, 0.0) / row.chances[row.chosen], MOST_WEIGHT)
        model = sum(p * expected.get((row.cell, tier), expected["", tier]) for tier, p in wanted.items())
        weights[place] = weight
        robust[place] = model + weight * (row.reward - expected[row.cell, row.chosen])
    return weights, robust


def _deviation(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


class _Expected(dict[tuple[str, Tier], float]):
    """Mean rewards; of what was never tried, 0.5: nobody knows."""

    def __missing__(self, key: tuple[str, Tier]) -> float:
        return 0.5


def _rewards(log: Sequence[Logged]) -> _Expected:
    """The mean reward of each cell and tier, shrunken towards the mean of the tier."""
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
            found[cell, tier] = (sum(values) + SHRUNKEN_BY * found["", tier]) / (len(values) + SHRUNKEN_BY)
    return found
