"""The first page: the queue on the left, a ticket with its newest draft on the right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from ccos.api.caller import Opened, Writer
from ccos.console.making import Making
from ccos.console.opening import (
    EARLIER,
    MOST_MESSAGES,
    back_to,
    may_of,
    opened,
    queue_for,
    row_for,
    stage_of,
    tenant_of,
    thread_of,
    ticket_page,
)
from ccos.console.queue import Asked, View, asked_in, came_since
from ccos.console.routing import PageRoute
from ccos.console.showing import Visitor, language_of
from ccos.console.speech import speech
from ccos.domain.ticket import Text
from ccos.store import drafts, tickets
from ccos.store.ending import end

PATIENCE_SECONDS = 1.0
"""How long a press on the button waits for the draft before it shows that one is being written."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    hearing = asyncio.create_task(app.state.live.run(), name="console-live")
    yield
    await end([hearing])
    await app.state.making.close()


router = APIRouter(route_class=PageRoute, include_in_schema=False, lifespan=_lifespan)


@dataclass(frozen=True, slots=True)
class Listed:
    """The list that a request asks for."""

    q: Annotated[str, Query(max_length=200)] = ""
    view: Annotated[View, Query()] = "waiting"
    after: Annotated[str | None, Query(max_length=200)] = None

    @property
    def asked(self) -> Asked:
        return Asked(self.q.strip(), self.view, self.after or None)


List = Annotated[Listed, Depends()]


@router.get("/")
async def home(visit: Visitor, ccos: Opened, listed: List) -> Response:
    async with tenant_of(ccos, visit) as tx:
        queue = await queue_for(tx, visit, listed.asked)
        counts = await drafts.counts(tx)
    return visit.page("home.html", queue=queue, counts=counts)


@router.get("/queue")
async def rows(
    visit: Visitor, ccos: Opened, listed: List, open: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """Only the rows: for the filter, and for the ones below those there are."""
    async with tenant_of(ccos, visit) as tx:
        queue = await queue_for(tx, visit, listed.asked, open=None if listed.after else open or None)
    return visit.page("_rows.html", queue=replace(queue, open=open))


@router.get("/queue/news")
async def queue_news(
    visit: Visitor, ccos: Opened, listed: List, since: AwareDatetime, had: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """How many tickets have come to the list since; nothing (204) while the page `had` that many already."""
    async with tenant_of(ccos, visit) as tx:
        came = await came_since(tx, listed.asked, since)
    if came <= had:
        return Response(status_code=204)
    return visit.page("_queue_news.html", came=came, asked=listed.asked, since=since)


@router.get("/outage")
async def outage(visit: Visitor) -> Response:
    """What does not answer now: asked for again and again by whatever page is open."""
    return visit.page("_outage.html")


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: str, visit: Visitor, ccos: Opened, listed: List, whole: bool = False) -> Response:
    return await ticket_page(visit, ccos, ticket_id, listed.asked, whole=whole)


@router.get("/tickets/{ticket_id}/thread")
async def earlier(
    ticket_id: str, visit: Visitor, ccos: Opened, before: Annotated[int, Query(ge=0, le=MOST_MESSAGES)]
) -> Response:
    """Messages in front of one of a long thread, to be put there."""
    async with tenant_of(ccos, visit) as tx:
        ticket = await tickets.get(tx, ticket_id)
    thread = thread_of(ticket, before=before, most=EARLIER)
    return visit.page("_earlier.html", ticket=ticket, thread=thread)


@router.get("/tickets/{ticket_id}/draft")
async def card(ticket_id: str, visit: Visitor, ccos: Opened, listed: List) -> Response:
    """The draft's card alone, asked for again and again while the draft is being made."""
    async with tenant_of(ccos, visit) as tx:
        opening = await opened(tx, ticket_id)
        row = await row_for(tx, visit, ticket_id)
    queue = {"asked": listed.asked}
    stage = stage_of(visit, opening)
    return visit.page("_card.html", opening=opening, may=may_of(visit), queue=queue, row=row, stage=stage)


@router.get("/tickets/{ticket_id}/chips")
async def chips(ticket_id: str, visit: Visitor, ccos: Opened) -> Response:
    """What a row of the list says of its ticket, when something has become of that."""
    async with tenant_of(ccos, visit) as tx:
        row = await row_for(tx, visit, ticket_id)
    return visit.page("_row_chips.html", row=row)


@router.post("/tickets/{ticket_id}/drafts")
async def make(
    ticket_id: str,
    request: Request,
    caller: Writer,
    ccos: Opened,
    hint: Annotated[Text, Form(max_length=500)] = "",
    tone: Annotated[Literal["", "warmer", "shorter", "plainer"], Form()] = "",
    list: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    """`tone` is one of the wishes that have a button; it goes behind what was typed."""
    spoken = speech(language_of(request))
    wish = f"{hint.strip()} {spoken(f'tone.{tone}.wish') if tone else ''}".strip()
    making: Making = request.app.state.making
    work = ccos.drafting.make(caller.tenant, ticket_id, hint=wish or None)
    await making.begin(work, seconds=PATIENCE_SECONDS)
    return back_to(ticket_id, asked_in(list))
