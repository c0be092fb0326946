"""Tickets that wait for a person, without what they say: enough to put them in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.draft import DraftState
from ccos.domain.hours import priority_of
from ccos.domain.ticket import Priority, Ticket
from ccos.store.database import Tx
from ccos.store.drafts import OPEN, names
from ccos.store.paging import pattern
from ccos.store.tickets import ticket_of

MOST = 20_000
"""Of a tenant; those that have waited longest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`since` is when the customer wrote last, `came_at` when a draft was asked for. `priority` is the
    ticket's own, else the one read from it.
    """

    ticket_id: UUID
    since: datetime
    priority: Priority | None
    state: DraftState
    came_at: datetime | None = None


async def find(tx: Tx, *, text: str | None = None) -> list[Waiting]:
    """Open tickets whose newest draft nobody has decided about, or failed. `text` must occur in subject,
    description or id."""
    rows = await tx.rows(
        r"""
        SELECT t.id, d.state, d.created_at AS came_at,
               coalesce(t.priority, d.body #>> '{triage,priority}') AS priority,
               CASE WHEN t.body #>> '{conversation_history,-1,role}' = 'customer'
                    THEN coalesce((t.body #>> '{conversation_history,-1,at}')::timestamptz, t.created_at)
                    ELSE t.created_at END AS since
          FROM draft d JOIN ticket t ON t.tenant_id = d.tenant_id AND t.id = d.ticket_id
         WHERE d.tenant_id = %(tenant)s AND t.status = 'open'
           AND (d.state = ANY(%(open)s) OR d.state = 'failed' AND NOT EXISTS (
                SELECT FROM draft newer WHERE newer.tenant_id = d.tenant_id AND newer.ticket_id = d.ticket_id
                   AND newer.state <> 'superseded' AND (newer.created_at, newer.id) > (d.created_at, d.id)))
           AND (%(text)s::text IS NULL OR t.subject ILIKE %(text)s OR t.external_id ILIKE %(text)s
                OR t.body ->> 'description' ILIKE %(text)s)
         ORDER BY t.created_at LIMIT %(most)s""",
        open=names(OPEN),
        text=pattern(text) if text else None,
        most=MOST,
    )
    return [
        Waiting(
            row["id"], row["since"], priority_of(row["priority"]), DraftState(row["state"]), row["came_at"]
        )
        for row in rows
    ]


async def tickets_of(tx: Tx, ticket_ids: Collection[UUID]) -> Mapping[UUID, Ticket]:
    """The tickets themselves, by id; those that have gone are not there."""
    rows = await tx.rows(
        "SELECT id, body, created_at FROM ticket WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])",
        ids=list(ticket_ids),
    )
    return {row["id"]: ticket_of(row) for row in rows}
