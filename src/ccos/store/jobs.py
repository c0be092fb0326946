"""Durable work, on the same PostgreSQL: a draft's job is queued in the transaction that stores the draft.

The queue is procrastinate's, in the schema `jobs`. A job names a tenant and a draft, never their words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from ccos.store.database import Database, Tx, patience
from ccos.store.drafts import JOB_LOCK
from ccos.store.remakes import REMAKE_LOCK

DRAFT_QUEUE, BATCH_QUEUE = "drafts", "batches"
"""A line of a batch never holds the place of a worker that a customer's ticket may want."""
DRAFT_TASK, REMAKE_TASK, BATCH_TASK = "ccos.draft", "ccos.remake", "ccos.batch_draft"

TICKET_PRIORITY, BATCH_PRIORITY = 0, -10
"""Higher goes first: a customer's ticket before what only makes things better or fills a table."""

LINES_IN_TURN = 100

REMAKE_LANES = 2
"""So many drafts are made again at once, by all workers together: the others of them stay for new tickets."""

DraftWork = Callable[[UUID, UUID, bool], Awaitable[None]]
"""Takes tenant id, draft id, and whether this is the last try.

It may be called again for the same draft, so its effects are fenced.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A draft's job, as it was found stalled; `remake`: the draft was there and was made again."""

    tenant_id: UUID
    draft_id: UUID
    remake: bool = False


@dataclass(frozen=True, slots=True)
class Stalled:
    """`retried` run again soon; `given_up` were tried too often, and their drafts still wait to be failed."""

    retried: tuple[Job, ...]
    given_up: tuple[Job, ...]


def queue_app(url: str, *, role: str | None = None, connections: int = 6, wait_seconds: float = 5.0) -> App:
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
    _register(app, DRAFT_TASK, work, attempts, wait_seconds)


def register_remake(app: App, work: DraftWork, *, attempts: int = 2, wait_seconds: int = 5) -> None:
    """Let `work` make drafts again, as it is done for queued ones."""
    _register(app, REMAKE_TASK, work, attempts, wait_seconds)


def _register(
    app: App, task: str, work: DraftWork, attempts: int, wait_seconds: int, *, queue: str = DRAFT_QUEUE
) -> None:
    async def run(context: JobContext, tenant_id: str, draft_id: str) -> None:
        await work(UUID(tenant_id), UUID(draft_id), context.job.attempts >= attempts - 1)

    retry = RetryStrategy(max_attempts=attempts - 1, exponential_wait=wait_seconds)
    app.task(name=task, queue=queue, retry=retry, pass_context=True)(run)


def register_batch(app: App, work: DraftWork, *, attempts: int = 3, wait_seconds: int = 5) -> None:
    """Let `work` do the drafts of batches, as it is done for those of single tickets."""
    _register(app, BATCH_TASK, work, attempts, wait_seconds, queue=BATCH_QUEUE)


async def defer_draft(
    tx: Tx, tenant_id: UUID, draft_id: str | UUID, *, priority: int = TICKET_PRIORITY
) -> int:
    """Queue the draft's job in this transaction: there is a job exactly when there is a draft. The job's id.

    Two jobs of one draft never run at the same time. Higher `priority` goes first.
    """
    lock = f"{JOB_LOCK}{draft_id}"
    return await _defer(tx, DRAFT_TASK, tenant_id, draft_id, priority=priority, lock=lock)


async def defer_remake(tx: Tx, tenant_id: UUID, draft_id: str | UUID) -> int:
    """Queue the making again of a finished draft, behind everything else, `REMAKE_LANES` at a time.

    Raises `Conflict` when it is in line already.
    """
    key = f"{REMAKE_LOCK}{draft_id}"
    lane = f"{REMAKE_LOCK}lane {UUID(str(draft_id)).int % REMAKE_LANES}"
    return await _defer(
        tx, REMAKE_TASK, tenant_id, draft_id, priority=BATCH_PRIORITY, lock=lane, queueing_lock=key
    )


