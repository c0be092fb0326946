"""Sources of knowledge, the passes over them, and which item came from which.

A pass is fenced: whoever was thought dead and comes back finds its `run` gone, and writes nothing more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.errors import Conflict, NotFound
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage, Put
from ccos.domain.source import Pass, SourceSpec, SourceState
from ccos.store import knowledge
from ccos.store.database import Tx
from ccos.store.values import json_of, new_id

SILENT_SECONDS = 90.0
"""Whoever is at a source and gave no sign of life for so long is taken for dead."""
FULL_EVERY_SECONDS = 86_400.0
"""What was deleted at the source is found by a full pass: after so long the next one is full."""
RETRY_SECONDS = 900.0
"""A scheduled source that failed is tried again after so long, or sooner where its schedule says so."""


async def add(tx: Tx, spec: SourceSpec) -> SourceState:
    """Raises `Conflict` for a name that is taken."""
    added = await tx.run(
        "INSERT INTO kb_source (tenant_id, id, name, kind, content, address, options, secret, every_seconds,"
        "                       next_at)"
        " VALUES (%(tenant)s, %(id)s, %(name)s, %(kind)s, %(content)s, %(address)s, %(options)s, %(secret)s,"
        "         %(every)s, CASE WHEN %(every)s::int IS NOT NULL THEN now() END)"
        " ON CONFLICT (tenant_id, name) DO NOTHING",
        id=new_id(),
        name=spec.name,
        kind=spec.kind.value,
        content=spec.content.value,
        address=spec.address,
        options=json_of(spec.options),
        secret=spec.secret,
        every=spec.every_seconds,
    )
    if not added:
        raise Conflict(f"There is a source {spec.name} already; take another name or remove that one first.")
    return await get(tx, spec.name)


async def get(tx: Tx, name: str) -> SourceState:
    """Raises `NotFound`."""
    row = await tx.row(_SELECT + "WHERE source.tenant_id = %(tenant)s AND name = %(name)s", **_named(name))
    if row is None:
        raise _missing(name)
    return _state(row)


async def every(tx: Tx) -> list[SourceState]:
    """The tenant's sources, by name."""
    rows = await tx.rows(_SELECT + "WHERE source.tenant_id = %(tenant)s ORDER BY name", silent=SILENT_SECONDS)
    return [_state(row) for row in rows]


async def request(tx: Tx, name: str, *, full: bool) -> SourceState:
    """Ask the workers to sync it; once is enough. Raises `NotFound`, and `Conflict` while somebody is."""
    if (await get(tx, name)).running:
        raise _taken(name)
    await tx.run(
        "UPDATE kb_source SET requested_at = coalesce(requested_at, now()),"
        "       requested_full = requested_full OR %(full)s"
        " WHERE tenant_id = %(tenant)s AND name = %(name)s",
        name=name,
        full=full,
    )
    return await get(tx, name)


async def due_tenants(tx: Tx) -> list[UUID]:
    """Those with a source that is due; any role may ask, unbound."""
    rows = await tx.rows("SELECT tenants_to_sync(%(silent)s::float8) AS id", silent=SILENT_SECONDS)
    return [row["id"] for row in rows]


async def due(tx: Tx) -> list[str]:
    """Names of the tenant's sources that were asked for, or whose time has come, and that nobody is at."""
    rows = await tx.rows(
        "SELECT name FROM kb_source"
        " WHERE tenant_id = %(tenant)s AND (requested_at <= now() OR next_at <= now())"
        "   AND (run IS NULL OR beat_at < now() - make_interval(secs => %(silent)s::float8))"
        " ORDER BY coalesce(requested_at, next_at), name",
        silent=SILENT_SECONDS,
    )
    return [row["name"] for row in rows]


async def begin(tx: Tx, name: str, *, full: bool = False) -> Pass:
    """Take the source for a pass, or for the rest of one that was cut off.

    It is full where that was asked for, at the first time, and `FULL_EVERY_SECONDS` after the last full one.
    Raises `NotFound`, and `Conflict` while somebody is at it.
    """
    row = await tx.row(
        "UPDATE kb_source AS source SET run = %(run)s, beat_at = now(), last_run_at = now(), underway = true,"
        "       since = next.since, position = next.position, pass = next.pass, requested_full = false"
        "  FROM (SELECT id,"
        "               CASE WHEN going_on THEN since WHEN NOT fully THEN mark END AS since,"
        "               CASE WHEN going_on THEN position END AS position,"
        "               CASE WHEN going_on THEN pass ELSE pass + 1 END AS pass"
        "          FROM (SELECT *, underway AND (since IS NULL OR NOT asked) AS going_on"
        "                  FROM (SELECT *, %(full)s OR requested_full AS asked,"
        "                               %(full)s OR requested_full OR last_full_at IS NULL OR last_full_at"
        "                               < now() - make_interval(secs => %(full_every)s::float8) AS fully"
        "                          FROM kb_source WHERE tenant_id = %(tenant)s AND name = %(name)s"
        "                           FOR UPDATE) AS found) AS judged) AS next"
        " WHERE source.tenant_id = %(tenant)s AND source.id = next.id"
        "   AND (run IS NULL OR beat_at < now() - make_interval(secs => %(silent)s::float8))"
        " RETURNING source.id, source.run, source.since, source.position",
        run=new_id(),
        full=full,
        full_every=FULL_EVERY_SECONDS,
        **_named(name),
    )
    if row is None:
        await get(tx, name)
        raise _taken(name)
    return Pass(row["id"], row["run"], row["since"], row["position"])


