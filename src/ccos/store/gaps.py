"""Knowledge gaps of a tenant: the questions in them, what people did about them, how far drafts were read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.draft import DraftState
from ccos.domain.errors import NotFound
from ccos.domain.evidence import Visibility
from ccos.domain.gap import Gap, GapState, Outcome, Proposal, Question, Source
from ccos.domain.ticket import Ticket
from ccos.store.database import Tx
from ccos.store.values import json_of, utc, uuid_of

THIN_CHECK = "coverage.thin"
MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Pass:
    """How far drafts were read; `run` is the number of passes that ended, `at` the database's time now."""

    run: int
    read_until: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """A ticket whose drafts changed at `changed_at`, with what became of the newest that is finished."""

    ticket: Ticket
    ticket_id: UUID
    draft_id: UUID
    outcome: Outcome
    asked_at: datetime
    drafted_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent sent, with the customer's own data in it."""

    ticket: Ticket
    ticket_id: UUID
    draft_id: UUID
    text: str
    edited: bool
    at: datetime


async def last_pass(tx: Tx, *, first_from: datetime) -> Pass:
    """The last pass; before the first one, drafts are read from `first_from` on."""
    await tx.run(
        "INSERT INTO kb_gap_pass (tenant_id, read_until) VALUES (%(tenant)s, %(at)s) ON CONFLICT DO NOTHING",
        at=utc(first_from),
    )
    row = await tx.row("SELECT run, read_until, now() AS at FROM kb_gap_pass WHERE tenant_id = %(tenant)s")
    assert row is not None
    return Pass(**row)


async def end_pass(tx: Tx, begun: Pass, read_until: datetime) -> bool:
    """Whether what the pass found may be stored: not when another one ended meanwhile."""
    return bool(
        await tx.run(
            "UPDATE kb_gap_pass SET run = run + 1, read_until = %(at)s"
            " WHERE tenant_id = %(tenant)s AND run = %(run)s",
            at=utc(read_until),
            run=begun.run,
        )
    )


async def changed_drafts(
    tx: Tx, since: datetime, after: UUID | None = None, *, limit: int = 500
) -> list[Looked]:
    """Tickets with a draft that changed since, in that order; of several drafts the `latest` finished one.

    `since` and `after` are `changed_at` and `ticket_id` of the last one seen.
    """
    rows = await tx.rows(
        """
        SELECT t.id AS ticket_id, t.body AS ticket, t.created_at AS asked_at, changed.at AS changed_at,
               d.id AS draft_id, d.state, d.created_at AS drafted_at, d.body ->> 'state' AS made,
               (d.body ->> 'quality')::float8 AS quality,
               coalesce((d.body ->> 'confidence_score')::float8, 0) AS confidence,
               coalesce(d.body -> 'checks' @> jsonb_build_array(jsonb_build_object('code', %(thin)s::text)),
                        false) AS thin,
               e.verdict, coalesce(e.reason, '') AS reason
          FROM (SELECT ticket_id, max(updated_at) AS at FROM draft
                 WHERE tenant_id = %(tenant)s AND updated_at >= %(since)s
                 GROUP BY ticket_id
                HAVING (max(updated_at), ticket_id) >
                       (%(since)s, coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000'))
                 ORDER BY at, ticket_id LIMIT %(limit)s) changed
          JOIN ticket t ON t.tenant_id = %(tenant)s AND t.id = changed.ticket_id
          JOIN LATERAL (SELECT * FROM draft
                         WHERE tenant_id = %(tenant)s AND ticket_id = t.id
                           AND state NOT IN ('queued', 'running') AND body ->> 'state' IS NOT NULL
                         ORDER BY state = 'superseded', created_at DESC, id DESC LIMIT 1) d ON true
          LEFT JOIN decision e ON e.tenant_id = %(tenant)s AND e.draft_id = d.id
         ORDER BY changed.at, t.id""",
        since=utc(since),
        after=after,
        thin=THIN_CHECK,
        limit=limit,
    )
    return [_looked(row) for row in rows]


async def forget(tx: Tx, ticket_ids: Collection[UUID], *, before: datetime) -> int:
    """Takes out the questions of these tickets, and those asked before that moment. How many went."""
    return await tx.run(
        "DELETE FROM kb_gap_question WHERE tenant_id = %(tenant)s"
        " AND (ticket_id = ANY(%(ids)s::uuid[]) OR asked_at < %(before)s)",
        ids=list(ticket_ids),
        before=utc(before),
    )


async def questions(tx: Tx, *, limit: int) -> list[Question]:
    """The newest questions, oldest first."""
    rows = await tx.rows(
        "SELECT * FROM (SELECT ticket_id, draft_id, gap_id, rank, text, title, why, channel, asked_at,"
        "       drafted_at FROM kb_gap_question WHERE tenant_id = %(tenant)s"
        "  ORDER BY asked_at DESC, ticket_id DESC LIMIT %(limit)s) newest ORDER BY asked_at, ticket_id",
        limit=limit,
    )
    return [Question(**row) for row in rows]


