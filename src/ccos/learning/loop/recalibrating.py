"""A tenant's calibration from its own labels, drawn towards the shipped one where labels are few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ccos.learning.loop.outcomes import Label
from ccos.quality.model import Isotonic, Platt, odds
from ccos.quality.recalibration import Recalibration, as_shipped

LEAST = 50
"""Labels before anything is fitted; three of them, and one in a hundred, must be of either kind."""
SPREAD_OF_SLOPE = 0.3
SPREAD_OF_INTERCEPT = 1.0
"""How far a tenant's calibration is expected to be from the shipped one: a slope of 1, an intercept of 0.
Some 20 labels weigh as much as these expectations."""
LEAST_SLOPE = 0.05
CURVE_FROM = 1_000
"""Labels from which on a curve of any shape is tried beside Platt's."""
POINTS = 40
_STEPS = 50

Floats = NDArray[np.float64]


def recalibrate(labels: Sequence[Label], scorer: str) -> Recalibration:
    """The calibration that these labels speak for; the shipped one for fewer than LEAST, or of one kind."""
    z, good, weight = _arrays(labels)
    rare = min(float(good.sum()), len(good) - float(good.sum()))
    if len(labels) < LEAST or rare < len(labels) / 100 or rare < 3:
        return as_shipped(scorer)
    line = platt(z, good, weight)
    if len(labels) < CURVE_FROM:
        return Recalibration(scorer=scorer, curve=line, labels=len(labels))
    return Recalibration(scorer=scorer, curve=_better(line, z, good, weight), labels=len(labels))


def platt(z: Floats, good: Floats, weight: Floats) -> Platt:
    """The most probable slope and intercept (Platt 1999), with normal priors at (1, 0), by Newton's method.

    The slope is kept positive, so that the order of answers stays.
    """
    rows = np.column_stack([z, np.ones_like(z)])
    at = np.array([1.0, 0.0])
    middle = at.copy()
    tight = np.diag([SPREAD_OF_SLOPE**-2, SPREAD_OF_INTERCEPT**-2])
    for _ in range(_STEPS):
        p = _logistic(rows @ at)
        slope = rows.T @ (weight * (good - p)) - tight @ (at - middle)
        bend = (rows * (weight * p * (1 - p))[:, None]).T @ rows + tight
        step = np.linalg.solve(bend, slope)
        at = at + np.clip(step, -1.0, 1.0)
        if float(np.abs(step).max()) < 1e-9:
            break
    return Platt(slope=max(LEAST_SLOPE, float(at[0])), intercept=float(at[1]))


def isotonic(z: Floats, good: Floats, weight: Floats, prior: Platt) -> Isotonic:
    """The non-decreasing curve nearest to the labels: pool adjacent violators (Ayer et al. 1955), over at
    most POINTS steps of equal mass that each begin with some labels' worth of `prior`.
    """
    order = np.argsort(z, kind="stable")
    blocks: list[list[float]] = []
    for part in np.array_split(order, min(POINTS, len(order))):
        middle = float(np.average(z[part], weights=weight[part]))
        assumed = 10.0 * prior.probability(middle)
        mass = float(weight[part].sum()) + 10.0
        hits = float((weight[part] * good[part]).sum()) + assumed
        blocks.append([middle, mass, hits])
    pooled: list[tuple[float, float, list[float]]] = []
    for middle, mass, hits in blocks:
        held = [middle]
        while pooled and pooled[-1][1] / pooled[-1][0] >= hits / mass:
            before = pooled.pop()
            mass, hits, held = mass + before[0], hits + before[1], [*before[2], *held]
        pooled.append((mass, hits, held))
    at: list[float] = []
    share: list[float] = []
    for mass, hits, held in pooled:
        for middle in dict.fromkeys((held[0], held[-1])):
            at.append(middle)
            share.append(min(1.0, max(0.0, hits / mass)))
    return Isotonic(at=tuple(at), is_good=tuple(share))


def _better(line: Platt, z: Floats, good: Floats, weight: Floats) -> Platt | Isotonic:
    """The curve only where it says held-out labels better than the line does: the newest fifth."""
    cut = len(z) * 4 // 5
    early = platt(z[:cut], good[:cut], weight[:cut])
    curve = isotonic(z[:cut], good[:cut], weight[:cut], early)
    late = z[cut:], good[cut:], weight[cut:]
    if log_loss(curve, *late) < log_loss(early, *late):
        return isotonic(z, good, weight, line)
    return line


def log_loss(curve: Platt | Isotonic, z: Floats, good: Floats, weight: Floats) -> float:
    """Mean, in nats, by weight."""
    p = np.clip([curve.probability(float(each)) for each in z], 1e-6, 1 - 1e-6)
    return float(np.average(-(good * np.log(p) + (1 - good) * np.log1p(-p)), weights=weight))


def _arrays(labels: Sequence[Label]) -> tuple[Floats, Floats, Floats]:
    z = np.array([odds(each.quality) for each in labels], dtype=float)
    good = np.array([each.good for each in labels], dtype=float)
    return z, good, np.array([each.weight for each in labels], dtype=float)


def _logistic(z: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))))
