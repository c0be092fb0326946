"""Lines of a batch: many tickets sent at once, each with a result of its own."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.ticket import Ticket

_MARK_LETTERS = 16


def mark(ticket: Ticket) -> str:
    """What tells one ticket of a batch from another: a digest of all it says."""
    words = json.dumps(ticket.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:_MARK_LETTERS]


def named(ticket: Ticket, line: int) -> Ticket:
    """The ticket under a name of its own: without one, the same batch sent again would store it twice."""
    if ticket.external_id:
        return ticket
    return ticket.model_copy(update={"external_id": f"batch-{mark(ticket)}-{line}"})


class BatchState(StrEnum):
    """`cancelled`: nothing more of it is begun; what had begun may still end."""

    QUEUED = "queued"
    DRAFTING = "drafting"
    DONE = "done"
    CANCELLED = "cancelled"


class Batch(BaseModel):
    """Where a batch stands. A line is `finished` once it has its result, a draft or what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: BatchState
    total: int = Field(description="Lines that were sent, blank ones not counted")
    bad_lines: int = Field(description="Those among them that were no ticket")
    finished: int = Field(description="Lines that have their result; those of a deleted ticket are gone")
    created_at: datetime
    began_at: datetime | None = Field(None, description="When the first of its drafts was begun")
    ended_at: datetime | None = Field(None, description="When the last line got its result")


class BatchReport(Batch):
    """The same with what became of its drafts."""

    states: dict[str, int] = Field(description="Lines by the state of their draft")
    tiers: dict[str, int] = Field(description="Finished lines by the tier that wrote their draft")
    cost_usd: float = Field(description="What its drafts cost when they were made")
    seconds_left: float | None = Field(
        None, description="By the rate of its latest drafts; null until a few are made, and once cancelled"
    )
