"""The confidence from which on a text classifier speaks, chosen on lines that it had not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def certain_from(told: NDArray[np.float64], truth: NDArray[np.int64], accuracy: float) -> float:
    """The lowest confidence from which on the likeliest labels are right at least as often as asked.

    1.0, which is to always abstain, when no confidence is enough.
    """
    confidence, right = told.max(axis=1), told.argmax(axis=1) == truth
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Where several lines have one confidence, only the last of them is a place to stop.
    ordered = confidence[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    enough = np.flatnonzero((share >= accuracy) & last)
    return float(ordered[enough[-1]]) if enough.size else 1.0


def apart_from(right: NDArray[np.float64], strange: NDArray[np.float64], spare: float) -> float:
    """The confidence that best tells right answers from strange texts: the share of these below it less the
    share of those (Youden 1950, Index for rating diagnostic tests) is the largest.

    At most the share `spare` of the right answers falls below it. 0.0 when no confidence tells them apart.
    """
    if not right.size or not strange.size:
        return 0.0
    ordered = np.sort(right)
    places = np.unique(ordered[: int(spare * right.size) + 1])
    lost = np.searchsorted(ordered, places) / right.size
    gain = np.searchsorted(np.sort(strange), places) / strange.size - lost
    best = int(gain.argmax())
    return float(places[best]) if gain[best] > 0 else 0.0
