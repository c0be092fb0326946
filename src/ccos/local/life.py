"""One life of a model's process: from reading the file to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp

from ccos.domain.prompt import Prompt
from ccos.local.adapters import Adapter, adapter_for, asked_for, usable
from ccos.local.child import Child, ChildGone, rotate
from ccos.local.editions import called, edition_of
from ccos.local.gguf import ModelFile, read_model_file
from ccos.local.ledger import Share
from ccos.local.libraries import child_environment
from ccos.local.machine import private_bytes
from ccos.local.memory import amount
from ccos.local.plan import ModelPlan, pooling
from ccos.local.warming import warm
from ccos.local.watching import Mark, mark_of


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, how often, how many (seconds, counts)."""

    load_seconds: float = 300.0
    heartbeat_seconds: float = 5.0
    health_seconds: float = 5.0
    heartbeat_misses: int = 3
    backoff_seconds: float = 0.5
    backoff_most_seconds: float = 30.0
    exits_allowed: int = 3
    exits_window_seconds: float = 300.0
    drain_seconds: float = 60.0
    recycles_allowed: int = 4
    recycles_window_seconds: float = 3_600.0
    retry_seconds: float = 600.0

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
    adapters: tuple[Adapter, ...] = ()
    edition: str = ""

    def called(self, name: str) -> str:
        """The model's name with the edition of its file, as its answers bear it."""
        return called(name, self.edition)

    def extra_of(self, prompt: Prompt) -> dict[str, Any]:
        """What a request for this prompt holds beside its words: which adapter it is for."""
        return asked_for(self.adapters, prompt.tenant_id, prompt.task)

    def adapter_of(self, prompt: Prompt) -> str:
        """The name of that adapter; empty where the model answers as it is."""
        return adapter_for(self.adapters, prompt.tenant_id, prompt.task)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that was read and fits, as it stood then; `notice` says which adapters do not, and why."""

    model: ModelFile
    mark: Mark | None
    cache_mib: int
    environment: Mapping[str, str]
    share: Share
    adapters: tuple[Adapter, ...] = ()
    notice: str = ""
    edition: str = ""


def prepare(plan: ModelPlan, state_dir: Path, available: Callable[[], int | None], share: Share) -> Prepared:
    """Read the header and see whether the model fits; then the `share` of memory it needs is promised to it.

    Raises ModelUnusable. Blocks: for a thread.
    """
    mark = mark_of(plan.path)  # before the header: what changes while it is read is seen later
    model = read_model_file(plan.path)
    if plan.embeds:
        pooling(model)

    def choose(promised: int) -> tuple[int, int]:
        cache_mib = plan.fitted(model, available(), promised)
        return cache_mib, plan.needed(model, cache_mib=cache_mib)

    cache_mib = share.decide(choose)
    state_dir.mkdir(parents=True, exist_ok=True)
    environment, edition = child_environment(state_dir), edition_of(plan.path)
    if not plan.adapters:
        return Prepared(model, mark, cache_mib, environment, share, edition=edition)
    adapters, left_out = usable(plan.adapters, plan.path, state_dir)
    if adapters:
        # The engine keeps what a prompt came to without the adapter it came to it by, and would take it up
        # again under another tenant's.
        cache_mib = 0
    return Prepared(model, mark, cache_mib, environment, share, adapters, " ".join(left_out), edition)


class Life:
    """A started process. Whoever started it calls `close`, which leaves nothing behind.

    `load` before anything else. ChildGone says that the process ended or hangs, and why.
    """

    def __init__(
        self,
        plan: ModelPlan,
        prepared: Prepared,
        child: Child,
        key: str,
        http: aiohttp.ClientSession,
        log: Path,
        patience: Patience,
    ) -> None:
        self.mark = prepared.mark
        self.ceiling: int | None = None
        self.load_seconds: float | None = None
        self._plan, self._prepared, self._child, self._key = plan, prepared, child, key
        self._http, self._log, self._patience = http, log, patience
        self._began = time.monotonic()
        self._endpoint: Endpoint | None = None
        self._misses = 0
        self._beat_at = 0.0
        self._ended: asyncio.Task[str] | None = None
        self._warming: asyncio.Task[int] | None = None

    @classmethod
    async def start(
        cls,
        plan: ModelPlan,
        prepared: Prepared,
        http: aiohttp.ClientSession,
        *,
        log: Path,
        patience: Patience,
        check_weights: bool,
    ) -> Self:
        key = secrets.token_urlsafe(32)
        config = plan.told(
            prepared.model,
            key=key,
            cache_mib=prepared.cache_mib,
            check_weights=check_weights,
            adapters=prepared.adapters,
        )
        child = await Child.start(config, prepared.environment, log)
        prepared.share.pid = child.pid
        return cls(plan, prepared, child, key, http, log, patience)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def endpoint(self) -> Endpoint:
        assert self._endpoint is not None, "load() first"
        return self._endpoint

    @property
    def notice(self) -> str:
        """What is to be known of it although it answers; empty when all is well."""
        return self._prepared.notice

    @property
    def own_bytes(self) -> int | None:
        """Memory the process has for itself, without mapped weights; None where nobody says."""
        return private_bytes(self.pid)

    @property
    def held_bytes(self) -> int:
        """Memory that others could have if it ended now: what it took, or was promised when that is more."""
        return self._prepared.share.held

    @property
    def outgrown(self) -> str | None:
        """The sentence that it holds more memory than its ceiling; None when it does not."""
        own = self.own_bytes
        if own is None or self.ceiling is None or own <= self.ceiling:
            return None
        held = f"The model's process holds {amount(own)} of memory of its own"
        return f"{held}, above its ceiling of {amount(self.ceiling)}; a fresh one is started."

    async def load(self) -> None:
        """Until it answers. Raises ModelUnusable when the engine refuses the file, or ChildGone."""
        address = await self._child.address(seconds=self._patience.load_seconds)
        model = self._prepared.model
        context, adapters = self._plan.context(model), self._prepared.adapters
        edition = self._prepared.edition
        self._endpoint = Endpoint(address, self._key, context, model.control_tokens, adapters, edition)
        self._beat_at = time.monotonic()
        self.load_seconds = self._beat_at - self._began
        at_start = self.own_bytes
        if at_start is not None:
            self.ceiling = self._plan.ceiling(model, cache_mib=self._prepared.cache_mib, at_start=at_start)
        self._ended = asyncio.create_task(self._child.ended())
        systems = self._plan.warm_system
        self._warming = asyncio.create_task(warm(self._http, address, self.endpoint.headers, systems))

    async def beat(self) -> None:
        """Wait for one heartbeat. Raises ChildGone when the process ended, or hangs and was killed.

        They begin `heartbeat_seconds` apart however long the last look took: it takes longest of one that
        hangs.
        """
        assert self._ended is not None, "load() first"
        until = self._beat_at + self._patience.heartbeat_seconds
        done, _ = await asyncio.wait([self._ended], timeout=max(until - time.monotonic(), 0.0))
        if done:
            raise ChildGone(self._ended.result())
        self._beat_at = time.monotonic()
        rotate(self._log)
        self._misses = 0 if await self._healthy() else self._misses + 1
        if self._misses >= self._patience.heartbeat_misses:
            self._child.kill()
            await self._ended
            raise ChildGone(f"it did not answer {self._misses} health checks in a row")

    async def drain(self, seconds: float) -> None:
        """Wait until no slot works, the process is gone, or the time is up.

        Two looks in a row must find it idle: a call may have had the address and not yet a slot.
        """
        idle = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                while idle < 2 and self._ended is not None and not self._ended.done():
                    idle = idle + 1 if await self._idle() else 0
                    await asyncio.sleep(0.05)

    async def _idle(self) -> bool:
        url, headers = f"{self.endpoint.base_url}/slots", self.endpoint.headers
        try:
            async with self._http.get(url, headers=headers) as reply:
                slots = await reply.json()
        except (aiohttp.ClientError, ValueError):
            return False
        return not any(slot["is_processing"] for slot in slots)

    async def close(self) -> None:
        """End it. Returns when the process is gone."""
        tasks = [task for task in (self._warming, self._ended) if task is not None]
        for task in tasks:
            task.cancel()
        with contextlib.ExitStack() as last:  # whoever closes it may be cancelled meanwhile
            last.callback(self._prepared.share.give_back)
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                await self._child.stop()

    async def _healthy(self) -> bool:
        limit = aiohttp.ClientTimeout(total=self._patience.health_seconds)
        endpoint = self.endpoint
        try:
            async with self._http.get(
                f"{endpoint.base_url}/health", headers=endpoint.headers, timeout=limit
            ) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
