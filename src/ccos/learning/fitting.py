"""One head fitted: L2 logistic regression, its strength by cross-validation, a calibration of its scores.

The calibration is fitted on out-of-fold scores, since a regression is too sure of the rows it has seen:
Platt's curve, or with `ENOUGH` labels an isotonic one where that is clearly truer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccos.domain.errors import BadInput
from ccos.learning.measuring import Measured, matrix
from ccos.learning.metrics import calibration_error
from ccos.learning.splitting import fold_numbers
from ccos.quality.model import Head, Isotonic, Platt

Floats = NDArray[np.float64]

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""C of the regression: the smaller, the more the weights are held back."""

ENOUGH = 300
CLEARLY = 0.005
FOLDS = 5
DIGITS = 6
SELDOM = 3
"""A feature that is not at its usual value at least so often teaches nothing."""

REACH = 4.0


def fit_head(rows: Sequence[Measured], names: Sequence[str], *, seed: int = 0) -> Head:
    """A head for answers like `rows`, over those of the features `names` that vary in them.

    Raises BadInput when both kinds of labels are not in enough groups to be split.
    """
    groups = [row.group for row in rows]
    for kind in (True, False):
        if len({row.group for row in rows if row.good is kind}) < FOLDS:
            word = "good" if kind else "rejected"
            raise BadInput(f"There are {word} answers on fewer than {FOLDS} tickets; label more of them.")
    good = np.array([row.good for row in rows])
    fold = fold_numbers(groups, FOLDS, seed)
    kept = _varying(matrix(rows, names), names)
    values = matrix(rows, kept)
    held_out = {strength: _held_out(values, good, fold, strength) for strength in STRENGTHS}
    strength = min(STRENGTHS, key=lambda each: (round(_log_loss(held_out[each], good), 4), each))
    weights, intercept, means, scales = _fit(values, good, strength)
    return Head(
        intercept=round(float(intercept), DIGITS),
        weights=_named(kept, weights),
        means=_named(kept, means),
        scales=_named(kept, scales),
        calibration=_calibration(held_out[strength], good, fold),
        reach=REACH,
        labels=len(rows),
        good_share=round(float(good.mean()), DIGITS),
    )


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: round(float(value), DIGITS) for name, value in zip(names, values, strict=True)}


def _varying(values: Floats, names: Sequence[str]) -> list[str]:
    usual = np.median(values, axis=0)
    return [
        name
        for name, column, middle in zip(names, values.T, usual, strict=True)
        if np.count_nonzero(np.abs(column - middle) > 1e-9) >= SELDOM and column.std() > 1e-4
    ]


def _fit(values: Floats, good: NDArray[np.bool_], strength: float) -> tuple[Floats, float, Floats, Floats]:
    means, scales = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-4)
    model = _regression(C=strength, max_iter=5_000, tol=1e-7)
    model.fit(np.clip((values - means) / scales, -REACH, REACH), good)
    return model.coef_[0], float(model.intercept_[0]), means, scales


def _held_out(values: Floats, good: NDArray[np.bool_], fold: NDArray[np.intp], strength: float) -> Floats:
    """z of every row by a regression that has not seen its group."""
    found = np.zeros(len(good))
    for number in range(FOLDS):
        out = fold == number
        weights, intercept, means, scales = _fit(values[~out], good[~out], strength)
        found[out] = intercept + np.clip((values[out] - means) / scales, -REACH, REACH) @ weights
    return found


def _log_loss(z: Floats, good: NDArray[np.bool_]) -> float:
    return float(np.mean(np.logaddexp(0.0, np.where(good, -z, z))))


def _calibration(z: Floats, good: NDArray[np.bool_], fold: NDArray[np.intp]) -> Platt | Isotonic:
    if len(good) < ENOUGH:
        return platt(z, good)
    errors = {}
    for kind in (platt, isotonic):
        told = np.zeros(len(good))
        for number in range(FOLDS):
            out = fold == number
            curve = kind(z[~out], good[~out])
            told[out] = [curve.probability(each) for each in z[out].tolist()]
        errors[kind] = calibration_error(told, good) or 0.0
    truer = errors[isotonic] < errors[platt] - CLEARLY
    return isotonic(z, good) if truer else platt(z, good)


def platt(z: Floats, good: NDArray[np.bool_]) -> Platt:
    """Platt's curve, with his targets a little off 0 and 1 (Platt 1999), so that few labels are not trusted
    too far."""
    ups, downs = int(good.sum()), int((~good).sum())
    target = np.where(good, (ups + 1) / (ups + 2), 1 / (downs + 2))
    slope, intercept = 1.0, 0.0
    for _ in range(100):  # Newton's method on the cross-entropy: two numbers, a convex valley
        p = 1 / (1 + np.exp(-np.clip(slope * z + intercept, -35, 35)))
        w = np.maximum(p * (1 - p), 1e-12)
        gradient = np.array([np.sum((p - target) * z), np.sum(p - target)])
        curve = np.array([[np.sum(w * z * z), np.sum(w * z)], [np.sum(w * z), np.sum(w)]]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        slope, intercept = slope - float(step[0]), intercept - float(step[1])
        if float(np.abs(step).max()) < 1e-10:
            break
    return Platt(slope=round(max(slope, 0.0), DIGITS), intercept=round(intercept, DIGITS))


def isotonic(z: Floats, good: NDArray[np.bool_]) -> Isotonic:
    """A rising curve through the shares of good answers in up to 20 groups of equal size.

    Groups that fall are pooled (Ayer and others 1955); shares are taken with one good and one bad label more.
    """
    order = np.argsort(z, kind="stable")
    parts = np.array_split(order, min(20, max(2, len(z) // 50)))
    pools: list[tuple[float, float, float]] = []  # sum of z, good, count
    for part in parts:
        pools.append((float(z[part].sum()), float(good[part].sum()), float(len(part))))
        while len(pools) > 1 and pools[-2][1] / pools[-2][2] >= pools[-1][1] / pools[-1][2]:
            last, before = pools.pop(), pools.pop()
            pools.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    at = [round(total / count, DIGITS) for total, _, count in pools]
    shares = np.maximum.accumulate([(ups + 1) / (count + 2) for _, ups, count in pools])
    return Isotonic(at=tuple(at), is_good=tuple(round(float(share), DIGITS) for share in shares))


def _regression(**options: Any) -> Any:
    return _sklearn()(**options)


@cache
def _sklearn() -> Any:
    """scikit-learn is for training only. Raises BadInput with what to install where it is missing."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as fault:
        raise BadInput('Training needs scikit-learn: pip install "ccos[train]".') from fault
    return LogisticRegression


def scored(head: Head, rows: Sequence[Measured]) -> list[float]:
    """The qualities a head gives to rows, as serving does it."""
    return [head.quality(head.parts(row.features)) for row in rows]


def finite(value: float | None) -> float | None:
    """Rounded for a report; None where there is nothing to tell."""
    return None if value is None or not math.isfinite(value) else round(value, 4)
