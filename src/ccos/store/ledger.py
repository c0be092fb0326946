"""What was called, answered, paid and saved, by day and by who gave the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from ccos.store.database import Tx
from ccos.store.values import json_of


@dataclass(frozen=True, slots=True)
class Line:
    """Whose calls a row of the ledger counts."""

    tenant_id: UUID
    day: date
    source: str
    task: str
    tier: str
    provider: str
    model: str


@dataclass(slots=True)
class Sums:
    """What a row of the ledger counts; money in micro-USD.

    `answers` were used, those from the cache among them. Of `calls` (what was sent), `failed` gave no answer.
    `estimated_of_reported` is our estimate of those calls whose provider reported its usage, so that the two
    are of the same calls. `premium` is what the accepted answers would have cost on the premium model.
    """

    calls: int = 0
    answers: int = 0
    cached: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    spent_micro_usd: int = 0
    estimated_micro_usd: int = 0
    reported_micro_usd: int = 0
    reported_calls: int = 0
    estimated_of_reported_micro_usd: int = 0
    premium_micro_usd: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(**{name: count + getattr(other, name) for name, count in asdict(self).items()})


async def add(tx: Tx, writer: UUID, batch: int, rows: Sequence[tuple[Line, Sums]]) -> bool:
    """Adds to the ledgers of any number of tenants; the transaction need not be bound to one.

    `batch` counts the writer's batches from 1: one that is sent again is not counted again, and gives False.
    """
    found = [{name: str(value) for name, value in asdict(line).items()} | asdict(sums) for line, sums in rows]
    row = await tx.row(
        "SELECT usage_add(%(writer)s, %(batch)s, %(rows)s) AS added",
        writer=writer,
        batch=batch,
        rows=json_of(found),
    )
    return bool(row and row["added"])


async def of_days(tx: Tx, first: date, last: date) -> list[tuple[Line, Sums]]:
    """The bound tenant's rows, both ends included, by day."""
    rows = await tx.rows(
        "SELECT * FROM usage_day WHERE tenant_id = %(tenant)s AND day BETWEEN %(first)s AND %(last)s"
        " ORDER BY day, tier, provider, model, source, task",
        first=first,
        last=last,
    )
    keys = Line.__slots__
    return [
        (Line(**{key: row[key] for key in keys}), Sums(**{k: v for k, v in row.items() if k not in keys}))
        for row in rows
    ]
