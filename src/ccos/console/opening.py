"""A ticket as a person opens it: beside the queue, with its newest draft and what was decided about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import RedirectResponse, Response

from ccos.console.showing import Visit
from ccos.domain.draft import Draft
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, tickets
from ccos.store.database import Tx
from ccos.store.decisions import Decision
from ccos.store.drafts import Glance
from ccos.wiring import Ccos

PAGE_SIZE = 50

Words = Annotated[str, Query(max_length=200)]
Mark = Annotated[str | None, Query(max_length=200)]


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


def back_to(ticket_id: str) -> Response:
    return RedirectResponse(page_of(ticket_id), 303)


def page_of(ticket_id: str) -> str:
    """Its path."""
    return f"/tickets/{ticket_id}"


async def ticket_page(
    visit: Visit,
    ccos: Ccos,
    ticket_id: str,
    q: str = "",
    after: str | None = None,
    *,
    status: int = 200,
    notice: str | None = None,
) -> Response:
    async with tenant_of(ccos, visit) as tx:
        opening = await opened(tx, ticket_id)
        queue = await queue_of(tx, q, after, opening.ticket.id)
    return visit.page("ticket.html", status, queue=queue, opening=opening, may=may_of(visit), notice=notice)


async def opened(tx: Tx, ticket_id: str) -> Opening:
    """What a person sees now: a finished draft among it is not replaced on our own account any more."""
    ticket = await tickets.get(tx, ticket_id)
    draft = await drafts.latest(tx, ticket_id)
    if draft and draft.state in drafts.DECIDABLE:
        await drafts.mark_opened(tx, draft.id)
    return Opening(ticket, draft, await decisions.of_draft(tx, draft.id) if draft else None)


async def queue_of(tx: Tx, q: str, after: str | None, open: str | None = None) -> Queue:
    page = await tickets.page(tx, limit=PAGE_SIZE, after=after or None, text=q.strip() or None)
    glances = await drafts.glance(tx, [t.id for t in page.tickets if t.id])
    return Queue(page.tickets, glances, page.next, after, q.strip(), open)


def may_of(visit: Visit) -> dict[str, Any]:
    """What the role of the key lets its bearer do here."""
    role = visit.caller.role if visit.caller else None
    return {"decide": role in (Role.ADMIN, Role.SUPERVISOR, Role.AGENT), "make": role is not None}


def tenant_of(ccos: Ccos, visit: Visit) -> Any:
    assert visit.caller is not None
    return ccos.database.tenant(visit.caller.tenant.id)
