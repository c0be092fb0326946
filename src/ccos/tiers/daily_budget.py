"""The day's money in PostgreSQL: shared by every process, exact under any concurrency."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from ccos.domain.errors import CcosError, DatabaseUnavailable, StoreError
from ccos.domain.money import Level, MicroUsd
from ccos.store import spend
from ccos.store.database import Database
from ccos.store.lane import Lane
from ccos.store.spend import Closing, Holding
from ccos.store.values import new_id
from ccos.tiers.budget import Reservation
from ccos.tiers.levels import Levels

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 100
"""Holds and closings in one statement: it takes some milliseconds, and others wait for its locks."""
MOST_KEPT = 10_000
"""Closings kept while the database is away. One that is let go leaves its hold to be charged whole."""
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Between tries while the database is away; the last stays."""

Waiting = tuple[Holding | Closing, "asyncio.Future[bool]"]


class DailyBudget:
    """A limit in total and one for each tenant; the day begins at midnight in `zone`.

    Everything that wants money at one moment goes in one statement: while it is under way, the next ones
    gather. Nobody waits longer than `wait_seconds`; once the database is known to be away nobody waits at
    all, until a try in the background has reached it. Holds are closed in the background. A hold
    that nobody closes within `hold_seconds` is charged whole by `spend.sweep`.
    """

    def __init__(
        self,
        database: Database,
        limit: MicroUsd,
        zone: ZoneInfo,
        *,
        enforced: bool = True,
        hold_seconds: float = spend.HOLD_SECONDS,
        wait_seconds: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`enforced` off: everything is recorded, nothing held back, and the level is always ok."""
        self.limits = spend.Limits(limit, enforced=enforced)
        self.zone = zone
        self._lane = Lane(database, seconds=wait_seconds)
        self._hold_seconds = hold_seconds
        self._wait_seconds = wait_seconds
        self._now = now
        self._levels = Levels(limit, clock)
        self._line: deque[Waiting] = deque()
        self._sent: list[Waiting] = []
        self._asked: set[UUID | None] = set()
        self._away: CcosError | None = None
        self._refused = 0
        self._pump: asyncio.Task[None] | None = None

    @property
    def today(self) -> date:
        return self._now().astimezone(self.zone).date()

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:
        """A hold, or None when the limits leave no room, or nobody is there to pay. Raises StoreError."""
        if tenant_id is None:
            return None
        if self._away is not None:
            self._refused += 1
            raise DatabaseUnavailable(cause=self._away.code)
        holding = Holding(tenant_id, new_id(), self.today, amount)
        made = self._enter(holding)
        try:
            async with asyncio.timeout(self._wait_seconds):
                held = await made
        except BaseException as fault:
            if _holds(made):  # it came in the very moment in which nobody waited for it any more
                self._give_back(holding)
                self._start()
            if isinstance(fault, TimeoutError | DatabaseUnavailable):
                self._refused += 1
            if isinstance(fault, TimeoutError):
                raise DatabaseUnavailable(cause="timeout") from None
            raise
        return Reservation(holding.id) if held else None

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:
        """Turns the hold into what was spent, in the background: no answer waits for its entry.

        A process that dies before leaves a hold that is charged whole. So does an amount that no call can
        cost: the call was made, and the hold is the only other figure for it. Cut to the bounds instead, a
        nonsensical figure could cost nothing, or the day's money of everyone.
        """
        self._close(tenant_id, reservation, spent)

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:
        """Gives the hold back, in the background."""
        self._close(tenant_id, reservation, None)

    def level(self, tenant_id: UUID | None) -> Level:
        """The worse of the tenant's and the total's, as the last statements told; one that is old is asked
        about in the background.
        """
        if not self.limits.enforced:
            return Level.OK
        found, stale = self._levels.of(tenant_id, self.today)
        if stale:
            self._asked.add(tenant_id)
            self._start()
        return found

    async def written(self, *, seconds: float = 5.0) -> None:
        """Returns when everything in line is written down, or the time is over."""
        if self._pump is not None:
            await asyncio.wait({self._pump}, timeout=seconds)

    async def close(self, *, seconds: float = 5.0) -> None:
        """Waits at most `seconds` for what is in line to be written down."""
        if self._pump is not None:
            _, late = await asyncio.wait({self._pump}, timeout=seconds)
            for pump in late:
                pump.cancel()
                await asyncio.wait({pump}, timeout=seconds)
        if left := len(self._line) + len(self._sent):  # a statement may take longer to end than we have
            log.warning("budget.holds_left", holds=left)
        await self._lane.close()

    def _close(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd | None) -> None:
        assert tenant_id is not None  # there is no hold without a tenant
        closing = Closing(tenant_id, reservation, spent)
        try:
            self._enter(closing)
        except ValueError:
            log.error("budget.charged_whole", tenant_id=str(tenant_id), spent_micro_usd=spent)

    def _enter(self, element: Holding | Closing) -> asyncio.Future[bool]:
        spend.check(element)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._line.append((element, done))
        self._start()
        return done

    def _start(self) -> None:
        if self._pump is None or self._pump.done():
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # asked from a thread: whoever comes next will start it
            self._pump = loop.create_task(self._work(), name="daily-budget")

    async def _work(self) -> None:
        """Until nothing is in line: sends what has gathered, or tries to reach a database that is away."""
        tries = 0
        while self._line or self._asked or self._away is not None:
            self._sent = batch = self._next_batch()
            try:
                await self._send(batch)
            except DatabaseUnavailable as fault:
                if self._away is None:
                    log.warning("budget.away", reason=fault.code)
                self._away = fault
                self._put_back(batch, fault)
                await asyncio.sleep(PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)])
                tries += 1
            except BaseException:  # the process ends: whoever closes us tells how many are left
                self._put_back(batch, DatabaseUnavailable(cause="closed"))
                raise
            else:
                self._sent = []
                tries = 0
                if self._away is not None:
                    log.info("budget.back", waiting=len(self._line), refused=self._refused)
                    self._refused = 0
                self._away = None

    def _next_batch(self) -> list[Waiting]:
        """What has gathered: closings first, they make room. Holds nobody waits for any more drop out."""
        taken = [self._line.popleft() for _ in range(min(len(self._line), MOST_AT_ONCE))]
        batch = [each for each in taken if isinstance(each[0], Closing) or not each[1].done()]
        return sorted(batch, key=lambda each: (isinstance(each[0], Holding), each[0].tenant_id.int))

    async def _send(self, batch: Sequence[Waiting]) -> None:
        today, asked = self.today, frozenset(self._asked)
        try:
            applied = await spend.apply(
                self._lane,
                [element for element, _ in batch],
                limits=self.limits,
                today=today,
                asked=[tenant for tenant in asked if tenant is not None],
                hold_seconds=self._hold_seconds,
            )
            self._levels.note(today, applied, enforced=self.limits.enforced)
        except DatabaseUnavailable:
            raise
        except Exception as fault:
            # One element can spoil a statement for all: alone, each stands or falls for itself.
            self._asked -= asked
            if len(batch) > 1:
                for each in batch:
                    await self._send([each])
            elif batch:
                self._refuse(batch[0], fault)
            return
        self._asked -= asked
        for (element, waiting), done in zip(batch, applied.done, strict=True):
            if not waiting.done():
                waiting.set_result(done)
            elif done and isinstance(element, Holding):
                self._give_back(element)

    def _put_back(self, batch: Sequence[Waiting], fault: CcosError) -> None:
        """The database was not reached: holds fail now, closings wait for it."""
        everything = [*batch, *self._line]
        self._line.clear()
        self._sent = []
        self._asked.clear()
        for n, (element, waiting) in enumerate(everything):
            if isinstance(element, Closing):
                if not waiting.done():
                    waiting.set_result(False)
                self._line.append((element, waiting))
                continue
            used = _answered(waiting)
            if not waiting.done():
                waiting.set_exception(fault)
                waiting.exception()  # it is seen here, should nobody wait for it any more
            if n < len(batch) and not used:  # it was sent: it may stand with its answer lost, or yet come
                self._give_back(element, lost=True)
        while len(self._line) > MOST_KEPT:
            self._line.popleft()
            log.warning("budget.closing_let_go")

    def _give_back(self, holding: Holding, *, lost: bool = False) -> None:
        nobody = asyncio.get_running_loop().create_future()
        nobody.set_result(True)
        day = holding.day if lost else None
        self._line.append((Closing(holding.tenant_id, holding.id, None, day), nobody))

    def _refuse(self, entry: Waiting, fault: Exception) -> None:
        element, waiting = entry
        known = fault if isinstance(fault, CcosError) else StoreError(cause=type(fault).__name__)
        if isinstance(element, Closing):
            log.error("budget.not_closed", reason=known.code, facts=known.facts)
        elif known is not fault:  # no word of the database's: the hold may stand
            self._give_back(element, lost=True)
        if not waiting.done():
            waiting.set_exception(known)
            waiting.exception()


def _answered(waiting: asyncio.Future[bool]) -> bool:
    return waiting.done() and not waiting.cancelled() and waiting.exception() is None


def _holds(waiting: asyncio.Future[bool]) -> bool:
    return _answered(waiting) and waiting.result()
