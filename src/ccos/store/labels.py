"""What people decided, beside the quality that the gate had given: the labels that thresholds rest on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.labelling import rate
from ccos.domain.tier import Task, Tier
from ccos.store.database import Tx
from ccos.store.newer import of_this_release

MOST_LABELS = 2_000
VETOED = -1.0
"""The quality of an answer that a veto refused: no threshold accepts it."""


@dataclass(frozen=True, slots=True)
class StoredLabel:
    draft_id: UUID
    task: Task
    tier: Tier
    model: str
    quality: float
    good: bool
    decided_at: datetime


async def latest(
    tx: Tx,
    *,
    scorer: str,
    made_since: datetime | None = None,
    decided_since: datetime | None = None,
    limit: int = MOST_LABELS,
) -> list[StoredLabel]:
    """The tenant's newest labels of answers that `scorer` measured, newest first, one of a ticket.

    Drafts of one ticket are good or bad together, so they are one observation; which one counts must not
    hang on what was decided, so it is the one decided first. Of several models that were asked for it in one
    tier, the label is of the one whose answer people saw.

    `made_since`: of drafts made from then on; `decided_since`: decided from then on. A draft that asked the
    customer or handed over is no answer, so what was decided of it is no label.
    """
    rows = await tx.rows(
        """
        SELECT first.*, a.model, a.quality, a.reason LIKE 'veto.%%' AS vetoed
          FROM (
               SELECT DISTINCT ON (d.ticket_id) d.id, %(task)s AS task, d.body ->> 'tier' AS tier,
                      d.body ->> 'model' AS shown,
                      e.id AS decision_id, e.verdict, e.text AS sent, e.decided_at,
                      CASE WHEN e.text IS NOT NULL THEN d.body ->> 'reply' ELSE '' END AS reply
                 FROM decision e
                 JOIN draft d ON d.tenant_id = e.tenant_id AND d.id = e.draft_id
                WHERE e.tenant_id = %(tenant)s AND d.body ->> 'scorer' = %(scorer)s
                  AND d.body ->> 'state' IN ('ready', 'needs_review')
                  AND (%(made)s::timestamptz IS NULL OR d.created_at >= %(made)s::timestamptz)
                  AND (%(decided)s::timestamptz IS NULL OR e.decided_at >= %(decided)s::timestamptz)
                ORDER BY d.ticket_id, e.decided_at, e.id) first
          JOIN LATERAL (
               SELECT model, quality, reason FROM attempt
                WHERE tenant_id = %(tenant)s AND draft_id = first.id AND task = %(task)s
                  AND tier = first.tier AND quality IS NOT NULL
                ORDER BY outcome = 'accepted' DESC, model IS NOT DISTINCT FROM first.shown DESC,
                         reason LIKE 'veto.%%', quality DESC LIMIT 1) a ON true
         ORDER BY first.decided_at DESC, first.decision_id DESC LIMIT %(limit)s""",
        task=Task.SOLUTION_DRAFT.value,
        scorer=scorer,
        made=made_since,
        decided=decided_since,
        limit=limit,
    )
    return [
        StoredLabel(
            draft_id=row["id"],
            task=Task.SOLUTION_DRAFT,
            tier=Tier(row["tier"]),
            model=row["model"],
            quality=VETOED if row["vetoed"] else float(row["quality"]),
            good=rate(row["verdict"], row["reply"], row["sent"]).good,
            decided_at=row["decided_at"],
        )
        for row in of_this_release(rows, what="labels")
    ]
