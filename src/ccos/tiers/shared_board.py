"""Pulses whose breakers are one with those of every other process on the same database, and outlive it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog

from ccos.domain.errors import CcosError
from ccos.store import breakers
from ccos.store.breakers import BreakerState
from ccos.store.database import Database
from ccos.tiers.board import Board
from ccos.tiers.breaker import PROBE_SECONDS, Breaker
from ccos.tiers.pulse import Pulse

EVERY_SECONDS = 1.0
"""How often the other processes are asked; what happened here is told at once."""
LOAD_SECONDS, SYNC_SECONDS, CLOSE_SECONDS = 2.0, 2.0, 1.0
_LONGEST_SECONDS = Breaker().longest_seconds

log = structlog.get_logger(__name__)
T = TypeVar("T")


class SharedBoard(Board):
    """Calls only ever read and change memory; `run` carries what changed to the database and back.

    So a database that is away costs no call anything: each process then goes by what it sees itself, as
    `Board` does, and they agree again when it is back. `own` are deployments of this process alone, such as
    a model in its own child: another process has another one, and learns nothing from this one's fate.
    """

    def __init__(
        self,
        deployments: Iterable[str],
        database: Database,
        *,
        own: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        super().__init__(deployments)
        self._shared = frozenset(self._pulses) - frozenset(own)
        self._database = database
        self._clock = clock
        self._every_seconds = every_seconds
        self._me = uuid4()
        self._known: dict[str, UUID] = {}
        """The last change of each deployment that was told or heard of."""
        self._untold: set[str] = set()
        self._claimed: set[str] = set()
        self._given_back: set[str] = set()
        self._news = asyncio.Event()
        self._asking: set[asyncio.Task[Any]] = set()
        self._stuck: set[asyncio.Task[Any]] = set()
        self._alone = False

    def note(self, deployment: str, change: Callable[[Pulse], Pulse]) -> None:
        """Puts `change(pulse)` in the pulse's place, and has the others told when its breaker moved."""
        before = self.pulse(deployment).breaker
        super().note(deployment, change)
        after = self.pulse(deployment).breaker
        if after is before or deployment not in self._shared:
            return
        if _known_to_all(after) != _known_to_all(before):
            self._claimed.discard(deployment)
            self._untold.add(deployment)
            self._news.set()
        elif deployment in self._claimed and after.probing_since is None:
            self._claimed.discard(deployment)
            self._given_back.add(deployment)
            self._news.set()

    async def claim_probe(self, deployment: str, *, seconds: float) -> bool:
        """Of all processes on the database exactly one hears True, until its probe has ended.

        However long that takes: `run` renews the claim. It is free PROBE_SECONDS after its process has died.
        A database that does not answer within `seconds` leaves it to this process alone: True.
        """
        if deployment not in self._shared:
            return True
        self._claimed.add(deployment)
        self._given_back.discard(deployment)
        try:
            won = await self._within(seconds, self._claim(deployment, seconds))
        except (CcosError, TimeoutError):
            return True
        if not won:
            self._claimed.discard(deployment)
            self._news.set()  # perhaps it was answered, and closed, just now
        return won

    async def load(self, *, seconds: float = LOAD_SECONDS) -> None:
        """What was known before this process began. A database that is away means: nothing."""
        await self._sync(seconds)

    async def run(self) -> None:
        """Keeps this process and the others of one mind, until it is cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_seconds):
                    await self._news.wait()
            self._news.clear()
            await self._sync(SYNC_SECONDS)

    async def close(self, *, seconds: float = CLOSE_SECONDS) -> None:
        """Once `run` has ended: what is on its way may arrive, and what was not told yet is told."""
        if self._asking:
            await asyncio.wait(self._asking, timeout=seconds)
        if self._untold or self._given_back:
            await self._sync(seconds)

    async def _sync(self, seconds: float) -> None:
        try:
            await self._within(seconds, self._exchange(seconds))
        except (CcosError, TimeoutError) as fault:
            if not self._alone:
                log.warning("breakers.not_shared", reason=getattr(fault, "code", "timeout"))
            self._alone = True
        else:
            if self._alone:
                log.info("breakers.shared_again")
            self._alone = False

    async def _exchange(self, seconds: float) -> None:
        """One transaction: tells what is new here, then hears what is new elsewhere."""
        telling, giving = set(self._untold), set(self._given_back)
        self._untold -= telling
        self._given_back -= giving
        told: dict[str, UUID] = {}
        try:
            async with self._database.unbound(seconds=seconds) as tx:
                for deployment in sorted(telling):
                    open_, trips, rest = self._state(deployment)
                    told[deployment] = await breakers.put(
                        tx, deployment, open=open_, trips=trips, rest_seconds=rest
                    )
                for deployment in sorted(giving):
                    await breakers.give_back(tx, deployment, holder=self._me)
                if probing := self._probing():
                    await breakers.renew(tx, probing, holder=self._me, probe_seconds=PROBE_SECONDS)
                found = await breakers.of(tx, self._shared, longest_seconds=_LONGEST_SECONDS)
        except BaseException:
            self._untold |= telling
            self._given_back |= giving - self._claimed
            raise
        self._known |= told
        for state in found:
            self._hear(state)

    def _state(self, deployment: str) -> tuple[bool, int, float]:
        """Open or not, its trips, and the seconds it still rests."""
        breaker = self.pulse(deployment).breaker
        return *_known_to_all(breaker), breaker.seconds_left(self._clock())

    def _probing(self) -> list[str]:
        """Those whose probe is sent from here. One that never reports is not among them for ever."""
        now = self._clock()
        return sorted(name for name in self._claimed if self.pulse(name).breaker.probing(now))

    def _hear(self, state: BreakerState) -> None:
        """Takes over what another process said, unless this one has news of its own or a probe on its way."""
        now, pulse = self._clock(), self.pulse(state.deployment)
        if state.change == self._known.get(state.deployment):
            return
        if state.deployment in self._untold or pulse.breaker.probing(now):
            return
        self._known[state.deployment] = state.change
        breaker = (
            pulse.breaker.opened_elsewhere(now, seconds=state.seconds_left, trips=state.trips)
            if state.open
            else pulse.breaker.closed_elsewhere(now)
        )
        self._put(state.deployment, replace(pulse, breaker=breaker), elsewhere=True)

    async def _claim(self, deployment: str, seconds: float) -> bool:
        """Goes on when whoever asked has gone; what it wins after that is given back at once."""
        won = True  # or so it may be, when the answer is lost
        try:
            async with self._database.unbound(seconds=seconds) as tx:
                won = await breakers.claim(
                    tx,
                    deployment,
                    holder=self._me,
                    probe_seconds=PROBE_SECONDS,
                    longest_seconds=_LONGEST_SECONDS,
                )
        finally:
            if won and deployment not in self._claimed:
                self._given_back.add(deployment)
                self._news.set()
        return won

    async def _within(self, seconds: float, asking: Coroutine[Any, Any, T]) -> T:
        """The result, or TimeoutError after `seconds` whatever happens.

        Cancelling a query on a server that hangs takes seconds itself, so nobody waits for that; and while
        one is stuck no other is begun, lest they use up the connections. If it is the caller who is
        cancelled, the query may go on: it is short, and ends by its own time limit.
        """
        if self._stuck:
            asking.close()
            raise TimeoutError
        task = asyncio.create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            self._stuck.add(task)
            task.cancel()
            raise TimeoutError
        return task.result()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        self._stuck.discard(task)
        if not task.cancelled():
            task.exception()


def _known_to_all(breaker: Breaker) -> tuple[bool, int]:
    """What others need to know of it. The trips of a closed breaker are its own affair."""
    is_open = breaker.opened_at is not None
    return is_open, breaker.trips if is_open else 0
