"""What became of drafts, counted for reports: by day, tier and kind of ticket. No text of a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from psycopg.rows import DictRow

from ccos.domain.feedback import AS_IS_UP_TO
from ccos.store.database import Tx

REOPENED_DAYS = 7
MOST_GROUPS = 100_000


@dataclass(frozen=True, slots=True)
class Decided:
    """`n` decisions that are alike. `day` is the day of deciding, `agent` the key that decided.

    `made_as` is the draft's state before, `use` how it was used (`domain.feedback`), `reason` of a rejection.
    `seconds` is the sum over `timed` of them, `csat` the sum over `rated`; `reopened` came back in a week.
    """

    day: date
    tier: str
    model: str
    intent: str
    language: str
    channel: str
    agent: str
    made_as: str
    use: str
    reason: str
    n: int
    timed: int
    seconds: float
    rated: int
    csat: int
    reopened: int


@dataclass(frozen=True, slots=True)
class Made:
    """`n` drafts that are alike. `day` is the day they were queued, `state` what they are now, `made_as` what
    work on them ended in, empty while it has not.

    `fallback` of them were not answered by the first tier of their plan; `fallback_quality` is summed over
    the `fallback_scored` of those. `seconds` is the sum of what making them took, `cost_micro_usd` what it
    cost.
    """

    day: date
    tier: str
    state: str
    made_as: str
    n: int
    degraded: int
    fallback: int
    fallback_scored: int
    fallback_quality: float
    seconds: float
    cost_micro_usd: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `n` values in seconds."""

    n: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """`n` decisions about drafts of which `predicted` of all was expected to be good, and `approved` were."""

    n: int
    predicted: float
    approved: int


async def decided(tx: Tx, first: date, last: date, *, zone: str) -> list[Decided]:
    """Decisions from the day `first` to `last`, both included, days beginning at midnight in `zone`."""
    rows = await tx.rows(
        """
        SELECT (e.decided_at AT TIME ZONE %(zone)s)::date AS day, coalesce(d.body ->> 'tier', '') AS tier,
               coalesce(d.body ->> 'model', '') AS model,
               coalesce(d.body #>> '{triage,intent}', 'other') AS intent,
               coalesce(d.body #>> '{triage,language}', '') AS language,
               coalesce(t.body ->> 'channel', '') AS channel, e.decided_by AS agent,
               coalesce(d.body ->> 'state', '') AS made_as,
               CASE WHEN e.verdict = 'rejected' THEN 'rejected'
                    WHEN e.verdict = 'approved' OR e.changed <= %(as_is)s THEN 'as_is'
                    ELSE 'edited' END AS use,
               CASE WHEN e.verdict = 'rejected' THEN e.reason ELSE '' END AS reason,
               count(*) AS n, count(e.seconds) AS timed, coalesce(sum(e.seconds), 0) AS seconds,
               count(e.csat) AS rated, coalesce(sum(e.csat), 0) AS csat,
               count(*) FILTER (WHERE e.reopened_at < e.decided_at + make_interval(days => %(days)s::int))
                   AS reopened
          FROM decision e
          JOIN draft d ON d.tenant_id = e.tenant_id AND d.id = e.draft_id
          JOIN ticket t ON t.tenant_id = d.tenant_id AND t.id = d.ticket_id
         WHERE e.tenant_id = %(tenant)s
           AND e.decided_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
           AND e.decided_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY 1 LIMIT %(limit)s""",
        zone=zone,
        first=first,
        last=last,
        as_is=AS_IS_UP_TO,
        days=REOPENED_DAYS,
        limit=MOST_GROUPS,
    )
    return [Decided(**row | {"seconds": float(row["seconds"]), "csat": int(row["csat"])}) for row in rows]


async def made(tx: Tx, first: date, last: date, *, zone: str) -> list[Made]:
    """Drafts queued from the day `first` to `last`, both included, days beginning at midnight in `zone`."""
    rows = await tx.rows(
        """
        SELECT (created_at AT TIME ZONE %(zone)s)::date AS day, coalesce(body ->> 'tier', '') AS tier, state,
               coalesce(body ->> 'state', '') AS made_as,
               count(*) AS n, count(*) FILTER (WHERE degraded) AS degraded,
               count(*) FILTER (WHERE body ->> 'fallback_used' = 'true') AS fallback,
               count(body ->> 'quality') FILTER (WHERE body ->> 'fallback_used' = 'true') AS fallback_scored,
               coalesce(sum((body ->> 'quality')::float8)
                   FILTER (WHERE body ->> 'fallback_used' = 'true'), 0) AS fallback_quality,
               coalesce(sum((body ->> 'latency_seconds')::float8), 0) AS seconds,
               coalesce(sum((body ->> 'cost_usd')::numeric * 1000000), 0) AS cost_micro_usd
          FROM draft
         WHERE tenant_id = %(tenant)s
           AND created_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
           AND created_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1, 2, 3, 4 ORDER BY 1 LIMIT %(limit)s""",
        zone=zone,
        first=first,
        last=last,
        limit=MOST_GROUPS,
    )
    return [Made(**row | {"cost_micro_usd": round(row["cost_micro_usd"])}) for row in rows]


