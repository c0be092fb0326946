"""Drafts, and the attempts behind them. A ticket has at most one open draft.

queued -> running -> ready | needs_review | abstained | failed -> approved | edited | rejected (decisions.py);
superseded and expired end any open one. One that is made again (remakes.py) has no row until that is done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.draft import Attempt, Draft, DraftState, Outcome
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.money import MicroUsd, micro_usd, usd
from ccos.domain.tier import Task, Tier
from ccos.store import experiments, versions
from ccos.store.database import Tx
from ccos.store.paging import mark, read_mark
from ccos.store.values import json_of, new_id, uuid_of

DECIDABLE = frozenset({DraftState.READY, DraftState.NEEDS_REVIEW, DraftState.ABSTAINED})
OPEN = DECIDABLE | {DraftState.QUEUED, DraftState.RUNNING}
FINISHED = DECIDABLE | {DraftState.FAILED}
CANCELLED = "batch.cancelled"
"""The reason of a draft that failed because its batch was cancelled; its ticket counts as having none."""
JOB_LOCK = "draft "
"""Before a draft's id: the lock of its job in the queue, by which the two find each other."""


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the following page starts; None on the last."""

    drafts: tuple[Draft, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Glance:
    """`priority` is what triage read from the ticket."""

    state: DraftState
    tier: Tier | None
    degraded: bool
    priority: str | None


async def queue(tx: Tx, ticket_id: str | UUID) -> Draft:
    """A new draft for the ticket, queued; an older open one is superseded. Raises `NotFound`."""
    ticket = uuid_of(ticket_id)
    if not await tx.row("SELECT id FROM ticket WHERE id = %(id)s FOR NO KEY UPDATE", id=ticket):
        raise NotFound("There is no ticket with this id.")
    await tx.run(
        "UPDATE draft SET state = 'superseded', updated_at = now()"
        " WHERE ticket_id = %(ticket)s AND state = ANY(%(open)s)",
        ticket=ticket,
        open=names(OPEN),
    )
    row = await tx.row(
        "INSERT INTO draft (tenant_id, id, ticket_id, state)"
        " VALUES (%(tenant)s, %(id)s, %(ticket)s, 'queued')"
        " RETURNING id, ticket_id, state, body, created_at",
        id=new_id(),
        ticket=ticket,
    )
    assert row is not None
    return draft_of(row)


async def queue_all(tx: Tx, ticket_ids: Sequence[UUID]) -> list[UUID]:
    """A new draft for each of the tickets, which the transaction has locked; open ones are superseded."""
    await tx.run(
        "UPDATE draft SET state = 'superseded', updated_at = now()"
        " WHERE tenant_id = %(tenant)s AND ticket_id = ANY(%(tickets)s) AND state = ANY(%(open)s)",
        tickets=list(ticket_ids),
        open=names(OPEN),
    )
    made = [new_id() for _ in ticket_ids]
    await tx.run(
        "INSERT INTO draft (tenant_id, id, ticket_id, state)"
        " SELECT %(tenant)s, id, ticket, 'queued'"
        "   FROM unnest(%(ids)s::uuid[], %(tickets)s::uuid[]) AS wanted (id, ticket)",
        ids=made,
        tickets=list(ticket_ids),
    )
    return made


async def hold_queued(tx: Tx, ticket_ids: Collection[UUID]) -> None:
    """Keeps drafts of the tickets that are queued from being cancelled until the transaction ends, and waits
    for a cancelling that has begun. What is read of them afterwards is still so at the end."""
    await tx.run(
        "SELECT FROM draft WHERE tenant_id = %(tenant)s AND ticket_id = ANY(%(tickets)s::uuid[])"
        "   AND state = 'queued' ORDER BY id FOR SHARE",
        tickets=list(ticket_ids),
    )


async def start(tx: Tx, draft_id: str | UUID) -> int:
    """Begin work, or begin again after a crash; the number of this run, for `finish`.

    Raises `NotFound`, or `Conflict` when the draft is no longer queued or running.
    """
    row = await tx.row(
        "UPDATE draft SET state = 'running', run = run + 1, updated_at = now()"
        " WHERE id = %(id)s AND state IN ('queued', 'running') RETURNING run",
        id=uuid_of(draft_id),
    )
    if row is None:
        raise await _refusal(tx, draft_id)
    return int(row["run"])


async def finish(tx: Tx, draft: Draft, *, run: int) -> None:
    """Store the outcome of run number `run`, and the draft's attempts with it.

    Raises `Conflict` when the draft was superseded, expired or decided meanwhile, or when a later run has
    begun: then nothing is stored. `BadInput` when `draft.state` is not one that work ends in.
    """
    if draft.state not in FINISHED:
        raise BadInput(f"Work on a draft cannot end in the state {draft.state}.")
    draft_id = uuid_of(draft.id)
    changed = await tx.run(
        "UPDATE draft SET state = %(state)s, degraded = %(degraded)s, body = %(body)s, updated_at = now()"
        " WHERE id = %(id)s AND state = 'running' AND run = %(run)s",
        id=draft_id,
        run=run,
        state=draft.state.value,
        degraded=draft.degraded,
        body=json_of(draft),
    )
    if not changed:
        raise await _refusal(tx, draft_id)
    await store_attempts(tx, draft_id, draft.attempts)
    await versions.cite(tx, draft_id, draft.evidence)
    await experiments.note_draft(tx, draft)


async def give_up(tx: Tx, draft_id: str | UUID, reason: str, *, run: int | None = None) -> bool:
    """Mark a queued or running draft failed; False when it was neither.

    With `run` only while that run has it; without, whoever does.
    """
    return bool(
        await tx.run(
            "UPDATE draft SET state = 'failed', run = run + 1, updated_at = now(),"
            "       body = body || jsonb_build_object('reason', %(reason)s::text)"
            " WHERE id = %(id)s AND state IN ('queued', 'running')"
            "   AND (%(run)s::int IS NULL OR run = %(run)s::int)",
            id=uuid_of(draft_id),
            reason=reason,
            run=run,
        )
    )


async def give_up_abandoned(tx: Tx, *, silent_seconds: float, queued_seconds: float | None = None) -> int:
    """Mark failed every draft that nobody works on and no job waits for. How many that were.

    That is one running for `silent_seconds`, or queued for `queued_seconds` (by default as long), without a
    job that is to do or being done. Jobs that died are found by their heartbeat.
    """
    return await tx.run(
        "UPDATE draft SET state = 'failed', run = run + 1, updated_at = now(),"
        "       body = body || jsonb_build_object('reason', 'work.abandoned')"
        " WHERE tenant_id = %(tenant)s AND state IN ('queued', 'running')"
        "   AND updated_at < now() - make_interval(secs => CASE state"
        "       WHEN 'queued' THEN %(queued)s::float8 ELSE %(silent)s::float8 END)"
        "   AND NOT EXISTS (SELECT FROM procrastinate_jobs job"
        "       WHERE job.lock = %(lock)s || draft.id AND job.status IN ('todo', 'doing'))",
        silent=silent_seconds,
        queued=silent_seconds if queued_seconds is None else queued_seconds,
        lock=JOB_LOCK,
    )


async def take_back(tx: Tx, draft_id: str | UUID, older_id: str | UUID, reason: str, *, run: int) -> bool:
    """Ends work that came to nothing by opening the finished draft again that it had superseded.

    False, and nothing is changed, when that run no longer has it, or the older one was not superseded.
    """
    ended = await tx.run(
        "UPDATE draft SET state = 'superseded', run = run + 1, updated_at = now(),"
        "       body = body || jsonb_build_object('reason', %(reason)s::text)"
        " WHERE id = %(id)s AND state = 'running' AND run = %(run)s"
        "   AND EXISTS (SELECT FROM draft older WHERE older.id = %(older)s"
        "       AND older.ticket_id = draft.ticket_id AND older.state = 'superseded'"
        "       AND older.body ->> 'state' = ANY(%(decidable)s))",
        id=uuid_of(draft_id),
        older=uuid_of(older_id),
        run=run,
        reason=reason,
        decidable=names(DECIDABLE),
    )
    if not ended:
        return False
    await tx.run(
        "UPDATE draft SET state = body ->> 'state', updated_at = now() WHERE id = %(id)s",
        id=uuid_of(older_id),
    )
    return True


async def expire(tx: Tx, ticket_id: str | UUID) -> int:
    """An agent answered the ticket without us: its open drafts expire. How many did."""
    return await tx.run(
        "UPDATE draft SET state = 'expired', updated_at = now()"
        " WHERE ticket_id = %(ticket)s AND state = ANY(%(open)s)",
        ticket=uuid_of(ticket_id),
        open=names(OPEN),
    )


async def mark_opened(tx: Tx, draft_id: str | UUID) -> None:
    """A person has seen it; the first time counts. Raises `NotFound`."""
    changed = await tx.run(
        "UPDATE draft SET opened_at = coalesce(opened_at, now()) WHERE id = %(id)s", id=uuid_of(draft_id)
    )
    if not changed:
        raise NotFound("There is no draft with this id.")


async def get(tx: Tx, draft_id: str | UUID) -> Draft:
    """Raises `NotFound`."""
    row = await tx.row(_SELECT + "WHERE id = %(id)s", id=uuid_of(draft_id))
    if row is None:
        raise NotFound("There is no draft with this id.")
    return draft_of(row)


async def latest(tx: Tx, ticket_id: str | UUID) -> Draft | None:
    """The newest draft of a ticket that no other took the place of, whatever became of it."""
    row = await tx.row(
        _SELECT + "WHERE tenant_id = %(tenant)s AND ticket_id = %(ticket)s"
        " ORDER BY state = 'superseded', created_at DESC, id DESC LIMIT 1",
        ticket=uuid_of(ticket_id),
    )
    return draft_of(row) if row else None


async def latest_of(tx: Tx, ticket_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The id of the `latest` draft of each ticket that has one, unless it was cancelled with its batch."""
    rows = await tx.rows(
        "SELECT ticket_id, id FROM (SELECT DISTINCT ON (ticket_id) ticket_id, id, body ->> 'reason' AS reason"
        "   FROM draft WHERE tenant_id = %(tenant)s AND ticket_id = ANY(%(tickets)s::uuid[])"
        "   ORDER BY ticket_id, state = 'superseded', created_at DESC, id DESC) AS latest"
        " WHERE reason IS DISTINCT FROM %(cancelled)s",
        tickets=list(ticket_ids),
        cancelled=CANCELLED,
    )
    return {row["ticket_id"]: row["id"] for row in rows}


