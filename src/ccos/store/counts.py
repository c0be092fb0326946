"""How models did, by kind of ticket: what the gate said of their answers, and people of the accepted ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.draft import Outcome
from ccos.domain.labelling import Rated
from ccos.domain.tier import Task
from ccos.store.database import Tx

LONGEST_NAME = 60
LONGEST_MODEL = 300


class Cell(NamedTuple):
    """Whose tickets, of which kind, and who answered them: the tier, and its model as answers name it."""

    tenant_id: UUID
    task: str
    intent: str
    language: str
    tier: str
    model: str


@dataclass(frozen=True, slots=True)
class CellCounts:
    """All that was counted of a cell so far."""

    cell: Cell
    accepted: int
    refused: int
    approved: int
    lightly_edited: int
    rewritten: int
    rejected: int


def cell_values(cell: Cell) -> dict[str, object]:
    named = {"intent": kept_name(cell.intent), "model": cell.model[:LONGEST_MODEL]}
    return cell._asdict() | {"tenant_id": str(cell.tenant_id)} | named


def kept_name(intent: str) -> str:
    """The name under which an intent is counted: a long one is cut, with a hash of the whole, so that two
    that begin alike stay two.
    """
    if len(intent) <= LONGEST_NAME:
        return intent
    whole = hashlib.md5(intent.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"{intent[: LONGEST_NAME - 9]}~{whole[:8]}"


async def since(tx: Tx, moment: datetime | None) -> tuple[datetime, list[CellCounts]]:
    """Every tenant's cells that changed at `moment` or later, and the database's time now.

    Ask again from a minute before that time: what was being written meanwhile is then not missed.
    """
    now = await tx.row("SELECT now() AS now")
    assert now is not None
    rows = await tx.rows(
        "SELECT * FROM model_counts_since(coalesce(%(moment)s::timestamptz, '-infinity'))", moment=moment
    )
    return now["now"], [_counts(row) for row in rows]


async def of_tenant(tx: Tx) -> list[CellCounts]:
    """The bound tenant's cells."""
    rows = await tx.rows(
        "SELECT * FROM model_count WHERE tenant_id = %(tenant)s ORDER BY task, intent, tier, model"
    )
    return [_counts(row) for row in rows]


async def note_decision(tx: Tx, draft_id: UUID, rated: Rated, *, taken_back: bool = False) -> bool:
    """Counts what a person decided of an answer the gate had accepted; False where it had not.

    With `taken_back` it is counted no more.
    """
    column = rated.value
    done = await tx.run(
        """
        INSERT INTO model_count AS c (tenant_id, task, intent, language, tier, model,
                                      approved, lightly_edited, rewritten, rejected)
        SELECT %(tenant)s, %(task)s,
               CASE WHEN length(intent) > %(longest)s
                    THEN left(intent, %(longest)s - 9) || '~' || left(md5(intent), 8) ELSE intent END,
               coalesce(body #>> '{triage,language}', 'ko'), body ->> 'tier', left(used.model, %(model)s),
               (%(column)s = 'approved')::int, (%(column)s = 'lightly_edited')::int,
               (%(column)s = 'rewritten')::int, (%(column)s = 'rejected')::int
          FROM draft, coalesce(body #>> '{triage,intent}', 'other') intent, LATERAL (
               SELECT model FROM attempt WHERE tenant_id = %(tenant)s AND draft_id = %(draft)s
                  AND task = %(task)s AND outcome = %(accepted)s AND tier = body ->> 'tier'
                ORDER BY model IS NOT DISTINCT FROM body ->> 'model' DESC, ordinal DESC LIMIT 1) used
         WHERE tenant_id = %(tenant)s AND id = %(draft)s AND body ->> 'state' <> 'abstained'
        ON CONFLICT (tenant_id, task, intent, language, tier, model) DO UPDATE
           SET approved = greatest(0, c.approved + %(by)s * excluded.approved),
               lightly_edited = greatest(0, c.lightly_edited + %(by)s * excluded.lightly_edited),
               rewritten = greatest(0, c.rewritten + %(by)s * excluded.rewritten),
               rejected = greatest(0, c.rejected + %(by)s * excluded.rejected), changed_at = now()""",
        by=-1 if taken_back else 1,
        task=Task.SOLUTION_DRAFT.value,
        draft=draft_id,
        column=column,
        accepted=Outcome.ACCEPTED.value,
        longest=LONGEST_NAME,
        model=LONGEST_MODEL,
    )
    return bool(done)


def _counts(row: DictRow) -> CellCounts:
    numbers = ("accepted", "refused", "approved", "lightly_edited", "rewritten", "rejected")
    return CellCounts(Cell(*(row[name] for name in Cell._fields)), *(int(row[name]) for name in numbers))
