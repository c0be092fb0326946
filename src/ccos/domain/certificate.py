"""A threshold, and the labels that certify it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ccos.domain.tier import Task, Tier


@dataclass(frozen=True, slots=True)
class Certificate:
    """Answers with a quality of at least `threshold` are good with a chance of at least `required`.

    That holds with `confidence`, by `accepted` of `labels` labelled answers of which `bad` were no good;
    `risk_bound` is the upper bound of the share of bad ones. `threshold` is None when the labels certify
    nothing: then every answer needs review. `tier` None means all tiers together.
    """

    task: Task
    tier: Tier | None
    required: float
    threshold: float | None
    labels: int
    accepted: int
    bad: int
    risk_bound: float | None
    scorer: str
    source: Literal["shipped", "tenant"]
    confidence: float = 0.9
