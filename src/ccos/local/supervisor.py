"""Keeps one local model running: starts it, watches it, starts it again, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import aiohttp
import structlog

from ccos.domain.errors import ModelUnusable
from ccos.local.adapters import Adapter
from ccos.local.child import ChildGone
from ccos.local.editions import called, edition_of
from ccos.local.gguf import read_model_file
from ccos.local.ledger import HERE, Ledger, Share
from ccos.local.life import Endpoint, Life, Patience, prepare
from ccos.local.machine import available_bytes
from ccos.local.memory import amount
from ccos.local.plan import ModelPlan
from ccos.local.watching import FileWatch, Mark, Tally, mark_of

_log = structlog.get_logger(__name__)

__all__ = ["Endpoint", "LocalModel", "Patience", "State", "Status"]


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    UP = "up"
    RECYCLING = "recycling"
    BACKOFF = "backoff"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Status:
    """What health and the console show. `reason` is a sentence when the model is not up, or a warning.

    `restarts` count failures, `recycles` processes that were replaced on purpose. `own_bytes` is the memory
    that the process has for itself, `ceiling_bytes` how much of it makes a fresh process take its place.
    `retry_seconds` says when it is tried again by itself, where it is down and that is so; `adapters` are
    those that were loaded beside it.
    """

    name: str
    state: State
    reason: str
    restarts: int
    load_seconds: float | None
    pid: int | None
    recycles: int = 0
    own_bytes: int | None = None
    ceiling_bytes: int | None = None
    retry_seconds: float | None = None
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Turn:
    """A process must go, and why. `successor`, when it could be loaded beside the old one."""

    why: str
    for_memory: bool = False
    successor: Life | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """Why there will be no other process, and whether that may pass by itself."""

    why: str
    passes: bool


class _AdaptersRefused(Exception):
    """The engine did not come up with these adapters beside the model, and why, as a sentence."""

    def __init__(self, why: str, adapters: Sequence[Adapter]) -> None:
        super().__init__(why)
        self.why, self.adapters = why, adapters


class LocalModel:
    """A supervised model. `start` returns at once; `endpoint` gives the address when it is up.

    A process that outgrew its memory ceiling is recycled: no new calls, running answers end, a fresh one
    starts; too often in an hour makes it `broken`. A model file that was replaced by a good one is taken into
    use, beside the old one first where both fit; a bad one is not, and the old one goes on with a warning.

    A file the engine refuses makes it `broken` at once, as do more than `exits_allowed` exits in the window;
    it tries again when the file changes, or on `start`. What may pass by itself, exits and a want of memory,
    gets one try every `retry_seconds` too. `close` lets running answers end until its deadline,
    then leaves no process behind.
    """

    def __init__(
        self,
        plan: ModelPlan,
        *,
        state_dir: Path,
        patience: Patience | None = None,
        available: Callable[[], int | None] = available_bytes,
        ledger: Ledger = HERE,
    ) -> None:
        self.plan = plan
        self._state_dir = state_dir
        self._patience = patience or Patience()
        self._available, self._ledger = available, ledger
        self._state, self._reason = State.STOPPED, "The model is not started."
        self._changed = asyncio.Event()
        self._endpoint: Endpoint | None = None
        self._edition, self._adapters = "", plan.adapters
        self._life: Life | None = None
        self._retiring: dict[asyncio.Task[None], Life] = {}
        self._task: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._restarts = self._recycles = self._died_loading = 0
        self._outgrown = Tally(self._patience.recycles_window_seconds)
        self._load_seconds: float | None = None
        self._retry_at: float | None = None
        self._weights_checked: Mark | None = None
        self._closing = False
        self._closes = 0

    @property
    def state(self) -> State:
        return self._state

    @property
    def reason(self) -> str:
        return self._reason

    @property
    def status(self) -> Status:
        life, left = self._life, None
        if self._retry_at is not None and self._state in (State.BACKOFF, State.BROKEN):
            left = max(self._retry_at - time.monotonic(), 0.0)
        return Status(
            self.plan.name,
            self._state,
            self._reason,
            self._restarts,
            self._load_seconds,
            life.pid if life else None,
            self._recycles,
            own_bytes=life.own_bytes if life else None,
            ceiling_bytes=life.ceiling if life else None,
            retry_seconds=left,
            adapters=tuple(each.name for each in self._endpoint.adapters) if self._endpoint else (),
        )

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """Those that answer, or did until it went down; before it ever answered, those it is to load."""
        return self._adapters

    def called(self, name: str) -> str:
        """The name with the edition of the file that answers, or did; before that, of the file that is there,
        which is read for it.
        """
        self._edition = self._edition or edition_of(self.plan.path)
        return called(name, self._edition)

    @property
    def held_bytes(self) -> int:
        """Memory that others could have if it ended now."""
        return self._life.held_bytes if self._life is not None else 0

    async def start(self) -> None:
        """Begin to load, unless it runs already. Never waits for the model, but for a `close` under way."""
        closes = self._closes
        while (task := self._task) is not None and not task.done():
            if self._state is State.BROKEN:
                task.cancel()  # it only waits for another file, or for time to go by
            elif not self._closing:
                return
            await asyncio.wait([task])
            if self._closes != closes:
                return  # closed meanwhile, and closed it stays
        if self._http is None:
            # The engine closes a connection after a streamed answer, though it promises to keep it.
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._closing = False
        self._become(State.STARTING, "The model is being loaded.")
        self._task = asyncio.create_task(self._supervise(self._http), name=f"local model {self.plan.name}")

    async def endpoint(self, *, seconds: float = 0.0) -> Endpoint:
        """Where it answers, waiting at most `seconds` for a load; ModelUnusable with the reason otherwise."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                while self._state in (State.STARTING, State.BACKOFF):
                    await self._changed.wait()
        if self._state is State.UP and self._endpoint is not None:
            return self._endpoint
        raise ModelUnusable(self._reason, state=self._state.value, name=self.plan.name)

    async def close(self, *, seconds: float = 10.0) -> None:
        """End it. Answers that are being written may go on for at most `seconds`; new ones are refused."""
        life = self._life if self._state in (State.UP, State.RECYCLING) else None
        self._endpoint = None
        self._become(State.STOPPED, "The model is stopped.")
        self._closing = True
        self._closes += 1
        try:
            if life is not None:
                await life.drain(seconds)
        finally:
            task, self._task = self._task, None
            tasks, old = {*self._retiring, *([task] if task else [])}, tuple(self._retiring.values())
            for each in tasks:
                each.cancel()
            http, self._http = self._http, None
            try:
                if tasks:
                    await asyncio.wait(tasks)
                # a task that never began has ended nothing
                await asyncio.gather(*(each.close() for each in old))
            finally:  # whoever closes it may be cancelled meanwhile
                if http is not None:
                    await http.close()

    async def _supervise(self, http: aiohttp.ClientSession) -> None:
        try:
            again = False
            while True:
                mark = await asyncio.to_thread(mark_of, self.plan.path)
                end = await self._keep_alive(http, again=again)
                seconds = self._patience.retry_seconds if end.passes else None
                every = f" One new try is made every {seconds / 60:g} min." if seconds is not None else ""
                self._retry_at = None if seconds is None else time.monotonic() + seconds
                self._become(State.BROKEN, end.why + every)
                again = not await self._another_file(mark, seconds)
                why = (
                    "failed before and is tried once more"
                    if again
                    else "file has changed and is being loaded"
                )
                self._become(State.STARTING, f"The model {why}.")
        except Exception as fault:
            words = fault or type(fault).__name__
            self._retry_at = None
            self._become(State.BROKEN, f"The model's process cannot be run: {words}.")
            raise

    async def _keep_alive(self, http: aiohttp.ClientSession, *, again: bool) -> _End:
        """One process after the other, until there will be no other. `again`: the last ones failed, so the
        first exit is one too many until a process has lived for the window.
        """
        window, allowed = self._patience.exits_window_seconds, 0 if again else self._patience.exits_allowed
        exits = Tally(window)
        life: Life | None = None
        while True:
            began = time.monotonic()
            try:
                life = await self._live(http, life or await self._begin(http))
                allowed = self._patience.exits_allowed
            except ModelUnusable as fault:
                return _End(fault.sentence, passes=bool(fault.facts.get("passes")))
            except ChildGone as fault:
                now, life = time.monotonic(), None
                allowed = self._patience.exits_allowed if now - began > window else allowed
                count = exits.add(now)
                if count > allowed:
                    often = f" {count} times; last," if count > 1 else " again:" if again else ":"
                    return _End(f"The model failed{often} {fault}.", passes=True)
                self._restarts += 1
                rest = self._patience.backoff(count)
                self._retry_at = time.monotonic() + rest
                self._become(State.BACKOFF, f"The model failed and is started again: {fault}.")
                await asyncio.sleep(rest)
            if life is None:
                self._become(State.STARTING, "The model is being loaded again.")

    async def _begin(self, http: aiohttp.ClientSession, *, beside: bool = False) -> Life:
        """A loaded process. Raises ModelUnusable when another try would not help, or ChildGone.

        An adapter that the engine refuses, or dies of, takes down nobody's model: it is loaded without.
        """
        plan, told = self.plan, ""
        while True:
            try:
                return await self._load(http, plan, told, beside=beside)
            except _AdaptersRefused as fault:
                blamed = [each for each in fault.adapters if str(each.path) in fault.why] or fault.adapters
                names = ", ".join(each.name for each in blamed)
                told = f"{told} With {names} the model cannot be loaded, so it goes without: {fault.why}"
                _log.warning("adapters.refused", name=plan.name, adapters=names, reason=fault.why)
                plan = replace(plan, adapters=tuple(each for each in plan.adapters if each not in blamed))

    async def _load(self, http: aiohttp.ClientSession, plan: ModelPlan, told: str, *, beside: bool) -> Life:
        """One try; `told` is to be known of the process beside what it says itself."""
        seconds, share = self._patience.load_seconds, Share(self._ledger)
        try:
            async with asyncio.timeout(seconds):
                prepared = await asyncio.to_thread(prepare, plan, self._state_dir, self._available, share)
            life = await Life.start(
                plan,
                replace(prepared, notice=f"{prepared.notice} {told}".strip()) if told else prepared,
                http,
                log=self._state_dir / f"{self.plan.name}.log",
                patience=self._patience,
                check_weights=prepared.mark is None or prepared.mark != self._weights_checked,
            )
        except TimeoutError:
            share.give_back()
            raise ChildGone(f"its file was not read in {seconds:g} seconds") from None
        except BaseException:
            share.give_back()
            raise
        if not beside:
            self._life = life
        try:
            await life.load()
        except BaseException as fault:
            self._life = None if self._life is life else self._life
            await life.close()
            self._died_loading += isinstance(fault, ChildGone)
            if prepared.adapters and (why := self._blame(fault)):
                raise _AdaptersRefused(why, prepared.adapters) from fault
            raise
        self._died_loading = 0
        self._weights_checked = prepared.mark
        return life

    def _blame(self, fault: BaseException) -> str:
        """Why a process did not come up, as a sentence, where its adapters may be why; else empty. One that
        dies once may have been killed by anybody.
        """
        if isinstance(fault, ModelUnusable):
            return "" if fault.facts.get("passes") else fault.sentence
        return f"{fault}." if isinstance(fault, ChildGone) and self._died_loading > 1 else ""

    async def _live(self, http: aiohttp.ClientSession, life: Life) -> Life | None:
        """Serve from a loaded process until it has to go; the one that already took its place."""
        self._life, self._endpoint, self._load_seconds = life, life.endpoint, life.load_seconds
        self._edition, self._adapters = life.endpoint.edition, life.endpoint.adapters
        self._become(State.UP, life.notice)
        handed_over = False
        try:
            turn = await self._watch(http, life)
            self._recycles += 1
            if turn.successor is not None:
                handed_over = True
                self._retire(life)
                _log.info("local_model", name=self.plan.name, state="replaced", reason=turn.why)
                return turn.successor
            self._endpoint = None
            self._become(State.RECYCLING, turn.why)
            await life.drain(self._patience.drain_seconds)
            if turn.for_memory:
                self._count_outgrown(life)
            return None
        finally:
            if not handed_over:
                self._endpoint = self._life = None
                await life.close()

    async def _watch(self, http: aiohttp.ClientSession, life: Life) -> _Turn:
        """Until the process has to go. Raises ChildGone when it went by itself, ModelUnusable when what it
        serves is spoilt.
        """
        following = asyncio.create_task(self._follow_file(http, life))
        turn: _Turn | None = None
        try:
            while turn is None:
                await life.beat()
                if (why := life.outgrown) is not None:
                    turn = _Turn(why, for_memory=True)
                elif following.done():
                    turn = following.result()
            return turn
        finally:
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled() and following.exception() is None:
                left = following.result().successor
                if left is not None and (turn is None or turn.successor is not left):
                    await left.close()

    async def _follow_file(self, http: aiohttp.ClientSession, life: Life) -> _Turn:
        """Until another file should be served. Apart from the heartbeat: a far disk that hangs is no news."""
        watch = FileWatch(life.mark)
        while True:
            await asyncio.sleep(self._patience.heartbeat_seconds)
            mark = await asyncio.to_thread(mark_of, self.plan.path)
            if not watch.is_news(mark):
                continue
            if mark is None:
                self._warn(
                    f"There is no model file at {self.plan.path} any more; the model goes on from what is in"
                    " memory and cannot be started again without it."
                )
            elif mark == life.mark:
                self._warn(life.notice)
            elif (turn := await self._on_other_file(http, life, mark)) is not None:
                return turn

    async def _on_other_file(self, http: aiohttp.ClientSession, life: Life, mark: Mark) -> _Turn | None:
        """What follows from a file that is not the one being served; None when the old one goes on.

        Raises ModelUnusable when the old one was overwritten in place by a bad one.
        """
        in_place = life.mark is not None and mark.same_file(life.mark)
        try:
            if not in_place:
                successor = await self._begin(http, beside=True)
                return _Turn("The model file was replaced.", successor=successor)
            await asyncio.to_thread(read_model_file, self.plan.path)
            return _Turn("The model file was overwritten; it is being loaded again.")
        except ModelUnusable as fault:
            if in_place:
                was = "The model file was overwritten while it was in use"
                raise ModelUnusable(f"{was}, and cannot be used any more: {fault.sentence}") from fault
            needed, there = fault.facts.get("needed_bytes"), fault.facts.get("available_bytes")
            if needed is not None and there is not None and needed <= there + life.held_bytes:
                return _Turn("The model file was replaced; the new one is being loaded.")
            why = fault.sentence
        except ChildGone as fault:
            why = f"{fault}."
        self._warn(
            "The model file was replaced by one that cannot be used, so the old one goes on until the next"
            f" start: {why}"
        )
        return None

    async def _another_file(self, mark: Mark | None, seconds: float | None) -> bool:
        """Returns when the file is another than it was, and rests: true; or after `seconds`: false."""
        watch = FileWatch(mark)
        try:
            async with asyncio.timeout(seconds):
                while not watch.is_news(await asyncio.to_thread(mark_of, self.plan.path)):  # noqa: ASYNC110
                    await asyncio.sleep(self._patience.heartbeat_seconds)
        except TimeoutError:
            return False
        return True

    def _count_outgrown(self, life: Life) -> None:
        count = self._outgrown.add(time.monotonic())
        if count > self._patience.recycles_allowed:
            hours = self._patience.recycles_window_seconds / 3_600
            raise ModelUnusable(
                f"The model outgrew its memory ceiling of {amount(life.ceiling or 0)} {count} times within"
                f" {hours:g} h; give it a smaller context or another file.",
                passes=True,
            )

    def _retire(self, life: Life) -> None:
        """Let the answers of a process that was replaced end, aside."""

        async def end() -> None:
            try:
                await life.drain(self._patience.drain_seconds)
            finally:
                await life.close()

        task = asyncio.create_task(end(), name=f"retired model {self.plan.name}")
        self._retiring[task] = life
        task.add_done_callback(self._retiring.pop)

    def _warn(self, reason: str) -> None:
        if self._state is State.UP and reason != self._reason:
            self._become(State.UP, reason)

    def _become(self, state: State, reason: str) -> None:
        if self._closing and state is not State.STOPPED:
            return  # what an ending process does is no news
        self._state, self._reason = state, reason
        self._changed.set()
        self._changed = asyncio.Event()
        _log.info("local_model", name=self.plan.name, state=state.value, reason=reason)
