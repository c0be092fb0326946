"""The first page: the queue on the left, a ticket with its newest draft on the right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from ccos.api.caller import Opened, Reviewer, Writer
from ccos.console.making import Making
from ccos.console.routing import PageRoute
from ccos.console.showing import Visit, Visitor, visit_of
from ccos.console.telling import spoken
from ccos.domain.draft import Draft
from ccos.domain.errors import Conflict
from ccos.domain.tenant import Role
from ccos.domain.ticket import Label, Text, Ticket
from ccos.store import decisions, drafts, tickets
from ccos.store.database import Tx
from ccos.store.decisions import Decision
from ccos.store.drafts import Glance
from ccos.wiring import Ccos

PAGE_SIZE = 50
PATIENCE_SECONDS = 1.0
"""How long a press on the button waits for the draft before it shows that one is being written."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.making.close()


router = APIRouter(route_class=PageRoute, include_in_schema=False, lifespan=_lifespan)


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of tickets, and what of their drafts the list shows."""

    tickets: tuple[Ticket, ...]
    glances: dict[str, Glance]
    next: str | None
    after: str | None
    q: str
    open: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket as it is opened: with its newest draft, and what was decided about that."""

    ticket: Ticket
    draft: Draft | None
    decision: Decision | None


Words = Annotated[str, Query(max_length=200)]
Mark = Annotated[str | None, Query(max_length=200)]


@router.get("/")
async def home(visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None) -> Response:
    async with _tenant(ccos, visit) as tx:
        queue = await _queue(tx, q, after)
        counts = await drafts.counts(tx)
    return visit.page("home.html", queue=queue, counts=counts)


@router.get("/queue")
async def rows(
    visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None, open: Mark = None
) -> Response:
    """Only the rows: for the filter, and for the older ones below those there are."""
    async with _tenant(ccos, visit) as tx:
        queue = await _queue(tx, q, after, open)
    return visit.page("_rows.html", queue=queue)


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: str, visit: Visitor, ccos: Opened, q: Words = "", after: Mark = None) -> Response:
    return await _ticket_page(visit, ccos, ticket_id, q, after)


@router.get("/tickets/{ticket_id}/draft")
async def card(ticket_id: str, visit: Visitor, ccos: Opened) -> Response:
    """The draft's card alone, asked for again and again while the draft is being made."""
    async with _tenant(ccos, visit) as tx:
        opening = await _opened(tx, ticket_id)
    return visit.page("_card.html", opening=opening, may=_may(visit))


@router.post("/tickets/{ticket_id}/drafts")
async def make(
    ticket_id: str,
    request: Request,
    caller: Writer,
    ccos: Opened,
    hint: Annotated[Text, Form(max_length=500)] = "",
) -> Response:
    making: Making = request.app.state.making
    work = ccos.drafting.make(caller.tenant, ticket_id, hint=hint.strip() or None)
    await making.begin(work, seconds=PATIENCE_SECONDS)
    return _back(ticket_id)


@router.post("/drafts/{draft_id}/decision")
async def decide(
    draft_id: str,
    request: Request,
    caller: Reviewer,
    ccos: Opened,
    verdict: Annotated[Literal["approved", "edited", "rejected"], Form()],
    text: Annotated[Text, Form()] = "",
    reason: Annotated[Label, Form()] = "",
) -> Response:
    async with ccos.database.tenant(caller.tenant.id) as tx:
        draft = await drafts.get(tx, draft_id)
    visit = visit_of(request, caller, here=_page_of(draft.ticket_id))
    sent = text.replace("\r\n", "\n").strip()
    if verdict == "edited" and not sent:
        return await _ticket_page(visit, ccos, draft.ticket_id, status=422, notice="fault.blank")
    unchanged = verdict == "edited" and sent == spoken(draft).strip()
    try:
        async with ccos.database.tenant(caller.tenant.id) as tx:
            await decisions.decide(
                tx,
                draft_id,
                "approved" if unchanged else verdict,
                text=sent if verdict == "edited" and not unchanged else None,
                reason=reason,
                decided_by=caller.key_id,
            )
    except Conflict:
        return await _ticket_page(visit, ccos, draft.ticket_id, status=409, notice="fault.conflict")
    return _back(draft.ticket_id)


def _back(ticket_id: str) -> Response:
    return RedirectResponse(_page_of(ticket_id), 303)


def _page_of(ticket_id: str) -> str:
    return f"/tickets/{ticket_id}"


async def _ticket_page(
    visit: Visit,
    ccos: Ccos,
    ticket_id: str,
    q: str = "",
    after: str | None = None,
    *,
    status: int = 200,
    notice: str | None = None,
) -> Response:
    async with _tenant(ccos, visit) as tx:
        opening = await _opened(tx, ticket_id)
        queue = await _queue(tx, q, after, opening.ticket.id)
    return visit.page("ticket.html", status, queue=queue, opening=opening, may=_may(visit), notice=notice)


async def _opened(tx: Tx, ticket_id: str) -> Opening:
    """What a person sees now: a finished draft among it is not replaced on our own account any more."""
    ticket = await tickets.get(tx, ticket_id)
    draft = await drafts.latest(tx, ticket_id)
    if draft and draft.state in drafts.DECIDABLE:
        await drafts.mark_opened(tx, draft.id)
    return Opening(ticket, draft, await decisions.of_draft(tx, draft.id) if draft else None)


async def _queue(tx: Tx, q: str, after: str | None, open: str | None = None) -> Queue:
    page = await tickets.page(tx, limit=PAGE_SIZE, after=after or None, text=q.strip() or None)
    glances = await drafts.glance(tx, [t.id for t in page.tickets if t.id])
    return Queue(page.tickets, glances, page.next, after, q.strip(), open)


def _may(visit: Visit) -> dict[str, Any]:
    """What the role of the key lets its bearer do here."""
    role = visit.caller.role if visit.caller else None
    return {"decide": role in (Role.ADMIN, Role.SUPERVISOR, Role.AGENT), "make": role is not None}


def _tenant(ccos: Ccos, visit: Visit) -> Any:
    assert visit.caller is not None
    return ccos.database.tenant(visit.caller.tenant.id)
