"""Batches: many tickets sent at once. Each line has a draft like any other, or the reason why it has none.

What becomes of a line is told by its draft: a trigger notes in the line when that begins and ends, so whoever
ends a draft, in whatever way, also ends its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.batch import Batch, BatchReport, BatchState
from ccos.domain.draft import Draft
from ccos.domain.errors import NotFound
from ccos.domain.money import MicroUsd, usd
from ccos.store.database import Tx
from ccos.store.drafts import CANCELLED, DECIDABLE, JOB_LOCK, draft_of, names
from ccos.store.paging import mark, read_mark
from ccos.store.values import json_of, new_id, uuid_of

KEPT_DAYS = 90
"""An ended batch is forgotten after so long; its tickets and drafts stay."""
RATE_LINES, LEAST_LINES = 100, 5
"""The seconds left go by the drafts that ended last, and by no fewer than a handful."""
_AT_ONCE = 1_000
"""Lines in one statement, so that nobody else in the process waits long for it to be written."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that has a draft; `new`: queued for this batch. `mark` tells its ticket from others."""

    line: int
    mark: str
    draft_id: UUID
    new: bool


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was no ticket, or whose ticket a later line takes the place of."""

    line: int
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the following page starts; None on the last."""

    batches: tuple[Batch, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line, as it is shown."""

    line: int
    shown: Mapping[str, Any]


async def put(tx: Tx, lines: Sequence[Line], bad: Sequence[BadLine]) -> UUID:
    """A new batch of these lines, whose drafts are there. Its id.

    The drafts that are not new are locked until the transaction ends: none ends unseen.
    """
    batch = new_id()
    await tx.run(
        "INSERT INTO batch (tenant_id, id, total, bad_lines) VALUES (%(tenant)s, %(id)s, %(total)s, %(bad)s)",
        id=batch,
        total=len(lines) + len(bad),
        bad=len(bad),
    )
    for some in _chunks([_record(each) for each in lines if each.new]):
        await tx.run(
            "INSERT INTO batch_item (tenant_id, batch_id, line, mark, draft_id)"
            " SELECT %(tenant)s, %(batch)s, line, mark, draft_id"
            "   FROM jsonb_to_recordset(%(rows)s) AS sent (line int, mark text, draft_id uuid)",
            batch=batch,
            rows=json_of(some),
        )
    known = sorted((each for each in lines if not each.new), key=lambda each: each.draft_id)
    for some in _chunks([_record(each) for each in known]):
        await tx.run(
            "INSERT INTO batch_item (tenant_id, batch_id, line, mark, draft_id, began_at, ended_at, tier)"
            " SELECT %(tenant)s, %(batch)s, sent.line, sent.mark, draft.id,"
            "        CASE draft.state WHEN 'running' THEN now() END,"
            "        CASE WHEN draft.state NOT IN ('queued', 'running') THEN now() END,"
            "        draft.body ->> 'tier'"
            "   FROM jsonb_to_recordset(%(rows)s) AS sent (line int, mark text, draft_id uuid)"
            "   JOIN draft ON draft.tenant_id = %(tenant)s AND draft.id = sent.draft_id"
            "  ORDER BY draft.id FOR SHARE OF draft",
            batch=batch,
            rows=json_of(some),
        )
    for some in _chunks([_bad_record(each) for each in bad]):
        await tx.run(
            "INSERT INTO batch_item (tenant_id, batch_id, line, problem, ended_at)"
            " SELECT %(tenant)s, %(batch)s, line, problem, now()"
            "   FROM jsonb_to_recordset(%(rows)s) AS sent (line int, problem jsonb)",
            batch=batch,
            rows=json_of(some),
        )
    return batch


async def report(tx: Tx, batch_id: str | UUID) -> BatchReport:
    """Where a batch stands and what became of its drafts. Raises `NotFound`."""
    row = await tx.row(_SELECT + "WHERE batch.tenant_id = %(tenant)s AND id = %(id)s", id=uuid_of(batch_id))
    if row is None:
        raise _missing()
    found = _batch(row)
    counted = await tx.rows(
        "SELECT draft.state, item.tier, item.ended_at IS NOT NULL AS ended, count(*) AS n,"
        "       sum(item.cost_micro_usd) FILTER (WHERE NOT EXISTS (SELECT FROM batch_item earlier"
        "           WHERE earlier.tenant_id = item.tenant_id AND earlier.draft_id = item.draft_id"
        "             AND earlier.batch_id = item.batch_id AND earlier.line < item.line))::bigint AS cost"
        "  FROM batch_item item"
        "  JOIN draft ON draft.tenant_id = item.tenant_id AND draft.id = item.draft_id"
        " WHERE item.tenant_id = %(tenant)s AND item.batch_id = %(id)s GROUP BY 1, 2, 3 ORDER BY 1, 2",
        id=uuid_of(batch_id),
    )
    states: dict[str, int] = {}
    tiers: dict[str, int] = {}
    for each in counted:
        states[each["state"]] = states.get(each["state"], 0) + each["n"]
        if each["ended"] and each["tier"]:
            tiers[each["tier"]] = tiers.get(each["tier"], 0) + each["n"]
    return BatchReport(
        **found.model_dump(),
        states=states,
        tiers=dict(sorted(tiers.items())),
        cost_usd=usd(MicroUsd(sum(each["cost"] or 0 for each in counted))),
        seconds_left=await _seconds_left(tx, found, int(row["left"])),
    )


async def page(tx: Tx, *, limit: int = 20, after: str | None = None) -> Page:
    """Newest first. Raises `BadInput` when `after` is not an earlier `next`."""
    at, last = read_mark(after)
    rows = await tx.rows(
        _SELECT + "WHERE batch.tenant_id = %(tenant)s"
        "   AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(last)s::uuid))"
        " ORDER BY created_at DESC, id DESC LIMIT %(limit)s",
        at=at,
        last=last,
        limit=limit + 1,
    )
    shown = rows[:limit]
    return Page(
        batches=tuple(_batch(row) for row in shown),
        next=mark(shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > limit else None,
    )


async def results(tx: Tx, batch_id: str | UUID, *, after: int = 0, limit: int = 50) -> list[Result]:
    """Results of the lines behind line `after`, up to the first that has none yet. Raises `NotFound`.

    So whoever goes on behind the last line that was seen misses none.
    """
    batch = uuid_of(batch_id)
    if not await tx.row("SELECT id FROM batch WHERE tenant_id = %(tenant)s AND id = %(id)s", id=batch):
        raise _missing()
    rows = await tx.rows(
        "SELECT item.line, item.mark, item.problem, ticket.external_id, draft.id, draft.ticket_id,"
        "       draft.state, draft.body, draft.created_at"
        "  FROM batch_item item"
        "  LEFT JOIN draft ON draft.tenant_id = item.tenant_id AND draft.id = item.draft_id"
        "  LEFT JOIN ticket ON ticket.tenant_id = item.tenant_id AND ticket.id = draft.ticket_id"
        " WHERE item.tenant_id = %(tenant)s AND item.batch_id = %(id)s AND item.line > %(after)s"
        "   AND item.line < coalesce((SELECT min(line) FROM batch_item waiting"
        "       WHERE waiting.tenant_id = %(tenant)s AND waiting.batch_id = %(id)s"
        "         AND waiting.line > %(after)s AND waiting.ended_at IS NULL), 2147483647)"
        " ORDER BY item.line LIMIT %(limit)s",
        id=batch,
        after=after,
        limit=limit,
    )
    return [Result(row["line"], _shown(row)) for row in rows]


async def cancel(tx: Tx, batch_id: str | UUID) -> int:
    """Ends the drafts of the batch that nobody has begun; how many those were. Raises `NotFound`.

    One that another batch, or somebody who sent the same ticket alone, waits for as well is left to them.
    Done again it changes nothing; neither does it for a batch whose lines all have their result.
    """
    batch = uuid_of(batch_id)
    found = await tx.row(
        "UPDATE batch SET cancelled_at = CASE WHEN EXISTS (SELECT FROM batch_item item"
        "           WHERE item.tenant_id = batch.tenant_id AND item.batch_id = batch.id"
        "             AND item.ended_at IS NULL) THEN coalesce(cancelled_at, now()) ELSE cancelled_at END"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s RETURNING cancelled_at",
        id=batch,
    )
    if found is None:
        raise _missing()
    if found["cancelled_at"] is None:
        return 0
    await tx.run(  # first: who else waits for one is seen only by a statement that begins after the lock
        "SELECT FROM draft WHERE tenant_id = %(tenant)s AND state = 'queued'"
        "   AND id IN (SELECT draft_id FROM batch_item WHERE tenant_id = %(tenant)s"
        "                 AND batch_id = %(id)s AND ended_at IS NULL)"
        " ORDER BY id FOR UPDATE",
        id=batch,
    )
    ended = await tx.rows(
        """
        WITH waiting AS (
            SELECT draft.id FROM draft
             WHERE draft.tenant_id = %(tenant)s AND draft.state = 'queued'
               AND draft.id IN (SELECT draft_id FROM batch_item WHERE tenant_id = %(tenant)s
                                   AND batch_id = %(id)s AND ended_at IS NULL)
               AND NOT EXISTS (SELECT FROM batch_item item
                     JOIN batch other ON other.tenant_id = item.tenant_id AND other.id = item.batch_id
                    WHERE item.tenant_id = %(tenant)s AND item.draft_id = draft.id
                      AND other.id <> %(id)s AND other.cancelled_at IS NULL)
               AND NOT EXISTS (SELECT FROM procrastinate_jobs job
                    WHERE job.lock = %(lock)s || draft.id AND job.queue_name <> 'batches'
                      AND job.status IN ('todo', 'doing'))
             ORDER BY draft.id FOR UPDATE OF draft)
        UPDATE draft SET state = 'failed', run = run + 1, updated_at = now(),
               body = body || jsonb_build_object('reason', %(reason)s::text)
          FROM waiting WHERE draft.tenant_id = %(tenant)s AND draft.id = waiting.id
        RETURNING draft.id""",
        id=batch,
        lock=JOB_LOCK,
        reason=CANCELLED,
    )
    await tx.run(
        "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND lock = ANY(%(locks)s)",
        locks=[f"{JOB_LOCK}{row['id']}" for row in ended],
    )
    return len(ended)


async def prune(tx: Tx, *, days: float = KEPT_DAYS) -> int:
    """Forgets the tenant's batches of so long ago whose lines all have their result. How many went."""
    return await tx.run(
        "DELETE FROM batch WHERE tenant_id = %(tenant)s"
        "   AND created_at < now() - make_interval(secs => %(seconds)s::float8)"
        "   AND NOT EXISTS (SELECT FROM batch_item item WHERE item.tenant_id = batch.tenant_id"
        "       AND item.batch_id = batch.id AND item.ended_at IS NULL)",
        seconds=days * 86_400,
    )


async def clock(tx: Tx) -> datetime:
    """The time by which drafts say when they were made, whatever this machine's clock shows."""
    row = await tx.row("SELECT now() AS at")
    assert row is not None
    return cast(datetime, row["at"])


async def made_since(tx: Tx, ticket_id: str | UUID, since: datetime) -> Draft | None:
    """The latest draft of the ticket, where it ended well and was begun since then, for what the ticket says
    now."""
    row = await tx.row(
        "SELECT draft.id, draft.ticket_id, draft.state, draft.body, draft.created_at"
        "  FROM draft JOIN ticket ON ticket.tenant_id = draft.tenant_id AND ticket.id = draft.ticket_id"
        " WHERE draft.tenant_id = %(tenant)s AND draft.ticket_id = %(ticket)s"
        "   AND draft.state = ANY(%(ended)s) AND draft.created_at >= greatest(%(since)s, ticket.updated_at)"
        " ORDER BY draft.created_at DESC, draft.id DESC LIMIT 1",
        ticket=uuid_of(ticket_id),
        ended=names(DECIDABLE),
        since=since,
    )
    return draft_of(row) if row else None


_SELECT = """
    SELECT id, total, bad_lines, created_at, cancelled_at, lines, waiting AS left, began_at, ended_at
      FROM batch CROSS JOIN LATERAL (
           SELECT count(*) AS lines, count(*) FILTER (WHERE ended_at IS NULL) AS waiting,
                  min(began_at) AS began_at, max(ended_at) AS ended_at
             FROM batch_item item WHERE item.tenant_id = batch.tenant_id AND item.batch_id = batch.id) AS sums
    """


def _batch(row: DictRow) -> Batch:
    return Batch(
        id=str(row["id"]),
        state=_state(row),
        total=row["total"],
        bad_lines=row["bad_lines"],
        finished=row["lines"] - row["left"],
        created_at=row["created_at"],
        began_at=row["began_at"],
        ended_at=(row["ended_at"] or row["created_at"]) if not row["left"] else None,
    )


def _state(row: DictRow) -> BatchState:
    if row["cancelled_at"] is not None:
        return BatchState.CANCELLED
    if not row["left"]:
        return BatchState.DONE
    return BatchState.QUEUED if row["began_at"] is None else BatchState.DRAFTING


async def _seconds_left(tx: Tx, batch: Batch, left: int) -> float | None:
    if batch.state is BatchState.CANCELLED:
        return None
    if not left:
        return 0.0
    row = await tx.row(
        "SELECT count(*) AS n, extract(epoch FROM now() - min(ended_at))::float8 AS since_first,"
        "       extract(epoch FROM now() - %(began)s::timestamptz)::float8 AS since_began"
        "  FROM (SELECT ended_at FROM batch_item WHERE tenant_id = %(tenant)s AND batch_id = %(id)s"
        "           AND began_at IS NOT NULL AND ended_at IS NOT NULL"
        "         ORDER BY ended_at DESC LIMIT %(most)s) AS latest",
        id=uuid_of(batch.id),
        began=batch.began_at,
        most=RATE_LINES,
    )
    assert row is not None
    made = int(row["n"])
    if made < LEAST_LINES:
        return None
    each = row["since_first"] / (made - 1) if made == RATE_LINES else row["since_began"] / made
    return float(round(left * each, 1))


def _shown(row: DictRow) -> dict[str, Any]:
    if row["problem"] is not None:
        return {"line": row["line"], "error": row["problem"]}
    draft = draft_of(row).model_dump(mode="json")
    return {"line": row["line"], "ticket": row["mark"], "external_id": row["external_id"], **draft}


def _record(line: Line) -> dict[str, Any]:
    return {"line": line.line, "mark": line.mark, "draft_id": str(line.draft_id)}


def _bad_record(bad: BadLine) -> dict[str, Any]:
    return {"line": bad.line, "problem": {"code": bad.code, "message": bad.sentence}}


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))


def _missing() -> NotFound:
    return NotFound("There is no batch with this id.")
