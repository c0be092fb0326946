"""Does queued work: drafts, and the upkeep that keeps nothing waiting for ever."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from typing import Any
from uuid import UUID

import structlog

from ccos.agents.drafting import BATCH_SECONDS
from ccos.agents.gaps import Gaps
from ccos.agents.recovery import Recovery, cloud_is_back
from ccos.domain.errors import CcosError, NotFound
from ccos.store import batches, drafts, housekeeping, plans, remakes, spend, tenants, vectors
from ccos.store.database import Database
from ccos.store.ending import end, stop_if_asked
from ccos.store.jobs import (
    BATCH_QUEUE,
    DRAFT_QUEUE,
    Job,
    queue_app,
    register_batch,
    register_draft,
    register_remake,
    retry_stalled,
)
from ccos.store.migrate import APP_ROLE
from ccos.tiers.slots import fitting
from ccos.wiring import Ccos
from ccos.wiring.loop import learn_due
from ccos.wiring.models import check_updates
from ccos.wiring.sources import due_sources, sync_alone
from ccos.wiring.vectors import vectors_model

log = structlog.get_logger(__name__)

CONCURRENT_DRAFTS = 4
UPKEEP_SECONDS = 15.0
RECOVERY_SECONDS = 15.0
CERTIFY_SECONDS = 60.0
GAPS_SECONDS = 600.0
LOOP_SECONDS = 1800.0
VECTORS_SECONDS, VECTORS_REST_SECONDS = 5.0, 300.0
"""Between two looks for passages without a vector; the longest pause when they cannot be made."""
TIDY_SECONDS = 3600.0
TIDY_BATCHES = 20
TIDY_VECTORS_SECONDS = 60.0
PROBE_SECONDS = 20.0
CRAWL_SECONDS = 3.0
"""How long a source that somebody asked to sync waits at most for a worker that has nothing else."""
CRAWLS_AT_ONCE = 4
REST_AFTER_FAULT_SECONDS = 2.0
GRACE_SECONDS = 5.0
OPEN_SECONDS = 10.0
POLL_SECONDS = 1.0
"""Jobs are announced; this is for when the announcer was lost with a database that went away."""
ABANDONED_SECONDS = 1.5 * BATCH_SECONDS
ORPHANED_SECONDS = 180.0
"""How long a draft may be queued without a job before it fails."""


async def work(ccos: Ccos, *, concurrency: int = CONCURRENT_DRAFTS) -> None:
    """Drafts queued tickets until it is cancelled. A lost database is waited for, not died of.

    `concurrency` single tickets at once, and beside them as many lines of batches as keep the tier that leads
    busy: at its slots a single ticket goes first.
    Drafts that are being made then have `GRACE_SECONDS` to end; the others are left to the next worker.
    """

    async def draft(tenant_id: UUID, draft_id: UUID, last: bool) -> None:
        await ccos.drafting.work(tenant_id, draft_id, last=last)

    async def batch(tenant_id: UUID, draft_id: UUID, last: bool) -> None:
        await ccos.drafting.work(tenant_id, draft_id, last=last, batch=True)

    async def remake(tenant_id: UUID, draft_id: UUID, last: bool) -> None:
        await ccos.drafting.remake(tenant_id, draft_id, last=last)

    cards = [card for card, _ in ccos.service.pulses()]
    lines = fitting(cards, ccos.settings.mode)
    while True:
        app = queue_app(ccos.urls.app, role=APP_ROLE)
        register_draft(app, draft)
        register_remake(app, remake)
        register_batch(app, batch)
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with ccos.database.unbound():
                    pass  # the queue's own pool would wait half a minute for a server that is away
                async with asyncio.timeout(OPEN_SECONDS):
                    await stack.enter_async_context(app.open_async())
                await together(
                    *(
                        app.run_worker_async(
                            queues=[queue],
                            concurrency=at_once,
                            install_signal_handlers=False,
                            listen_notify=True,
                            fetch_job_polling_interval=POLL_SECONDS,
                            shutdown_graceful_timeout=GRACE_SECONDS,
                        )
                        for queue, at_once in ((DRAFT_QUEUE, concurrency), (BATCH_QUEUE, lines))
                    )
                )
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            log.warning("worker.rests", error=type(fault).__name__)
        await asyncio.sleep(REST_AFTER_FAULT_SECONDS)


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Runs all of them until one ends, however it does, or this is cancelled; then ends the others.

    Each may take its time to end; cancelled again, this ends them for good.
    """
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        stop_if_asked()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def upkeep(ccos: Ccos) -> None:
    """Again and again: what stalled is retried or failed, and holds on money that nobody closed end.

    Once a minute thresholds are certified where new labels ask for it, and once an hour what nobody will ask
    for again goes.
    """
    tidied_at: float | None = None
    certified_at: float | None = None
    while True:
        pause = UPKEEP_SECONDS
        try:
            await _mend(ccos.database)
            await check_updates(ccos.settings)
            if tidied_at is None or time.monotonic() - tidied_at >= TIDY_SECONDS:
                await _tidy(ccos.database, vectors_model(ccos.settings))
                tidied_at = time.monotonic()
            if certified_at is None or time.monotonic() - certified_at >= CERTIFY_SECONDS:
                await ccos.learning.certify_due()
                certified_at = time.monotonic()
        except CcosError as fault:
            log.warning("upkeep.failed", reason=fault.code)
            pause = REST_AFTER_FAULT_SECONDS
        await asyncio.sleep(pause)


