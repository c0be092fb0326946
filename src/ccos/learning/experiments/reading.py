"""What an experiment says now: counts, the live interval and its way there, guardrails, and one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from typing import Any, Literal

from ccos.domain.experiment import Definition, Excluded, Metric, Seen
from ccos.domain.feedback import Use, use_of
from ccos.learning.experiments.adjusting import difference, theta, variance_cut, variance_left
from ccos.learning.experiments.checking import BROKEN_BELOW, left_out, ratio_evidence
from ccos.learning.experiments.guarding import Guard, GuardReading, Tally, Watched
from ccos.learning.experiments.sequential import LEAST, log_evidence, p_value, reach, wanted
from ccos.learning.experiments.sums import Sums

ALPHA = 0.05
LOOK_EVERY = 50
"""Drafts from one look to the next. More looks find no sooner what is there, and fool no more often."""
MOST_POINTS = 120
"""Of the interval's way that are shown."""
LONGEST_SECONDS = 1_800.0
"""To decide; a ticket left open over lunch says nothing of its draft."""

Code = Literal["broken", "thin", "harm", "better", "worse", "alike", "unknown"]


@dataclass(frozen=True, slots=True)
class ArmReading:
    """`tickets` got the arm; `compared` of them count; `mean` of the metric, None before any counts."""

    arm: str
    part: float
    tickets: int
    compared: int
    mean: float | None
    fell_over: int
    left_out: int
    """Compared with nothing because something near them in time fell over."""
    otherwise: int
    """Somebody asked for them to be made in another way, or what the arm wants was not to be had."""

    @property
    def thin(self) -> bool:
        return self.compared < LEAST


@dataclass(frozen=True, slots=True)
class Point:
    """The interval after `n` drafts of both arms."""

    at: float
    n: int
    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """An arm against the control: how much more of the metric, with an interval that holds at any moment.

    `points` is the way there, `missing` how many drafts of both arms until `least_effect` would show.
    """

    arm: str
    points: tuple[Point, ...]
    p: float
    missing: int

    @property
    def last(self) -> Point | None:
        return self.points[-1] if self.points else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """In one code; `arm` is whom it is about, `n` the drafts still missing, `what` the guardrail or check."""

    code: Code
    arm: str = ""
    n: int = 0
    what: str = ""

    @property
    def about(self) -> int:
        """`n` in two digits, rounded up: nobody needs 1,183 more drafts."""
        step = int(10 ** max(len(str(self.n)) - 2, 0))
        return -(-self.n // step) * step


@dataclass(frozen=True, slots=True)
class Reading:
    """`broken` names the check that failed: then contrasts, means and guardrails are hidden; they mislead.

    `variance_cut` is the share of the noise that CUPED took away.
    """

    metric: Metric
    arms: tuple[ArmReading, ...]
    contrasts: tuple[Contrast, ...]
    guardrails: tuple[GuardReading, ...]
    ratio_p: float
    broken: Literal["", "assigned", "compared"]
    variance_cut: float
    verdict: Verdict

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "metric": self.metric.value,
            "verdict": asdict(self.verdict),
            "broken": self.broken,
            "ratio_p": self.ratio_p,
            "variance_cut": self.variance_cut,
            "arms": [asdict(arm) | {"thin": arm.thin} for arm in self.arms],
            "contrasts": [asdict(each) for each in self.contrasts],
            "guardrails": [asdict(each) for each in self.guardrails],
        }


def read(definition: Definition, seen: Sequence[Seen], *, alpha: float = ALPHA) -> Reading:
    """All that may be said of the drafts `seen` so far. Each ticket counts once, by its first decided draft.

    With more than one arm beside the control, each is compared at alpha over their number (Bonferroni).
    """
    names = [arm.name for arm in definition.arms]
    drafts = sorted((one for one in seen if one.arm in names), key=lambda one: one.at)
    out = left_out([one.at for one in drafts], [one.excluded is Excluded.FELL_OVER for one in drafts])
    kept = [one for one, gone in zip(drafts, out, strict=True) if not gone and one.excluded is None]
    counted = _once(kept, definition.metric)
    arms = _arms(definition, drafts, out, counted)
    broken, ratio_p = _ratio(arms, definition.weights)
    if broken:
        arms = tuple(replace(arm, mean=None) for arm in arms)
    alpha /= len(names) - 1
    runs = _run(counted, names)
    guards = () if broken else _guards(definition, counted, kept, names, alpha)
    contrasts = (
        ()
        if broken
        else tuple(
            _contrast(name, runs, definition, part=(definition.weights[0], part), alpha=alpha)
            for name, part in zip(names[1:], definition.weights[1:], strict=True)
        )
    )
    whole = runs[-1][1] if runs else {}
    sums = [whole.get(name, Sums()) for name in names]
    reading = Reading(
        definition.metric,
        arms,
        contrasts,
        guards,
        ratio_p,
        broken,
        variance_cut(sums, theta(sums)),
        Verdict("unknown"),
    )
    return replace(reading, verdict=_verdict(definition, reading, alpha))


