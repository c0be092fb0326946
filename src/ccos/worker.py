"""Does queued work: drafts, and the upkeep that keeps nothing waiting for ever."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from ccos.agents.drafting import BATCH_SECONDS
from ccos.domain.errors import CcosError
from ccos.store import drafts, spend, tenants
from ccos.store.jobs import queue_app, register_draft, retry_stalled
from ccos.store.migrate import APP_ROLE
from ccos.wiring import Ccos

log = structlog.get_logger(__name__)

CONCURRENT_DRAFTS = 4
UPKEEP_SECONDS = 15.0
PROBE_SECONDS = 20.0
REST_AFTER_FAULT_SECONDS = 2.0
GRACE_SECONDS = 5.0
POLL_SECONDS = 1.0
"""Jobs are announced; this is for when the announcer was lost with a database that went away."""
ABANDONED_SECONDS = 1.5 * BATCH_SECONDS
ORPHANED_SECONDS = 180.0
"""How long a draft may be queued without a job before it fails."""


async def work(ccos: Ccos, *, concurrency: int = CONCURRENT_DRAFTS) -> None:
    """Drafts queued tickets until it is cancelled. A lost database is waited for, not died of.

    Drafts that are being made then have `GRACE_SECONDS` to end; the others are left to the next worker.
    """

    async def draft(tenant_id: UUID, draft_id: UUID, last: bool) -> None:
        await ccos.drafting.work(tenant_id, draft_id, last=last)

    while True:
        app = queue_app(ccos.urls.app, role=APP_ROLE)
        register_draft(app, draft)
        try:
            async with app.open_async():
                await app.run_worker_async(
                    concurrency=concurrency,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=POLL_SECONDS,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                )
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            log.warning("worker.rests", error=type(fault).__name__)
        await asyncio.sleep(REST_AFTER_FAULT_SECONDS)


async def upkeep(ccos: Ccos) -> None:
    """Again and again: stalled drafts are retried or failed, and holds on money that nobody closed end."""
    while True:
        try:
            stalled = await retry_stalled(ccos.database)
            for job in stalled.given_up:
                async with ccos.database.tenant(job.tenant_id) as tx:
                    await drafts.give_up(tx, job.draft_id, "worker.stalled")
            async with ccos.database.unbound() as tx:
                known = await tenants.ids(tx)
            for tenant_id in known:
                async with ccos.database.tenant(tenant_id) as tx:
                    await spend.sweep(tx)
                    await drafts.give_up_abandoned(
                        tx, silent_seconds=ABANDONED_SECONDS, queued_seconds=ORPHANED_SECONDS
                    )
        except CcosError as fault:
            log.warning("upkeep.failed", reason=fault.code)
        await asyncio.sleep(UPKEEP_SECONDS)


async def watch(ccos: Ccos) -> None:
    """Again and again: asks every provider whether it is there, so that health can answer from memory."""
    while True:
        await ccos.service.probe()
        await asyncio.sleep(PROBE_SECONDS)
