"""May a new calibration take the place of the one in force? Decided on labels that neither has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccos.learning.loop.outcomes import Label
from ccos.learning.metrics import Interval, auroc, auroc_gain_interval, bootstrap, brier
from ccos.quality.recalibration import Recalibration

HELD_BACK = 0.25
LEAST_HELD_BACK = 30
MARGINS = {"log_loss": 0.005, "brier": 0.002, "auroc": 0.005, "accepted_good": 0.02}
"""How much worse still counts as no worse; under the lower bound of the difference."""
MUST_IMPROVE = ("log_loss", "brier")
_RESAMPLES = 1_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure before and after; `gain` is positive where after is better, None where undefined."""

    name: str
    before: float | None
    after: float | None
    gain: Interval | None

    def as_json(self) -> dict[str, Any]:
        gain = None if self.gain is None else [round(self.gain.low, 5), round(self.gain.high, 5)]
        return {"name": self.name, "before": _short(self.before), "after": _short(self.after), "gain": gain}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`reason` is a sentence for people: why it is promoted or kept back."""

    promote: bool
    reason: str
    figures: tuple[Figure, ...]
    fitted: int
    held_back: int


def time_split(labels: Sequence[Label], share: float = HELD_BACK) -> tuple[list[Label], list[Label]]:
    """The older labels to fit on, and the newest `share` of them to compare on."""
    ordered = sorted(labels, key=lambda one: one.decided_at)
    cut = len(ordered) - round(len(ordered) * share)
    return ordered[:cut], ordered[cut:]


def compare(
    before: Recalibration,
    after: Recalibration,
    held_back: Sequence[Label],
    *,
    required: float,
    fitted: int = 0,
    seed: int = 0,
) -> Comparison:
    """Paired on the same labels, by a bootstrap of whole tickets.

    `after` is promoted when no measure's lower bound is worse than its margin, and the lower bound of log
    loss or Brier score is better. Accepted ones are those with a quality of at least `required`.
    """

    def said(promote: bool, reason: str, figures: tuple[Figure, ...] = ()) -> Comparison:
        return Comparison(promote, reason, figures, fitted, len(held_back))

    if after.curve == before.curve:
        return said(False, "The labels ask for no other calibration than the one in force.")
    if len(held_back) < LEAST_HELD_BACK:
        return said(
            False, f"{len(held_back)} labels are held back, and {LEAST_HELD_BACK} are needed to compare."
        )
    figures = _figures(before, after, held_back, required, seed)
    gains = {figure.name: figure.gain for figure in figures}
    for name, margin in MARGINS.items():
        gain = gains[name]
        if gain is not None and gain.low < -margin:
            return said(
                False,
                f"{_WORDS[name]} may be worse by {-gain.low:.4f} on {len(held_back)} labels held back, more "
                f"than the {margin:g} that is allowed.",
                figures,
            )
    for name in MUST_IMPROVE:
        gain = gains[name]
        if gain is not None and gain.low > 0:
            return said(
                True,
                f"{_WORDS[name]} is better by at least {gain.low:.4f} on {len(held_back)} labels held back, "
                "and nothing is worse.",
                figures,
            )
    return said(False, f"It is not surely better on {len(held_back)} labels held back.", figures)


_WORDS = {
    "log_loss": "The log loss",
    "brier": "The Brier score",
    "auroc": "The order of answers",
    "accepted_good": "The share of good ones among accepted answers",
}


def _figures(
    before: Recalibration, after: Recalibration, labels: Sequence[Label], required: float, seed: int
) -> tuple[Figure, ...]:
    good = np.array([each.good for each in labels], dtype=float)
    own = np.array([each.weight for each in labels], dtype=float)
    groups = [each.ticket for each in labels]
    old, new = (_qualities(one, labels) for one in (before, after))
    found = []
    for name, losses in (("log_loss", _log_losses), ("brier", _squares)):
        worse, better = losses(old, good), losses(new, good)
        gained = own * (worse - better)

        def gain(weights: Floats, gained: Floats = gained) -> Floats:
            return np.asarray((weights @ gained) / np.maximum(weights @ own, 1e-12))

        found.append(
            Figure(
                name,
                float(np.average(worse, weights=own)),
                float(np.average(better, weights=own)),
                bootstrap(gain, groups, resamples=_RESAMPLES, seed=seed),
            )
        )
    ranked = auroc_gain_interval(new, old, good, groups, resamples=_RESAMPLES, seed=seed)
    found.append(Figure("auroc", auroc(old, good), auroc(new, good), ranked))

    def accepted(weights: Floats) -> Floats:
        return _accepted(weights, new >= required, good) - _accepted(weights, old >= required, good)

    both = bool((old >= required).any() and (new >= required).any())
    found.append(
        Figure(
            "accepted_good",
            _share(good[old >= required]),
            _share(good[new >= required]),
            bootstrap(accepted, groups, resamples=_RESAMPLES, seed=seed) if both else None,
        )
    )
    return tuple(found)


def measured(calibration: Recalibration, labels: Sequence[Label]) -> dict[str, float | None]:
    """AUROC and Brier score of a calibration on these labels."""
    good = [float(each.good) for each in labels]
    qualities = _qualities(calibration, labels)
    return {"auroc": auroc(qualities, good), "brier": brier(qualities, good)}


def _accepted(weights: Floats, mask: NDArray[np.bool_], good: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ (mask * good)) / (weights @ mask.astype(float)))


def _share(good: Floats) -> float | None:
    return float(good.mean()) if len(good) else None


def _qualities(calibration: Recalibration, labels: Sequence[Label]) -> Floats:
    return np.array([calibration.quality(each.quality) for each in labels], dtype=float)


def _log_losses(p: Floats, good: Floats) -> Floats:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-(good * np.log(p) + (1 - good) * np.log1p(-p)))


def _squares(p: Floats, good: Floats) -> Floats:
    return np.asarray((p - good) ** 2)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
