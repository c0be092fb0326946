"""Keeps one local model running: starts it, watches it, starts it again, and ends it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import aiohttp
import structlog

from ccos.domain.errors import ModelUnusable
from ccos.local.child import Child, ChildGone, rotate
from ccos.local.gguf import ModelFile, read_model_file
from ccos.local.libraries import child_environment
from ccos.local.machine import available_bytes
from ccos.local.memory import check_fits
from ccos.local.plan import ModelPlan, pooling
from ccos.local.warming import warm

_log = structlog.get_logger(__name__)


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    UP = "up"
    BACKOFF = "backoff"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, how often, how many (seconds, counts)."""

    load_seconds: float = 300.0
    heartbeat_seconds: float = 5.0
    heartbeat_misses: int = 3
    backoff_seconds: float = 0.5
    backoff_most_seconds: float = 30.0
    exits_allowed: int = 3
    exits_window_seconds: float = 300.0

    def backoff(self, exits: int) -> float:
        """Seconds to rest after that many exits within the window."""
        return min(self.backoff_seconds * 2.0 ** (exits - 1), self.backoff_most_seconds)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running model answers. Another start has another address and another key."""

    base_url: str
    api_key: str = field(repr=False)
    context_tokens: int
    control_tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What health and the console show. `reason` is a sentence when the model is not up."""

    name: str
    state: State
    reason: str
    restarts: int
    load_seconds: float | None
    pid: int | None


class LocalModel:
    """A supervised model. `start` returns at once; `endpoint` gives the address when it is up.

    A file the engine refuses makes it `broken` at once, as do more than `exits_allowed` exits in the window;
    `start` tries again. `close` lets running answers end until its deadline, then leaves no process behind.
    """

    def __init__(
        self,
        plan: ModelPlan,
        *,
        state_dir: Path,
        patience: Patience | None = None,
        available: Callable[[], int | None] = available_bytes,
    ) -> None:
        self.plan = plan
        self._state_dir = state_dir
        self._patience = patience or Patience()
        self._available = available
        self._state, self._reason = State.STOPPED, "The model is not started."
        self._changed = asyncio.Event()
        self._endpoint: Endpoint | None = None
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None
        self._restarts = 0
        self._load_seconds: float | None = None
        self._weights_checked = False
        self._closing = False

    @property
    def state(self) -> State:
        return self._state

    @property
    def reason(self) -> str:
        return self._reason

    @property
    def status(self) -> Status:
        pid = self._child.pid if self._child else None
        return Status(self.plan.name, self._state, self._reason, self._restarts, self._load_seconds, pid)

    async def start(self) -> None:
        """Begin to load, unless it runs already. Never waits for the model."""
        if self._task is not None and not self._task.done():
            return
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
        endpoint, self._endpoint = self._endpoint, None
        was_up = self._state is State.UP
        self._become(State.STOPPED, "The model is stopped.")
        self._closing = True
        try:
            if was_up and endpoint is not None and self._http is not None:
                await self._drain(self._http, endpoint, seconds)
        finally:
            task, self._task = self._task, None
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
            http, self._http = self._http, None
            if http is not None:
                await http.close()

    async def _supervise(self, http: aiohttp.ClientSession) -> None:
        exits: deque[float] = deque()
        while True:
            try:
                reason = await self._run(http)
            except ModelUnusable as fault:
                return self._become(State.BROKEN, fault.sentence)
            except Exception as fault:
                self._become(
                    State.BROKEN, f"The model's process cannot be run: {fault or type(fault).__name__}."
                )
                raise
            now = time.monotonic()
            exits.append(now)
            while exits[0] < now - self._patience.exits_window_seconds:
                exits.popleft()
            if len(exits) > self._patience.exits_allowed:
                return self._become(State.BROKEN, f"The model failed {len(exits)} times; last, {reason}.")
            self._restarts += 1
            self._become(State.BACKOFF, f"The model failed and is started again: {reason}.")
            await asyncio.sleep(self._patience.backoff(len(exits)))
            self._become(State.STARTING, "The model is being loaded again.")

    async def _run(self, http: aiohttp.ClientSession) -> str:
        """One life of the process; why it ended. Raises ModelUnusable when another would not help."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience.load_seconds):
                model, environment = await asyncio.to_thread(self._prepare)
        except TimeoutError:
            return f"its file was not read in {self._patience.load_seconds:g} seconds"
        context = self.plan.context(model)
        key = secrets.token_urlsafe(32)
        config = self.plan.told(model, key=key, check_weights=not self._weights_checked)
        warming: asyncio.Task[int] | None = None
        child = self._child = await Child.start(config, environment, self._log_path)
        try:
            address = await child.address(seconds=self._patience.load_seconds)
            self._weights_checked = True
            endpoint = Endpoint(address, key, context, model.control_tokens)
            self._load_seconds = time.monotonic() - began
            self._endpoint = endpoint
            self._become(State.UP, "")
            warming = asyncio.create_task(warm(http, address, _key(endpoint), self.plan.warm_system))
            return await self._watch(http, child, endpoint)
        except ChildGone as fault:
            return str(fault)
        finally:
            if warming is not None:
                warming.cancel()
                await asyncio.gather(warming, return_exceptions=True)
            self._endpoint = self._child = None
            await child.stop()

    def _prepare(self) -> tuple[ModelFile, dict[str, str]]:
        model = read_model_file(self.plan.path)
        if self.plan.embeds:
            pooling(model)
        check_fits(model, self.plan.context(model), self.plan.slots, self._available())
        self._state_dir.mkdir(parents=True, exist_ok=True)
        return model, child_environment(self._state_dir)

    async def _watch(self, http: aiohttp.ClientSession, child: Child, endpoint: Endpoint) -> str:
        """Until the process ends; one that hangs is killed."""
        ended = asyncio.create_task(child.ended())
        misses = 0
        try:
            while True:
                done, _ = await asyncio.wait([ended], timeout=self._patience.heartbeat_seconds)
                if done:
                    return ended.result()
                rotate(self._log_path)
                misses = 0 if await self._healthy(http, endpoint) else misses + 1
                if misses >= self._patience.heartbeat_misses:
                    child.kill()
                    await ended
                    return f"it did not answer {misses} health checks in a row"
        finally:
            ended.cancel()

    async def _healthy(self, http: aiohttp.ClientSession, endpoint: Endpoint) -> bool:
        limit = aiohttp.ClientTimeout(total=self._patience.heartbeat_seconds)
        try:
            async with http.get(
                f"{endpoint.base_url}/health", headers=_key(endpoint), timeout=limit
            ) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _drain(self, http: aiohttp.ClientSession, endpoint: Endpoint, seconds: float) -> None:
        """Wait until no slot works, the server is gone, or the time is up."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                while True:
                    async with http.get(f"{endpoint.base_url}/slots", headers=_key(endpoint)) as reply:
                        slots = await reply.json()
                    if not any(slot["is_processing"] for slot in slots):
                        return
                    await asyncio.sleep(0.05)

    @property
    def _log_path(self) -> Path:
        return self._state_dir / f"{self.plan.name}.log"

    def _become(self, state: State, reason: str) -> None:
        if self._closing and state is not State.STOPPED:
            return  # what an ending process does is no news
        self._state, self._reason = state, reason
        self._changed.set()
        self._changed = asyncio.Event()
        _log.info("local_model", name=self.plan.name, state=state.value, reason=reason)


def _key(endpoint: Endpoint) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint.api_key}"}
