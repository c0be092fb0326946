"""Drafts: read, followed while they are made, decided by a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ccos.api.caller import AnyCaller, Caller, Opened, Reviewer
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import StoreError
from ccos.domain.feedback import Reason
from ccos.domain.ticket import Label, Text
from ccos.store import decisions, drafts
from ccos.wiring import Ccos

router = APIRouter(prefix="/api/drafts", tags=["drafts"])

POLL_SECONDS = 0.4
LONGEST_FOLLOWING_SECONDS = 900.0
UNFINISHED = frozenset({DraftState.QUEUED, DraftState.RUNNING})


class Decision(BaseModel):
    verdict: Literal["approved", "edited", "rejected"]
    text: Text | None = Field(None, description="What was really sent; needed for `edited`")
    fields: dict[str, Any] | None = Field(None, description="Field values that were really set")
    reason: Label | None = Field(
        None, description="Of a rejection: " + ", ".join(Reason) + "; other words count as other"
    )
    note: Text | None = Field(None, max_length=2_000, description="What else there is to say about it")
    csat: int | None = Field(None, ge=1, le=5)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("verdict") == "edited" and text is not None and not text.strip():
            raise PydanticCustomError("blank", "The text is blank; give what was sent, or leave it out")
        return text


@router.get("/{draft_id}", summary="Read a draft")
async def show(draft_id: str, caller: AnyCaller, ccos: Opened) -> Draft:
    """A draft with its evidence and every attempt behind it."""
    return await _read(ccos, caller, draft_id)


@router.post("/{draft_id}/decision", summary="Decide about a draft")
async def decide(draft_id: str, decision: Decision, caller: Reviewer, ccos: Opened) -> Draft:
    """Approve, edit or reject. Sending the same decision twice is harmless; a different one is a conflict."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        await decisions.decide(
            tx,
            draft_id,
            decision.verdict,
            text=decision.text,
            fields=decision.fields,
            reason=decision.reason or "",
            note=decision.note or "",
            csat=decision.csat,
            decided_by=caller.key_id,
        )
        return await drafts.get(tx, draft_id)


@router.delete("/{draft_id}/decision", summary="Take a decision back")
async def take_back(draft_id: str, caller: Reviewer, ccos: Opened) -> Draft:
    """For 30 seconds whoever decided may take it back; then the draft can be decided about again."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        await decisions.take_back(tx, draft_id, by=caller.key_id)
        return await drafts.get(tx, draft_id)


@router.get(
    "/{draft_id}/events",
    summary="Follow a draft",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow(draft_id: str, request: Request, caller: AnyCaller, ccos: Opened) -> StreamingResponse:
    """Server-sent events: `state` whenever it changes, `draft` with the whole draft at the end."""
    first = await _read(ccos, caller, draft_id)
    events = _events(ccos, caller, first, request.app.state.leaving)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(ccos: Ccos, caller: Caller, draft: Draft, leaving: asyncio.Event) -> AsyncIterator[bytes]:
    deadline = asyncio.get_running_loop().time() + LONGEST_FOLLOWING_SECONDS
    yield _event("state", {"id": draft.id, "state": draft.state})
    while draft.state in UNFINISHED and asyncio.get_running_loop().time() < deadline:
        if leaving.is_set():
            return  # the end of the process is no end of the draft: whoever follows comes again
        await asyncio.sleep(POLL_SECONDS)
        try:
            newer = await _read(ccos, caller, draft.id)
        except StoreError as fault:  # the database may come back before the listener leaves
            yield f": {fault.code}\n\n".encode()
            continue
        if newer.state is draft.state:
            yield b": waiting\n\n"
        else:
            yield _event("state", {"id": newer.id, "state": newer.state})
        draft = newer
    yield _event("draft", draft.model_dump(mode="json"))


def _event(name: str, data: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def _read(ccos: Ccos, caller: Caller, draft_id: str) -> Draft:
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return await drafts.get(tx, draft_id)
