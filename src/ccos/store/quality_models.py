"""Versions of what was learnt of the bound tenant; of a kind at most one is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ccos.domain.errors import Conflict, NotFound
from ccos.store.database import Tx
from ccos.store.values import json_of, new_id, uuid_of

State = Literal["candidate", "active", "retired"]
CALIBRATION = "calibration"
"""The kind that makes the shipped score a tenant's own probability."""


@dataclass(frozen=True, slots=True)
class QualityModel:
    """`labels` it was fitted on, `held_back` it was compared on; `reason` says in words why it was promoted
    or kept back, `figures` are the measures before and after.
    """

    id: UUID
    kind: str
    version: int
    state: State
    scorer: str
    labels: int
    held_back: int
    figures: Sequence[Mapping[str, Any]]
    reason: str
    content: Mapping[str, Any]
    made_at: datetime
    promoted_at: datetime | None
    promoted_by: str
    rolled_back_at: datetime | None


async def lock(tx: Tx) -> None:
    """Of all processes one learns for a tenant, or changes what is in force, until the transaction ends."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('loop ' || %(tenant)s::text, 0))")


async def add(
    tx: Tx,
    *,
    kind: str,
    scorer: str,
    labels: int,
    held_back: int,
    content: Mapping[str, Any],
    figures: Sequence[Mapping[str, Any]] = (),
    reason: str = "",
) -> QualityModel:
    """Keeps a new version as a candidate; under `lock`."""
    row = await tx.row(
        "INSERT INTO quality_model (tenant_id, id, kind, version, scorer, labels, held_back, figures, reason,"
        "                           content)"
        " SELECT %(tenant)s, %(id)s, %(kind)s, 1 + coalesce(max(version), 0), %(scorer)s, %(labels)s,"
        "        %(held_back)s, %(figures)s, %(reason)s, %(content)s"
        "   FROM quality_model WHERE tenant_id = %(tenant)s AND kind = %(kind)s"
        " RETURNING id, kind, version, state, scorer, labels, held_back, figures, reason, content, made_at,"
        "           promoted_at, promoted_by, rolled_back_at",
        id=new_id(),
        kind=kind,
        scorer=scorer,
        labels=labels,
        held_back=held_back,
        figures=json_of(list(figures)),
        reason=reason,
        content=json_of(dict(content)),
    )
    assert row is not None
    return QualityModel(**row)


async def every(tx: Tx, kind: str | None = None, *, limit: int = 200) -> list[QualityModel]:
    """The newest first."""
    rows = await tx.rows(
        "SELECT id, kind, version, state, scorer, labels, held_back, figures, reason, content, made_at,"
        "       promoted_at, promoted_by, rolled_back_at FROM quality_model"
        " WHERE tenant_id = %(tenant)s AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)"
        " ORDER BY kind, version DESC LIMIT %(limit)s",
        kind=kind,
        limit=limit,
    )
    return [QualityModel(**row) for row in rows]


async def get(tx: Tx, model_id: str | UUID) -> QualityModel:
    """Raises NotFound."""
    row = await tx.row(
        "SELECT id, kind, version, state, scorer, labels, held_back, figures, reason, content, made_at,"
        "       promoted_at, promoted_by, rolled_back_at FROM quality_model"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=uuid_of(model_id),
    )
    if row is None:
        raise NotFound("There is no learned model with this id.")
    return QualityModel(**row)


async def active(tx: Tx, kind: str = CALIBRATION) -> QualityModel | None:
    """The one in force; None: what ships."""
    row = await tx.row(
        "SELECT id, kind, version, state, scorer, labels, held_back, figures, reason, content, made_at,"
        "       promoted_at, promoted_by, rolled_back_at FROM quality_model"
        " WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND state = 'active'",
        kind=kind,
    )
    return QualityModel(**row) if row else None


async def promote(tx: Tx, model_id: str | UUID, *, by: str) -> QualityModel:
    """Puts a version in force; the one that was retires. The same again changes nothing. Raises NotFound."""
    await lock(tx)
    chosen = await get(tx, model_id)
    if chosen.state == "active":
        return chosen
    await _retire(tx, chosen.kind)
    await tx.run(
        "UPDATE quality_model SET state = 'active', promoted_at = clock_timestamp(), promoted_by = %(by)s,"
        "       changed_at = clock_timestamp(), rolled_back_at = NULL"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=chosen.id,
        by=by,
    )
    return await get(tx, chosen.id)


async def roll_back(tx: Tx, kind: str = CALIBRATION, *, by: str) -> QualityModel | None:
    """Puts back the version that was in force before the one that is, and returns it; None where what ships
    is in force again. Raises Conflict where nothing learnt is in force.

    Again and again it goes further back, and never forth: a version that was left so is passed over
    until a person promotes it.
    """
    await lock(tx)
    now = await active(tx, kind)
    if now is None:
        raise Conflict("Nothing that was learnt is in force: there is nothing to go back from.")
    row = await tx.row(
        "SELECT id FROM quality_model WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND state = 'retired'"
        "   AND rolled_back_at IS NULL AND promoted_at < %(at)s ORDER BY promoted_at DESC LIMIT 1",
        kind=kind,
        at=now.promoted_at,
    )
    await _retire(tx, kind)
    await tx.run(
        "UPDATE quality_model SET rolled_back_at = clock_timestamp()"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=now.id,
    )
    if row is None:
        return None
    await tx.run(
        "UPDATE quality_model SET state = 'active', promoted_by = %(by)s, changed_at = clock_timestamp()"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=row["id"],
        by=by,
    )
    return await get(tx, row["id"])


async def note_run(tx: Tx, found: Mapping[str, Any]) -> None:
    """Keeps what the loop found the last time it ran."""
    await tx.run(
        "INSERT INTO loop_run (tenant_id, found) VALUES (%(tenant)s, %(found)s)"
        " ON CONFLICT (tenant_id) DO UPDATE SET found = excluded.found, ran_at = clock_timestamp()",
        found=json_of(dict(found)),
    )


async def last_run(tx: Tx) -> tuple[datetime, Mapping[str, Any]] | None:
    """When the loop ran last, and what it found; None before the first time."""
    row = await tx.row("SELECT ran_at, found FROM loop_run WHERE tenant_id = %(tenant)s")
    return (row["ran_at"], row["found"]) if row else None


async def is_due(tx: Tx, *, hours: float, least: int) -> bool:
    """Whether the loop ran last more than `hours` ago, and there are `least` decisions at all."""
    row = await tx.row(
        "SELECT NOT EXISTS (SELECT FROM loop_run WHERE tenant_id = %(tenant)s"
        "                      AND ran_at > now() - make_interval(secs => %(seconds)s))"
        "   AND EXISTS (SELECT FROM decision WHERE tenant_id = %(tenant)s OFFSET %(skip)s LIMIT 1) AS due",
        seconds=hours * 3600.0,
        skip=least - 1,
    )
    return bool(row and row["due"])


async def _retire(tx: Tx, kind: str) -> None:
    await tx.run(
        "UPDATE quality_model SET state = 'retired', changed_at = clock_timestamp()"
        " WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND state = 'active'",
        kind=kind,
    )
