"""The four tiers, the modes, and the tasks a draft is made of."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Tier(StrEnum):
    CLOUD_PREMIUM = "tier_0"
    LOCAL_MINIMAX = "tier_1"
    LOCAL_TINYLLAMA = "tier_2"
    RULE_BASED = "tier_3"

    @property
    def rank(self) -> int:
        """0 for the strongest tier, 3 for the rules."""
        return int(self.value[-1])


class Mode(StrEnum):
    COST_FIRST = "cost_first"
    QUALITY_FIRST = "quality_first"
    LATENCY_FIRST = "latency_first"
    OUTAGE = "outage"


class Task(StrEnum):
    TRIAGE = "triage"
    QUERY_BUILDER = "query_builder"
    KB_SYNTHESIS = "kb_synthesis"
    SOLUTION_DRAFT = "solution_draft"
    CHAT = "chat"
    JUDGEMENT = "judgement"
    EMBEDDING = "embedding"


REQUIRED_QUALITY: Mapping[Task, float] = MappingProxyType(
    {
        Task.TRIAGE: 0.6,
        Task.QUERY_BUILDER: 0.6,
        Task.SOLUTION_DRAFT: 0.7,
        Task.KB_SYNTHESIS: 0.8,
        Task.CHAT: 0.6,
        Task.JUDGEMENT: 0.6,
        Task.EMBEDDING: 0.6,
    }
)
"""Quality an answer must reach, per task (DESIGN, section 2); a chat is whatever a program asks over /v1, a
judgement what one model says of another's answer, an embedding no answer at all but vectors for search."""
