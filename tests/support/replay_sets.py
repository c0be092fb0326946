"""Outcomes of two models that are easy to see through: some domains are too hard for the weak one, and its
sums are wrong wherever its answer is."""

from __future__ import annotations

import random
from typing import Any


def sums(count: int, seed: int = 0, *, answers: bool = True) -> list[dict[str, Any]]:
    """Additions, nine of ten right by the weak model, and percentages, two of ten; the strong one nearly all.

    Words of the prompt tell the domain, and the answer's sum is right where the answer is.
    """
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        hard = n % 2 == 1
        one, other = draw.randint(2, 60), draw.randint(2, 60)
        right = draw.random() < (0.2 if hard else 0.9)
        kind = "percent of the old price" if hard else "pieces together with those"
        result = one + other + (0 if right else draw.randint(1, 9))
        row: dict[str, Any] = {
            "id": f"q{n}",
            "prompt": f"Shelf {n}: {one} and {other} {kind}, how many?",
            "domain": "percent" if hard else "pieces",
            "weak": float(right),
            "strong": float(draw.random() < 0.95),
        }
        if answers:
            row["weak_answer"] = f"There are {one} and {other}.\n{one} + {other} = {result}\n#### {result}"
        rows.append(row)
    return rows
