"""Drafts that were made while the cloud was away, and what making them again came to.

The older draft stays on the table until the newer one is there, so nobody ever sees less than before. What
was made again gets a row in any case, with its attempts: in the older one's place, or as superseded.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ccos.domain.draft import Draft, DraftState
from ccos.store import versions
from ccos.store.database import Tx
from ccos.store.drafts import DECIDABLE, draft_of, names, store_attempts
from ccos.store.values import json_of, new_id, uuid_of

REMAKE_LOCK = "remake "
"""Before a draft's id: the lock that keeps its remake from being queued twice."""
LATEST_SECONDS = 24 * 3600.0
"""Older drafts are left: whoever waited so long has been answered otherwise."""
PER_DAY = 2
"""So often at most the drafts of one ticket are made again within a day."""


async def tenants_waiting(tx: Tx, *, within_seconds: float = LATEST_SECONDS) -> tuple[datetime, list[UUID]]:
    """The time, and which tenants may have drafts to make again: those with any that is degraded and that
    nobody has opened or decided. Cheap, and any role may ask, bound or not.
    """
    row = await tx.row(
        "SELECT now() AS now, ARRAY(SELECT tenants_to_remake(%(within)s::float8)) AS waiting",
        within=within_seconds,
    )
    assert row is not None
    return row["now"], row["waiting"]


async def due(tx: Tx, *, since: datetime, limit: int, within_seconds: float = LATEST_SECONDS) -> list[Draft]:
    """Drafts to make again, oldest first, locked until the transaction ends; another process skips them.

    What others said of a draft is no attempt at it.
    Degraded for another reason than the day's money, neither opened nor decided, of an open ticket, not in
    line already, and not made again `since` then without success.
    """
    rows = await tx.rows(
        """
        SELECT id, ticket_id, state, body, created_at FROM draft
         WHERE tenant_id = %(tenant)s AND degraded AND opened_at IS NULL
           AND state IN ('ready', 'needs_review', 'abstained')
           AND created_at > now() - make_interval(secs => %(within)s::float8)
           AND EXISTS (SELECT FROM ticket WHERE ticket.tenant_id = draft.tenant_id
               AND ticket.id = draft.ticket_id AND ticket.status = 'open')
           AND EXISTS (SELECT FROM attempt WHERE attempt.tenant_id = draft.tenant_id
               AND attempt.draft_id = draft.id AND attempt.tier = 'tier_0'
               AND attempt.task <> 'judgement'
               AND attempt.reason <> 'budget.exhausted')
           AND NOT EXISTS (SELECT FROM procrastinate_jobs job WHERE job.status IN ('todo', 'doing')
               AND job.queueing_lock = %(lock)s || draft.id)
           AND NOT EXISTS (SELECT FROM draft again WHERE again.tenant_id = draft.tenant_id
               AND again.ticket_id = draft.ticket_id AND again.remake_of = draft.id
               AND again.created_at >= %(since)s)
           AND (SELECT count(*) FROM draft again WHERE again.tenant_id = draft.tenant_id
                   AND again.ticket_id = draft.ticket_id AND again.remake_of IS NOT NULL
                   AND again.created_at > now() - interval '1 day') < %(per_day)s
         ORDER BY created_at, id LIMIT %(limit)s FOR UPDATE OF draft SKIP LOCKED""",
        within=within_seconds,
        lock=REMAKE_LOCK,
        since=since,
        per_day=PER_DAY,
        limit=limit,
    )
    return [draft_of(row) for row in rows]


async def replaceable(tx: Tx, draft_id: str | UUID) -> bool:
    """Whether the draft is still there to be replaced on our own account: nobody has opened or decided it."""
    row = await tx.row(
        "SELECT FROM draft WHERE id = %(id)s AND state = ANY(%(decidable)s) AND opened_at IS NULL FOR UPDATE",
        id=uuid_of(draft_id),
        decidable=names(DECIDABLE),
    )
    return row is not None


async def put(tx: Tx, draft: Draft, of: Draft, *, better: bool) -> bool:
    """Stores what was made again of `of`, under its own id; whether it took the older one's place.

    It does when it is `better` and the older one is still replaceable. Raises `Conflict` when the ticket is
    gone.
    """
    await tx.run("SELECT FROM ticket WHERE id = %(id)s FOR NO KEY UPDATE", id=uuid_of(of.ticket_id))
    in_place = better and await replaceable(tx, of.id)
    if in_place:
        await tx.run(
            "UPDATE draft SET state = 'superseded', updated_at = now() WHERE id = %(id)s", id=uuid_of(of.id)
        )
    await _insert(tx, draft, of, draft.state if in_place else DraftState.SUPERSEDED)
    await store_attempts(tx, uuid_of(draft.id), draft.attempts)
    await versions.cite(tx, draft.id, draft.evidence)
    if in_place:
        await tx.run(
            "UPDATE batch_item SET draft_id = %(id)s, tier = %(tier)s"
            " WHERE tenant_id = %(tenant)s AND draft_id = %(of)s",
            id=uuid_of(draft.id),
            tier=draft.tier.value if draft.tier else None,
            of=uuid_of(of.id),
        )
    return in_place


async def fail(tx: Tx, of: Draft, reason: str) -> None:
    """Notes that making it again came to nothing, so that it is not tried for ever."""
    failed = Draft(
        id=str(new_id()), ticket_id=of.ticket_id, state=DraftState.FAILED, reason=reason, degraded=True
    )
    await _insert(tx, failed, of, DraftState.SUPERSEDED)


async def came_back(tx: Tx, draft_id: str | UUID, *, since: datetime) -> bool | None:
    """Whether the cloud was there when the draft was last made again `since` then; None: it was not made."""
    row = await tx.row(
        "SELECT degraded FROM draft WHERE tenant_id = %(tenant)s AND remake_of = %(id)s"
        "   AND ticket_id = (SELECT ticket_id FROM draft older WHERE older.id = %(id)s)"
        "   AND created_at >= %(since)s ORDER BY created_at DESC, id DESC LIMIT 1",
        id=uuid_of(draft_id),
        since=since,
    )
    return None if row is None else not row["degraded"]


async def _insert(tx: Tx, draft: Draft, of: Draft, state: DraftState) -> None:
    await tx.run(
        "INSERT INTO draft (tenant_id, id, ticket_id, state, run, degraded, body, remake_of)"
        " VALUES (%(tenant)s, %(id)s, %(ticket)s, %(state)s, 1, %(degraded)s, %(body)s, %(of)s)",
        id=uuid_of(draft.id),
        ticket=uuid_of(of.ticket_id),
        state=state.value,
        degraded=draft.degraded,
        body=json_of(draft),
        of=uuid_of(of.id),
    )