def outcome(metric: Metric, one: Seen) -> float | None:
    """The metric of a draft; None where it has none yet."""
    if metric is Metric.COST:
        return one.cost_usd
    if one.verdict is None:
        return None
    if metric is Metric.SECONDS:
        return None if one.seconds is None else min(one.seconds, LONGEST_SECONDS)
    use = use_of(one.verdict, one.changed)
    return float(use is Use.AS_IS if metric is Metric.AS_IS else use is not Use.REJECTED)


Counted = tuple[Seen, float, float]
"""A draft, when it counts, and its metric."""
Look = tuple[float, dict[str, Sums]]


def _once(drafts: Iterable[Seen], metric: Metric) -> list[Counted]:
    """The first draft of each ticket that has the metric, in the order they came to count."""
    first: dict[str, Counted] = {}
    for one in drafts:
        y = outcome(metric, one)
        if y is not None:
            at = one.at if metric is Metric.COST or one.decided_at is None else one.decided_at
            known = first.get(one.ticket_id)
            if known is None or at < known[1]:
                first[one.ticket_id] = one, at, y
    return sorted(first.values(), key=lambda each: each[1])


def _arms(
    definition: Definition, drafts: Sequence[Seen], out: Sequence[bool], counted: Sequence[Counted]
) -> tuple[ArmReading, ...]:
    names = [arm.name for arm in definition.arms]
    tickets: dict[str, set[str]] = {name: set() for name in names}
    fell, gone, otherwise = (dict.fromkeys(names, 0) for _ in range(3))
    count, total = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
    for one, is_out in zip(drafts, out, strict=True):
        tickets[one.arm].add(one.ticket_id)
        if one.excluded is Excluded.FELL_OVER:
            fell[one.arm] += 1
        elif one.excluded is not None:
            otherwise[one.arm] += 1
        elif is_out:
            gone[one.arm] += 1
    for one, _, y in counted:
        count[one.arm] += 1
        total[one.arm] += y
    return tuple(
        ArmReading(
            name,
            part,
            len(tickets[name]),
            count[name],
            total[name] / count[name] if count[name] else None,
            fell[name],
            gone[name],
            otherwise[name],
        )
        for name, part in zip(names, definition.weights, strict=True)
    )


def _ratio(
    arms: Sequence[ArmReading], parts: Sequence[float]
) -> tuple[Literal["", "assigned", "compared"], float]:
    """Both the tickets that got an arm and those that are compared must fall to the arms by their parts."""
    assigned = p_value(ratio_evidence([arm.tickets for arm in arms], parts))
    compared = p_value(ratio_evidence([arm.compared for arm in arms], parts))
    if assigned < BROKEN_BELOW:
        return "assigned", assigned
    return ("compared" if compared < BROKEN_BELOW else ""), min(assigned, compared)


def _run(counted: Sequence[Counted], names: Sequence[str]) -> list[Look]:
    """The sums of each arm at each look."""
    sums = dict.fromkeys(names, Sums())
    looks: list[Look] = []
    usual = [one.expected for one, _, _ in counted if one.expected is not None]
    middle = sum(usual) / len(usual) if usual else 0.0
    for n, (one, at, y) in enumerate(counted, start=1):
        x = middle if one.expected is None else one.expected
        sums[one.arm] = sums[one.arm].plus(y, x)
        if n % LOOK_EVERY == 0 or n == len(counted):
            looks.append((at, dict(sums)))
    return looks


