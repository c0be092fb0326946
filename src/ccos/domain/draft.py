"""Our proposal for a ticket, and the record of every attempt behind it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.evidence import Evidence
from ccos.domain.experiment import Enrolled
from ccos.domain.tier import Task, Tier


class DraftState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    NEEDS_REVIEW = "needs_review"
    ABSTAINED = "abstained"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED_BY_GATE = "refused_by_gate"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Attempt(BaseModel):
    """One call of one provider, or why it was not called (`outcome` = skipped).

    `cancelled`: another tier that was asked beside it answered first. `cached`: nothing was sent, the same
    question had been answered before.
    """

    model_config = ConfigDict(frozen=True)

    task: Task
    tier: Tier
    provider: str
    model: str
    outcome: Outcome
    reason: str = Field(description="A stable code: accepted, provider.timeout, veto.empty, quality.low ...")
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    latency_seconds: float = 0.0
    quality: float | None = None
    cached: bool = False


class FieldChange(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    name: str
    old: str | list[str] | None = Field(None, alias="from")
    new: str | list[str] = Field(alias="to")
    confidence: float


class Check(BaseModel):
    """One thing the gate looked at, in words for people.

    `detail` says it in English; `code` and `facts` are what a page in another language says it with.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    passed: bool
    detail: str = ""
    span: tuple[int, int] | None = None
    code: str = Field("", description="Stable, where there is something to say: veto.pii, certified.kept ...")
    facts: dict[str, str | float] = Field(default_factory=dict, description="What fills the code's words")


class QualityPart(BaseModel):
    """What one family of features adds to the log-odds of a draft's quality."""

    model_config = ConfigDict(frozen=True)

    name: str
    log_odds: float


class Draft(BaseModel):
    """What CLI and HTTP show (DESIGN, section 5). `quality` is the score of the reply's gate in [0, 1]."""

    model_config = ConfigDict(frozen=True)

    id: str
    ticket_id: str
    state: DraftState
    tier: Tier | None = None
    model: str | None = None
    quality: float | None = None
    scorer: str | None = Field(None, description="What measured the quality; a baseline is not a probability")
    quality_parts: tuple[QualityPart, ...] = Field((), description="Why the quality is what it is")
    degraded: bool = False
    fallback_used: bool = False
    reason: str = ""
    reply: str = ""
    fields: tuple[FieldChange, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    checks: tuple[Check, ...] = ()
    triage: dict[str, object] = Field(default_factory=dict)
    confidence_score: float = 0.0
    cost_usd: float = 0.0
    latency_seconds: float = 0.0
    stages: dict[str, float] = Field(
        default_factory=dict,
        description="Seconds of each: triage, retrieve, synthesise, resolve, propose; queue: before them",
    )
    errors: tuple[str, ...] = ()
    experiments: tuple[Enrolled, ...] = Field((), description="Which arm of which experiment made it so")
    created_at: datetime | None = None
