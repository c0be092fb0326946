"""What is expected of a tier's answers before one is read, and how it moves a quality."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.quality.model import logistic, odds

PRIOR = "usual_of_tier"
"""The name of its part in a score."""

MOST_SHIFT = 1.0
"""Log-odds a prior may move: it is an operator's guess, and must not outweigh what the answer itself shows.

Unbounded, an expected share of .9 accepted six of seven near misses of the seed set at a required .7.
"""


def with_prior(quality: float, prior: float, good_share: float) -> tuple[float, float]:
    """The quality where a share `prior` of answers is good, from one where `good_share` was; and what that
    added to its log-odds (label shift: Saerens, Latinne, Decaestecker 2002), at most `MOST_SHIFT`.
    """
    shift = max(-MOST_SHIFT, min(MOST_SHIFT, odds(prior) - odds(good_share)))
    return logistic(odds(quality) + shift), shift


def without_prior(quality: float, parts: Sequence[tuple[str, float]]) -> float:
    """The quality before it was moved by what is expected of its tier."""
    shift = next((value for name, value in parts if name == PRIOR), 0.0)
    return logistic(odds(quality) - shift) if shift else quality
