"""A ticket as a person opens it: beside the queue, with its newest draft and what was decided about that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.responses import RedirectResponse, Response

from ccos.console.live import live_of
from ccos.console.queue import Asked, Queue, Row, queue_of, row_of
from ccos.console.showing import Visit
from ccos.domain.draft import Draft
from ccos.domain.tenant import Role
from ccos.domain.ticket import Message, Ticket
from ccos.store import decisions, drafts, tickets
from ccos.store.database import Tx
from ccos.store.decisions import Decision
from ccos.wiring import Ccos

WAITING = Asked()
NEWEST, EARLIER, MOST_MESSAGES = 20, 200, 5_000
"""Messages that are shown at first, at each further step, and that a ticket can have."""


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages that are shown; `first` others stand before them."""

    messages: Sequence[Message]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket as it is opened: with its newest draft, and what was decided about that."""

    ticket: Ticket
    draft: Draft | None
    decision: Decision | None
    thread: Thread


def back_to(ticket_id: str, asked: Asked = WAITING) -> Response:
    return RedirectResponse(page_of(ticket_id) + asked.query(), 303)


def page_of(ticket_id: str) -> str:
    """Its path."""
    return f"/tickets/{ticket_id}"


async def ticket_page(
    visit: Visit,
    ccos: Ccos,
    ticket_id: str,
    asked: Asked = WAITING,
    *,
    status: int = 200,
    notice: str | None = None,
    whole: bool = False,
) -> Response:
    async with tenant_of(ccos, visit) as tx:
        opening = await opened(tx, ticket_id, whole=whole)
        queue = await queue_for(tx, visit, asked, open=opening.ticket.id)
    stage = stage_of(visit, opening)
    return visit.page(
        "ticket.html", status, queue=queue, opening=opening, may=may_of(visit), notice=notice, stage=stage
    )


def stage_of(visit: Visit, opening: Opening) -> str | None:
    """The stage that the draft has finished last, while it is made and where one was heard of."""
    return live_of(visit.request).stage(opening.draft.id) if opening.draft else None


async def queue_for(tx: Tx, visit: Visit, asked: Asked, *, open: str | None = None) -> Queue:
    """The list as this visitor's desk works."""
    assert visit.caller is not None
    return await queue_of(tx, asked, visit.caller.tenant.settings.hours, visit.teller.zone, open=open)


async def row_for(tx: Tx, visit: Visit, ticket_id: str) -> Row:
    assert visit.caller is not None
    return await row_of(tx, ticket_id, visit.caller.tenant.settings.hours, visit.teller.zone)


def thread_of(ticket: Ticket, *, before: int | None = None, most: int = NEWEST) -> Thread:
    """The newest messages of a ticket, or the newest of those in front of the message `before`."""
    length = len(ticket.conversation_history)
    end = length if before is None else min(before, length)
    first = max(0, end - most)
    return Thread(ticket.conversation_history[first:end], first)


async def opened(tx: Tx, ticket_id: str, *, whole: bool = False) -> Opening:
    """What a person sees now: a finished draft among it is not replaced on our own account any more.

    Of a long thread the newest messages are shown, or the `whole`.
    """
    ticket = await tickets.get(tx, ticket_id)
    draft = await drafts.latest(tx, ticket_id)
    if draft and draft.state in drafts.DECIDABLE:
        await drafts.mark_opened(tx, draft.id)
    thread = thread_of(ticket, most=MOST_MESSAGES if whole else NEWEST)
    return Opening(ticket, draft, await decisions.of_draft(tx, draft.id) if draft else None, thread)


def may_of(visit: Visit) -> dict[str, Any]:
    """What the role of the key lets its bearer do here."""
    role = visit.caller.role if visit.caller else None
    return {"decide": role in (Role.ADMIN, Role.SUPERVISOR, Role.AGENT), "make": role is not None}


def tenant_of(ccos: Ccos, visit: Visit) -> Any:
    assert visit.caller is not None
    return ccos.database.tenant(visit.caller.tenant.id)
