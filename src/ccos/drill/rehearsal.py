"""The drill itself: sample tickets through the workflow before, during and after each outage."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Protocol
from uuid import uuid4

import structlog

from ccos.agents.job import Job, OnStage
from ccos.domain.draft import Draft
from ccos.domain.errors import CcosError
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.drill.clock import DrillClock
from ccos.drill.faults import Fault
from ccos.drill.faulty import Faulty
from ccos.drill.records import OUT_OF_MONEY, Outage, Phase, Record, Sample

log = structlog.get_logger(__name__)

GRACE_SECONDS = 10.0
"""How long a draft is waited for past its deadline before it counts as lost."""
PACE_SECONDS = 0.2
"""Least time from one draft of a worker to its next in a phase that lasts for seconds: rules are quick."""
STEP_SECONDS = 2.0
"""Idle time that is skipped between two looks at whether the tier is back."""
LONGEST_RECOVERY_SECONDS = 120.0


class Drafter(Protocol):
    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft: ...


@dataclass(frozen=True, slots=True)
class Length:
    """How long a phase lasts: so many drafts, or so many seconds of them."""

    drafts: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lengths:
    before: Length
    during: Length
    after: Length


class Rehearsal:
    """Works through the faults and fills `record` as it goes, so that nothing is lost when it is stopped.

    `new_drafter` makes a workflow that knows nothing of earlier outages; each fault gets one of its own.
    """

    def __init__(
        self,
        record: Record,
        *,
        new_drafter: Callable[[], Drafter],
        faulty: Sequence[Faulty],
        tenant: Tenant,
        tickets: Sequence[Ticket],
        clock: DrillClock,
        spent_usd: Callable[[], float],
        on_draft: Callable[[], None] = lambda: None,
    ) -> None:
        self._record = record
        self._new_drafter = new_drafter
        self._drafter = new_drafter()
        self._faulty = tuple(faulty)
        self._tenant = tenant
        self._tickets = tuple(tickets)
        self._clock = clock
        self._spent_usd = spent_usd
        self._on_draft = on_draft

    async def run(self, faults: Sequence[Fault], lengths: Lengths) -> None:
        """One "before", then each fault with what follows it. Cancelled, the record says so."""
        try:
            await self._phase("", "before", lengths.before)
            for number, fault in enumerate(faults):
                if number:
                    self._drafter = self._new_drafter()
                await self._outage(fault, lengths)
        except asyncio.CancelledError:
            self._record.interrupted = True
            raise
        finally:
            self._break(None)
            self._record.lasted_seconds = self._clock.elapsed - self._clock.skipped
            self._record.skipped_seconds = self._clock.skipped
            self._record.spent_usd = self._spent_usd()

    async def _outage(self, fault: Fault, lengths: Lengths) -> None:
        outage = Outage(fault.name, self._clock.elapsed)
        self._record.outages.append(outage)
        earlier = [len(each.calls) for each in self._faulty]
        self._break(fault)
        try:
            await self._phase(fault.name, "during", lengths.during)
        finally:
            self._break(None)
            outage.end = self._clock.elapsed
            calls = [c for each, n in zip(self._faulty, earlier, strict=True) for c in each.calls[n:]]
            outage.asked, outage.sent = len(calls), sum(call.sent for call in calls)
        if fault.mended_by_restart:
            self._drafter = self._new_drafter()
        after = lengths.after
        if after.drafts != 0 and after.seconds != 0:
            await self._recovery(outage, after)
            await self._phase(fault.name, "after", self._rest_of(after, outage.end))

    def _rest_of(self, after: Length, end: float) -> Length:
        if after.seconds is None:
            return after
        return Length(seconds=max(0.0, after.seconds - (self._clock.elapsed - end)))

    async def _recovery(self, outage: Outage, after: Length) -> None:
        """Tries until the tier answers again. Idle time is skipped unless the phase was given in seconds."""
        assert outage.end is not None
        outage.looked = True
        seen = [len(each.calls) for each in self._faulty]
        longest = LONGEST_RECOVERY_SECONDS if after.seconds is None else after.seconds
        tickets = cycle(self._tickets)
        while True:
            begun = len(self._record.samples)
            await self._drafts(outage.fault, "recovery", islice(tickets, self._record.concurrency))
            calls = [c for each, n in zip(self._faulty, seen, strict=True) for c in each.calls[n:]]
            back = min((c.ended for c in calls if c.answered and c.ended is not None), default=math.inf)
            if back < math.inf:
                ended_at = self._clock() - (self._clock.elapsed - outage.end)
                outage.back_seconds = max(0.0, back - ended_at)
                outage.probes = sum(call.started < back for call in calls)
                return
            round_ = self._record.samples[begun:]
            if not calls and any(t.reason == OUT_OF_MONEY for s in round_ for t in s.tried):
                outage.looked = False  # nobody can tell any more whether it would be back
                return
            outage.rested |= any(t.reason == "breaker.open" for s in round_ for t in s.tried)
            if self._clock.elapsed - outage.end >= longest:
                outage.probes = len(calls)
                return
            if after.seconds is None:
                self._clock.skip(STEP_SECONDS)
            else:
                await asyncio.sleep(PACE_SECONDS)

    async def _phase(self, fault: str, phase: Phase, length: Length) -> None:
        if length.seconds is None:
            await self._drafts(fault, phase, islice(cycle(self._tickets), length.drafts or 0))
        elif length.seconds > 0:
            until = self._clock() + length.seconds
            lasting = iter(lambda: self._clock() < until, False)
            tickets = (ticket for _, ticket in zip(lasting, cycle(self._tickets), strict=False))
            await self._drafts(fault, phase, tickets, pace=PACE_SECONDS)

    async def _drafts(
        self, fault: str, phase: Phase, tickets: Iterator[Ticket], *, pace: float = 0.0
    ) -> None:
        async def work() -> None:
            for ticket in tickets:
                started = self._clock()
                await self._draft(fault, phase, ticket)
                await asyncio.sleep(max(0.0, pace - (self._clock() - started)))

        async with asyncio.TaskGroup() as group:
            for _ in range(self._record.concurrency):
                group.create_task(work())

    async def _draft(self, fault: str, phase: Phase, ticket: Ticket) -> None:
        at, seconds = self._clock.elapsed, self._record.seconds
        name = ticket.external_id or ""
        job = Job(str(uuid4()), name, self._tenant, ticket, self._record.mode, seconds)
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                draft = await self._drafter.draft(job)
        except (CcosError, TimeoutError) as lost:
            reason = lost.code if isinstance(lost, CcosError) else "timeout"
            took = self._clock.elapsed - at
            sample = Sample(fault, phase, name, at, took, seconds, None, reason=reason)
            log.warning("drill.draft_lost", reason=reason)
        else:
            sample = Sample.of(draft, fault=fault, phase=phase, at=at, deadline=seconds)
        self._record.samples.append(sample)
        self._on_draft()

    def _break(self, fault: Fault | None) -> None:
        for each in self._faulty:
            each.fault = fault
