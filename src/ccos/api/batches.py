"""Batches: many tickets sent at once, drafted behind all that come singly; their results as JSON lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from ccos.api.batch_body import MAX_TICKETS, NDJSON, Unfit, read_batch
from ccos.api.caller import AnyCaller, Opened, Writer
from ccos.api.problems import described, problem
from ccos.domain.batch import Batch, BatchReport
from ccos.store import batches
from ccos.store.batches import Result
from ccos.wiring import Ccos

PATH = "/api/batches"
router = APIRouter(prefix=PATH, tags=["batches"])

READ_AT_ONCE = 4
"""Bodies of batches in memory at a time; whoever comes then waits."""
WAIT_SECONDS = 10.0
CANCEL_SECONDS = 60.0
PAGE_LINES = 50
"""Results in memory at a time, and in one transaction."""

_TICKET: Final[dict[str, Any]] = {"$ref": "#/components/schemas/Ticket-Input"}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        NDJSON: {"schema": _TICKET | {"description": "One ticket a line"}},
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["tickets"],
                "properties": {"tickets": {"type": "array", "items": _TICKET, "maxItems": MAX_TICKETS}},
            }
        },
    },
}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    408: described("The body did not arrive in time."),
    415: described("The body is neither JSON lines nor JSON, or it is compressed."),
}


class BatchPage(BaseModel):
    batches: list[Batch]
    next: str | None = Field(None, description="Pass as `after` for the following page")


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a batch of tickets",
    response_model=BatchReport,
    responses=_REFUSED,
    openapi_extra={"requestBody": _BODY},
)
async def take_in(request: Request, caller: Writer, ccos: Opened, response: Response) -> Any:
    """Store many tickets and queue their drafts behind all that were asked for singly.

    A line that is no ticket does not keep the others back: its result says what is wrong with it. Each ticket
    is treated as one that is sent alone, so the same batch sent again drafts nothing again; a ticket without
    an `external_id` gets one made of its words and its line.
    """
    readers: asyncio.Semaphore = request.app.state.batch_readers
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await readers.acquire()
    except TimeoutError:
        return problem(503, "batch.busy", "Other batches are being read; send it again in a moment.")
    try:
        found = await read_batch(request)
        made = await ccos.drafting.take_in_batch(caller.tenant.id, found.tickets, found.bad)
    except Unfit as fault:
        return problem(fault.status, fault.code, fault.sentence)
    finally:
        readers.release()
    async with ccos.database.tenant(caller.tenant.id) as tx:
        report = await batches.report(tx, made)
    response.headers["Location"] = f"{PATH}/{report.id}"
    return report


@router.get("", summary="List batches")
async def find(
    caller: AnyCaller,
    ccos: Opened,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchPage:
    """Batches, newest first."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        page = await batches.page(tx, limit=limit, after=after)
    return BatchPage(batches=list(page.batches), next=page.next)


@router.get("/{batch_id}", summary="Read where a batch stands")
async def show(batch_id: str, caller: AnyCaller, ccos: Opened) -> BatchReport:
    """A batch with its counts by state and tier, its cost, and the seconds it will still take."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return await batches.report(tx, batch_id)


@router.get(
    "/{batch_id}/results",
    summary="Read the results of a batch",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
)
async def read_results(
    batch_id: str,
    caller: AnyCaller,
    ccos: Opened,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> StreamingResponse:
    """The results as JSON lines in the order of the batch, up to the first line that has none yet.

    Each is `{"line", "ticket", "external_id", ...draft}` or `{"line", "error": {"code", "message"}}`. Read on
    with the last line's number as `after`; with a batch that is done, the end of the stream is the end of it.
    """
    first = await _page(ccos, caller.tenant.id, batch_id, after)
    stream = _stream(ccos, caller.tenant.id, batch_id, first)
    return StreamingResponse(stream, media_type=NDJSON, headers={"Cache-Control": "no-store"})


@router.delete("/{batch_id}", summary="Cancel a batch")
async def cancel(batch_id: str, caller: Writer, ccos: Opened) -> BatchReport:
    """End what nobody has begun; what has begun still ends. Done again it changes nothing.

    The lines that were ended have a draft that failed with the reason `batch.cancelled`.
    """
    async with ccos.database.tenant(caller.tenant.id, seconds=CANCEL_SECONDS) as tx:
        await batches.cancel(tx, batch_id)
        return await batches.report(tx, batch_id)


async def _stream(ccos: Ccos, tenant_id: UUID, batch_id: str, page: Sequence[Result]) -> AsyncIterator[bytes]:
    while page:
        yield b"".join([orjson.dumps(each.shown) + b"\n" for each in page])
        page = await _page(ccos, tenant_id, batch_id, page[-1].line)


async def _page(ccos: Ccos, tenant_id: UUID, batch_id: str, after: int) -> list[Result]:
    async with ccos.database.tenant(tenant_id) as tx:
        return await batches.results(tx, batch_id, after=after, limit=PAGE_LINES)
