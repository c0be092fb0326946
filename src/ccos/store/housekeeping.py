"""What nobody will ask for again goes, a bounded number of rows at a time.

Any number of processes may do this at once: each takes rows that no other has.
"""

from __future__ import annotations

from ccos.store.database import Database, Tx

JOB_DAYS, HOLD_DAYS = 7, 35
"""Finished jobs tell what went wrong last week; closed holds, what a month's money came from."""


async def prune_jobs(database: Database, *, days: float = JOB_DAYS, batch: int = 1_000) -> int:
    """Deletes jobs that ended `days` ago, with their history: of the `batch` oldest. How many went."""
    async with database.unbound() as tx:
        return await tx.run(
            """
            WITH oldest AS (
                SELECT id FROM procrastinate_jobs
                 WHERE status IN ('succeeded', 'failed', 'cancelled', 'aborted')
                 ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
            DELETE FROM procrastinate_jobs job USING oldest
             WHERE job.id = oldest.id
               AND NOT EXISTS (SELECT FROM procrastinate_events event WHERE event.job_id = job.id
                                  AND event.at > now() - make_interval(secs => %(seconds)s::float8))""",
            batch=batch,
            seconds=days * 86_400,
        )


async def prune_holds(tx: Tx, *, days: int = HOLD_DAYS, batch: int = 1_000) -> int:
    """Deletes the tenant's closed holds on money of days that long ago, `batch` at most. How many went."""
    return await tx.run(
        """
        DELETE FROM reservation
         WHERE tenant_id = %(tenant)s AND id = ANY(ARRAY(
               SELECT id FROM reservation
                WHERE tenant_id = %(tenant)s AND day < current_date - %(days)s::int AND state <> 'held'
                ORDER BY day LIMIT %(batch)s FOR UPDATE SKIP LOCKED))""",
        days=days,
        batch=batch,
    )
