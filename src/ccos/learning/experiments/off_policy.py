"""What beginning with another tier would have been worth, from plans that were logged with their chances.

The estimators are those of `learning/replay/off_policy.py` (IPS, SNIPS, doubly robust). Here stands what may
be asked of a log at all: a policy can only be judged on decisions in which it had a chance. One that never
varied says nothing about another, and a few lucky decisions with large weights say little: by Kish's
effective sample size, sum(w)^2 / sum(w^2), what counts is how many decisions of its own a policy has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from ccos.domain.tier import Tier

if TYPE_CHECKING:
    from ccos.learning.replay.off_policy import Chooses, Estimate, Logged

LEAST_EFFECTIVE = 100.0
"""Decisions that the log must be worth for a policy to be judged by it."""

Refusal = Literal["deterministic", "no_chance", "never_tried", "too_few"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A policy: begin with `tier` wherever it had a chance, and as logged elsewhere.

    `could` is how many decisions it could have changed. `refused` says why there is no estimate.
    """

    tier: Tier
    could: int
    estimate: Estimate | None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """`as_logged` is the mean of what came of the log. `order` holds pairs of tiers of which the first is
    better to begin with; pairs the log cannot tell apart are not in it.
    """

    decisions: int
    as_logged: float | None
    policies: tuple[Judged, ...]
    order: tuple[tuple[Tier, Tier], ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "decisions": self.decisions,
            "as_logged": self.as_logged,
            "least_effective": LEAST_EFFECTIVE,
            "policies": [
                {
                    "tier": each.tier.value,
                    "could": each.could,
                    "refused": each.refused,
                    "estimate": None if each.estimate is None else asdict(each.estimate),
                }
                for each in self.policies
            ],
            "order": [[one.value, other.value] for one, other in self.order],
        }


def judge(rows: Sequence[Mapping[str, Any]]) -> Judgement:
    """Of logged decisions (`learning/replay/decisions.py`) whose outcome `good` is known."""
    from ccos.learning.replay.decisions import log_from_decisions
    from ccos.learning.replay.off_policy import better, estimate

    known = [row for row in rows if row.get("good") is not None]
    tiers = sorted({Tier(name) for row in known for name in row["eligible"]}, key=lambda tier: tier.rank)
    broken = any(not 0 < float(row.get("propensity") or 0) <= 1 for row in known)
    if broken:
        refused: list[Judged] = [Judged(tier, 0, None, "no_chance") for tier in tiers]
        return Judgement(len(known), None, tuple(refused), ())
    log = log_from_decisions(known)
    varied = any(0 < row.chances[row.chosen] < 1 for row in log)
    policies = []
    for tier in tiers:
        could = sum(0 < row.chances.get(tier, 0.0) < 1 for row in log)
        if not varied:
            policies.append(Judged(tier, could, None, "deterministic"))
        elif not could:
            policies.append(Judged(tier, could, None, "never_tried"))
        else:
            told = estimate(log, beginning_with(tier))
            few = _effective(log, tier) < LEAST_EFFECTIVE
            policies.append(Judged(tier, could, None if few else told, "too_few" if few else None))
    order = []
    for one, other in combinations([each.tier for each in policies if each.estimate], 2):
        told_apart = better(log, beginning_with(one), beginning_with(other))
        if told_apart is not None:
            order.append((one, other) if told_apart else (other, one))
    mean = sum(row.reward for row in log) / len(log) if log else None
    return Judgement(len(log), mean, tuple(policies), tuple(order))


def beginning_with(tier: Tier) -> Chooses:
    """The policy that begins with the tier wherever it had a chance, and as logged elsewhere."""

    def choose(row: Logged) -> Mapping[Tier, float]:
        return {tier: 1.0} if row.chances.get(tier, 0.0) > 0 else row.chances

    return choose


def _effective(log: Sequence[Logged], tier: Tier) -> float:
    """Of the decisions that the policy could have changed: the others would hide how few there are."""
    weights = [
        1.0 / row.chances[tier] if row.chosen is tier else 0.0
        for row in log
        if 0 < row.chances.get(tier, 0.0) < 1
    ]
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0
