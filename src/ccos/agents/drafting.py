"""From a stored ticket to a stored draft: now, or as a durable job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import structlog

from ccos.agents import batching
from ccos.agents.batching import DeferMany, TicketLine
from ccos.agents.job import Job, OnStage
from ccos.agents.recovery import better
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import CcosError, Conflict, NotFound
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import drafts, remakes, tenants, tickets
from ccos.store.batches import BadLine
from ccos.store.database import Database, Tx
from ccos.store.values import new_id
from ccos.tiers.request import Priority

log = structlog.get_logger(__name__)

INTERACTIVE_SECONDS = 20.0
BATCH_SECONDS = 600.0
BATCH_STORE_SECONDS = 60.0
"""So long may one statement take that stores part of a batch."""
REMAKE_SECONDS = 120.0
"""There is a draft already, and whoever makes another holds a place that a new ticket may want."""
UNFINISHED = frozenset({DraftState.QUEUED, DraftState.RUNNING})


class Drafter(Protocol):
    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft: ...


Defer = Callable[[Tx, UUID, str], Awaitable[object]]
"""Enqueues the work on a draft inside the given transaction: `defer(tx, tenant_id, draft_id)`."""
Hurry = Callable[[Tx, str], Awaitable[object]]
"""Lets a draft that waits behind all others go with those that are asked for singly."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A stored ticket with the draft that was queued for it, or that it already had when nothing changed."""

    ticket: Ticket
    draft: Draft