async def defer_batch(tx: Tx, tenant_id: UUID, *draft_ids: str | UUID) -> None:
    """Queue drafts of a batch in this transaction, in this order, behind everything else.

    Of several batches each has its first `LINES_IN_TURN` done before the next of any: a small one is not
    kept waiting by all of a large one, whoever sent it.
    """
    await tx.run(
        """
        SELECT FROM unnest(procrastinate_defer_jobs_v1(ARRAY(
            SELECT ROW(%(queue)s, %(task)s, (%(priority)s - (ordinal - 1) / %(turn)s)::int,
                       %(lock)s || id, NULL,
                       jsonb_build_object('tenant_id', %(owner)s::text, 'draft_id', id),
                       NULL)::procrastinate_job_to_defer_v1
              FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS draft (id, ordinal) ORDER BY ordinal)))""",
        queue=BATCH_QUEUE,
        task=BATCH_TASK,
        priority=BATCH_PRIORITY,
        turn=LINES_IN_TURN,
        lock=JOB_LOCK,
        owner=tenant_id,
        ids=[str(draft_id) for draft_id in draft_ids],
    )


async def hurry_draft(tx: Tx, draft_id: str | UUID) -> bool:
    """Lets a draft of a batch, which somebody now waits for, go with those of single tickets.

    False where it does not wait in the line of a batch.
    """
    return bool(
        await tx.run(
            "UPDATE procrastinate_jobs SET queue_name = %(queue)s, task_name = %(task)s,"
            "       priority = %(priority)s"
            " WHERE lock = %(lock)s AND queue_name = %(batches)s AND status = 'todo'",
            queue=DRAFT_QUEUE,
            task=DRAFT_TASK,
            priority=TICKET_PRIORITY,
            lock=f"{JOB_LOCK}{draft_id}",
            batches=BATCH_QUEUE,
        )
    )


async def _defer(
    tx: Tx,
    task: str,
    tenant_id: UUID,
    draft_id: str | UUID,
    *,
    priority: int,
    lock: str,
    queueing_lock: str | None = None,
) -> int:
    row = await tx.row(
        """
        SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
            %(queue)s, %(task)s, %(priority)s, %(lock)s, %(queueing_lock)s, %(args)s, NULL
        )::procrastinate_job_to_defer_v1])) AS id""",
        queue=DRAFT_QUEUE,
        task=task,
        priority=priority,
        lock=lock,
        queueing_lock=queueing_lock,
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
                SELECT job.id, job.args, job.task_name, job.attempts + 1 >= %(max)s AS spent
                  FROM procrastinate_jobs job
                  LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
                 WHERE job.status = 'doing' AND job.task_name = ANY(%(tasks)s)
                   AND (worker.id IS NULL
                        OR worker.last_heartbeat < now() - make_interval(secs => %(silent)s::float8))
                   FOR UPDATE OF job SKIP LOCKED)
            SELECT args, task_name, spent,
                   CASE WHEN spent THEN procrastinate_finish_job_v1(id, 'failed', false)
                        ELSE procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) END AS done
              FROM stalled""",
            tasks=[DRAFT_TASK, REMAKE_TASK, BATCH_TASK],
            silent=silent_seconds,
            max=max_attempts,
        )
    found = [(_job(row), row["spent"]) for row in rows]
    return Stalled(
        retried=tuple(job for job, spent in found if not spent),
        given_up=tuple(job for job, spent in found if spent),
    )


async def remaking(tx: Tx) -> int:
    """How many drafts are in line to be made again or being made, of all tenants."""
    row = await tx.row(
        "SELECT count(*) AS n FROM procrastinate_jobs"
        " WHERE task_name = %(task)s AND status IN ('todo', 'doing')",
        task=REMAKE_TASK,
    )
    return int(row["n"]) if row else 0


async def waiting(database: Database) -> int:
    """How many draft jobs wait or run: the length of the queue."""
    async with database.unbound() as tx:
        row = await tx.row(
            "SELECT count(*) AS n FROM procrastinate_jobs"
            " WHERE task_name = %(task)s AND status IN ('todo', 'doing')",
            task=DRAFT_TASK,
        )
    return int(row["n"]) if row else 0


def _job(row: DictRow) -> Job:
    args = row["args"]
    return Job(UUID(args["tenant_id"]), UUID(args["draft_id"]), row["task_name"] == REMAKE_TASK)
