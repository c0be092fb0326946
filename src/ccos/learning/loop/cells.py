"""How good drafts of one kind are: shares by tier, intent and language, the rare ones drawn to the usual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ccos.learning.loop.outcomes import Label

Cell = tuple[str, str, str]
"""Tier, intent, language."""
MOST_MASS = 200.0
LEAST_MASS = 2.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The share of good drafts that is expected of a cell, after `labels` of them of which `good` were."""

    share: float
    labels: int
    good: int


def expected_by_cell(labels: Sequence[Label]) -> dict[Cell, Expected]:
    """Beta-binomial shrinkage of each cell to the share of its tier: (good + m * usual) / (n + m).

    m is how many labels the usual share weighs; it is estimated by moments from how much the cells of a tier
    differ beyond chance (Casella 1985): many where they hardly do, few where they do.
    """
    counted: Counter[Cell] = Counter()
    hits: Counter[Cell] = Counter()
    for label in labels:
        cell = label.tier, label.intent, label.language
        counted[cell] += 1
        hits[cell] += label.good
    found: dict[Cell, Expected] = {}
    for tier in {cell[0] for cell in counted}:
        own = [cell for cell in counted if cell[0] == tier]
        usual, mass = _prior([(hits[cell], counted[cell]) for cell in own])
        for cell in own:
            share = (hits[cell] + mass * usual) / (counted[cell] + mass)
            found[cell] = Expected(share, counted[cell], hits[cell])
    return found


def _prior(cells: Sequence[tuple[int, int]]) -> tuple[float, float]:
    total = sum(n for _, n in cells)
    usual = (sum(good for good, _ in cells) + 1.0) / (total + 2.0)
    spread = usual * (1 - usual)
    if len(cells) < 2:
        return usual, LEAST_MASS
    between = sum(n * (good / n - usual) ** 2 for good, n in cells) - (len(cells) - 1) * spread
    effective = total - sum(n * n for _, n in cells) / total
    variance = between / effective if effective > 0 else 0.0
    if variance <= spread / (MOST_MASS + 1):
        return usual, MOST_MASS
    return usual, max(LEAST_MASS, spread / variance - 1)