async def glance(tx: Tx, ticket_ids: Collection[str]) -> dict[str, Glance]:
    """For each of the tickets that has a draft, by ticket id, what a list shows of the `latest`."""
    rows = await tx.rows(
        "SELECT DISTINCT ON (ticket_id) ticket_id, state, degraded, body ->> 'tier' AS tier,"
        "       body #>> '{triage,priority}' AS priority FROM draft"
        " WHERE tenant_id = %(tenant)s AND ticket_id = ANY(%(tickets)s::uuid[])"
        " ORDER BY ticket_id, state = 'superseded', created_at DESC, id DESC",
        tickets=list(ticket_ids),
    )
    return {
        str(row["ticket_id"]): Glance(
            DraftState(row["state"]),
            Tier(row["tier"]) if row["tier"] else None,
            row["degraded"],
            row["priority"],
        )
        for row in rows
    }


async def page(
    tx: Tx, *, states: Collection[DraftState] = (), limit: int = 50, after: str | None = None
) -> Page:
    """Newest first, in any state or in `states`. Raises `BadInput` when `after` is not an earlier `next`."""
    at, last = read_mark(after)
    rows = await tx.rows(
        _SELECT + "WHERE tenant_id = %(tenant)s"
        "    AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))"
        "    AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s::timestamptz, %(last)s::uuid))"
        "  ORDER BY created_at DESC, id DESC LIMIT %(limit)s",
        states=names(states) or None,
        at=at,
        last=last,
        limit=limit + 1,
    )
    shown = rows[:limit]
    return Page(
        drafts=tuple(draft_of(row) for row in shown),
        next=mark(shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > limit else None,
    )


async def counts(tx: Tx) -> dict[DraftState, int]:
    """How many drafts are in each state; states without one are absent."""
    rows = await tx.rows("SELECT state, count(*) AS n FROM draft WHERE tenant_id = %(tenant)s GROUP BY state")
    return {DraftState(row["state"]): row["n"] for row in rows}


async def attempts(tx: Tx, draft_id: str | UUID) -> list[Attempt]:
    """The record of every attempt, in the order they were made."""
    rows = await tx.rows(
        "SELECT task, tier, provider, model, outcome, reason, tokens_in, tokens_out, cost_micro_usd,"
        "       latency_seconds, quality, cached FROM attempt"
        " WHERE tenant_id = %(tenant)s AND draft_id = %(draft)s ORDER BY ordinal",
        draft=uuid_of(draft_id),
    )
    return [
        Attempt(
            task=Task(row["task"]),
            tier=Tier(row["tier"]),
            provider=row["provider"],
            model=row["model"],
            outcome=Outcome(row["outcome"]),
            reason=row["reason"],
            tokens_in=row["tokens_in"],
            tokens_out=row["tokens_out"],
            cost_usd=usd(MicroUsd(row["cost_micro_usd"])),
            latency_seconds=row["latency_seconds"],
            quality=row["quality"],
            cached=row["cached"],
        )
        for row in rows
    ]


_SELECT = "SELECT id, ticket_id, state, body, created_at FROM draft "


async def store_attempts(tx: Tx, draft_id: UUID, made: Sequence[Attempt]) -> None:
    """The record behind a draft, once."""
    if not made:
        return
    await tx.run_each(
        """
        INSERT INTO attempt (tenant_id, id, draft_id, ordinal, task, tier, provider, model, outcome, reason,
                             tokens_in, tokens_out, cost_micro_usd, latency_seconds, quality, cached)
        VALUES (%(tenant)s, %(id)s, %(draft)s, %(ordinal)s, %(task)s, %(tier)s, %(provider)s, %(model)s,
                %(outcome)s, %(reason)s, %(tokens_in)s, %(tokens_out)s, %(cost)s, %(latency)s,
                %(quality)s, %(cached)s)""",
        [
            {
                "id": new_id(),
                "draft": draft_id,
                "ordinal": ordinal,
                "task": attempt.task.value,
                "tier": attempt.tier.value,
                "provider": attempt.provider,
                "model": attempt.model,
                "outcome": attempt.outcome.value,
                "reason": attempt.reason,
                "tokens_in": attempt.tokens_in,
                "tokens_out": attempt.tokens_out,
                "cost": micro_usd(Decimal(str(attempt.cost_usd))),
                "latency": attempt.latency_seconds,
                "quality": attempt.quality,
                "cached": attempt.cached,
            }
            for ordinal, attempt in enumerate(made, start=1)
        ],
    )


async def _refusal(tx: Tx, draft_id: str | UUID) -> Conflict | NotFound:
    row = await tx.row("SELECT state FROM draft WHERE id = %(id)s", id=uuid_of(draft_id))
    if row is None:
        return NotFound("There is no draft with this id.")
    if row["state"] == DraftState.RUNNING:
        return Conflict("Work on this draft was begun again by someone else.", state=row["state"])
    return Conflict(f"The draft is {row['state']} by now.", state=row["state"])


def names(states: Collection[DraftState]) -> list[str]:
    return sorted(state.value for state in states)


def draft_of(row: DictRow) -> Draft:
    columns = {"id": str(row["id"]), "ticket_id": str(row["ticket_id"]), "state": row["state"]}
    return Draft.model_validate(row["body"] | columns | {"created_at": row["created_at"]})
