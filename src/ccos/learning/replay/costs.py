"""What a call of the weak model costs beside one of the strong model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ccos.domain.errors import BadInput
from ccos.learning.replay.outcomes import Outcome

USUAL_RATIO = 0.04
"""Where a file says nothing of costs. Tokens of a small hosted model cost about a hundredth of a large one's;
a machine of one's own that is not always busy costs more."""


def cost_ratio_of(rows: Sequence[Outcome]) -> float:
    """The mean `weak_cost` over the mean `strong_cost`, of rows that have both, in whatever currency.

    USUAL_RATIO where none has. Raises BadInput when a cost is no number, or the weak model is not cheaper.
    """
    pairs = [
        (row.columns["weak_cost"], row.columns["strong_cost"])
        for row in rows
        if row.columns.get("weak_cost") is not None and row.columns.get("strong_cost") is not None
    ]
    if not pairs:
        return USUAL_RATIO
    for pair in pairs:
        if not all(_is_cost(each) for each in pair):
            raise BadInput("weak_cost and strong_cost must be numbers of 0 or more.")
    cheap, dear = (sum(column) for column in zip(*pairs, strict=True))
    if cheap >= dear:
        raise BadInput("The weak model costs no less than the strong one here, so there is nothing to save.")
    return float(cheap / dear)


def _is_cost(value: object) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and math.isfinite(value) and value >= 0  # type: ignore[operator,arg-type]
