"""Decided drafts with what became of them, and the texts: what the loop learns from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.tier import Task
from ccos.store.database import Tx

MOST = 30_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """`quality` is the gate's, None where no attempt was measured or a veto refused it. `sent` is the text
    that went out instead of `reply`.
    """

    ticket_id: UUID
    verdict: str
    quality: float | None
    decided_at: datetime
    reply: str
    sent: str | None
    reason: str
    reopened_at: datetime | None
    tier: str
    intent: str
    language: str
    changed: float | None
    question: str


async def latest(tx: Tx, *, scorer: str, since: datetime | None = None, limit: int = MOST) -> list[Outcome]:
    """Of the bound tenant, the newest first: drafts that `scorer` measured and people decided about.

    Drafts that asked the customer, handed over, failed, expired or were superseded are no answers.
    """
    rows = await tx.rows(
        """
        SELECT d.ticket_id, e.verdict, a.quality, e.decided_at, coalesce(d.body ->> 'reply', '') AS reply,
               e.text AS sent, e.reason, e.reopened_at, coalesce(d.body ->> 'tier', '') AS tier,
               coalesce(d.body #>> '{triage,intent}', 'other') AS intent,
               coalesce(d.body #>> '{triage,language}', '') AS language, e.changed,
               left(t.subject || E'\\n' || coalesce(t.body ->> 'description', ''), 4000) AS question
          FROM decision e
          JOIN draft d ON d.tenant_id = e.tenant_id AND d.id = e.draft_id
          JOIN ticket t ON t.tenant_id = d.tenant_id AND t.id = d.ticket_id
          LEFT JOIN LATERAL (
               SELECT CASE WHEN reason LIKE 'veto.%%' THEN NULL ELSE quality END AS quality FROM attempt
                WHERE tenant_id = %(tenant)s AND draft_id = d.id AND task = %(task)s
                  AND tier = d.body ->> 'tier' AND quality IS NOT NULL
                ORDER BY outcome = 'accepted' DESC, model IS NOT DISTINCT FROM d.body ->> 'model' DESC,
                         reason LIKE 'veto.%%', quality DESC LIMIT 1) a ON true
         WHERE e.tenant_id = %(tenant)s AND d.body ->> 'scorer' = %(scorer)s
           AND d.body ->> 'state' IN ('ready', 'needs_review')
           AND (%(since)s::timestamptz IS NULL OR e.decided_at >= %(since)s::timestamptz)
         ORDER BY e.decided_at DESC, e.id DESC LIMIT %(limit)s""",
        task=Task.SOLUTION_DRAFT.value,
        scorer=scorer,
        since=since,
        limit=limit,
    )
    return [Outcome(**row) for row in rows]
