"""Which tier was planned for each task, with which chances, and what came of it: never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from ccos.store.counts import Cell, cell_values
from ccos.store.database import Tx
from ccos.store.values import json_of, uuid_of

KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class PlanDecision:
    """`planned` is the whole order, `first_tier` what went first with chance `propensity`.

    `eligible` holds for every tier that might have gone first or come later what was expected of it (accept,
    good, cost_micro_usd, seconds) and its own propensity, 0 where it could not go first. `outcome`,
    `tier`, `quality`, `cost_micro_usd` and `seconds` are what came of it. `features` is a hash: no text of a
    ticket is kept here.
    """

    tenant_id: UUID
    id: UUID
    at: datetime
    draft_id: UUID | None
    task: str
    intent: str
    language: str
    mode: str
    level: str
    required: float
    planned: tuple[str, ...]
    first_tier: str
    propensity: float
    eligible: Mapping[str, Mapping[str, float]]
    explored: bool
    policy: str
    seed: int
    features: str
    outcome: str
    tier: str | None
    cached: bool
    quality: float | None
    scorer: str | None
    calls: int
    cost_micro_usd: int
    seconds: float


async def add(
    tx: Tx,
    writer: UUID,
    batch: int,
    decisions: Sequence[PlanDecision],
    answers: Mapping[Cell, tuple[int, int]],
) -> bool:
    """Writes decisions, and how many answers of each cell the gate accepted and refused, of any tenants.

    `batch` counts the writer's batches from 1: one that is sent again is not counted again, and gives False.
    """
    counts = [
        cell_values(cell) | {"accepted": accepted, "refused": refused}
        for cell, (accepted, refused) in answers.items()
    ]
    row = await tx.row(
        "SELECT model_count_add(%(writer)s, %(batch)s, %(decisions)s, %(counts)s) AS added",
        writer=writer,
        batch=batch,
        decisions=json_of([_values(each) for each in decisions]),
        counts=json_of(counts),
    )
    return bool(row and row["added"])


async def of_draft(tx: Tx, draft_id: str | UUID) -> list[PlanDecision]:
    """The decisions behind a draft, in the order they were made."""
    rows = await tx.rows(
        "SELECT * FROM plan_decision WHERE tenant_id = %(tenant)s AND draft_id = %(draft)s ORDER BY at, id",
        draft=uuid_of(draft_id),
    )
    return [PlanDecision(**row | {"planned": tuple(row["planned"])}) for row in rows]


async def prune(tx: Tx, *, days: int = KEPT_DAYS, batch: int = 5_000) -> int:
    """Deletes the tenant's decisions that are so old, `batch` at most. How many went."""
    return await tx.run(
        """
        DELETE FROM plan_decision
         WHERE tenant_id = %(tenant)s AND id = ANY(ARRAY(
               SELECT id FROM plan_decision
                WHERE tenant_id = %(tenant)s AND at < now() - make_interval(days => %(days)s::int)
                ORDER BY at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
        days=days,
        batch=batch,
    )


def _values(decision: PlanDecision) -> dict[str, Any]:
    named = {field.name: getattr(decision, field.name) for field in fields(decision)}
    texts = {name: str(named[name]) for name in ("tenant_id", "id")}
    draft = str(decision.draft_id) if decision.draft_id else None
    return named | texts | {"draft_id": draft, "at": decision.at.isoformat()}
