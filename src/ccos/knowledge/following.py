"""Keeps one tenant's index in step with the shelf's change feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from ccos.domain.errors import IndexUnusable
from ccos.knowledge.index import Damaged, TenantIndex
from ccos.knowledge.shelf import Shelf

BATCH = 2_000
"""Items that are read from the shelf and committed at a time."""


class Followed:
    """An index and the passes that bring it up to date: at most one at work and one waiting.

    A search needs what was on the shelf when it began, so it never joins a pass that is already at work.
    """

    def __init__(
        self, shelf: Shelf, tenant_id: UUID, folder: Path, on_change: Callable[[UUID], None] | None = None
    ) -> None:
        self._shelf = shelf
        self._tenant_id = tenant_id
        self._folder = folder
        self._on_change = on_change
        self._index: TenantIndex | None = None
        self._distrusted = False
        self._closing = False
        self._at_work = asyncio.Lock()
        self._waiting: asyncio.Task[None] | None = None
        self._passes: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        return not self._passes

    def distrust(self) -> None:
        """The next pass builds the index anew."""
        self._distrusted = True

    async def fresh(self, seconds: float) -> TenantIndex:
        """The index with all changes in it, or, after `seconds`, with those that are in it so far."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._pass())
            self._passes.add(self._waiting)
            self._waiting.add_done_callback(self._ended)
        mine = self._waiting
        done, _ = await asyncio.wait({mine}, timeout=seconds)
        if done:
            mine.result()
        if self._index is None:
            raise IndexUnusable("The search index is still being opened; search again in a moment.")
        return self._index

    async def aclose(self) -> None:
        self._closing = True
        if self._passes:
            await asyncio.wait(self._passes)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._passes.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody else is to be warned of it

    async def _pass(self) -> None:
        async with self._at_work:
            self._waiting = None
            try:
                try:
                    await self._take_in(await self._opened())
                except Damaged:
                    self._distrusted = True
                    await self._take_in(await self._opened())
            except Damaged as fault:
                raise IndexUnusable(cause=str(fault)) from fault

    async def _opened(self) -> TenantIndex:
        index = self._index
        if index is None:
            index = self._index = await asyncio.to_thread(TenantIndex, self._folder)
            if index.seq > await self._shelf.last_change(self._tenant_id):
                self._distrusted = True  # the shelf was set back, to a backup perhaps
        if self._distrusted or not await asyncio.to_thread(index.intact):
            await asyncio.to_thread(index.clear)
            self._distrusted = False
        return index

    async def _take_in(self, index: TenantIndex) -> None:
        while not self._closing:
            changes = await self._shelf.changes(self._tenant_id, index.seq, BATCH)
            if not changes:
                return
            ids = {change.item_id for change in changes}
            shelved = await self._shelf.load(self._tenant_id, ids)
            gone = ids - {each.id for each in shelved}
            await asyncio.to_thread(index.apply, shelved, gone, changes[-1].seq)
            if self._on_change is not None:
                self._on_change(self._tenant_id)
