"""The trained readers that triage asks beside its rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccos.quality.classifying import TextModel


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """A model for each question; None leaves it to the rules.

    `intent` may know any closed list of labels: the shipped one knows the triage vocabulary, a tenant's own
    may know the tenant's, whose `categories[].intents` then name its labels.
    """

    intent: TextModel | None = None
    sentiment: TextModel | None = None
    abuse: TextModel | None = None


RULES = Models()
"""No model at all."""


@cache
def shipped_models() -> Models:
    """The models that come with CCOS, read once: some milliseconds, and a few megabytes."""
    from ccos.quality.classifying import shipped

    return Models(shipped("intent"), shipped("sentiment"), shipped("abuse"))
