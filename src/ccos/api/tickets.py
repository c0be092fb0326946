"""Tickets: stored and queued in one breath, listed, drafted now."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, Field

from ccos.api.caller import AnyCaller, Opened, Writer
from ccos.api.headers import draft_headers
from ccos.api.leaving import unless_left
from ccos.domain.draft import Draft
from ccos.domain.errors import BadTicket
from ccos.domain.ticket import Moment, Text, Ticket
from ccos.domain.tier import Mode
from ccos.store import decisions, drafts, tickets

router = APIRouter(prefix="/api/tickets", tags=["tickets"])


class Accepted(BaseModel):
    ticket_id: str
    draft_id: str
    state: str


class TicketPage(BaseModel):
    tickets: list[Ticket]
    next: str | None = Field(None, description="Pass as `after` for the following page")


class TicketWithDraft(BaseModel):
    ticket: Ticket
    draft: Draft | None


class Wish(BaseModel):
    """How a draft should be made now."""

    mode: Mode | None = None
    seconds: float = Field(20.0, gt=0, le=600, description="All the time there is for it")
    hint: Text | None = Field(None, max_length=500, description="What an agent wants said or changed")


class Outcome(BaseModel):
    """What became of a ticket after its reply."""

    csat: int | None = Field(None, ge=1, le=5, description="The customer's rating")
    reopened_at: Moment | None = Field(None, description="When the customer came back about the same thing")


def checked(ticket: Ticket) -> Ticket:
    """A ticket that says something. Raises BadTicket."""
    if not ticket.customer_text.strip():
        raise BadTicket("The ticket says nothing: give it a subject, a description or a customer message.")
    return ticket


@router.post("", status_code=status.HTTP_202_ACCEPTED, summary="Send a ticket")
async def take_in(ticket: Ticket, caller: Writer, ccos: Opened) -> Accepted:
    """Store a ticket and queue its draft. The same ticket (by `external_id`) sent again changes nothing."""
    taken = await ccos.drafting.take_in(caller.tenant.id, checked(ticket))
    assert taken.ticket.id is not None
    return Accepted(ticket_id=taken.ticket.id, draft_id=taken.draft.id, state=taken.draft.state)


@router.get("", summary="List tickets")
async def find(
    caller: AnyCaller,
    ccos: Opened,
    text: Annotated[str | None, Query(max_length=200)] = None,
    status: Literal["open", "closed"] | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TicketPage:
    """Tickets, newest first."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        page = await tickets.page(tx, limit=limit, after=after, text=text, status=status)
    return TicketPage(tickets=list(page.tickets), next=page.next)


@router.get("/{ticket_id}", summary="Read a ticket")
async def show(ticket_id: str, caller: AnyCaller, ccos: Opened) -> TicketWithDraft:
    """A ticket with its newest draft."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        ticket = await tickets.get(tx, ticket_id)
        draft = await drafts.latest(tx, ticket_id)
    return TicketWithDraft(ticket=ticket, draft=draft)


@router.put("/{ticket_id}/outcome", status_code=status.HTTP_204_NO_CONTENT, summary="Tell what came of it")
async def tell_outcome(ticket_id: str, outcome: Outcome, caller: Writer, ccos: Opened) -> None:
    """Note the customer's rating, or that they came back, on the last reply that was sent from a draft.

    Without such a reply there is nothing to note it on: 404.
    """
    async with ccos.database.tenant(caller.tenant.id) as tx:
        await tickets.get(tx, ticket_id)
        await decisions.note_outcome(tx, ticket_id, csat=outcome.csat, reopened_at=outcome.reopened_at)


@router.post("/{ticket_id}/drafts", status_code=status.HTTP_201_CREATED, summary="Draft a reply now")
async def draft_now(
    ticket_id: str,
    caller: Writer,
    ccos: Opened,
    request: Request,
    response: Response,
    wish: Wish | None = None,
) -> Draft:
    """Draft a reply now, in place of the ticket's open draft. Hanging up ends it and brings that one back."""
    wish = wish or Wish()
    work = ccos.drafting.make(caller.tenant, ticket_id, mode=wish.mode, seconds=wish.seconds, hint=wish.hint)
    draft = await unless_left(request.receive, work)
    response.headers.update(draft_headers(draft))
    return draft