async def moves(tx: Tx, first: date, last: date, *, zone: str) -> dict[tuple[str, str], int]:
    """How often a tier did not give the reply asked of it, by tier and reason, the commonest first."""
    rows = await tx.rows(
        """
        SELECT tier, reason, count(*) AS n FROM attempt
         WHERE tenant_id = %(tenant)s AND task = 'solution_draft'
           AND outcome IN ('failed', 'refused_by_gate', 'skipped')
           AND at >= %(first)s::timestamp AT TIME ZONE %(zone)s
           AND at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1, 2 ORDER BY n DESC, tier, reason LIMIT 100""",
        zone=zone,
        first=first,
        last=last,
    )
    return {(row["tier"], row["reason"]): int(row["n"]) for row in rows}


async def seconds_by_tier(tx: Tx, first: date, last: date, *, zone: str) -> Mapping[str, Quantiles]:
    """How long finished drafts took to make, by the tier that answered; all of them under "all"."""
    rows = await tx.rows(
        """
        SELECT coalesce(tier, 'all') AS name, count(*) AS n,
               percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS cuts
          FROM (SELECT body ->> 'tier' AS tier, (body ->> 'latency_seconds')::float8 AS seconds
                  FROM draft
                 WHERE tenant_id = %(tenant)s AND body ->> 'tier' IS NOT NULL
                   AND created_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
                   AND created_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s) finished
         WHERE seconds IS NOT NULL
         GROUP BY GROUPING SETS ((tier), ())""",
        zone=zone,
        first=first,
        last=last,
    )
    return {row["name"]: _quantiles(row) for row in rows if row["n"]}


async def seconds_by_stage(tx: Tx, first: date, last: date, *, zone: str) -> Mapping[str, Quantiles]:
    """Where the time of finished drafts went, by stage; "queue" is the wait before them."""
    rows = await tx.rows(
        """
        SELECT stage.key AS name, count(*) AS n,
               percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY stage.value::float8) AS cuts
          FROM draft, jsonb_each_text(body -> 'stages') AS stage
         WHERE tenant_id = %(tenant)s AND jsonb_typeof(body -> 'stages') = 'object'
           AND created_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
           AND created_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s
         GROUP BY 1""",
        zone=zone,
        first=first,
        last=last,
    )
    return {row["name"]: _quantiles(row) for row in rows}


async def calibration(tx: Tx, first: date, last: date, *, zone: str) -> list[Predicted]:
    """Decisions by the quality that was predicted for their drafts, in tenths, the lowest first."""
    rows = await tx.rows(
        """
        SELECT least(floor(quality * 10), 9)::int AS tenth, count(*) AS n, sum(quality) AS predicted,
               count(*) FILTER (WHERE verdict <> 'rejected') AS approved
          FROM (SELECT decision.verdict, (draft.body ->> 'quality')::float8 AS quality
                  FROM decision JOIN draft ON draft.tenant_id = decision.tenant_id AND draft.id = draft_id
                 WHERE decision.tenant_id = %(tenant)s
                   AND decided_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
                   AND decided_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s) AS decided
         WHERE quality IS NOT NULL
         GROUP BY 1 ORDER BY 1""",
        zone=zone,
        first=first,
        last=last,
    )
    return [Predicted(row["n"], float(row["predicted"]) / row["n"], row["approved"]) for row in rows]


async def seconds_to_decide(tx: Tx, first: date, last: date, *, zone: str) -> Quantiles | None:
    """From opening a draft to deciding about it; None where no opening was seen."""
    row = await tx.row(
        """
        SELECT count(*) AS n, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS cuts
          FROM decision
         WHERE tenant_id = %(tenant)s AND seconds IS NOT NULL
           AND decided_at >= %(first)s::timestamp AT TIME ZONE %(zone)s
           AND decided_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s""",
        zone=zone,
        first=first,
        last=last,
    )
    return _quantiles(row) if row and row["n"] else None


def _quantiles(row: DictRow) -> Quantiles:
    return Quantiles(int(row["n"]), *(float(cut) for cut in row["cuts"]))