async def put_gaps(tx: Tx, labels: Mapping[UUID, str]) -> None:
    """Gaps with their labels; a new one is open."""
    await tx.run(
        "INSERT INTO kb_gap (tenant_id, id, label)"
        " SELECT %(tenant)s, id, label FROM unnest(%(ids)s::uuid[], %(labels)s::text[]) AS g (id, label)"
        " ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label",
        ids=list(labels),
        labels=list(labels.values()),
    )


async def put_questions(tx: Tx, asked: Sequence[Question]) -> None:
    """Stores the questions in their gaps, or moves them there; one of a ticket."""
    await tx.run_each(
        """
        INSERT INTO kb_gap_question (tenant_id, ticket_id, draft_id, gap_id, rank, text, title, why, channel,
                                     asked_at, drafted_at)
        SELECT %(tenant)s, id, %(draft_id)s, %(gap_id)s, %(rank)s, %(text)s, %(title)s, %(why)s, %(channel)s,
               %(asked_at)s, %(drafted_at)s FROM ticket WHERE tenant_id = %(tenant)s AND id = %(ticket_id)s
        ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET
            draft_id = excluded.draft_id, gap_id = excluded.gap_id, rank = excluded.rank,
            text = excluded.text, title = excluded.title, why = excluded.why, channel = excluded.channel,
            asked_at = excluded.asked_at, drafted_at = excluded.drafted_at""",
        [asdict(each) for each in asked],
    )


async def note_answered(tx: Tx, answered: Mapping[UUID, datetime]) -> None:
    """When an answer that a draft had found was last sent to a question like those of the gap."""
    await tx.run(
        "UPDATE kb_gap SET answered_at = greatest(answered_at, at)"
        "  FROM unnest(%(ids)s::uuid[], %(ats)s::timestamptz[]) AS heard (id, at)"
        " WHERE tenant_id = %(tenant)s AND kb_gap.id = heard.id",
        ids=list(answered),
        ats=[utc(at) for at in answered.values()],
    )


async def drop_empty(tx: Tx) -> int:
    """Deletes open gaps without a question, whose questions went into another or were answered."""
    return await tx.run(
        "DELETE FROM kb_gap g WHERE tenant_id = %(tenant)s AND state = 'open' AND settled_at IS NULL"
        " AND NOT EXISTS (SELECT FROM kb_gap_question q"
        "                  WHERE q.tenant_id = %(tenant)s AND q.gap_id = g.id)"
    )


async def page(
    tx: Tx,
    *,
    now: datetime,
    states: Collection[GapState] = (),
    since: datetime | None = None,
    at_least: int = 1,
    limit: int = 1_000,
) -> list[Gap]:
    """Gaps in those states (any, without), with `at_least` questions asked since then, the largest first."""
    return await _gaps(
        tx,
        now=now,
        since=since,
        states=[state.value for state in states] or None,
        least=at_least,
        limit=limit,
    )


async def get(tx: Tx, gap_id: str | UUID, *, now: datetime) -> Gap:
    """Raises `NotFound`."""
    found = await _gaps(tx, now=now, gap_id=uuid_of(gap_id))
    if not found:
        raise NotFound("There is no gap with this id; `ccos kb gaps` lists them.")
    return found[0]


async def settle(
    tx: Tx,
    gap: Gap,
    state: GapState,
    *,
    proposal: Proposal | None = None,
    article_id: str | None = None,
    visibility: Visibility | None = None,
    reason: str = "",
    decided_by: str = "",
) -> bool:
    """Brings the gap into the state, with what goes with it. False when it changed since it was read."""
    return bool(
        await tx.run(
            "UPDATE kb_gap SET state = %(state)s, proposal = %(proposal)s, article_id = %(article)s,"
            "       visibility = %(visibility)s, reason = %(reason)s, decided_by = %(by)s,"
            "       settled_at = now(), dismissed_count = %(count)s"
            " WHERE tenant_id = %(tenant)s AND id = %(id)s AND state = %(was)s"
            "   AND settled_at IS NOT DISTINCT FROM %(settled)s",
            id=gap.id,
            was=gap.state.value,
            settled=gap.settled_at,
            state=state.value,
            proposal=json_of(_plain(proposal)) if proposal else None,
            article=article_id,
            visibility=visibility.value if visibility else None,
            reason=reason,
            by=decided_by,
            count=gap.count if state is GapState.DISMISSED else 0,
        )
    )


async def replies(tx: Tx, gap_id: UUID, *, limit: int = 5) -> list[Reply]:
    """What agents sent to the gap's customers, newest first; a hold that was sent as it was says nothing."""
    rows = await tx.rows(
        """
        SELECT t.body AS ticket, t.id AS ticket_id, d.id AS draft_id, e.verdict = 'edited' AS edited,
               coalesce(e.text, d.body ->> 'reply') AS text, e.decided_at AS at
          FROM kb_gap_question q
          JOIN ticket t ON t.tenant_id = %(tenant)s AND t.id = q.ticket_id
          JOIN draft d ON d.tenant_id = %(tenant)s AND d.ticket_id = q.ticket_id
          JOIN decision e ON e.tenant_id = %(tenant)s AND e.draft_id = d.id
         WHERE q.tenant_id = %(tenant)s AND q.gap_id = %(gap)s
           AND (e.verdict = 'edited' AND e.text IS NOT NULL
                OR e.verdict IN ('approved', 'edited') AND d.body ->> 'state' <> 'abstained')
         ORDER BY e.decided_at DESC, e.id DESC LIMIT %(limit)s""",
        gap=gap_id,
        limit=limit,
    )
    return [Reply(ticket=_ticket(row), **{k: row[k] for k in row if k != "ticket"}) for row in rows]