def _contrast(
    name: str, looks: Sequence[Look], definition: Definition, *, part: tuple[float, float], alpha: float
) -> Contrast:
    control, spread = definition.control.name, definition.least_effect
    points: list[Point] = []
    most, missing = 0.0, 0
    for at, sums in looks:
        pair = sums[control], sums[name]
        if min(one.n for one in pair) < LEAST:
            continue
        by = theta(list(sums.values()))
        found = difference(*pair, by)
        most = max(most, log_evidence(found, spread=spread))
        half = reach(found.variance, spread=spread, alpha=alpha)
        points.append(
            Point(at, pair[0].n + pair[1].n, found.effect, found.effect - half, found.effect + half)
        )
    if looks:
        sums = looks[-1][1]
        by = theta(list(sums.values()))
        pair = sums[control], sums[name]
        noise = tuple(variance_left(one, by) if one.n >= LEAST else _usual(definition.metric) for one in pair)
        parts = part[0] / sum(part), part[1] / sum(part)
        needed = wanted((noise[0], noise[1]), parts, effect=spread, alpha=alpha)
        missing = max(needed - pair[0].n - pair[1].n, 0)
    return Contrast(name, _thinned(points), p_value(most), missing)


def _usual(metric: Metric) -> float:
    """The variance of one outcome before any was seen: of a share at the promised 80 %, else unknown."""
    return 0.16 if metric.more_is_better else 0.0


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    if len(points) <= MOST_POINTS:
        return tuple(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return tuple(points[round(place * step)] for place in range(MOST_POINTS))


def _guards(
    definition: Definition,
    counted: Sequence[Counted],
    kept: Sequence[Seen],
    names: Sequence[str],
    alpha: float,
) -> tuple[GuardReading, ...]:
    """Decided tickets, in their order; vetoes and seconds also of drafts that nobody decided about."""
    guards = [
        (guardrail, name, Guard(guardrail, name, alpha=alpha / max(len(definition.guardrails), 1)))
        for name in names[1:]
        for guardrail in definition.guardrails
    ]
    slow_above = next((g.bound for g in definition.guardrails if g.name == "p95_seconds"), float("inf"))
    decided = [one for one, _, _ in counted] if definition.metric is not Metric.COST else _decided(kept)
    tallies = {name: Tally(slow_above) for name in names}
    in_time = sorted(
        [*((one.at, 0, one) for one in kept), *((one.decided_at or one.at, 1, one) for one in decided)],
        key=itemgetter(0, 1),
    )
    watched: dict[str, Watched] = {}
    for n, (_, is_decision, one) in enumerate(in_time, start=1):
        if is_decision:
            tallies[one.arm].note_decision(one)
        else:
            tallies[one.arm].note_draft(one)
        if n % (2 * LOOK_EVERY) == 0 or n == len(in_time):
            watched = {name: tally.watched for name, tally in tallies.items()}
            for _, name, guard in guards:
                guard.look(watched[names[0]], watched[name])
    watched = watched or {name: Watched() for name in names}
    return tuple(guard.reading(watched[names[0]], watched[name]) for _, name, guard in guards)


def _decided(drafts: Iterable[Seen]) -> list[Seen]:
    first: dict[str, Seen] = {}
    for one in drafts:
        if one.verdict is not None:
            first.setdefault(one.ticket_id, one)
    return sorted(first.values(), key=lambda one: one.decided_at or one.at)


def _verdict(definition: Definition, reading: Reading, alpha: float) -> Verdict:
    """The gravest thing first: a broken comparison, harm, too little, then what the intervals say."""
    if reading.broken:
        return Verdict("broken", what=reading.broken)
    if harm := next((each for each in reading.guardrails if each.harmed), None):
        return Verdict("harm", harm.arm, what=harm.name)
    missing = max((each.missing for each in reading.contrasts), default=0)
    sign = 1 if definition.metric.more_is_better else -1
    sure = [each for each in reading.contrasts if each.last is not None and each.p <= alpha]
    better = [each for each in sure if each.last is not None and sign * each.last.effect > 0]
    if better:
        best = max(better, key=lambda each: sign * each.last.effect if each.last else 0.0)
        return Verdict("better", best.arm)
    if any(arm.thin for arm in reading.arms):
        return Verdict("thin", n=missing)
    if sure and len(sure) == len(reading.contrasts):
        return Verdict("worse", sure[0].arm)
    least = definition.least_effect
    if all(each.last and -least < each.last.low and each.last.high < least for each in reading.contrasts):
        return Verdict("alike")
    return Verdict("unknown", n=missing)
