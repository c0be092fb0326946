"""A local model that can be exchanged for another while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from ccos.domain.errors import CcosError, ModelUnusable
from ccos.local.adapters import Adapter
from ccos.local.gguf import read_model_file
from ccos.local.ledger import HERE, Ledger
from ccos.local.machine import available_bytes
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import Endpoint, LocalModel, State, Status
from ccos.local.watching import Mark, mark_of

_log = structlog.get_logger(__name__)


class Place(Protocol):
    """Where a model answers."""

    @property
    def base_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A registered model by its name, and its file."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Tempo:
    """How often is looked, and how long is waited (seconds)."""

    look_seconds: float = 3.0
    load_seconds: float = 600.0
    drain_seconds: float = 60.0
    retry_seconds: float = 300.0


class Switching:
    """Serves whatever `choose` names, and goes over to another while calls go on.

    `choose` blocks and is asked again and again; a CcosError means: go on as it is. `build` makes the model
    of a choice; it starts nothing. The new model is loaded beside the old one, and takes over when it is up;
    calls of the old one end there. Where both do not fit, the old one is drained and ended first. A new one
    that cannot be loaded changes nothing: the old one goes on, `notice` says why, and it is tried again after
    `retry_seconds`, or when its file changes or another is chosen.

    None means that nothing shall serve: the model is ended after its last call, and until another is chosen
    `endpoint` says at once that there is none.

    Whoever sends a call counts it with `call`, so that the old model ends after its last one.
    """

    def __init__(
        self,
        first: Choice,
        choose: Callable[[], Choice | None],
        build: Callable[[Choice], LocalModel],
        *,
        tempo: Tempo | None = None,
        available: Callable[[], int | None] = available_bytes,
        ledger: Ledger = HERE,
        on_switch: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._choose, self._build = choose, build
        self._tempo = tempo or Tempo()
        self._available, self._ledger = available, ledger
        self._on_switch = on_switch
        self._choice, self._model = first, build(first)
        self._names: dict[str, str] = {}
        self._calls: Counter[str] = Counter()
        self._between = ""
        self._out = ""
        self._notice = ""
        self._refused: tuple[Choice, Mark | None, float] | None = None
        self._moved = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._retiring: dict[asyncio.Task[None], LocalModel] = {}

    @property
    def plan(self) -> ModelPlan:
        return self._model.plan

    @property
    def serving(self) -> str:
        """The name of the model that gets new calls; empty when none is in service."""
        return "" if self._out else self._choice.name

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """Of the model that gets new calls."""
        return self._model.adapters

    def called(self, name: str) -> str:
        """The name with the edition of the file that gets new calls."""
        return self._model.called(name)

    @property
    def notice(self) -> str:
        """A sentence when another model was chosen and could not be taken into service; else empty."""
        return self._notice

    @property
    def state(self) -> State:
        if self._out:
            return State.STOPPED
        return State.RECYCLING if self._between else self._model.state

    @property
    def reason(self) -> str:
        """Why it is not up, or what is to be known although it is; empty when all is well."""
        if self._out:
            return self._notice or self._out
        return self._between or self._model.reason or self._notice

    @property
    def status(self) -> Status:
        return self._model.status

    def name_at(self, endpoint: Place) -> str:
        """Which model answers there."""
        return self._names.get(endpoint.base_url, self._choice.name)

    async def start(self) -> None:
        """Begin to load what was chosen first, and to follow the choice."""
        await self._model.start()
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name=f"choice of {self.plan.name}")

    async def endpoint(self, *, seconds: float = 0.0) -> Endpoint:
        """Where new calls go; waits at most `seconds` for a load. Raises ModelUnusable.

        Who waits for a model that is exchanged meanwhile goes on waiting, for the one that comes.
        """
        until = time.monotonic() + seconds
        while True:
            await self._settled(until)
            if self._out:
                raise ModelUnusable(self.reason, state=self.state.value, name=self.plan.name)
            name, model = self._choice.name, self._model
            try:
                found = await model.endpoint(seconds=max(until - time.monotonic(), 0.0))
            except ModelUnusable:
                if not self._between and not self._out and model is self._model:
                    raise
            else:
                self._names[found.base_url] = name
                return found

    async def _settled(self, until: float) -> None:
        """Returns when no model is taking the place of another; raises ModelUnusable when time is up."""
        while self._between:
            try:
                async with asyncio.timeout(max(until - time.monotonic(), 0.0)):
                    await self._moved.wait()
            except TimeoutError:
                raise ModelUnusable(self._between, state=self.state.value, name=self.plan.name) from None

    @contextlib.contextmanager
    def call(self, endpoint: Place) -> Iterator[None]:
        """Around one call of that endpoint, from before it is sent until its answer is read."""
        self._calls[endpoint.base_url] += 1
        try:
            yield
        finally:
            self._calls[endpoint.base_url] -= 1
            if not self._calls[endpoint.base_url]:
                del self._calls[endpoint.base_url]

    async def close(self, *, seconds: float = 10.0) -> None:
        """End it, and whatever is still retiring."""
        old = tuple(self._retiring.values())
        tasks = {*self._retiring, *([self._following] if self._following else [])}
        self._following = None
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:  # whoever closes it may be cancelled meanwhile; a task that never began has ended nothing
            await asyncio.gather(self._model.close(seconds=seconds), *(each.close(seconds=0) for each in old))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._tempo.look_seconds)
            try:
                wanted = await asyncio.to_thread(self._choose)
                await self._heed(wanted)
            except CcosError as fault:
                self._say(self._as_it_is(fault.sentence))
            except Exception as fault:
                _log.exception("local_model_switch", name=self.plan.name, error=type(fault).__name__)
                self._say(self._as_it_is(f"The change failed ({type(fault).__name__})."))

    async def _heed(self, wanted: Choice | None) -> None:
        if wanted is None or (wanted == self._choice and not self._out):
            self._refused = None
            self._say("")
        if wanted is None:
            await self._leave()
        elif (wanted != self._choice or self._out) and not await self._was_refused(wanted):
            await self._switch(wanted)

    def _as_it_is(self, why: str) -> str:
        return why if self._out else f"{self._choice.name} goes on: {why}"

    async def _was_refused(self, wanted: Choice) -> bool:
        """Whether the very same was tried in vain a short while ago."""
        if self._refused is None or self._refused[0] != wanted:
            return False
        if await asyncio.to_thread(mark_of, wanted.path) != self._refused[1]:
            return False
        return time.monotonic() - self._refused[2] < self._tempo.retry_seconds

    async def _leave(self) -> None:
        """Nothing serves any more; answers that are being written end first."""
        if not self._out:
            self._out = f"{self._choice.name} was taken out of service, and no other model is chosen."
            _log.info("local_model_switched", name=self.plan.name, serving="")
            await self._retire(self._model)

    async def _switch(self, wanted: Choice) -> None:
        mark = await asyncio.to_thread(mark_of, wanted.path)  # what changes from now on is worth another try
        model = self._build(wanted)
        try:
            if self._out:
                await self._alone(wanted, model)
            elif await self._fits_beside(model):
                await self._beside(wanted, model)
            else:
                await self._one_after_the_other(wanted, model)
        except ModelUnusable as fault:
            self._refused = (wanted, mark, time.monotonic())
            instead = "" if self._out else f", so {self._choice.name} goes on"
            self._say(f"{wanted.name} was chosen and cannot be used{instead}: {fault.sentence}")
        else:
            self._refused = None
            self._say("")
            self._on_switch(wanted.name)
            _log.info("local_model_switched", name=self.plan.name, serving=wanted.name)

    async def _fits_beside(self, model: LocalModel) -> bool:
        """Whether there is memory for both. Raises ModelUnusable when the new one alone does not fit."""

        def fits() -> bool:
            try:
                file = read_model_file(model.plan.path)
                model.plan.fitted(file, self._available(), self._ledger.promised)
            except ModelUnusable as fault:
                needed, there = fault.facts.get("needed_bytes"), fault.facts.get("available_bytes")
                if needed is None or there is None or needed > there + self._model.held_bytes:
                    raise
                return False
            return True

        return await asyncio.to_thread(fits)

    async def _alone(self, wanted: Choice, model: LocalModel) -> None:
        await self._loaded(model)
        self._model, self._choice, self._out = model, wanted, ""

    async def _beside(self, wanted: Choice, model: LocalModel) -> None:
        await self._loaded(model)
        old, self._model, self._choice = self._model, model, wanted
        task = asyncio.create_task(self._retire(old), name=f"retired model {old.plan.path.name}")
        self._retiring[task] = old
        task.add_done_callback(self._retiring.pop)

    async def _one_after_the_other(self, wanted: Choice, model: LocalModel) -> None:
        self._between = f"{wanted.name} is taking the place of {self._choice.name}."
        try:
            try:
                await self._retire(self._model)
                await self._loaded(model)
            except BaseException:
                await self._model.start()
                raise
            self._model, self._choice = model, wanted
        finally:
            self._between = ""
            self._moved.set()
            self._moved = asyncio.Event()

    async def _loaded(self, model: LocalModel) -> None:
        """Starts it; raises ModelUnusable, and leaves nothing running, when it does not come up."""
        try:
            await model.start()
            await model.endpoint(seconds=self._tempo.load_seconds)
        except BaseException:
            await model.close(seconds=0)
            raise

    async def _retire(self, old: LocalModel) -> None:
        """Ends a model after the last call that was sent to it, or when its time is up."""
        url = ""
        try:
            with contextlib.suppress(ModelUnusable):
                url = (await old.endpoint()).base_url
            async with asyncio.timeout(self._tempo.drain_seconds):
                while self._calls[url]:  # noqa: ASYNC110  counted by whoever calls
                    await asyncio.sleep(0.02)
        except TimeoutError:
            _log.warning("local_model_retired_early", name=old.plan.name, calls=self._calls[url])
        finally:
            await old.close(seconds=0)
            self._names.pop(url, None)

    def _say(self, notice: str) -> None:
        if notice != self._notice:
            self._notice = notice
            if notice:
                _log.warning("local_model_switch", name=self.plan.name, reason=notice)
