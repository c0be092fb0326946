"""Plan: which tiers to try, in which order, and why. Pure: outlooks in, one plan out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

from ccos.domain.money import Level
from ccos.domain.tier import Mode, Tier
from ccos.tiers.predicting import shifted

WORTH_OF_A_GOOD_DRAFT = 400_000
"""Micro-USD a draft that needs no rewriting is worth: about two minutes of a person at $12 an hour.

Policy, not a measurement. It has to be well above one cloud call, so that one more tier beats giving up.
"""
SECOND = 200
"""Micro-USD one second of waiting costs in the same scale: it breaks ties between equal plans."""
PRICE_OF_MONEY: Mapping[Level, float] = MappingProxyType(
    {Level.OK: 1.0, Level.WARNING: 2.0, Level.COST_FIRST: 4.0, Level.EXHAUSTED: 4.0}
)
"""What a micro-USD counts for once the day's money runs out: the shadow price of the budget, in steps."""
HARDNESS = 1.0
"""How much one refused answer takes from the log-odds of the others, when its quality was 0.

An answer that just missed says little about a stronger tier; one that was far off, that the ticket is hard.
"""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of a tier for one task: `capability` is the chance that the gate accepts.

    `good` is the chance that an accepted answer is approved or lightly edited. `usual` is the capability at
    such tickets with usual evidence, where that is another: tiers are put in order by it, since thin evidence
    lowers all alike and is no reason to begin with the dearest.
    """

    tier: Tier
    capability: float
    cost_micro_usd: int
    seconds: float
    good: float = 1.0
    usual: float | None = None

    def reaches(self, required: float) -> bool:
        """Whether it is predicted good enough: by the gate, and by those who see what the gate accepts."""
        usual = self.capability if self.usual is None else self.usual
        return min(usual, self.good) >= required - 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """`success` is the chance that some tier's answer is accepted, `quality` that it is then good too."""

    tiers: tuple[Tier, ...]
    why: str
    success: float = 0.0
    cost_micro_usd: float = 0.0
    seconds: float = 0.0
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer the gate did not accept. `quality` is None where a veto spoke: that tells of no hardness."""

    tier: Tier
    quality: float | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is known once tiers were asked: `asked` in order, and those of their answers that were refused.

    `calls_left` and `seconds_left` are for all that follows; `missing_evidence` says that a veto named it.
    """

    asked: tuple[Tier, ...]
    refused: tuple[Refused, ...]
    calls_left: int
    seconds_left: float
    missing_evidence: bool = False


def make_plan(
    mode: Mode,
    outlooks: Iterable[Outlook],
    *,
    required_quality: float,
    seconds: float,
    max_calls: int,
    level: Level = Level.OK,
    first: Tier | None = None,
) -> Plan:
    """The best of the at most 15 ordered tier lists under the mode.

    The mode gives the order; every non-empty selection in that order is weighed by expected quality,
    cost and latency (cascade formulas: each tier is paid only if all before it were refused), and the
    rule tier closes every plan, since it costs nothing and cannot fail. `max_calls` bounds the tiers
    before the rules; `seconds` is the time there is. `level` is how far the day's money has gone, `first`
    the tier to begin with whatever it is worth.
    """
    ordered = _in_order(mode, list(outlooks), required_quality)
    if first is not None:
        ordered.sort(key=lambda o: o.tier is not first)
    options = [
        option
        for size in range(1, len(ordered) + 1)
        for option in combinations(ordered, size)
        if _closes_with_rules(option, ordered)
        and _calls(option) <= max_calls
        and (first is None or option[0].tier is first)
    ]
    if not options:
        return Plan((), "no tier may be used")
    plans = [_weigh(option, mode) for option in options]
    in_time = [plan for plan in plans if plan.seconds <= seconds] or plans
    price = PRICE_OF_MONEY[level]
    return max(in_time, key=lambda plan: _utility(plan, price))


def replan(
    mode: Mode,
    outlooks: Iterable[Outlook],
    learnt: Learnt,
    *,
    required_quality: float,
    level: Level = Level.OK,
) -> Plan:
    """The best plan for what is left, with what the tiers asked so far have shown.

    A refused answer lowers what is expected of the others by how far it missed; a failed call says nothing
    of the ticket. Where evidence is missing only the rules are left, which can ask or hand over.
    """
    rest = [o for o in outlooks if o.tier not in learnt.asked]
    if learnt.missing_evidence or learnt.calls_left <= 0:
        rest = [o for o in rest if o.tier is Tier.RULE_BASED]
    by = -HARDNESS * sum(_miss(each.quality, required_quality) for each in learnt.refused)
    plan = make_plan(
        mode,
        [_harder(o, by) for o in rest],
        required_quality=required_quality,
        seconds=learnt.seconds_left,
        max_calls=max(learnt.calls_left, 0),
        level=level,
    )
    after = " and ".join(tier.value for tier in learnt.asked)
    return replace(plan, why=f"{plan.why}, after {after}") if after and plan.tiers else plan


def _harder(outlook: Outlook, by: float) -> Outlook:
    """Where a ticket proves hard, all models do worse at it, and their order stays."""
    if by == 0.0 or outlook.tier is Tier.RULE_BASED:
        return outlook
    usual = outlook.capability if outlook.usual is None else outlook.usual
    return replace(outlook, capability=shifted(outlook.capability, by), usual=usual)


def _miss(quality: float | None, required: float) -> float:
    """How far an answer was off, in [0, 1]: 0 for a near miss."""
    return 0.0 if quality is None or required <= 0 else min(max((required - quality) / required, 0.0), 1.0)


def _in_order(mode: Mode, outlooks: list[Outlook], required: float) -> list[Outlook]:
    """The mode's own order, rules last unless they are predicted good enough."""
    good = [o for o in outlooks if o.reaches(required)]
    rest = [o for o in outlooks if not o.reaches(required)]
    strongest_first = sorted(rest, key=lambda o: (-o.capability * o.good, o.tier.rank))
    match mode:
        case Mode.COST_FIRST:
            return sorted(good, key=lambda o: (o.cost_micro_usd, -o.tier.rank)) + strongest_first
        case Mode.LATENCY_FIRST:
            return sorted(good, key=lambda o: (o.seconds, o.cost_micro_usd)) + strongest_first
        case Mode.QUALITY_FIRST | Mode.OUTAGE:
            return sorted(outlooks, key=lambda o: (-o.capability * o.good, o.tier.rank))


def _closes_with_rules(option: Sequence[Outlook], ordered: Sequence[Outlook]) -> bool:
    has_rules = any(o.tier is Tier.RULE_BASED for o in ordered)
    return not has_rules or any(o.tier is Tier.RULE_BASED for o in option)


def _calls(option: Sequence[Outlook]) -> int:
    return sum(o.tier is not Tier.RULE_BASED for o in option)


def _weigh(option: Sequence[Outlook], mode: Mode) -> Plan:
    reached, success, quality, cost, seconds = 1.0, 0.0, 0.0, 0.0, 0.0
    for outlook in option:
        cost += reached * outlook.cost_micro_usd
        seconds += reached * outlook.seconds
        success += reached * outlook.capability
        quality += reached * outlook.capability * outlook.good
        reached *= 1.0 - outlook.capability
    names = " -> ".join(o.tier.value for o in option)
    return Plan(tuple(o.tier for o in option), f"{mode.value}: {names}", success, cost, seconds, quality)


def _utility(plan: Plan, price: float) -> float:
    return WORTH_OF_A_GOOD_DRAFT * plan.quality - price * plan.cost_micro_usd - SECOND * plan.seconds
