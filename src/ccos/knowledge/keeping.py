"""Follows the indexes that are open without waiting for a search, and tells the store how they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from ccos.domain.errors import CcosError
from ccos.knowledge.engine import Damaged, Follower
from ccos.knowledge.shelf import Shelf
from ccos.store.ending import end
from ccos.store.kb_indexes import Standing

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.5
SOONEST_SECONDS, LATEST_SECONDS = 0.5, 8.0
"""Between two looks at a tenant's feed: soon while it changes, then twice as long each time."""

HEARTBEAT_SECONDS = 15.0
"""An index whose machine was silent for a few of these is not in use."""


@dataclass(slots=True)
class _Watch:
    next_at: float = 0.0
    pause: float = SOONEST_SECONDS
    seen: Standing | None = None
    told_at: float = float("-inf")


class Keeper:
    """One task for all indexes of a process, until `aclose`. While the store is away it looks less often."""

    def __init__(self, shelf: Shelf, node: str, followed: Callable[[], Mapping[UUID, Follower]]) -> None:
        self._shelf = shelf
        self._node = node
        self._followed = followed
        self._watches: dict[UUID, _Watch] = {}
        self._task = asyncio.create_task(self._run(), name="search-keeper")

    async def aclose(self) -> None:
        await end([self._task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            followed = dict(self._followed())
            self._watches = {key: self._watches.get(key) or _Watch() for key in followed}
            for tenant_id, each in followed.items():
                try:
                    await self._look(tenant_id, each, self._watches[tenant_id])
                except CcosError as fault:
                    self._watches[tenant_id].pause = LATEST_SECONDS
                    log.debug("search.not_followed", tenant=str(tenant_id), cause=fault.code)

    async def _look(self, tenant_id: UUID, followed: Follower, watch: _Watch) -> None:
        now = asyncio.get_running_loop().time()
        if now >= watch.next_at:
            if not followed.idle:
                watch.pause = SOONEST_SECONDS
            else:
                await followed.fresh(TICK_SECONDS)
            changed = watch.seen is None or watch.seen.seq != followed.standing.seq
            watch.pause = SOONEST_SECONDS if changed else min(2 * watch.pause, LATEST_SECONDS)
            watch.next_at = now + watch.pause
        if followed.standing != watch.seen or now - watch.told_at >= HEARTBEAT_SECONDS:
            watch.seen, watch.told_at = followed.standing, now
            size = await _bytes(followed)
            await self._shelf.report(tenant_id, self._node, replace(watch.seen, bytes=size))


async def _bytes(followed: Follower) -> int:
    serving = followed.serving
    if serving is None:
        return 0
    try:
        return await asyncio.to_thread(lambda: serving.index.bytes)
    except Damaged:  # files come and go while they are counted
        return 0
