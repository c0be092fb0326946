"""An embedding model held against people: what its likeness adds to what the gate knows already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccos.domain.errors import BadInput
from ccos.learning.metrics import Interval, auroc, auroc_gain_interval, auroc_interval
from ccos.learning.splitting import fold_numbers
from ccos.quality.likeness import LikenessOdds
from ccos.quality.model import odds

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FOLDS = 5
RIDGE = 1.0
"""Holds the slope back, on likeness in standard deviations: as a normal prior with a deviation of 1 would."""
LEAST = 2 * FOLDS
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """A labelled answer: what the gate said of it, and how near it is to its evidence and question."""

    quality: float
    likeness: float
    good: bool
    group: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What held-out answers showed; `odds` is fitted on all of them. Intervals are 95 %."""

    odds: LikenessOdds
    good: int
    gate: Interval | None
    likeness: Interval | None
    both: Interval | None


def trial(rows: Sequence[Seen], scorer: str, *, seed: int = 0) -> Trial:
    """Cross-validated by groups: each answer is judged by what was learned on the others' tickets.

    Raises BadInput where there are too few labels of one kind, or tickets, to learn anything.
    """
    good = np.array([row.good for row in rows], dtype=bool)
    groups = [row.group for row in rows]
    if min(good.sum(), (~good).sum()) < LEAST or len(set(groups)) < FOLDS:
        raise BadInput(
            f"There are {len(rows)} replies the gate is unsure of, {int(good.sum())} of them good; it takes "
            f"{LEAST} good and {LEAST} bad ones on {FOLDS} tickets at least."
        )
    known = np.array([odds(row.quality) for row in rows])
    alike = np.array([row.likeness for row in rows])
    fold = fold_numbers(groups, FOLDS, seed)
    both = np.zeros(len(rows))
    for number in range(FOLDS):
        out = fold == number
        slope, intercept = residual(known[~out], alike[~out], good[~out])
        both[out] = known[out] + slope * alike[out] + intercept
    slope, intercept = residual(known, alike, good)
    gain = auroc_gain_interval(both, known, good, groups, seed=seed)
    found = LikenessOdds(
        slope=round(slope, DIGITS),
        intercept=round(intercept, DIGITS),
        scorer=scorer,
        labels=len(rows),
        auroc_gate=round(auroc(known, good) or 0.0, DIGITS),
        auroc_likeness=round(auroc(alike, good) or 0.0, DIGITS),
        auroc_both=round(auroc(both, good) or 0.0, DIGITS),
        gain=(round(gain.low, DIGITS), round(gain.high, DIGITS)) if gain else (0.0, 0.0),
    )
    intervals = (auroc_interval(values, good, groups, seed=seed) for values in (known, alike, both))
    return Trial(found, int(good.sum()), *intervals)


def residual(known: Floats, alike: Floats, good: Flags) -> tuple[float, float]:
    """Slope and intercept of what a likeness adds to log-odds that are `known`.

    Logistic regression with the known log-odds as offset, by Newton's method. What the labels' own share of
    good answers would add to every one of them is no merit of the likeness and is taken out again: it is what
    an intercept alone would be. Where nearness speaks against an answer, the labels show how they were made
    (bad ones copied from passages, say) and no opinion: then both are 0.
    """
    mean, scale = float(alike.mean()), max(float(alike.std()), 1e-9)
    one = np.ones(len(good))
    base = _fitted(known, one[:, None], good, np.zeros(1))[0]
    columns = np.column_stack([one, (alike - mean) / scale])
    intercept, slope = _fitted(known, columns, good, np.array([0.0, RIDGE]))
    if slope <= 0:
        return 0.0, 0.0
    return float(slope / scale), float(intercept - base - slope * mean / scale)


def _fitted(offset: Floats, columns: Floats, good: Flags, ridge: Floats) -> Floats:
    weights = np.zeros(columns.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(offset + columns @ weights, -35, 35)))
        gradient = columns.T @ (p - good) + ridge * weights
        curve = (columns.T * np.maximum(p * (1 - p), 1e-12)) @ columns + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curve, gradient)
        weights = weights - np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-10:
            break
    return weights
