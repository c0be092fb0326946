"""The first page: the queue on the left, a ticket with its newest draft on the right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import Response

from ccos.api.caller import Opened, Writer
from ccos.console.making import Making
from ccos.console.opening import (
    Mark,
    Words,
    back_to,
    may_of,
    opened,
    queue_of,
    tenant_of,
    ticket_page,
)
from ccos.console.routing import PageRoute
from ccos.console.showing import Visitor, language_of
from ccos.console.speech import speech
from ccos.domain.ticket import Text
from ccos.store import drafts

PATIENCE_SECONDS = 1.0
"""How long a press on the button waits for the draft before it shows that one is being written."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.making.close()


router = APIRouter(route_class=PageRoute, include_in_schema=False, lifespan=_lifespan)


@router.get("/")
async def home(visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None) -> Response:
    async with tenant_of(ccos, visit) as tx:
        queue = await queue_of(tx, q, after)
        counts = await drafts.counts(tx)
    return visit.page("home.html", queue=queue, counts=counts)


@router.get("/queue")
async def rows(
    visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None, open: Mark = None
) -> Response:
    """Only the rows: for the filter, and for the older ones below those there are."""
    async with tenant_of(ccos, visit) as tx:
        queue = await queue_of(tx, q, after, open)
    return visit.page("_rows.html", queue=queue)


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: str, visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None) -> Response:
    return await ticket_page(visit, ccos, ticket_id, q, after)


@router.get("/tickets/{ticket_id}/draft")
async def card(ticket_id: str, visit: Visitor, ccos: Opened) -> Response:
    """The draft's card alone, asked for again and again while the draft is being made."""
    async with tenant_of(ccos, visit) as tx:
        opening = await opened(tx, ticket_id)
    return visit.page("_card.html", opening=opening, may=may_of(visit))


@router.post("/tickets/{ticket_id}/drafts")
async def make(
    ticket_id: str,
    request: Request,
    caller: Writer,
    ccos: Opened,
    hint: Annotated[Text, Form(max_length=500)] = "",
    tone: Annotated[Literal["", "warmer", "shorter", "plainer"], Form()] = "",
) -> Response:
    """`tone` is one of the wishes that have a button; it goes behind what was typed."""
    spoken = speech(language_of(request))
    wish = f"{hint.strip()} {spoken(f'tone.{tone}.wish') if tone else ''}".strip()
    making: Making = request.app.state.making
    work = ccos.drafting.make(caller.tenant, ticket_id, hint=wish or None)
    await making.begin(work, seconds=PATIENCE_SECONDS)
    return back_to(ticket_id)
