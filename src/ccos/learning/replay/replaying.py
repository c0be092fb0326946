"""One replay: every policy that can be trained on the outcomes, beside the ones nobody should lose to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ccos.learning.metrics import auroc
from ccos.learning.replay.curve import KEPT, Curve, Floats, Point, Spread, bootstrap, cascade, curve
from ccos.learning.replay.feasible import Feasibility, feasibility, gate_share
from ccos.learning.replay.outcomes import Outcome, qualities
from ccos.learning.replay.policies import Folds, gain, out_of_fold, trainable

Progress = Callable[[int, int | None], None]

POINTS = 101
"""Budgets told of each curve."""
SKIPPED = 0.1
"""Share of rows that a router before a gate sends on unasked: those where it expects the most of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One policy. `auroc` is how well its score tells rows with a good weak answer from others, None where
    answers are not good or bad. `kept` is the cheapest point at KEPT of the strong model's quality.
    """

    name: str
    after_the_call: bool | None
    apgr: float | None
    apgr_interval: Spread | None
    auroc: float | None
    kept: Point
    saving_interval: Spread | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """`rows` is how many outcomes were scored, each by a policy that had not seen it."""

    rows: int
    trained_on: int
    weak_quality: float
    strong_quality: float
    cost_ratio: float
    policies: tuple[Told, ...]
    feasible: Feasibility | None

    def policy(self, name: str) -> Told:
        return next(each for each in self.policies if each.name == name)


def replay(
    rows: Sequence[Outcome],
    folds: Folds,
    *,
    column: str,
    cost_ratio: float,
    required: float = 0.7,
    saving: float = 0.6,
    seed: int = 0,
    resamplings: int = 300,
    tell: Progress = lambda _done, _total: None,
) -> Replay:
    """Trains and scores everything out of fold. `cost_ratio`: a weak call's cost in strong calls."""
    policies = list(trainable(rows, column))
    total = len(policies) + 1
    scored = np.sort(np.concatenate([test for _, test in folds]))
    weak, strong = (values[scored] for values in qualities(rows))
    scores: dict[str, Floats] = {}
    told = []
    groups = [rows[n].group for n in scored]
    for done, (name, policy, after) in enumerate(policies):
        tell(done, total)
        scores[name] = out_of_fold(policy, rows, folds)[scored]
        told.append(_told(name, scores[name], weak, strong, groups, after, cost_ratio, resamplings, seed))
    if "gate" in scores:
        told.append(_skipping(scores, weak, strong, cost_ratio))
    told += _bounds([rows[n] for n in scored], weak, strong, cost_ratio)
    tell(total, total)
    return Replay(
        rows=len(scored),
        trained_on=max(len(train) for train, _ in folds),
        weak_quality=float(weak.mean()),
        strong_quality=float(strong.mean()),
        cost_ratio=cost_ratio,
        policies=tuple(told),
        feasible=_feasible(weak, scores.get("gate"), required, cost_ratio, saving),
    )


def document(found: Replay) -> dict[str, object]:
    """The replay as JSON: NaN, which JSON has not, as null."""
    told = {
        "n": found.rows,
        "trained_on": found.trained_on,
        "weak_quality": found.weak_quality,
        "strong_quality": found.strong_quality,
        "cost_ratio": found.cost_ratio,
        "kept_quality": KEPT,
        "policies": {each.name: _policy(each) for each in found.policies},
        "feasible": None if found.feasible is None else _feasibility(found.feasible),
    }
    cleaned = _clean(told)
    assert isinstance(cleaned, dict)
    return cleaned


def _policy(told: Told) -> dict[str, object]:
    return {
        "when": None
        if told.after_the_call is None
        else "after the call"
        if told.after_the_call
        else "before",
        "apgr": told.apgr,
        "apgr_interval": _pair(told.apgr_interval),
        "auroc": told.auroc,
        "saving": told.kept.saving,
        "saving_interval": _pair(told.saving_interval),
        "strong_share": told.kept.strong_share,
        "quality": told.kept.quality,
        "cost": told.kept.cost,
        "curve": [[p.strong_share, p.quality, p.cost] for p in told.points],
    }


