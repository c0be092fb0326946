"""Answers that went out again and again, as they are proposed to people and decided about by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from ccos.domain.errors import NotFound
from ccos.store.database import Tx
from ccos.store.values import new_id, uuid_of

State = Literal["proposed", "accepted", "refused"]


@dataclass(frozen=True, slots=True)
class ApprovedAnswer:
    """`body` has slots like {number_1}; `tickets` different tickets got it; `changed` is the mean share of
    the drafts that was edited.
    """

    id: UUID
    intent: str
    language: str
    body: str
    slots: Sequence[str]
    tickets: int
    changed: float
    state: State
    made_at: datetime
    decided_at: datetime | None
    decided_by: str


async def propose(
    tx: Tx, *, intent: str, language: str, body: str, slots: Sequence[str], tickets: int, changed: float
) -> bool:
    """Keeps a proposal, or brings its figures up to date; what a person decided about it stands. Whether it
    is new.
    """
    row = await tx.row(
        "INSERT INTO approved_answer (tenant_id, id, intent, language, body, slots, tickets, changed)"
        " VALUES (%(tenant)s, %(id)s, %(intent)s, %(language)s, %(body)s, %(slots)s, %(tickets)s,"
        "         %(changed)s)"
        " ON CONFLICT (tenant_id, intent, language, body)"
        " DO UPDATE SET tickets = excluded.tickets, changed = excluded.changed RETURNING xmax = 0 AS is_new",
        id=new_id(),
        intent=intent,
        language=language,
        body=body,
        slots=list(slots),
        tickets=tickets,
        changed=changed,
    )
    return bool(row and row["is_new"])


async def every(tx: Tx, state: State | None = None, *, limit: int = 500) -> list[ApprovedAnswer]:
    """The most frequent first."""
    rows = await tx.rows(
        "SELECT id, intent, language, body, slots, tickets, changed, state, made_at, decided_at, decided_by"
        "  FROM approved_answer WHERE tenant_id = %(tenant)s"
        "   AND (%(state)s::text IS NULL OR state = %(state)s::text)"
        " ORDER BY tickets DESC, made_at, id LIMIT %(limit)s",
        state=state,
        limit=limit,
    )
    return [ApprovedAnswer(**row) for row in rows]


async def settle(
    tx: Tx, answer_id: str | UUID, state: Literal["accepted", "refused"], *, by: str
) -> ApprovedAnswer:
    """Notes what a person decided about a proposal; they may change their mind. Raises NotFound."""
    row = await tx.row(
        "UPDATE approved_answer SET state = %(state)s, decided_at = clock_timestamp(), decided_by = %(by)s"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s"
        " RETURNING id, intent, language, body, slots, tickets, changed, state, made_at, decided_at,"
        "           decided_by",
        id=uuid_of(answer_id),
        state=state,
        by=by,
    )
    if row is None:
        raise NotFound("There is no proposed answer with this id.")
    return ApprovedAnswer(**row)
