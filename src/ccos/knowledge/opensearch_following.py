"""Keeps a tenant's index in OpenSearch in step with the change feed: one process writes, all read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from uuid import UUID

import structlog

from ccos.domain.errors import IndexUnusable, StoreError
from ccos.knowledge.engine import Away, Damaged, Serving
from ccos.knowledge.following import BATCH, GENERATION_SECONDS, RETRY_SECONDS
from ccos.knowledge.opensearch import REST_SECONDS
from ccos.knowledge.opensearch_builds import FORMAT, Build, Builds
from ccos.knowledge.opensearch_index import ClusterIndex
from ccos.knowledge.shelf import Shelf
from ccos.store.database import Database
from ccos.store.ending import end, stop_if_asked
from ccos.store.kb_indexes import Standing, State

log = structlog.get_logger(__name__)

TURN_SECONDS = 0.1
"""How often it is looked whether another process has written what is waited for."""


class Leases(Protocol):
    def taken(self, tenant_id: UUID) -> AbstractAsyncContextManager[bool]:
        """Whether this process, and no other, may write the tenant's index until the block ends."""
        ...


class PostgresLeases:
    """An advisory lock that ends with its transaction, or with the connection of a process that died."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def taken(self, tenant_id: UUID) -> AsyncIterator[bool]:
        async with self._database.tenant(tenant_id) as tx:
            row = await tx.row(
                "SELECT pg_try_advisory_xact_lock("
                "hashtextextended('ccos.opensearch ' || %(tenant)s::text, 0)) AS ours"
            )
            yield bool(row and row["ours"])


class ClusterFollowed:
    """What a process knows of a tenant's index in the cluster, and its turns at writing it.

    How far the index is stands in the cluster. Whoever holds the lease takes one batch of changes into the
    build that serves and, where another is wanted, one into that; any process may go on where another ended.
    """

    def __init__(
        self,
        shelf: Shelf,
        tenant_id: UUID,
        builds: Builds,
        leases: Leases,
        on_change: Callable[[UUID], None] | None = None,
    ) -> None:
        self._shelf = shelf
        self._tenant_id = tenant_id
        self._builds = builds
        self._leases = leases
        self._on_change = on_change
        self._index: ClusterIndex | None = None
        self._current = False
        self._wanted, self._looked_at = 0, float("-inf")
        self._work: asyncio.Task[None] | None = None
        self._building, self._build_began = False, 0.0
        self._done = self._total = 0
        self._why, self._retry_at = "", float("-inf")
        self._suspected = False

    @property
    def idle(self) -> bool:
        return self._work is None

    @property
    def standing(self) -> Standing:
        state: State = "failed" if self._why else "ready" if self._current else "building"
        if self._building and not self._why:
            state = "building"
        index = self._index
        generation, seq, size = (index.generation, index.seq, index.bytes) if index else (0, 0, 0)
        return Standing(state, generation, seq, self._done, self._total, size)

    @property
    def serving(self) -> Serving | None:
        return None if self._index is None else Serving(self._index, self._current)

    def distrust(self) -> None:
        """It may have been replaced by another process, or be lost: whoever writes next looks."""
        self._index, self._current, self._suspected = None, False, True

    async def fresh(self, seconds: float) -> Serving | None:
        """Nothing is waited for while the cluster is away, and a first build only in its own `seconds`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        newest = await self._shelf.last_change(self._tenant_id)
        await self._look_up_generation()
        while not self._is_whole(newest) and loop.time() >= self._retry_at:
            work = self._at_work()
            if self._is_whole(newest, generation=False):
                break  # another build grows behind it
            last = until
            if self._index is None and self._building:
                last = min(until, self._build_began + seconds)
            ended, _ = await asyncio.wait({work}, timeout=min(max(last - loop.time(), 0), TURN_SECONDS))
            if ended:
                work.result()
            if loop.time() >= last:
                break
        return self.serving

    async def built(self, tell: Callable[[int, int], None]) -> None:
        while True:
            self._looked_at = float("-inf")
            await self._look_up_generation()
            newest = await self._shelf.last_change(self._tenant_id)
            if self._is_whole(newest):
                return
            self._retry_at, self._why = float("-inf"), ""
            work = self._at_work()
            while not (await asyncio.wait({work}, timeout=2 * TURN_SECONDS))[0]:
                tell(self._done, max(self._total, self._done))
            work.result()
            if self._why:
                raise IndexUnusable(self._why)

    async def aclose(self) -> None:
        """Ends at the next point where it may; whoever writes next goes on from there."""
        if self._work is not None:
            await end([self._work])

    def _is_whole(self, newest: int, *, generation: bool = True) -> bool:
        index = self._index
        if index is None or not self._current or index.seq < newest:
            return False
        return not generation or index.generation >= self._wanted

    async def _look_up_generation(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= GENERATION_SECONDS:
            self._wanted = await self._shelf.generation(self._tenant_id)
            self._looked_at = now

    def _at_work(self) -> asyncio.Task[None]:
        if self._work is None:
            self._work = asyncio.create_task(self._run(), name="opensearch-following")
            self._work.add_done_callback(self._ended)
        return self._work

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work = None
        if not task.cancelled():
            task.exception()  # whoever waited has it

    async def _run(self) -> None:
        """Turns until nothing is left to do, or the cluster does not answer."""
        more = True
        try:
            while more:
                stop_if_asked()
                async with self._leases.taken(self._tenant_id) as ours:
                    more = await (self._write() if ours else self._read())
                if not ours:
                    await asyncio.sleep(TURN_SECONDS)
            self._why = ""
            if (index := self._index) is not None:
                index.bytes = await self._builds.size(index.build)
        except Away as fault:
            self._failed(f"The search index in OpenSearch cannot be written: {fault}.", REST_SECONDS)
        except Damaged as fault:
            self._failed(f"The search index in OpenSearch cannot be built: {fault}.", RETRY_SECONDS)
        except StoreError as fault:
            # What took too long has lost its lease: what is there is searched, and the next one writes.
            lost = f"The turn to write the search index was lost: {fault.sentence}"
            self._failed(lost, RETRY_SECONDS)

    def _failed(self, why: str, seconds: float) -> None:
        if why != self._why:
            log.warning("search.index_not_built", tenant=str(self._tenant_id), reason=why)
        self._why, self._building = why, False
        self._retry_at = asyncio.get_running_loop().time() + seconds

    async def _read(self) -> bool:
        """While another process writes: what it has done so far; whether there is more to wait for."""
        serving = await self._builds.serving()
        newest = await self._shelf.last_change(self._tenant_id)
        self._adopt(serving, newest)
        return not self._is_whole(newest)

    async def _write(self) -> bool:
        """A batch for each build that there is; whether there is more to do."""
        serving, more = await self._builds.serving(), False
        newest = await self._shelf.last_change(self._tenant_id)
        self._wanted = await self._shelf.generation(self._tenant_id)
        self._adopt(serving, newest)
        if serving is not None and self._current:
            try:
                if self._suspected:
                    await self._builds.size(serving)
                serving, more = await self._take_in(serving)
                self._adopt(serving, serving.seq)
                self._suspected = False
            except Damaged as fault:
                log.warning("search.index_damaged", tenant=str(self._tenant_id), cause=str(fault))
                self._current = False  # it may still be read
        if serving is not None and serving.format > FORMAT:
            return False  # processes of a later version keep it
        if self._current and serving is not None and serving.generation >= self._wanted:
            return more
        return await self._grow(serving, newest)

    async def _grow(self, serving: Build | None, newest: int) -> bool:
        build = await self._builds.begin(serving, self._wanted, newest)
        if not self._building:
            self._building, self._build_began = True, asyncio.get_running_loop().time()
            self._done, self._total = 0, await self._shelf.waiting(self._tenant_id, build.seq)
        build, more = await self._take_in(build, counted=True)
        if more:
            return True
        await self._builds.switch(build, serving)
        self._adopt(build, build.seq)
        self._building = False
        return False

    async def _take_in(self, build: Build, *, counted: bool = False) -> tuple[Build, bool]:
        changes = await self._shelf.changes(self._tenant_id, build.seq, BATCH)
        if not changes:
            return build, False
        ids = {change.item_id for change in changes}
        shelved = await self._shelf.load(self._tenant_id, ids)
        gone = ids - {each.id for each in shelved}
        if counted:
            self._done += len(changes)
        return await self._builds.apply(build, shelved, gone, changes[-1].seq), len(changes) == BATCH

    def _adopt(self, build: Build | None, newest: int) -> None:
        """What serves is this one; it is `current` when it is of our form and of this database."""
        before = None if self._index is None else self._index.build
        if build is None:
            self._index = None
        elif self._index is None or self._index.build.number != build.number:
            self._index = ClusterIndex(self._builds, build)
        else:
            self._index.grown(build)
        self._current = build is not None and build.format == FORMAT and build.seq <= newest
        if self._on_change is not None and build != before:
            self._on_change(self._tenant_id)
