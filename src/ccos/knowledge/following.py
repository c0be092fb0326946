"""Keeps one tenant's index in step with the shelf's change feed, and builds it anew beside itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import structlog

from ccos.domain.errors import IndexUnusable
from ccos.knowledge.engine import Damaged, Serving
from ccos.knowledge.homes import Home
from ccos.knowledge.index import TenantIndex
from ccos.knowledge.shelf import Shelf
from ccos.store.kb_indexes import Standing, State

log = structlog.get_logger(__name__)

BATCH = 2_000
"""Items that are read from the shelf and committed at a time."""

RETRY_SECONDS = 60.0
"""Until a build that failed, for want of disk space perhaps, is tried again."""

GENERATION_SECONDS = 1.0
"""How often it is looked up whether another build is wanted."""


class Followed:
    """An index and the passes that bring it up to date: at most one at work and one waiting.

    A search needs what was on the shelf when it began, so it never joins a pass that is already at work. An
    index that is lost, damaged, of another format or of an earlier generation is built anew in a second
    folder; until that serves, the former one does where it can be read.
    """

    def __init__(
        self, shelf: Shelf, tenant_id: UUID, folder: Path, on_change: Callable[[UUID], None] | None = None
    ) -> None:
        self._shelf = shelf
        self._tenant_id = tenant_id
        self._home = Home(folder)
        self._folder = folder
        self._on_change = on_change
        self._index: TenantIndex | None = None
        self._opened = self._current = self._closing = False
        self._wanted, self._looked_at = 0, -GENERATION_SECONDS
        self._at_work = asyncio.Lock()
        self._waiting: asyncio.Task[None] | None = None
        self._passes: set[asyncio.Task[None]] = set()
        self._build: asyncio.Task[None] | None = None
        self._build_began = 0.0
        self._retry_at, self._why = 0.0, ""
        self._done = self._total = 0

    @property
    def idle(self) -> bool:
        return not self._passes and self._build is None

    @property
    def standing(self) -> Standing:
        """How far the index is; its size is left to whoever has a thread."""
        state: State = "failed" if self._why else "building"
        if self._current and self._build is None:
            state = "ready"
        index = self._index
        generation, seq = (index.generation, index.seq) if index is not None else (0, 0)
        return Standing(state, generation, seq, self._done, self._total)

    @property
    def serving(self) -> Serving | None:
        """None while there is no index that can be read."""
        return None if self._index is None else Serving(self._index, self._current)

    def distrust(self) -> None:
        """The index could not be read: the next pass has it built anew, and it is searched no more."""
        self._index, self._current = None, False

    async def fresh(self, seconds: float) -> Serving | None:
        """The index with all changes in it, or, after `seconds`, what can be searched so far.

        A build is waited for only in its own first `seconds`: later searches are not held up by it. Raises
        what the shelf raises.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            await _ended({self.brought_up()}, end - loop.time())
            build = self._build
            if self._current or build is None:
                break
            if not await _ended({build}, min(end, self._build_began + seconds) - loop.time()):
                break
        return self.serving

    def brought_up(self) -> asyncio.Task[None]:
        """The pass that takes in what is on the shelf now."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._pass())
            self._passes.add(self._waiting)
            self._waiting.add_done_callback(self._passed)
        return self._waiting

    async def built(self, tell: Callable[[int, int], None], *, every_seconds: float = 0.2) -> None:
        """Waits for the build that is wanted, however long it takes. Raises `IndexUnusable` when it fails."""
        while True:
            await self.brought_up()
            build = self._build
            if build is None:
                if not self._current:
                    raise IndexUnusable(self._why or None)
                return
            while not (await asyncio.wait({build}, timeout=every_seconds))[0]:
                tell(self._done, max(self._total, self._done))
            build.result()

    async def aclose(self) -> None:
        self._closing = True
        at_work = {*self._passes, *([self._build] if self._build is not None else ())}
        if at_work:
            await asyncio.wait(at_work)

    def _passed(self, task: asyncio.Task[None]) -> None:
        self._passes.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody else is to be warned of it

    async def _pass(self) -> None:
        async with self._at_work:
            self._waiting = None
            if not self._opened:
                await self._open()
            await self._look_up_generation()
            index = self._index
            if index is not None and self._current:
                try:
                    if not await asyncio.to_thread(index.intact):
                        raise Damaged("the files are gone")
                    await self._take_in(index, serving=True)
                except Damaged as fault:
                    self._current = False  # it may still be read
                    log.warning("search.index_damaged", tenant=str(self._tenant_id), cause=str(fault))
            outdone = index is not None and index.generation < self._wanted
            if (outdone or not self._current) and not self._closing:
                self._start_build()

    async def _open(self) -> None:
        index = await asyncio.to_thread(self._home.open)
        if index is not None:
            newest = await self._shelf.last_change(self._tenant_id)
            self._current = not index.outdated and index.seq <= newest  # else of another database, or version
            self._index = index
        self._opened = True

    async def _look_up_generation(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= GENERATION_SECONDS:
            self._wanted = await self._shelf.generation(self._tenant_id)
            self._looked_at = now

    def _start_build(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._build is None and now >= self._retry_at:
            self._build, self._build_began = asyncio.create_task(self._build_anew(self._wanted)), now
            self._build.add_done_callback(self._build_ended)

    def _build_ended(self, task: asyncio.Task[None]) -> None:
        self._build = None
        if not task.cancelled():
            task.exception()

    async def _build_anew(self, generation: int) -> None:
        try:
            newest = await self._shelf.last_change(self._tenant_id)
            build = await asyncio.to_thread(self._home.begin, generation, newest)
            self._done, self._total = 0, await self._shelf.waiting(self._tenant_id, build.seq)
            self._why = ""
            await self._take_in(build, serving=False)
            async with self._at_work:  # no change slips in between the last look and the switch
                await self._take_in(build, serving=False)
                await asyncio.to_thread(build.finish)
                if self._closing:
                    return
                await asyncio.to_thread(self._home.switch, build)
                self._index, self._current = build, True
        except Damaged as fault:
            self._why = _sentence(fault, self._folder)
            self._retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
            await asyncio.to_thread(self._home.abandon)
            log.warning("search.index_not_built", tenant=str(self._tenant_id), reason=self._why)
            return
        if self._on_change is not None:
            self._on_change(self._tenant_id)

    async def _take_in(self, index: TenantIndex, *, serving: bool) -> None:
        while not self._closing:
            changes = await self._shelf.changes(self._tenant_id, index.seq, BATCH)
            if not changes:
                return
            ids = {change.item_id for change in changes}
            shelved = await self._shelf.load(self._tenant_id, ids)
            gone = ids - {each.id for each in shelved}
            await asyncio.to_thread(index.apply, shelved, gone, changes[-1].seq, more=not serving)
            if not serving:
                self._done += len(changes)
            elif self._on_change is not None:
                self._on_change(self._tenant_id)
            if len(changes) < BATCH:
                return  # all there was: what others write meanwhile is for the next pass


async def _ended(tasks: set[asyncio.Task[None]], seconds: float) -> bool:
    """Whether they ended in time; what one raised is raised."""
    done, waiting = await asyncio.wait(tasks, timeout=max(seconds, 0))
    for task in done:
        task.result()
    return not waiting


def _sentence(fault: Damaged, folder: Path) -> str:
    if "No space left" in str(fault):
        return f"The search index cannot be built, for want of disk space under {folder}; free some."
    return f"The search index cannot be built under {folder}: {str(fault).rstrip('.')}."
