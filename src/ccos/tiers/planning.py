"""Plan: which tiers to try, in which order, and why. Pure: outlooks in, one plan out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from ccos.domain.tier import Mode, Tier

WORTH_OF_A_GOOD_DRAFT = 400_000
"""Micro-USD a draft that needs no rewriting is worth: about two minutes of a person at $12 an hour.

Policy, not a measurement. It has to be well above one cloud call, so that one more tier beats giving up.
"""
SECOND = 200
"""Micro-USD one second of waiting costs in the same scale: it breaks ties between equal plans."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of a tier for one task: `capability` is the chance that the gate accepts."""

    tier: Tier
    capability: float
    cost_micro_usd: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    tiers: tuple[Tier, ...]
    why: str
    success: float = 0.0
    cost_micro_usd: float = 0.0
    seconds: float = 0.0


def make_plan(
    mode: Mode, outlooks: Iterable[Outlook], *, required_quality: float, seconds: float, max_calls: int
) -> Plan:
    """The best of the at most 15 ordered tier lists under the mode.

    The mode gives the order; every non-empty selection in that order is weighed by expected success,
    cost and latency (cascade formulas: each tier is paid only if all before it were refused), and the
    rule tier closes every plan, since it costs nothing and cannot fail. `max_calls` bounds the tiers
    before the rules; `seconds` is the time there is.
    """
    ordered = _in_order(mode, list(outlooks), required_quality)
    options = [
        option
        for size in range(1, len(ordered) + 1)
        for option in combinations(ordered, size)
        if _closes_with_rules(option, ordered) and _calls(option) <= max_calls
    ]
    if not options:
        return Plan((), "no tier may be used")
    plans = [_weigh(option, mode) for option in options]
    in_time = [plan for plan in plans if plan.seconds <= seconds] or plans
    return max(in_time, key=_utility)


def _in_order(mode: Mode, outlooks: list[Outlook], required: float) -> list[Outlook]:
    """The mode's own order, rules last unless they are predicted good enough."""
    good = [o for o in outlooks if o.capability >= required - 1e-9]
    rest = [o for o in outlooks if o.capability < required - 1e-9]
    strongest_first = sorted(rest, key=lambda o: (-o.capability, o.tier.rank))
    match mode:
        case Mode.COST_FIRST:
            return sorted(good, key=lambda o: (o.cost_micro_usd, -o.tier.rank)) + strongest_first
        case Mode.LATENCY_FIRST:
            return sorted(good, key=lambda o: (o.seconds, o.cost_micro_usd)) + strongest_first
        case Mode.QUALITY_FIRST | Mode.OUTAGE:
            return sorted(outlooks, key=lambda o: (-o.capability, o.tier.rank))


def _closes_with_rules(option: Sequence[Outlook], ordered: Sequence[Outlook]) -> bool:
    has_rules = any(o.tier is Tier.RULE_BASED for o in ordered)
    return not has_rules or any(o.tier is Tier.RULE_BASED for o in option)


def _calls(option: Sequence[Outlook]) -> int:
    return sum(o.tier is not Tier.RULE_BASED for o in option)


def _weigh(option: Sequence[Outlook], mode: Mode) -> Plan:
    reached, success, cost, seconds = 1.0, 0.0, 0.0, 0.0
    for outlook in option:
        cost += reached * outlook.cost_micro_usd
        seconds += reached * outlook.seconds
        success += reached * outlook.capability
        reached *= 1.0 - outlook.capability
    names = " -> ".join(o.tier.value for o in option)
    return Plan(tuple(o.tier for o in option), f"{mode.value}: {names}", success, cost, seconds)


def _utility(plan: Plan) -> float:
    return WORTH_OF_A_GOOD_DRAFT * plan.success - plan.cost_micro_usd - SECOND * plan.seconds
