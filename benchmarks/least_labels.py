"""How many decisions of people it takes until a tenant's own threshold certifies a promise, simulated.

Answers are drawn with a share of good ones and a score that tells good from bad at an AUROC of .75 (two
normal curves, .954 apart); labels are looked at as `learning.looks` says. A cell gives the decisions after
which half of 400 tenants have a threshold, and nine of ten; "-" is more than 2,000. Prints a table for docs.

    python benchmarks/least_labels.py
"""

from __future__ import annotations

import sys

import numpy as np

from ccos.learning.certifying import LEAST, at_look, certify
from ccos.learning.looks import wanted

APART = 0.954
SHARES, PROMISES = (0.8, 0.9, 0.95), (0.6, 0.7, 0.8, 0.9)
TENANTS, MOST = 400, 2_000


def looks() -> list[int]:
    """The numbers of labels at which a tenant is looked at whose labels all count."""
    found = [LEAST]
    while (following := found[-1] + wanted(len(found), found[-1])) <= MOST:
        found.append(following)
    return found


def decisions(share: float, promise: float, dice: np.random.Generator) -> int:
    """Of one tenant; more than MOST where nothing is certified."""
    good = dice.random(MOST) < share
    scores = dice.normal(size=MOST) + APART * good
    qualities = 1 / (1 + np.exp(-scores))
    for number, count in enumerate(looks(), 1):
        found = certify(qualities[:count], good[:count], required=promise, confidence=at_look(number))
        if found.threshold is not None:
            return count
    return MOST + 1


def main() -> None:
    dice = np.random.default_rng(20261123)
    lines = ["| good answers | " + " | ".join(f"promise {each}" for each in PROMISES) + " |"]
    lines.append("|---" * (len(PROMISES) + 1) + "|")
    for share in SHARES:
        cells = []
        for promise in PROMISES:
            counts = sorted(decisions(share, promise, dice) for _ in range(TENANTS))
            half, most = counts[TENANTS // 2 - 1], counts[TENANTS * 9 // 10 - 1]
            cells.append(" / ".join("-" if each > MOST else str(each) for each in (half, most)))
        lines.append(f"| {share:.0%} | " + " | ".join(cells) + " |")
    sys.stdout.write(f"looks at {looks()}\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
