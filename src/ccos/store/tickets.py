"""Tickets as they came in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from ccos.domain.errors import NotFound
from ccos.domain.ticket import Ticket
from ccos.store.database import Tx
from ccos.store.paging import mark, pattern, read_mark
from ccos.store.values import json_of, new_id, utc, uuid_of

Status = Literal["open", "closed"]
Outcome = Literal["created", "changed", "unchanged"]
_AT_ONCE = 250
"""Tickets in one statement: enough that the way to the database costs little, and few enough to be quick."""


@dataclass(frozen=True, slots=True)
class Put:
    """The ticket as stored, with our id, and what storing it did."""

    ticket: Ticket
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the following page starts; None on the last."""

    tickets: tuple[Ticket, ...]
    next: str | None


async def put(tx: Tx, ticket: Ticket) -> Put:
    """Store a ticket: one row per `external_id`, however often it is sent; a new row each time without one.

    Any `ticket.id` is replaced by ours. A ticket that came without a time gets that of its arrival.
    """
    row = await tx.row(
        """
        INSERT INTO ticket AS stored (tenant_id, id, external_id, body, subject, priority, language, category,
                                      created_at)
        VALUES (%(tenant)s, %(id)s, %(external_id)s, %(body)s, %(subject)s, %(priority)s, %(language)s,
                %(category)s, coalesce(%(created_at)s, now()))
        ON CONFLICT (tenant_id, external_id) DO UPDATE SET
            body = excluded.body, subject = excluded.subject, priority = excluded.priority,
            language = excluded.language, category = excluded.category, updated_at = now()
        WHERE stored.body IS DISTINCT FROM excluded.body
        RETURNING id, body, created_at, xmax = 0 AS created""",
        id=new_id(),
        external_id=ticket.external_id,
        body=json_of(ticket.model_copy(update={"id": None})),
        subject=ticket.subject,
        priority=ticket.priority.value if ticket.priority else None,
        language=ticket.language,
        category=ticket.category,
        created_at=utc(ticket.created_at),
    )
    if row is not None:
        return Put(ticket_of(row), "created" if row["created"] else "changed")
    row = await tx.row(
        "SELECT id, body, created_at FROM ticket WHERE external_id = %(external_id)s",
        external_id=ticket.external_id,
    )
    assert row is not None  # nothing was written, so this one was in the way
    return Put(ticket_of(row), "unchanged")


async def put_all(tx: Tx, wanted: Sequence[Ticket]) -> dict[str, tuple[UUID, Outcome]]:
    """Store many tickets as `put` does each, by their `external_id`: our id, and what storing it did.

    Each needs an `external_id`, and no two the same. They are stored, and locked, in the order of those, so
    that two who store the same ones at once do not wait for each other for ever.
    """
    found: dict[str, tuple[UUID, Outcome]] = {}
    ordered = sorted(wanted, key=lambda ticket: str(ticket.external_id))
    for at in range(0, len(ordered), _AT_ONCE):
        rows = await asyncio.to_thread(_records, ordered[at : at + _AT_ONCE])
        written = await tx.rows(
            """
            INSERT INTO ticket AS stored (tenant_id, id, external_id, body, subject, priority, language,
                                          category, created_at)
            SELECT %(tenant)s, id, external_id, body, subject, priority, language, category,
                   coalesce(created_at, now())
              FROM jsonb_to_recordset(%(rows)s) AS sent (id uuid, external_id text, body jsonb, subject text,
                   priority text, language text, category text, created_at timestamptz)
             ORDER BY external_id COLLATE "C"
            ON CONFLICT (tenant_id, external_id) DO UPDATE SET
                body = excluded.body, subject = excluded.subject, priority = excluded.priority,
                language = excluded.language, category = excluded.category, updated_at = now()
            WHERE stored.body IS DISTINCT FROM excluded.body
            RETURNING external_id, id, xmax = 0 AS created""",
            rows=rows,
        )
        found |= {r["external_id"]: (r["id"], "created" if r["created"] else "changed") for r in written}
    same = await tx.rows(
        "SELECT external_id, id FROM ticket WHERE tenant_id = %(tenant)s AND external_id = ANY(%(rest)s)",
        rest=[ticket.external_id for ticket in ordered if ticket.external_id not in found],
    )
    return found | {row["external_id"]: (row["id"], "unchanged") for row in same}


def _records(wanted: Sequence[Ticket]) -> Jsonb:
    return json_of(
        [
            {
                "id": str(new_id()),
                "external_id": ticket.external_id,
                "body": ticket.model_copy(update={"id": None}).model_dump(mode="json"),
                "subject": ticket.subject,
                "priority": ticket.priority.value if ticket.priority else None,
                "language": ticket.language,
                "category": ticket.category,
                "created_at": at.isoformat() if (at := utc(ticket.created_at)) else None,
            }
            for ticket in wanted
        ]
    )


async def get(tx: Tx, ticket_id: str | UUID) -> Ticket:
    """Raises `NotFound`."""
    row = await tx.row("SELECT id, body, created_at FROM ticket WHERE id = %(id)s", id=uuid_of(ticket_id))
    if row is None:
        raise NotFound("There is no ticket with this id.")
    return ticket_of(row)


async def set_status(tx: Tx, ticket_id: str | UUID, status: Status) -> None:
    """Raises `NotFound`."""
    changed = await tx.run(
        "UPDATE ticket SET status = %(status)s, updated_at = now() WHERE id = %(id)s",
        id=uuid_of(ticket_id),
        status=status,
    )
    if not changed:
        raise NotFound("There is no ticket with this id.")


async def page(
    tx: Tx,
    *,
    limit: int = 50,
    after: str | None = None,
    text: str | None = None,
    status: Status | None = None,
) -> Page:
    """Newest first. `after` is an earlier page's `next`; `text` must occur in subject, description or id.

    Raises `BadInput` when `after` is not one of ours.
    """
    at, last = read_mark(after)
    rows = await tx.rows(
        r"""
        SELECT id, body, created_at FROM ticket
         WHERE tenant_id = %(tenant)s
           AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(last)s::uuid))
           AND (%(status)s::text IS NULL OR status = %(status)s)
           AND (%(text)s::text IS NULL OR subject ILIKE %(text)s OR external_id ILIKE %(text)s
                OR body ->> 'description' ILIKE %(text)s)
         ORDER BY created_at DESC, id DESC LIMIT %(limit)s""",
        at=at,
        last=last,
        status=status,
        text=pattern(text) if text else None,
        limit=limit + 1,
    )
    shown = rows[:limit]
    return Page(
        tickets=tuple(ticket_of(row) for row in shown),
        next=mark(shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > limit else None,
    )


def ticket_of(row: DictRow) -> Ticket:
    return Ticket.model_validate(row["body"] | {"id": str(row["id"]), "created_at": row["created_at"]})