async def beat(tx: Tx, at: Pass) -> None:
    """Say that the pass goes on. Raises `Conflict` when it is somebody else's by now."""
    if not await tx.run(
        "UPDATE kb_source SET beat_at = now() WHERE tenant_id = %(tenant)s AND id = %(id)s AND run = %(run)s",
        **_fence(at),
    ):
        raise _lost()


async def keep(
    tx: Tx,
    at: Pass,
    kind: EvidenceKind,
    entries: Sequence[tuple[Item, Sequence[Passage]]],
    *,
    kept: Collection[str],
    gone: Collection[str],
    position: Mapping[str, Any] | None,
) -> tuple[list[Put], int]:
    """One page of the pass, and where the pass goes on after it: all of it or nothing.

    `kept` are there unchanged, `gone` are there no more. What became of the items, and how many were
    archived. Raises `Conflict` when the pass is somebody else's by now.
    """
    if not await tx.run(
        "UPDATE kb_source SET beat_at = now(), position = %(position)s"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s AND run = %(run)s",
        position=None if position is None else json_of(dict(position)),
        **_fence(at),
    ):
        raise _lost()
    done = await knowledge.put_all(tx, entries)
    await tx.run(
        "INSERT INTO kb_source_item (tenant_id, source_id, external_id, pass)"
        " SELECT tenant_id, id, unnest(%(ids)s::text[]), pass FROM kb_source"
        "  WHERE tenant_id = %(tenant)s AND id = %(id)s"
        " ON CONFLICT (tenant_id, source_id, external_id) DO UPDATE SET pass = excluded.pass",
        id=at.source_id,
        ids=list(dict.fromkeys(item.external_id for item, _ in entries)),
    )
    await tx.run(
        "UPDATE kb_source_item AS item SET pass = source.pass FROM kb_source AS source"
        " WHERE item.tenant_id = %(tenant)s AND item.source_id = %(id)s"
        "   AND item.external_id = ANY(%(kept)s::text[])"
        "   AND source.tenant_id = %(tenant)s AND source.id = %(id)s",
        id=at.source_id,
        kept=list(kept),
    )
    return done, await _archive(tx, at.source_id, kind, gone)


