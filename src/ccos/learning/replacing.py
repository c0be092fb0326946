"""Whether a new model may take an old one's place: their drafts of the same tickets, as the gate saw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ccos.learning.tier_report import Asked

NOISE = 2.33
"""Standard errors a mean difference must be away from none: each refuses 1 % of equal models."""
LEAST = 5
"""Fewer tickets show nothing."""

_MEASURES: tuple[tuple[str, Callable[[Asked], float], int], ...] = (
    ("share of accepted drafts", lambda one: float(one.accepted), 1),
    ("mean quality", lambda one: one.quality or 0.0, 1),
    ("share of drafts with a veto", lambda one: float(bool(one.vetoes)), -1),
)
"""What is compared, and whether more of it is better. A ticket without an answer has a quality of 0."""


def figures(drafted: Sequence[Asked]) -> dict[str, Any]:
    """Plain numbers of one model's drafts, without a word of them."""
    if not drafted:
        return {"tickets": 0}
    seconds = [one.seconds for one in drafted if one.answered]
    return {
        "tickets": len(drafted),
        "answered": sum(one.answered for one in drafted),
        "accepted_share": _mean([float(one.accepted) for one in drafted]),
        "quality": _mean([one.quality or 0.0 for one in drafted]),
        "vetoed_share": _mean([float(bool(one.vetoes)) for one in drafted]),
        "vetoes": dict(Counter(kind for one in drafted for kind in dict.fromkeys(one.vetoes)).most_common()),
        "points_said": _mean([one.checks["points_said"] for one in drafted if "points_said" in one.checks]),
        "seconds_p50": round(float(np.median(seconds)), 3) if seconds else None,
    }


def worse(new: Sequence[Asked], old: Sequence[Asked]) -> str | None:
    """In what the new model is worse beyond noise, by the differences ticket by ticket; None when it is not.

    A mean difference counts when it is more than NOISE standard errors (s / sqrt(n)) on the bad side.
    """
    before = {one.ticket: one for one in old}
    pairs = [(one, before[one.ticket]) for one in new if one.ticket in before]
    if len(pairs) < LEAST:
        return None
    for name, value, better in _MEASURES:
        gains = np.array([better * (value(one) - value(other)) for one, other in pairs])
        error = float(gains.std(ddof=1)) / len(gains) ** 0.5
        if gains.mean() + NOISE * error < -1e-9:
            ours, theirs = (_mean([value(pair[place]) for pair in pairs]) for place in (0, 1))
            said = f"its {name} is {ours:.2f} over {len(pairs)} tickets"
            return f"{said}, and {theirs:.2f} for the one that serves."
    return None


def below(new: Sequence[Asked], floor: float) -> str | None:
    """Whether the gate accepts a smaller share of its drafts than `floor`, in words."""
    share = _mean([float(one.accepted) for one in new]) or 0.0
    if share >= floor:
        return None
    said = f"the gate accepts {share:.0%} of its drafts of {len(new)} tickets"
    return f"{said}, and at least {floor:.0%} are needed."


def _mean(values: Sequence[float]) -> Any:
    return round(float(np.mean(values)), 4) if values else None
