"""The list of tickets: what waits for a person first, by when its reply is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from ccos.domain.draft import DraftState
from ccos.domain.errors import NotFound
from ccos.domain.hours import Hours, priority_of
from ccos.domain.ticket import LATEST, Ticket
from ccos.store import drafts, tickets, waiting
from ccos.store.database import Tx
from ccos.store.drafts import Glance
from ccos.store.paging import mark, read_mark
from ccos.store.waiting import Waiting

PAGE_SIZE = 50

View = Literal["waiting", "ready", "review", "asking", "making", "failed", "all"]
"""`waiting` is all that wait for a person or for a draft; `all` is every ticket, the newest first."""

OF_STATE: Mapping[DraftState, View] = {
    DraftState.READY: "ready",
    DraftState.NEEDS_REVIEW: "review",
    DraftState.ABSTAINED: "asking",
    DraftState.QUEUED: "making",
    DraftState.RUNNING: "making",
    DraftState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of the list: words, a view of it, and the mark of a page."""

    q: str = ""
    view: View = "waiting"
    after: str | None = None

    def query(self, **changes: str | None) -> str:
        """The list with some of it changed, as the query of an address; empty where nothing is to be said."""
        named: dict[str, str | None] = {
            "q": self.q,
            "view": None if self.view == "waiting" else self.view,
            "after": self.after,
        }
        said = urlencode({name: value for name, value in (named | changes).items() if value})
        return f"?{said}" if said else ""


def asked_in(query: str) -> Asked:
    """The list that a query made by `Asked.query` speaks of; what is no part of one is left out."""
    found = dict(parse_qsl(query.removeprefix("?")[:1_000]))
    view: View = next((name for name in get_args(View) if name == found.get("view")), "waiting")
    return Asked(found.get("q", "")[:200], view, found.get("after"))


@dataclass(frozen=True, slots=True)
class Row:
    """`due` is when the reply is due; None where none is, or where somebody has decided already."""

    ticket: Ticket
    glance: Glance | None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the list. `counts` says how many wait, by view; `next` is the mark of the next page.

    `fresh`: no ticket has ever come. `at` is the database's time when it was read.
    """

    rows: Sequence[Row]
    asked: Asked
    counts: Mapping[str, int]
    next: str | None
    open: str | None = None
    fresh: bool = False
    at: datetime | None = None


async def queue_of(
    tx: Tx, asked: Asked, hours: Hours, zone: ZoneInfo, *, open: str | None = None, size: int = PAGE_SIZE
) -> Queue:
    """Raises `BadInput` for a mark that is not ours. The `open` ticket keeps its place when it is decided."""
    words = asked.q.strip() or None
    waits = await waiting.find(tx, text=words)
    told = Counter[str](OF_STATE[each.state] for each in waits)
    told["waiting"] = len(waits)
    if asked.view == "all":
        page = await tickets.page(tx, limit=size, after=asked.after or None, text=words)
        fresh = not page.tickets and words is None and asked.after is None
        return Queue(await _rows(tx, page.tickets), asked, told, page.next, open, fresh)
    chosen = [each for each in waits if asked.view in ("waiting", OF_STATE[each.state])]
    if open is not None and open not in {str(each.ticket_id) for each in chosen}:
        chosen += await _decided(tx, open)
    placed = in_order(chosen, hours, zone)
    start = _start(placed, asked.after)
    shown = placed[start : start + size]
    more = start + size < len(placed)
    found = await waiting.tickets_of(tx, [each.ticket_id for _, each in shown])
    dues = {each.ticket_id: due for due, each in shown if each.state in OF_STATE}
    ordered = [found[each.ticket_id] for _, each in shown if each.ticket_id in found]
    rows = await _rows(tx, ordered, dues)
    end = mark(_at(shown[-1][0]), shown[-1][1].ticket_id) if more else None
    fresh = not rows and words is None and not (await tickets.page(tx, limit=1)).tickets
    now = await tx.row("SELECT now() AS now")
    return Queue(rows, asked, told, end, open, fresh, now["now"] if now else None)


async def row_of(tx: Tx, ticket_id: str, hours: Hours, zone: ZoneInfo) -> Row:
    """One ticket of the list, wherever it stands. Raises NotFound."""
    ticket = await tickets.get(tx, ticket_id)
    glance = (await drafts.glance(tx, [ticket_id])).get(ticket_id)
    due = None
    if glance is not None and glance.state in OF_STATE:
        due = next((hours.due(each.since, each.priority, zone) for each in _waiting(ticket, glance)), None)
    return Row(ticket, glance, due)


async def came_since(tx: Tx, asked: Asked, moment: datetime) -> int:
    """How many tickets have come to the list since; 0 for the list of every ticket, which is in pages."""
    if asked.view == "all":
        return 0
    waits = await waiting.find(tx, text=asked.q.strip() or None)
    return sum(
        each.came_at is not None and each.came_at > moment and asked.view in ("waiting", OF_STATE[each.state])
        for each in waits
    )


def in_order(waits: Iterable[Waiting], hours: Hours, zone: ZoneInfo) -> list[tuple[datetime | None, Waiting]]:
    """With when each is due: what is due first comes first, what never is last, by how long it waits."""
    placed = [(hours.due(each.since, each.priority, zone), each) for each in waits]
    return sorted(placed, key=lambda pair: (_at(pair[0]), pair[1].since, pair[1].ticket_id))


def _start(placed: Sequence[tuple[datetime | None, Waiting]], after: str | None) -> int:
    """The place behind the one that the mark names, also when that one has gone."""
    due, last = read_mark(after or None)
    if due is None or last is None:
        return 0
    names = [each.ticket_id for _, each in placed]
    if last in names:
        return names.index(last) + 1
    return next((place for place, (at, _) in enumerate(placed) if _at(at) > due), len(placed))


def _at(due: datetime | None) -> datetime:
    return due or LATEST


async def _decided(tx: Tx, ticket_id: str) -> list[Waiting]:
    """A ticket that waits no more, where it would stand if it did; nothing where there is none."""
    try:
        ticket = await tickets.get(tx, ticket_id)
    except NotFound:
        return []
    glance = (await drafts.glance(tx, [ticket_id])).get(ticket_id)
    return [] if glance is None else _waiting(ticket, glance)


def _waiting(ticket: Ticket, glance: Glance) -> list[Waiting]:
    """What `store/waiting.py` says of a ticket, for one that may wait no more."""
    if ticket.created_at is None or ticket.id is None:
        return []
    last = ticket.conversation_history[-1] if ticket.conversation_history else None
    since = last.at if last and last.role == "customer" and last.at else ticket.created_at
    own = ticket.priority.value if ticket.priority else None
    priority = priority_of(own, {"priority": glance.priority})
    return [Waiting(UUID(ticket.id), since, priority, glance.state)]


async def _rows(
    tx: Tx, found: Sequence[Ticket], dues: Mapping[UUID, datetime | None] | None = None
) -> list[Row]:
    glances = await drafts.glance(tx, [each.id for each in found if each.id])
    return [
        Row(each, glances.get(each.id or ""), (dues or {}).get(UUID(each.id)) if each.id else None)
        for each in found
    ]
