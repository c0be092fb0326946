"""What is expected of a tier's answers before one is read, and how it moves a quality."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.quality.model import logistic, odds

PRIOR = "usual_of_tier"
"""The name of its part in a score."""


def with_prior(quality: float, prior: float, good_share: float) -> tuple[float, float]:
    """The quality where a share `prior` of answers is good, from one where `good_share` was; and what that
    added to its log-odds (label shift: Saerens, Latinne, Decaestecker 2002).
    """
    shift = odds(prior) - odds(good_share)
    return logistic(odds(quality) + shift), shift


def without_prior(quality: float, parts: Sequence[tuple[str, float]]) -> float:
    """The quality before it was moved by what is expected of its tier."""
    shift = next((value for name, value in parts if name == PRIOR), 0.0)
    return logistic(odds(quality) - shift) if shift else quality
