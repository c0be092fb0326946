"""Durable work, on the same PostgreSQL: a draft's job is queued in the transaction that stores the draft.

The queue is procrastinate's, in the schema `jobs`. A job names a tenant and a draft, never their words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from ccos.store.database import Database, Tx, patience
from ccos.store.drafts import JOB_LOCK

DRAFT_QUEUE = "drafts"
DRAFT_TASK = "ccos.draft"

DraftWork = Callable[[UUID, UUID, bool], Awaitable[None]]
"""Takes tenant id, draft id, and whether this is the last try.

It may be called again for the same draft, so its effects are fenced.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A draft's job, as it was found stalled."""

    tenant_id: UUID
    draft_id: UUID


@dataclass(frozen=True, slots=True)
class Stalled:
    """`retried` run again soon; `given_up` were tried too often, and their drafts still wait to be failed."""

    retried: tuple[Job, ...]
    given_up: tuple[Job, ...]


def queue_app(url: str, *, role: str | None = None, connections: int = 4, wait_seconds: float = 5.0) -> App:
    """The queue for a worker process: `async with app.open_async(): await app.run_worker_async(...)`.

    `url` must reach PostgreSQL itself, not a pooler in transaction mode: the worker listens on it.
    """
    said = str(conninfo_to_dict(url).get("options") or "")
    ours = f"-c search_path=jobs,pg_temp -c timezone=UTC{f' -c role={role}' if role else ''}"
    connector = PsycopgConnector(
        conninfo=url,
        kwargs={"options": f"{said} {ours}".strip()} | patience(url, seconds=wait_seconds),
        min_size=1,
        max_size=connections,
        timeout=wait_seconds,
        reconnect_timeout=wait_seconds,
        name="ccos-jobs",
    )
    return App(connector=connector)


def register_draft(app: App, work: DraftWork, *, attempts: int = 3, wait_seconds: int = 5) -> None:
    """Let `work` do the draft jobs; one that raises is tried again, `attempts` times at most in all."""

    async def run(context: JobContext, tenant_id: str, draft_id: str) -> None:
        await work(UUID(tenant_id), UUID(draft_id), context.job.attempts >= attempts - 1)

    retry = RetryStrategy(max_attempts=attempts - 1, exponential_wait=wait_seconds)
    app.task(name=DRAFT_TASK, queue=DRAFT_QUEUE, retry=retry, pass_context=True)(run)


async def defer_draft(tx: Tx, tenant_id: UUID, draft_id: str | UUID, *, priority: int = 0) -> int:
    """Queue the draft's job in this transaction: there is a job exactly when there is a draft. The job's id.

    Two jobs of one draft never run at the same time. Higher `priority` goes first.
    """
    row = await tx.row(
        """
        SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
            %(queue)s, %(task)s, %(priority)s, %(lock)s, NULL, %(args)s, NULL
        )::procrastinate_job_to_defer_v1])) AS id""",
        queue=DRAFT_QUEUE,
        task=DRAFT_TASK,
        priority=priority,
        lock=f"{JOB_LOCK}{draft_id}",
        args=Jsonb({"tenant_id": str(tenant_id), "draft_id": str(draft_id)}),
    )
    assert row is not None
    return int(row["id"])


async def retry_stalled(
    database: Database, *, silent_seconds: float = 30.0, max_attempts: int = 5
) -> Stalled:
    """Queue again the draft jobs whose worker gave no sign of life for `silent_seconds`.

    One that was begun `max_attempts` times is marked failed instead: it may be what kills the workers. Any
    number of processes may do this at once; each job is taken by one of them.
    """
    async with database.unbound() as tx:
        rows = await tx.rows(
            """
            WITH stalled AS (
                SELECT job.id, job.args, job.attempts + 1 >= %(max)s AS spent
                  FROM procrastinate_jobs job
                  LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
                 WHERE job.status = 'doing' AND job.task_name = %(task)s
                   AND (worker.id IS NULL
                        OR worker.last_heartbeat < now() - make_interval(secs => %(silent)s::float8))
                   FOR UPDATE OF job SKIP LOCKED)
            SELECT args, spent,
                   CASE WHEN spent THEN procrastinate_finish_job_v1(id, 'failed', false)
                        ELSE procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) END AS done
              FROM stalled""",
            task=DRAFT_TASK,
            silent=silent_seconds,
            max=max_attempts,
        )
    found = [
        (Job(UUID(row["args"]["tenant_id"]), UUID(row["args"]["draft_id"])), row["spent"]) for row in rows
    ]
    return Stalled(
        retried=tuple(job for job, spent in found if not spent),
        given_up=tuple(job for job, spent in found if spent),
    )


async def waiting(database: Database) -> int:
    """How many draft jobs wait or run: the length of the queue."""
    async with database.unbound() as tx:
        row = await tx.row(
            "SELECT count(*) AS n FROM procrastinate_jobs"
            " WHERE task_name = %(task)s AND status IN ('todo', 'doing')",
            task=DRAFT_TASK,
        )
    return int(row["n"]) if row else 0