class Drafting:
    """Keeps tickets and drafts in step: whatever happens to the work, the draft's row says so."""

    def __init__(
        self,
        database: Database,
        drafter: Drafter,
        defer: Defer,
        *,
        mode: Mode,
        defer_batch: DeferMany | None = None,
        hurry: Hurry | None = None,
    ) -> None:
        """`defer_batch` enqueues drafts behind all others; without it, `defer` does, among them."""
        self._database = database
        self._drafter = drafter
        self._defer = defer
        self._defer_batch = defer_batch or _one_by_one(defer)
        self._hurry = hurry
        self._mode = mode

    async def take_in(self, tenant_id: UUID, ticket: Ticket) -> TakenIn:
        """Stores the ticket and queues its draft in one transaction: what is acknowledged is never lost.

        The same ticket sent again changes nothing and gets the draft it has.
        """
        async with self._database.tenant(tenant_id) as tx:
            put = await tickets.put(tx, ticket)
            assert put.ticket.id is not None
            if put.outcome == "unchanged":
                await drafts.hold_queued(tx, [UUID(put.ticket.id)])
                known = await drafts.latest(tx, put.ticket.id)
                if known is not None and known.reason != drafts.CANCELLED:
                    if known.state is DraftState.QUEUED and self._hurry is not None:
                        await self._hurry(tx, known.id)
                    return TakenIn(put.ticket, known)
            draft = await drafts.queue(tx, put.ticket.id)
            await self._defer(tx, tenant_id, draft.id)
            return TakenIn(put.ticket, draft)

    async def take_in_batch(
        self, tenant_id: UUID, wanted: Sequence[TicketLine], bad: Sequence[BadLine]
    ) -> UUID:
        """Stores the tickets of a batch and queues their drafts in one transaction. The batch's id."""
        async with self._database.tenant(tenant_id, seconds=BATCH_STORE_SECONDS) as tx:
            return await batching.take_in(tx, tenant_id, wanted, bad, self._defer_batch)

    async def make(
        self,
        tenant: Tenant,
        ticket_id: str,
        *,
        mode: Mode | None = None,
        seconds: float = INTERACTIVE_SECONDS,
        hint: str | None = None,
        on_stage: OnStage | None = None,
        priority: Priority = Priority.AGENT_WAITING,
    ) -> Draft:
        """Drafts a stored ticket now, in place of any open draft it has. Raises NotFound.

        A person who asks for a draft of a ticket that has one gets no answer that was given before. When this
        is cancelled or breaks, the ticket is left as it was: with the draft it had, or in line for one.
        """
        begun: tuple[Job, int, Draft | None] | None = None
        try:
            async with self._database.tenant(tenant.id) as tx:
                ticket = await tickets.get(tx, ticket_id)
                older = await drafts.latest(tx, ticket_id)
                queued = await drafts.queue(tx, ticket_id)
                run = await drafts.start(tx, queued.id)
                again = priority is Priority.AGENT_WAITING and older and older.state not in UNFINISHED
                job = Job(
                    queued.id,
                    queued.ticket_id,
                    tenant,
                    ticket,
                    mode or self._mode,
                    seconds,
                    hint,
                    priority,
                    "refresh" if again else "use",
                    mode_asked=mode is not None,
                )
                begun = job, run, older  # known before it is committed: what follows may be cut off anywhere
            return await self._run(job, run, on_stage)
        except BaseException as fault:
            if begun is not None:
                await asyncio.shield(self._undo(*begun, _reason(fault)))
            raise

    async def work(self, tenant_id: UUID, draft_id: UUID, *, last: bool = False, batch: bool = False) -> None:
        """Does a queued draft, as a job. Done again after a crash, it harms nothing.

        One of a `batch` goes behind the others wherever there is a line. A draft that was superseded or
        decided in the meantime, or is gone, is left alone. When the work is cancelled, because the process
        ends, the draft gets another job: whoever comes next makes it. A fault is raised for the job to be
        tried again; the draft fails with the `last` try.
        """
        run: int | None = None
        try:
            begun = await self._begin(tenant_id, draft_id, Priority.BATCH if batch else Priority.TICKET_DRAFT)
            if begun is not None:
                job, run = begun
                await self._run(job, run, None)
        except Conflict as fault:
            log.info("draft.left", draft_id=str(draft_id), reason=fault.code)
        except asyncio.CancelledError:
            defer = self._defer_batch if batch else self._defer
            await asyncio.shield(self._pass_on(tenant_id, str(draft_id), defer))
            raise
        except Exception as fault:
            if last:
                await asyncio.shield(self._give_up(tenant_id, str(draft_id), run, _reason(fault)))
            raise

    async def remake(self, tenant_id: UUID, draft_id: UUID, *, last: bool = False) -> None:
        """Makes a draft of an outage again, as a job; what comes of it stands in `store/remakes.py`.

        One that a person has opened or decided meanwhile is left alone, before and after. A fault is raised
        for the job to be tried again; with the `last` try it is noted.
        """
        try:
            async with self._database.tenant(tenant_id) as tx:
                older = await drafts.get(tx, draft_id)
                if not await remakes.replaceable(tx, draft_id):
                    raise Conflict("A person has opened or decided the draft.")
                ticket = await tickets.get(tx, older.ticket_id)
                tenant = await tenants.by_id(tx, tenant_id)
        except (Conflict, NotFound) as fault:
            log.info("draft.left", draft_id=str(draft_id), reason=fault.code)
            return
        job = Job(
            str(new_id()),
            older.ticket_id,
            tenant,
            ticket,
            self._mode,
            REMAKE_SECONDS,
            priority=Priority.BATCH,
            cache="refresh",
        )
        try:
            made = await self._drafter.draft(job)
            async with self._database.tenant(tenant_id) as tx:
                placed = await remakes.put(tx, made, older, better=better(made, older))
        except Exception as fault:
            if last:
                async with self._database.tenant(tenant_id) as tx:
                    await remakes.fail(tx, older, _reason(fault))
            raise
        log.info("draft.remade", draft_id=str(draft_id), placed=placed, degraded=made.degraded)

    async def _begin(self, tenant_id: UUID, draft_id: UUID, priority: Priority) -> tuple[Job, int] | None:
        try:
            async with self._database.tenant(tenant_id) as tx:
                queued = await drafts.get(tx, draft_id)
                ticket = await tickets.get(tx, queued.ticket_id)
                tenant = await tenants.by_id(tx, tenant_id)
                run = await drafts.start(tx, draft_id)
        except (Conflict, NotFound) as fault:
            log.info("draft.left", draft_id=str(draft_id), reason=fault.code)
            return None
        job = Job(
            queued.id,
            queued.ticket_id,
            tenant,
            ticket,
            self._mode,
            BATCH_SECONDS,
            priority=priority,
            waited_seconds=_waited(queued),
        )
        return job, run

    async def _run(self, job: Job, run: int, on_stage: OnStage | None) -> Draft:
        draft = await self._drafter.draft(job, on_stage)
        async with self._database.tenant(job.tenant.id) as tx:
            await drafts.finish(tx, draft, run=run)
            return await drafts.get(tx, draft.id)

    async def _undo(self, job: Job, run: int, older: Draft | None, reason: str) -> None:
        """The draft was not made: whoever looks at the ticket next finds what was there before.

        Where nothing was begun after all it does no harm: a job whose draft is not there is left.
        """
        if older is not None and older.state in UNFINISHED:
            await self._pass_on(job.tenant.id, job.draft_id, self._defer)
            return
        if older is not None and older.state in drafts.DECIDABLE:
            try:
                async with self._database.tenant(job.tenant.id) as tx:
                    if await drafts.take_back(tx, job.draft_id, older.id, reason, run=run):
                        return
            except CcosError as fault:
                log.warning("draft.not_taken_back", draft_id=job.draft_id, reason=fault.code)
                return
        await self._give_up(job.tenant.id, job.draft_id, run, reason)

    async def _pass_on(self, tenant_id: UUID, draft_id: str, defer: Defer) -> None:
        try:
            async with self._database.tenant(tenant_id) as tx:
                await defer(tx, tenant_id, draft_id)
        except CcosError as fault:
            log.warning("draft.not_passed_on", draft_id=draft_id, reason=fault.code)

    async def _give_up(self, tenant_id: UUID, draft_id: str, run: int | None, reason: str) -> None:
        """`run` is None when the fault came before it was known; a draft has one job at a time."""
        try:
            async with self._database.tenant(tenant_id) as tx:
                await drafts.give_up(tx, draft_id, reason, run=run)
        except CcosError as fault:
            log.warning("draft.not_marked", draft_id=draft_id, reason=fault.code)


def _one_by_one(defer: Defer) -> DeferMany:
    async def each(tx: Tx, tenant_id: UUID, /, *draft_ids: str) -> None:
        for draft_id in draft_ids:
            await defer(tx, tenant_id, draft_id)

    return each


def _reason(fault: BaseException) -> str:
    """A stable code for why there is no draft; never its words, which may quote a ticket."""
    if isinstance(fault, asyncio.CancelledError):
        return "cancelled"
    return fault.code if isinstance(fault, CcosError) else type(fault).__name__


def _waited(queued: Draft) -> float | None:
    """Since it was queued; clocks of two machines may differ by a little."""
    if queued.created_at is None:
        return None
    return max((datetime.now(UTC) - queued.created_at).total_seconds(), 0.0)