def _feasibility(found: Feasibility) -> dict[str, object]:
    return {**asdict(found), "sentence": found.sentence}


def _pair(spread: Spread | None) -> list[float] | None:
    return None if spread is None else [spread.low, spread.high]


def _clean(value: object) -> object:
    match value:
        case float():
            return round(value, 6) if math.isfinite(value) else None
        case Mapping():
            return {key: _clean(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_clean(inner) for inner in value]
    return value


def _told(
    name: str,
    score: Floats,
    weak: Floats,
    strong: Floats,
    groups: Sequence[str],
    after: bool,
    cost_ratio: float,
    resamplings: int,
    seed: int,
) -> Told:
    found = curve(score, weak, strong, cost_ratio=cost_ratio, after_the_call=after)
    area, saved = bootstrap(
        score,
        weak,
        strong,
        groups,
        cost_ratio=cost_ratio,
        after_the_call=after,
        times=resamplings,
        seed=seed,
    )
    return _of(name, found, strong, after, area, saved, _auroc(score, weak))


def _skipping(scores: Mapping[str, Floats], weak: Floats, strong: Floats, cost_ratio: float) -> Told:
    """The gate with a router before it that spares the weak call where it is least hopeful."""
    before = scores.get("table + router", scores["router"])
    skip = before <= np.quantile(before, SKIPPED)
    found = cascade(scores["gate"], skip, weak, strong, cost_ratio=cost_ratio)
    return _of("router, then gate", found, strong, True)


def _bounds(rows: Sequence[Outcome], weak: Floats, strong: Floats, cost_ratio: float) -> list[Told]:
    """Lots, one model alone, and a policy that knows the outcomes beforehand."""
    lots = np.zeros(len(rows))
    random = curve(lots, weak, strong, cost_ratio=cost_ratio, after_the_call=False)
    best = curve(-gain(rows), weak, strong, cost_ratio=cost_ratio, after_the_call=True)
    cheap = Point(0.0, float(weak.mean()), cost_ratio)
    dear = Point(1.0, float(strong.mean()), 1.0)
    return [
        _of("random", random, strong, False),
        _alone("always cheap", cheap),
        _alone("always strong", dear),
        _of("oracle", best, strong, True),
    ]


def _alone(name: str, point: Point) -> Told:
    """One model for everything: a point, and no curve."""
    return Told(name, None, None, None, None, point, None, (point,))


def _of(
    name: str,
    found: Curve,
    strong: Floats,
    after: bool,
    area: Spread | None = None,
    saved: Spread | None = None,
    told_apart: float | None = None,
) -> Told:
    steps = np.unique(np.linspace(0, len(found.quality) - 1, POINTS).round().astype(int))
    return Told(
        name=name,
        after_the_call=after,
        apgr=found.apgr,
        apgr_interval=area,
        auroc=told_apart,
        kept=found.first_reaching(KEPT * float(strong.mean())),
        saving_interval=saved,
        points=tuple(found.at(int(n)) for n in steps),
    )


def _auroc(score: Floats, weak: Floats) -> float | None:
    if set(np.unique(weak)) != {0.0, 1.0}:
        return None
    return auroc(score, weak > 0.5)


def _feasible(
    weak: Floats, gate: Floats | None, required: float, cost_ratio: float, saving: float
) -> Feasibility | None:
    """Only for outcomes that are good or bad: a mean score is no rate of good answers."""
    if not set(np.unique(weak)) <= {0.0, 1.0}:
        return None
    share = None if gate is None else gate_share(gate, weak, required)
    return feasibility(float(weak.mean()), required, cost_ratio=cost_ratio, wanted=saving, gate=share)
