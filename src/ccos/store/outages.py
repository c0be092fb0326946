"""When tiers did not answer, as a tenant's own drafts saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ccos.domain.tier import Tier
from ccos.store.database import Tx

SLICE = timedelta(minutes=10)

SILENCE = ("provider.error", "provider.down", "provider.busy", "provider.timeout", "breaker.open")
"""Codes that say a provider gives no answers, to whatever it is asked."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`SLICE` from `at` on, of one tier: how often it was asked for a reply, and how often it was silent."""

    tier: Tier
    at: datetime
    asked: int
    silent: int


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """Of the drafts asked for between two moments: how many, and how many of them got an answer."""

    drafts: int
    answered: int


async def slices(tx: Tx, first: date, last: date, *, zone: str) -> list[Slice]:
    """Those in which a tier was asked for replies, by tier and time; days begin at midnight in `zone`.

    Silent is a provider that failed or was not asked because it rests; an answer that the gate refused is
    an answer. A draft that asked several providers of a tier asked it once.
    """
    rows = await tx.rows(
        """
        SELECT tier, at, count(*) AS asked, count(*) FILTER (WHERE silent) AS silent
          FROM (SELECT tier, draft_id, date_bin(%(slice)s, min(at), 'epoch'::timestamptz) AS at,
                       bool_and(outcome IN ('failed', 'skipped') AND reason = ANY(%(silence)s)) AS silent
                  FROM attempt
                 WHERE tenant_id = %(tenant)s AND task = 'solution_draft' AND outcome <> 'cancelled'
                   AND at >= %(first)s::timestamp AT TIME ZONE %(zone)s
                   AND at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s
                 GROUP BY tier, draft_id) AS asked
         GROUP BY tier, at ORDER BY tier, at""",
        slice=SLICE,
        silence=list(SILENCE),
        zone=zone,
        first=first,
        last=last,
    )
    return [Slice(Tier(row["tier"]), row["at"], row["asked"], row["silent"]) for row in rows]


async def meanwhile(tx: Tx, spans: Sequence[tuple[datetime, datetime]]) -> list[Meanwhile]:
    """For each of the spans, in their order."""
    rows = await tx.rows(
        """
        SELECT span.n, count(draft.id) AS drafts, count(draft.body ->> 'tier') AS answered
          FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS span (a, b, n)
          LEFT JOIN draft ON draft.tenant_id = %(tenant)s
               AND draft.created_at >= span.a AND draft.created_at < span.b
         GROUP BY span.n ORDER BY span.n""",
        begins=[begin for begin, _ in spans],
        ends=[end for _, end in spans],
    )
    return [Meanwhile(row["drafts"], row["answered"]) for row in rows]
