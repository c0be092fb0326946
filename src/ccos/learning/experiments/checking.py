"""Is the comparison sound? Whether arms got their parts, and which drafts are left out of all of them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

BROKEN_BELOW = 0.0005
"""A sample ratio as unlikely as this hides the result: it is far likelier that something is broken."""
WEIGHT = 100.0
"""Drafts that the expected ratio counts for in the test's prior: it looks for ratios near the expected."""
AROUND_SECONDS = 300.0


def ratio_evidence(counts: Sequence[int], parts: Sequence[float]) -> float:
    """The logarithm of the evidence that drafts do not fall to the arms by their `parts`; may be read at any
    moment.

    The Bayes factor of a Dirichlet prior around the parts against the parts themselves is a martingale while
    they are true (Lindon, Malek: Anytime-Valid Inference for Multinomial Count Data, NeurIPS 2022).
    """
    prior = [WEIGHT * part for part in parts]
    total = sum(counts)
    found = math.lgamma(sum(prior)) - math.lgamma(sum(prior) + total)
    for count, weight, part in zip(counts, prior, parts, strict=True):
        found += math.lgamma(weight + count) - math.lgamma(weight) - count * math.log(part)
    return found


def left_out(
    times: Sequence[float], fell_over: Sequence[bool], *, seconds: float = AROUND_SECONDS
) -> list[bool]:
    """Which drafts are not compared, for something near them in time fell over to another arm's way.

    `times` in seconds, ascending. What falls over does so by its arm: a cloud that is down takes only the
    drafts that wanted it. To leave out those alone would compare one arm's good hours with all hours of the
    other; so all drafts of that time go, of every arm alike.
    """
    fallen = [at for at, fell in zip(times, fell_over, strict=True) if fell]

    def near(at: float) -> bool:
        place = bisect_left(fallen, at - seconds)
        return place < len(fallen) and fallen[place] <= at + seconds

    return [near(at) for at in times] if fallen else [False] * len(times)
