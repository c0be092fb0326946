"""The figures an operations manager is asked for, each with how many it rests on and how sure it is.

    approval  = (as is + edited) / decided        edited    = edited / decided
    rejection = rejected / decided                 answered  = finished with a reply / finished

`edited` counts from a fiftieth of the characters on (`domain.feedback`). Drafts that a newer message or an
agent's own reply overtook were decided by nobody: they stand beside, not inside. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ccos.domain.feedback import Use, reason_of
from ccos.learning.metrics import Interval, wilson
from ccos.store.kpis import Decided, Made, Quantiles

THIN = 30
"""Of fewer observations a figure is shown greyed: chance moves it more than anything else does."""

By = Literal["day", "tier", "model", "intent", "language", "channel", "agent", "made_as"]

ANSWERED = frozenset({"ready", "needs_review", "abstained"})
UNDECIDED = frozenset({"ready", "needs_review", "abstained"})
BESIDE = ("superseded", "expired", "failed")


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the 95 % interval of Wilson (1927)."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        return wilson(self.hits, self.n)

    @property
    def thin(self) -> bool:
        return self.n < THIN


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What people did with the drafts of one group."""

    decided: int = 0
    as_is: int = 0
    edited: int = 0
    rejected: int = 0
    timed: int = 0
    seconds: float = 0.0
    rated: int = 0
    csat: int = 0
    reopened: int = 0

    @property
    def approval(self) -> Share:
        return Share(self.as_is + self.edited, self.decided)

    @property
    def edits(self) -> Share:
        return Share(self.edited, self.decided)

    @property
    def rejection(self) -> Share:
        return Share(self.rejected, self.decided)

    @property
    def reopening(self) -> Share:
        """Of the replies that went out."""
        return Share(self.reopened, self.as_is + self.edited)

    @property
    def rating(self) -> Share:
        """How many of the replies that went out were rated at all."""
        return Share(self.rated, self.as_is + self.edited)


@dataclass(frozen=True, slots=True)
class Kpi:
    """A promise of the product and how it was kept. `value` is None where nothing says yet.

    `target` is to be reached from above ("at least") or below ("at most"). `met` is None where the figure is
    thin or missing; `sure` tells whether the whole interval is on one side of the target.
    """

    name: str
    value: float | None
    target: float
    direction: Literal["at least", "at most"]
    n: int
    interval: Interval | None = None
    exact: bool = False
    """Counted whole: chance has no part in it, however few there are."""

    @property
    def thin(self) -> bool:
        return self.n < THIN and not self.exact

    @property
    def met(self) -> bool | None:
        if self.value is None or self.thin:
            return None
        return self.value >= self.target if self.direction == "at least" else self.value <= self.target

    @property
    def sure(self) -> bool:
        if self.met is None:
            return False
        if self.interval is None:
            return self.exact
        return self.interval.low >= self.target or self.interval.high <= self.target


@dataclass(frozen=True, slots=True)
class Money:
    """`saved` is the share of what the premium model would have cost; `days_over` of `days` spent more than
    their limit."""

    saved: float | None
    days_over: int
    days: int


def outcomes(rows: Iterable[Decided]) -> Outcomes:
    """All rows as one group."""
    sums: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        sums["decided"] += row.n
        sums[row.use] += row.n
        for name in ("timed", "seconds", "rated", "csat", "reopened"):
            sums[name] += getattr(row, name)
    whole = {name: int(value) for name, value in sums.items() if name != "seconds"}
    return Outcomes(seconds=sums["seconds"], **whole)


def grouped(rows: Iterable[Decided], by: By) -> dict[str, Outcomes]:
    """One group for each value of `by`, the largest first; days in order."""
    groups: defaultdict[str, list[Decided]] = defaultdict(list)
    for row in rows:
        groups[str(getattr(row, by))].append(row)
    found = {name: outcomes(each) for name, each in groups.items()}
    largest = sorted(found, key=lambda name: (-found[name].decided, name))
    return {name: found[name] for name in (sorted(found) if by == "day" else largest)}


def reasons(rows: Iterable[Decided]) -> dict[str, int]:
    """Why drafts were rejected, the commonest first."""
    counted: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        if row.use == Use.REJECTED:
            counted[reason_of(row.reason).value] += row.n
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def beside(rows: Iterable[Made]) -> dict[str, int]:
    """Drafts that nobody decided about: overtaken, failed, and those that still wait."""
    counted = dict.fromkeys((*BESIDE, "waiting"), 0)
    for row in rows:
        if row.state in BESIDE:
            counted[row.state] += row.n
        elif row.state in UNDECIDED:
            counted["waiting"] += row.n
    return counted


def kpis(decided: Sequence[Decided], made: Sequence[Made], money: Money | None = None) -> list[Kpi]:
    """The promises of the product against what was seen. Without `money` those about it are left out."""
    people = outcomes(decided)
    answered = sum(row.n for row in made if row.made_as in ANSWERED)
    failed = sum(row.n for row in made if row.state == "failed")
    switched = sum(row.fallback for row in made)
    scored = sum(row.fallback_scored for row in made)
    took = [row for row in made if row.made_as in ANSWERED]
    drafts = sum(row.n for row in took)
    found = [
        _of_share("approval", people.approval, 0.80, "at least"),
        _of_share("edited", people.edits, 0.15, "at most"),
        _of_share("answered", Share(answered, answered + failed), 0.999, "at least"),
        _of_share("switches", Share(switched, switched + failed), 0.95, "at least"),
        Kpi(
            "fallback_quality",
            sum(row.fallback_quality for row in made) / scored if scored else None,
            0.7,
            "at least",
            scored,
        ),
        Kpi("seconds", sum(row.seconds for row in took) / drafts if drafts else None, 2.0, "at most", drafts),
    ]
    if money is not None:
        found += [
            Kpi("saved", money.saved, 0.6, "at least", drafts),
            Kpi("days_over_limit", float(money.days_over), 0.0, "at most", money.days, exact=True),
        ]
    return found


def _of_share(name: str, share: Share, target: float, direction: Literal["at least", "at most"]) -> Kpi:
    return Kpi(name, share.value, target, direction, share.n, share.interval if share.n else None)


def document(found: Outcomes) -> dict[str, Any]:
    """One group as JSON."""
    return {
        "decided": found.decided,
        "as_is": found.as_is,
        "edited": found.edited,
        "rejected": found.rejected,
        "approval": _share(found.approval),
        "edit": _share(found.edits),
        "rejection": _share(found.rejection),
        "seconds_to_decide": round(found.seconds / found.timed, 1) if found.timed else None,
        "csat": {"mean": round(found.csat / found.rated, 2) if found.rated else None, **_share(found.rating)},
        "reopened": _share(found.reopening),
    }


def kpi_document(found: Kpi) -> dict[str, Any]:
    return {
        "name": found.name,
        "value": _rounded(found.value),
        "low": _rounded(found.interval.low if found.interval else None),
        "high": _rounded(found.interval.high if found.interval else None),
        "n": found.n,
        "target": found.target,
        "direction": found.direction,
        "thin": found.thin,
        "met": found.met,
        "sure": found.sure,
    }


def quantiles_document(found: Mapping[str, Quantiles]) -> dict[str, Any]:
    return {
        name: {"n": each.n, "p50": round(each.p50, 3), "p95": round(each.p95, 3), "p99": round(each.p99, 3)}
        for name, each in sorted(found.items())
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "value": _rounded(share.value),
        "low": _rounded(share.interval.low) if share.n else None,
        "high": _rounded(share.interval.high) if share.n else None,
        "n": share.n,
        "thin": share.thin,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