async def _mend(database: Database) -> None:
    stalled = await retry_stalled(database)
    for job in stalled.given_up:
        with _told(job.tenant_id):
            await _give_up(database, job)
    async with database.unbound() as tx:
        due = await tenants.to_mend(tx, running_seconds=ABANDONED_SECONDS, queued_seconds=ORPHANED_SECONDS)
    for tenant_id in due:
        with _told(tenant_id):
            async with database.tenant(tenant_id) as tx:
                await spend.sweep(tx)  # alone: it locks the day's total until it is committed
        with _told(tenant_id):
            async with database.tenant(tenant_id) as tx:
                await drafts.give_up_abandoned(
                    tx, silent_seconds=ABANDONED_SECONDS, queued_seconds=ORPHANED_SECONDS
                )


@contextlib.contextmanager
def _told(tenant_id: UUID) -> Iterator[None]:
    """What fails for one tenant is told, and the next has its turn."""
    try:
        yield
    except CcosError as fault:
        log.warning("upkeep.failed", tenant_id=str(tenant_id), reason=fault.code)


async def _give_up(database: Database, job: Job) -> None:
    async with database.tenant(job.tenant_id) as tx:
        if not job.remake:
            await drafts.give_up(tx, job.draft_id, "worker.stalled")
            return
        with contextlib.suppress(NotFound):
            await remakes.fail(tx, await drafts.get(tx, job.draft_id), "worker.stalled")


async def _tidy(database: Database, model: str | None = None) -> None:
    for _ in range(TIDY_BATCHES):
        if not await housekeeping.prune_jobs(database):
            break
    async with database.unbound() as tx:
        known = await tenants.ids(tx)
    for tenant_id in known:
        with _told(tenant_id):
            async with database.tenant(tenant_id) as tx:
                await housekeeping.prune_holds(tx)
        with _told(tenant_id):
            async with database.tenant(tenant_id) as tx:
                await plans.prune(tx)
        with _told(tenant_id):
            async with database.tenant(tenant_id) as tx:
                await batches.prune(tx)
        with _told(tenant_id):
            async with database.tenant(tenant_id, seconds=TIDY_VECTORS_SECONDS) as tx:
                await vectors.prune(tx, model)


async def look_for_gaps(ccos: Ccos) -> None:
    """Again and again: questions that no draft answered are put together, tenant by tenant."""
    gaps = Gaps(ccos.database, ccos.searcher)
    while True:
        try:
            async with ccos.database.unbound() as tx:
                known = await tenants.ids(tx)
            for tenant_id in known:
                with _told(tenant_id):
                    await gaps.refresh(tenant_id)
        except CcosError as fault:
            log.warning("gaps.failed", reason=fault.code)
        await asyncio.sleep(GAPS_SECONDS)


async def learn_nightly(ccos: Ccos) -> None:
    """Again and again: what people decided teaches, once a day for every tenant with enough decisions."""
    while True:
        try:
            await learn_due(ccos.database, ccos.learning.scorer)
        except CcosError as fault:
            log.warning("loop.failed", reason=fault.code)
        await asyncio.sleep(LOOP_SECONDS)


async def read_passages(ccos: Ccos) -> None:
    """Again and again: passages that have no vector get one, where search uses vectors."""
    if ccos.vectors is None:
        await asyncio.Event().wait()
        return
    pause = VECTORS_SECONDS
    while True:
        failed = False
        try:
            async with ccos.database.unbound() as tx:
                known = await tenants.ids(tx)
            for tenant_id in known:
                try:
                    await ccos.vectors.filler.fill(tenant_id)
                except CcosError as fault:
                    failed = True
                    log.warning("vectors.not_made", tenant_id=str(tenant_id), reason=fault.code)
        except CcosError as fault:
            failed = True
            log.warning("vectors.not_made", reason=fault.code)
        pause = min(2 * pause, VECTORS_REST_SECONDS) if failed else VECTORS_SECONDS
        await asyncio.sleep(pause)


async def recover(ccos: Ccos) -> None:
    """Again and again: once the cloud is back, what was drafted without it is put in line for another try."""
    recovery = Recovery(
        ccos.database,
        lambda: cloud_is_back(ccos.service.pulses(), time.monotonic()),
        ccos.budget.level,
    )
    while True:
        try:
            await recovery.look()
        except CcosError as fault:
            log.warning("recovery.failed", reason=fault.code)
        await asyncio.sleep(RECOVERY_SECONDS)


async def watch(ccos: Ccos) -> None:
    """Again and again: asks every provider whether it is there, so that health can answer from memory."""
    while True:
        await ccos.service.probe()
        await asyncio.sleep(PROBE_SECONDS)


async def crawl(ccos: Ccos) -> None:
    """Again and again: syncs the sources of knowledge that are due, by schedule or because somebody asked.

    `CRAWLS_AT_ONCE` at a time, so that a slow one does not keep the others waiting. One that is ended with
    this goes on with the next worker from its last page.
    """
    running: dict[tuple[UUID, str], asyncio.Task[None]] = {}
    try:
        while True:
            running = {key: task for key, task in running.items() if not task.done()}
            try:
                due = await due_sources(ccos.database) if len(running) < CRAWLS_AT_ONCE else []
            except CcosError as fault:
                log.warning("crawl.failed", reason=fault.code)
                due = []
            for key in due:
                if key not in running and len(running) < CRAWLS_AT_ONCE:
                    running[key] = asyncio.create_task(sync_alone(ccos.database, *key))
            await asyncio.sleep(CRAWL_SECONDS)
    finally:
        await end(running.values())
