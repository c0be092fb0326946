"""The figures of a drill: pure functions over what was written down."""

from __future__ import annotations

import math
import operator
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ccos.domain.draft import Outcome
from ccos.domain.tier import Tier
from ccos.drill.records import PHASES, Outage, Record, Sample

ANSWERED_AIM = 0.999
SWITCH_AIM = 0.95
QUALITY_AIM = 0.7
BACK_AIM_SECONDS = 30.0

Seen = Literal["pass", "fail", "not_measured"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the drafts of one phase came to. Shares are in [0, 1], None when there is nothing to divide.

    `answered`: came inside the deadline with words in it. `useful`: ready or needs_review among these.
    `quality` is the mean over useful drafts, to be read beside `useful`; `scorers` say what measured it.
    """

    drafts: int
    answered: float | None
    useful: float | None
    ready: float | None
    quality: float | None
    scorers: tuple[str, ...]
    seconds_mean: float | None
    seconds_p50: float | None
    seconds_p95: float | None
    seconds_max: float | None
    switches: int
    switched: float | None
    tiers: dict[str, int]
    states: dict[str, int]
    reasons: dict[str, int]
    cost_usd: float
    failed_cost_usd: float


def figures(samples: Sequence[Sample], tier: Tier) -> Figures:
    """Of any set of drafts; `tier` is the one that was made to fail."""
    useful = [s for s in samples if s.useful]
    graded = [s.quality for s in useful if s.quality is not None]
    seconds = sorted(s.seconds for s in samples)
    switches = [did for s in samples if (did := s.switched_from(tier)) is not None]
    wasted = [t for s in samples for t in s.tried if t.called and t.outcome is not Outcome.ACCEPTED]
    reasons = Counter(t.reason for s in samples for t in s.tried if t.tier is tier and t.in_vain)
    return Figures(
        drafts=len(samples),
        answered=share(s.in_time for s in samples),
        useful=share(s.useful for s in samples),
        ready=share(s.ready for s in samples),
        quality=round(statistics.fmean(graded), 4) if graded else None,
        scorers=tuple(sorted({s.scorer for s in useful if s.scorer})),
        seconds_mean=round(statistics.fmean(seconds), 4) if seconds else None,
        seconds_p50=percentile(seconds, 50),
        seconds_p95=percentile(seconds, 95),
        seconds_max=percentile(seconds, 100),
        switches=len(switches),
        switched=share(switches),
        tiers=dict(sorted(Counter(s.tier.value if s.tier else "none" for s in samples).items())),
        states=dict(sorted(Counter(s.state.value if s.state else "lost" for s in samples).items())),
        reasons=dict(reasons.most_common()),
        cost_usd=round(sum(s.cost_usd for s in samples), 6),
        failed_cost_usd=round(sum(t.cost_usd for t in wasted), 6),
    )


def share(hits: Iterable[bool]) -> float | None:
    counted = list(hits)
    return round(sum(counted) / len(counted), 6) if counted else None


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest rank of values in order: a value that was measured, never one between two."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(percent * len(ordered) / 100) - 1)], 4)


Name = Literal["answered", "switched", "fallback_quality", "back", "one_probe", "money"]
Unit = Literal["share", "score", "seconds", "calls", "usd"]


_OF_THE_TIER: frozenset[Name] = frozenset({"switched", "fallback_quality", "back", "one_probe"})


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing CCOS promises, and what the drill saw of it.

    `value` and `aim` are in `unit`; `of` is how many were counted, `beside` a figure it must be read with.
    """

    name: Name
    unit: Unit
    aim: float
    verdict: Seen = "not_measured"
    value: float | None = None
    of: int = 0
    beside: float | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A tier that wrote none of `drafts` while nothing was made to fail; `reasons` are what its attempts, or
    their want, said.
    """

    drafts: int
    reasons: dict[str, int]


def absent(record: Record) -> Absent | None:
    """Whether the drill had no tier to take away: judged before the outage, or after it where nothing was
    drafted before. None where the tier wrote, or nobody can tell.
    """
    healthy = of_phase(record.samples, "before") or [s for s in record.samples if s.phase != "during"]
    if not healthy or any(s.tier is record.tier for s in healthy):
        return None
    said = Counter(
        t.reason
        for s in healthy
        for t in s.tried
        if t.tier is record.tier and t.outcome is not Outcome.ACCEPTED
    )
    return Absent(len(healthy), dict(said.most_common()))


def promises(samples: Sequence[Sample], outages: Sequence[Outage], record: Record) -> list[Promise]:
    """The promises as far as these drafts and outages show them. Where the tier was absent without a fault,
    nothing about it is measured.
    """
    tier = record.tier
    during = [s for s in samples if s.phase == "during"]
    everything, outage = figures(samples, tier), figures(during, tier)
    stood_in = [s for s in during if s.tier is not None and s.tier is not tier]
    fallback = figures([s for s in stood_in if s.accepted], tier)
    found = [
        _promise("answered", "share", ANSWERED_AIM, everything.answered, operator.ge, of=everything.drafts),
        _promise("switched", "share", SWITCH_AIM, outage.switched, operator.gt, of=outage.switches),
        _promise(
            "fallback_quality",
            "score",
            QUALITY_AIM,
            fallback.quality,
            operator.gt,
            of=len(stood_in),
            beside=share(s.accepted for s in stood_in),
        ),
        _back([o for o in outages if o.looked]),
        _one_probe([o for o in outages if o.looked and o.rested], record),
        _promise(
            "money",
            "usd",
            record.spend_at_most_usd,
            record.spent_usd if record.paid else None,
            operator.le,
            of=everything.drafts,
        ),
    ]
    if absent(record) is None:
        return found
    return [Promise(p.name, p.unit, p.aim) if p.name in _OF_THE_TIER else p for p in found]


def judged(record: Record, found: Iterable[Promise]) -> Seen:
    """The verdict on these promises of a drill; one whose tier was absent passes nothing."""
    seen = verdict(found)
    return "not_measured" if seen == "pass" and absent(record) else seen


def verdict(found: Iterable[Promise]) -> Seen:
    """Of all of them: one that does not hold fails it, one that does is enough to pass."""
    seen = {promise.verdict for promise in found}
    return "fail" if "fail" in seen else "pass" if "pass" in seen else "not_measured"


def _promise(
    name: Name,
    unit: Unit,
    aim: float,
    value: float | None,
    holds: Callable[[float, float], bool],
    *,
    of: int,
    beside: float | None = None,
) -> Promise:
    if value is None:
        return Promise(name, unit, aim, of=of if beside is not None else 0, beside=beside)
    return Promise(name, unit, aim, "pass" if holds(value, aim) else "fail", value, of, beside)


def _back(looked: Sequence[Outage]) -> Promise:
    """The slowest return; a tier that did not return at all has no figure, and breaks the promise."""
    times = [o.back_seconds for o in looked if o.back_seconds is not None]
    if len(times) < len(looked):
        return Promise("back", "seconds", BACK_AIM_SECONDS, "fail", None, len(looked))
    worst = round(max(times), 3) if times else None
    return _promise("back", "seconds", BACK_AIM_SECONDS, worst, operator.le, of=len(looked))


def _one_probe(rested: Sequence[Outage], record: Record) -> Promise:
    """One call for each provider of the tier may find out whether it is back."""
    aim = float(max(1, sum(part.tier is record.tier for part in record.parts)))
    most = float(max(o.probes for o in rested)) if rested else None
    return _promise("one_probe", "calls", aim, most, operator.le, of=len(rested))


def of_phase(samples: Iterable[Sample], phase: str, fault: str | None = None) -> list[Sample]:
    """The samples of a phase, of one fault when one is named; "before" is one and the same for all faults."""
    return [
        s for s in samples if s.phase == phase and (fault is None or phase == "before" or s.fault == fault)
    ]


def by_phase(record: Record, fault: str | None = None) -> dict[str, Figures]:
    return {phase: figures(of_phase(record.samples, phase, fault), record.tier) for phase in PHASES}


def of_fault(record: Record, outage: Outage) -> list[Promise]:
    own = [s for s in record.samples if s.fault == outage.fault and s.phase != "before"]
    return promises(own, [outage], record)