async def _gaps(
    tx: Tx,
    *,
    now: datetime,
    gap_id: UUID | None = None,
    since: datetime | None = None,
    states: list[str] | None = None,
    least: int = 0,
    limit: int = 1,
) -> list[Gap]:
    rows = await tx.rows(
        """
        SELECT g.*, coalesce(q.count, 0) AS count, q.first_seen, q.last_seen, q.last_drafted, q.examples,
               q.whys, q.channels, coalesce(q.weeks, ARRAY[0, 0, 0, 0]) AS weeks
          FROM kb_gap g
          LEFT JOIN LATERAL (
               SELECT count(*)::int AS count, min(asked_at) AS first_seen, max(asked_at) AS last_seen,
                      max(drafted_at) AS last_drafted,
                      (array_agg(title ORDER BY rank, asked_at, ticket_id)) [1:30] AS examples,
                      array_agg(why ORDER BY why) AS whys,
                      array_agg(coalesce(channel, '') ORDER BY channel) AS channels,
                      ARRAY(SELECT count(*) FILTER (WHERE age = 3 - slot)
                              FROM generate_series(0, 3) AS slot
                              LEFT JOIN LATERAL (
                                   SELECT floor(extract(epoch FROM %(now)s - w.asked_at) / 604800)::int AS age
                                     FROM kb_gap_question w
                                    WHERE w.tenant_id = %(tenant)s AND w.gap_id = g.id
                                      AND w.asked_at > %(now)s - interval '28 days') ages ON true
                             GROUP BY slot ORDER BY slot)::int[] AS weeks
                 FROM kb_gap_question
                WHERE tenant_id = %(tenant)s AND gap_id = g.id
                  AND (%(since)s::timestamptz IS NULL OR asked_at >= %(since)s)) q ON true
         WHERE g.tenant_id = %(tenant)s AND (%(id)s::uuid IS NULL OR g.id = %(id)s)
           AND (%(states)s::text[] IS NULL OR g.state = ANY(%(states)s))
           AND coalesce(q.count, 0) >= %(least)s
         ORDER BY count DESC, q.last_seen DESC NULLS LAST, g.id LIMIT %(limit)s""",
        now=utc(now),
        since=utc(since),
        id=gap_id,
        states=states,
        least=least,
        limit=limit,
    )
    return [_gap(row) for row in rows]


def _gap(row: DictRow) -> Gap:
    proposal = row["proposal"]
    return Gap(
        id=row["id"],
        state=GapState(row["state"]),
        label=row["label"],
        count=row["count"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        channels=_counted(row["channels"]),
        whys=_counted(row["whys"]),
        examples=tuple(list(dict.fromkeys(row["examples"] or ()))[:MOST_EXAMPLES]),
        weeks=tuple(row["weeks"]),
        proposal=_proposal(proposal) if proposal else None,
        article_id=row["article_id"],
        visibility=Visibility(row["visibility"]) if row["visibility"] else None,
        reason=row["reason"],
        decided_by=row["decided_by"],
        settled_at=row["settled_at"],
        dismissed_count=row["dismissed_count"],
        answered_at=row["answered_at"],
        last_drafted=row["last_drafted"],
    )


def _counted(names: Sequence[Any] | None) -> tuple[tuple[Any, int], ...]:
    counts: dict[str, int] = {}
    for name in names or ():
        counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _plain(proposal: Proposal) -> dict[str, Any]:
    plain = asdict(proposal) | {"made_at": proposal.made_at.isoformat()}
    plain["sources"] = [asdict(each) | {"at": each.at.isoformat()} for each in proposal.sources]
    return plain


def _proposal(plain: Mapping[str, Any]) -> Proposal:
    sources = tuple(Source(**each | {"at": datetime.fromisoformat(each["at"])}) for each in plain["sources"])
    return Proposal(**{**plain, "sources": sources, "made_at": datetime.fromisoformat(plain["made_at"])})


def _looked(row: DictRow) -> Looked:
    return Looked(
        ticket=_ticket(row),
        ticket_id=row["ticket_id"],
        draft_id=row["draft_id"],
        outcome=Outcome(
            made=DraftState(row["made"]),
            state=DraftState(row["state"]),
            quality=row["quality"],
            confidence=row["confidence"],
            thin=row["thin"],
            verdict=row["verdict"],
            reason=row["reason"],
        ),
        asked_at=row["asked_at"],
        drafted_at=row["drafted_at"],
        changed_at=row["changed_at"],
    )


def _ticket(row: DictRow) -> Ticket:
    return Ticket.model_validate(row["ticket"] | {"id": str(row["ticket_id"])})