async def tried(tx: Tx, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
    """What storing the items does; for a transaction that is rolled back."""
    return await knowledge.put_all(tx, entries)


async def known(tx: Tx, name: str) -> set[str]:
    """Ids of the items that came from the source and can be found. Raises `NotFound`."""
    rows = await tx.rows(
        "SELECT external_id FROM kb_source_item WHERE tenant_id = %(tenant)s AND source_id = %(id)s",
        id=(await get(tx, name)).id,
    )
    return {row["external_id"] for row in rows}


async def unseen(tx: Tx, at: Pass) -> tuple[int, int]:
    """How many items of the source this pass has seen, and how many it has not."""
    row = await tx.row(
        "SELECT count(*) FILTER (WHERE item.pass = source.pass) AS seen,"
        "       count(*) FILTER (WHERE item.pass <> source.pass) AS unseen"
        "  FROM kb_source_item AS item JOIN kb_source AS source"
        "    ON source.tenant_id = item.tenant_id AND source.id = item.source_id"
        " WHERE item.tenant_id = %(tenant)s AND item.source_id = %(id)s",
        id=at.source_id,
    )
    assert row is not None
    return row["seen"], row["unseen"]


async def sweep(tx: Tx, at: Pass, kind: EvidenceKind, *, limit: int) -> tuple[int, int]:
    """Archive some of what this pass has not seen: how many were looked at, and how many archived."""
    await beat(tx, at)
    rows = await tx.rows(
        "SELECT external_id FROM kb_source_item AS item JOIN kb_source AS source"
        "    ON source.tenant_id = item.tenant_id AND source.id = item.source_id"
        " WHERE item.tenant_id = %(tenant)s AND item.source_id = %(id)s AND item.pass <> source.pass"
        " ORDER BY external_id LIMIT %(limit)s",
        id=at.source_id,
        limit=limit,
    )
    return len(rows), await _archive(tx, at.source_id, kind, [row["external_id"] for row in rows])


async def end(tx: Tx, at: Pass, *, mark: str | None) -> None:
    """The pass went through: the next begins at `mark`. Raises `Conflict` when it is not ours any more."""
    if not await tx.run(
        "UPDATE kb_source SET mark = coalesce(%(mark)s, mark), since = NULL, position = NULL, run = NULL,"
        "       underway = false, beat_at = NULL, requested_at = NULL, last_error = NULL,"
        "       last_full_at = CASE WHEN %(full)s THEN now() ELSE last_full_at END,"
        "       next_at = now() + make_interval(secs => every_seconds)"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s AND run = %(run)s",
        mark=mark,
        full=at.full,
        **_fence(at),
    ):
        raise _lost()


async def stop(tx: Tx, at: Pass, code: str | None, *, after_seconds: float = 0.0) -> None:
    """The pass ends early, by an error of this code or (None) because it was stopped; it goes on later.

    A scheduled one is tried again after its interval or `RETRY_SECONDS`, and not before `after_seconds`.
    """
    await tx.run(
        "UPDATE kb_source SET run = NULL, beat_at = NULL, last_error = %(code)s,"
        "       requested_at = CASE WHEN %(code)s::text IS NULL THEN requested_at END,"
        "       next_at = CASE WHEN %(code)s::text IS NULL THEN next_at ELSE now() + make_interval(secs =>"
        "                 greatest(least(every_seconds, %(retry)s::float8), %(after)s::float8)) END"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s AND run = %(run)s",
        code=code,
        retry=RETRY_SECONDS,
        after=after_seconds,
        **_fence(at),
    )
    await tx.run(
        "UPDATE kb_source SET next_at = NULL"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s AND every_seconds IS NULL",
        id=at.source_id,
    )


async def remove(tx: Tx, name: str, *, limit: int = 500) -> tuple[int, bool]:
    """Archive what came from the source, `limit` items at most, and forget it once there are no more.

    How many items that were, and whether the source is forgotten. Raises `NotFound`, and `Conflict` while
    somebody is at it.
    """
    found = await get(tx, name)
    if found.running:
        raise _taken(name)
    rows = await tx.rows(
        "SELECT external_id FROM kb_source_item WHERE tenant_id = %(tenant)s AND source_id = %(id)s"
        " ORDER BY external_id LIMIT %(limit)s",
        id=found.id,
        limit=limit,
    )
    archived = await _archive(tx, found.id, found.spec.content, [row["external_id"] for row in rows])
    if len(rows) == limit:
        return archived, False
    await tx.run("DELETE FROM kb_source WHERE tenant_id = %(tenant)s AND id = %(id)s", id=found.id)
    return archived, True


async def _archive(tx: Tx, source_id: UUID, kind: EvidenceKind, gone: Collection[str]) -> int:
    """Archives those that came from this source, and no others."""
    rows = await tx.rows(
        "DELETE FROM kb_source_item WHERE tenant_id = %(tenant)s AND source_id = %(id)s"
        " AND external_id = ANY(%(gone)s::text[]) RETURNING external_id",
        id=source_id,
        gone=list(gone),
    )
    archived = 0
    for row in rows:
        with contextlib.suppress(NotFound):  # somebody archived it by hand
            await knowledge.archive(tx, kind, row["external_id"])
            archived += 1
    return archived


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "silent": SILENT_SECONDS}


def _fence(at: Pass) -> dict[str, Any]:
    return {"id": at.source_id, "run": at.run}


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no source {name[:50]!r}; `ccos kb sources list` shows those there are.")


def _taken(name: str) -> Conflict:
    return Conflict(
        f"The source {name} is being synced already; wait until that is done"
        f" (or, where it was killed, for {SILENT_SECONDS:.0f} seconds)."
    )


def _lost() -> Conflict:
    return Conflict("Somebody else has taken this sync over; this one stops.")


_SELECT = (
    "SELECT id, name, kind, content, address, options, secret, every_seconds, last_run_at, last_full_at,"
    "       last_error, requested_at IS NOT NULL AS waiting,"
    "       run IS NOT NULL AND beat_at >= now() - make_interval(secs => %(silent)s::float8) AS running,"
    "       (SELECT count(*) FROM kb_source_item AS item"
    "         WHERE item.tenant_id = source.tenant_id AND item.source_id = source.id) AS items"
    "  FROM kb_source AS source "
)


def _state(row: DictRow) -> SourceState:
    spec = SourceSpec.model_validate(
        {name: row[name] for name in SourceSpec.model_fields if name in row}, by_name=True
    )
    return SourceState(
        id=row["id"],
        spec=spec,
        running=row["running"],
        waiting=row["waiting"] and not row["running"],
        last_run_at=row["last_run_at"],
        last_full_at=row["last_full_at"],
        error=row["last_error"],
        items=row["items"],
    )
