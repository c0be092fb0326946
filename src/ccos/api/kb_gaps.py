"""Knowledge gaps: what customers ask and nothing answers, and the articles proposed for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from ccos.agents.gaps import Gaps
from ccos.api.caller import Caller, Opened, Reviewer, needs
from ccos.domain.gap import Gap, GapState, document
from ccos.domain.tenant import Role
from ccos.domain.ticket import Text
from ccos.store import gaps as store

router = APIRouter(prefix="/api/kb/gaps", tags=["knowledge"])

Decider = Annotated[Caller, Depends(needs(Role.SUPERVISOR))]


class ProposalOut(BaseModel):
    title: str
    body: str = Field(description="Markdown; it holds an empty place where nobody has said anything yet")
    complete: bool = Field(description="Whether it has an answer that may be accepted as it is")
    tags: list[str]
    made_by: str = Field(description="rules, or the tier and its model")
    made_at: datetime
    sources: list[dict[str, Any]] = Field(
        description="The replies it rests on: n, ticket_id, draft_id, sent, at"
    )


class GapOut(BaseModel):
    id: UUID
    state: GapState
    label: str = Field(description="The most typical question, without people")
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    weeks: list[int] = Field(description="Questions of the last four weeks, the oldest first")
    channels: dict[str, int]
    why: dict[str, int] = Field(description="held, thin, rejected: why drafts did not answer")
    examples: list[str]
    proposal: ProposalOut | None
    article_id: str | None
    visibility: Literal["public", "internal"] | None
    reason: str
    decided_by: str


class GapList(BaseModel):
    gaps: list[GapOut]


class Refreshed(BaseModel):
    added: int
    removed: int
    unreadable: int


class Accept(BaseModel):
    """`edited` is Markdown in place of what was proposed; a first line with # is its title."""

    model_config = ConfigDict(extra="forbid")

    public: bool = False
    edited: Text | None = None


class Dismiss(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@router.get("", summary="List knowledge gaps")
async def find(
    caller: Reviewer,
    ccos: Opened,
    state: Annotated[list[GapState] | None, Query()] = None,
    min: Annotated[int, Query(ge=1, le=10_000)] = 1,
    days: Annotated[int, Query(ge=1, le=180)] = 28,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> GapList:
    """Questions that drafts could not answer, those that ask the same together, the most frequent first.

    Without `state`: open and proposed ones. The worker looks every ten minutes; `refresh` looks now.
    """
    now = datetime.now(UTC)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await store.page(
            tx,
            now=now,
            states=state or (GapState.OPEN, GapState.PROPOSED),
            since=now - timedelta(days=days),
            at_least=min,
            limit=limit,
        )
    return GapList(gaps=[_shown(gap) for gap in found])


@router.post("/refresh", summary="Look for knowledge gaps now")
async def refresh(caller: Decider, ccos: Opened) -> Refreshed:
    """Read the drafts that changed since the last look."""
    done = await Gaps(ccos.database, ccos.searcher).refresh(caller.tenant.id)
    return Refreshed(added=done.added, removed=done.removed, unreadable=done.unreadable)


@router.get("/{gap_id}", summary="Read a knowledge gap")
async def show(gap_id: UUID, caller: Reviewer, ccos: Opened) -> GapOut:
    """A gap with its examples and its proposal."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return _shown(await store.get(tx, gap_id, now=datetime.now(UTC)))


@router.post("/{gap_id}/propose", summary="Draft an article for a knowledge gap")
async def propose(gap_id: UUID, caller: Decider, ccos: Opened) -> GapOut:
    """Draft it from the replies that agents sent. It is found by nobody until a person accepts it."""
    gaps = Gaps(ccos.database, ccos.searcher)
    made = await gaps.propose(caller.tenant, gap_id, generator=ccos.service, mode=ccos.settings.mode)
    return _shown(made)


@router.post("/{gap_id}/accept", summary="Accept a proposed article")
async def accept(gap_id: UUID, wish: Accept, caller: Decider, ccos: Opened) -> GapOut:
    """Put it into the knowledge base, for agents only unless `public`; it can be found at once."""
    gaps = Gaps(ccos.database, ccos.searcher)
    done = await gaps.accept(
        caller.tenant.id, gap_id, by=caller.key_id, public=wish.public, edited=wish.edited
    )
    return _shown(done)


@router.post("/{gap_id}/dismiss", summary="Dismiss a knowledge gap")
async def dismiss(gap_id: UUID, why: Dismiss, caller: Decider, ccos: Opened) -> GapOut:
    """No article is wanted; it is shown again when it has become twice as large."""
    gaps = Gaps(ccos.database, ccos.searcher)
    return _shown(await gaps.dismiss(caller.tenant.id, gap_id, by=caller.key_id, reason=why.reason))


def _shown(gap: Gap) -> GapOut:
    return GapOut.model_validate(document(gap))
