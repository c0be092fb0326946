"""Guardrails: whether an arm makes something worse than it may, by a one-sided test that always holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ccos.domain.experiment import Guardrail, Seen
from ccos.learning.experiments.adjusting import difference, variance_of_mean
from ccos.learning.experiments.sequential import LEAST, Difference, log_harm, p_value
from ccos.learning.experiments.sums import Sums

SLOW_SHARE = 0.05
"""The 95th percentile is above a bound when more than this share of drafts is."""


class Watched(NamedTuple):
    """What an arm has shown of one guardrail. `cost` pairs USD (y) with approvals (x)."""

    reopened: Sums = Sums()
    rejected: Sums = Sums()
    vetoed: Sums = Sums()
    slow: Sums = Sums()
    cost: Sums = Sums()


class Tally:
    """Counts what becomes of an arm's drafts, one after the other; `slow_above` in seconds."""

    __slots__ = ("_cost", "_decided", "_drafts", "_rejected", "_reopened", "_slow", "_slow_above", "_vetoed")

    def __init__(self, slow_above: float) -> None:
        self._slow_above = slow_above
        self._drafts = self._vetoed = self._slow = 0
        self._decided = self._rejected = self._reopened = 0
        self._cost = Sums()

    def note_draft(self, one: Seen) -> None:
        self._drafts += 1
        self._vetoed += one.vetoed
        self._slow += one.latency_seconds > self._slow_above

    def note_decision(self, one: Seen) -> None:
        rejected = one.verdict == "rejected"
        self._decided += 1
        self._rejected += rejected
        self._reopened += one.reopened and not rejected
        self._cost = self._cost.plus(one.cost_usd, float(not rejected))

    @property
    def watched(self) -> Watched:
        return Watched(
            reopened=_share(self._decided - self._rejected, self._reopened),
            rejected=_share(self._decided, self._rejected),
            vetoed=_share(self._drafts, self._vetoed),
            slow=_share(self._drafts, self._slow),
            cost=self._cost,
        )


def _share(n: int, hits: int) -> Sums:
    return Sums(n, float(hits), float(hits))


@dataclass(frozen=True, slots=True)
class GuardReading:
    """`value` of the arm beside the `control`'s, None where nothing was seen; `p` of keeping the bound.

    Shares of `reopened`, `rejected`, `vetoed`; USD an approved draft; for `p95_seconds` the share of drafts
    that took longer than the bound.
    """

    arm: str
    name: str
    bound: float
    n: int
    value: float | None
    control: float | None
    p: float
    harmed: bool


def excess(guardrail: Guardrail, control: Watched, arm: Watched) -> list[tuple[Difference, float]]:
    """How far beyond its bound the arm is, with the size of harm to look for; all of them must show for harm.

    Slow drafts must be more than one in twenty and more than the control's: no arm makes a machine slow.
    """
    bound = guardrail.bound
    if guardrail.name == "cost_per_approved":
        return [_dearer(control.cost, arm.cost, 1 + bound)]
    if guardrail.name == "p95_seconds":
        over = Difference(arm.slow.mean - SLOW_SHARE, variance_of_mean(arm.slow, 1.0))
        return [(over, SLOW_SHARE), (difference(control.slow, arm.slow), SLOW_SHARE)]
    one, other = shares(guardrail, control), shares(guardrail, arm)
    found = difference(one, other)
    # Shares near 0 have next to no variance until something happened: one more of each is assumed.
    unseen = sum(1 / (each.n + 1) ** 2 for each in (one, other))
    return [(Difference(found.effect - bound, found.variance + unseen), bound)]


def shares(guardrail: Guardrail, watched: Watched) -> Sums:
    """The sums a guardrail looks at."""
    named = {
        "reopened": watched.reopened,
        "rejected": watched.rejected,
        "vetoed": watched.vetoed,
        "p95_seconds": watched.slow,
        "cost_per_approved": watched.cost,
    }
    return named[guardrail.name]


def value(guardrail: Guardrail, watched: Watched) -> float | None:
    """What a page shows of an arm: a share, or USD an approved draft; None before anything is known."""
    sums = shares(guardrail, watched)
    if guardrail.name == "cost_per_approved":
        return sums.y / sums.x if sums.x else None
    return sums.mean if sums.n else None


class Guard:
    """One guardrail of one arm, looked at again and again; keeps the most evidence of harm seen."""

    def __init__(self, guardrail: Guardrail, arm: str, *, alpha: float) -> None:
        self._guardrail = guardrail
        self._arm = arm
        self._alpha = alpha
        self._most = 0.0

    def look(self, control: Watched, arm: Watched) -> None:
        """Notes what is known at this moment; nothing before both arms have enough drafts."""
        if min(shares(self._guardrail, each).n for each in (control, arm)) >= LEAST:
            found = excess(self._guardrail, control, arm)
            least = min(log_harm(one, spread=max(spread, 1e-9)) for one, spread in found)
            self._most = max(self._most, least)

    def reading(self, control: Watched, arm: Watched) -> GuardReading:
        """What the last look and all before it say."""
        p = p_value(self._most)
        return GuardReading(
            self._arm,
            self._guardrail.name,
            self._guardrail.bound,
            shares(self._guardrail, arm).n,
            value(self._guardrail, arm),
            value(self._guardrail, control),
            p,
            p <= self._alpha,
        )


def _dearer(control: Sums, arm: Sums, times: float) -> tuple[Difference, float]:
    """Cost an approved draft against `times` the control's: both ratios linearised (the delta method).

    Nothing can be said while an arm has no approvals, or the control costs nothing: of nothing, no share.
    """
    if control.x <= 0 or arm.x <= 0 or control.y <= 0:
        return Difference(0.0, 0.0), 1.0
    ratios = control.y / control.x, arm.y / arm.x
    variance = times**2 * _of_ratio(control, ratios[0]) + _of_ratio(arm, ratios[1])
    return Difference(ratios[1] - times * ratios[0], variance), (times - 1) * ratios[0]


def _of_ratio(sums: Sums, ratio: float) -> float:
    residual = sums.variance - 2 * ratio * sums.covariance + ratio * ratio * sums.variance_of_x
    mean = sums.x / sums.n
    return max(residual, ratio * ratio / (sums.n + 1)) / (mean * mean * sums.n)
