"""Drafts that are made because somebody pressed the button."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from ccos.domain.draft import Draft
from ccos.domain.errors import CcosError

log = structlog.get_logger(__name__)


class Making:
    """Goes on when whoever asked has left; what is still unfinished at the end is cancelled, and says so."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Draft]] = set()

    async def begin(self, work: Coroutine[Any, Any, Draft], *, seconds: float) -> None:
        """Starts `work` and returns when it is done, or after `seconds`. Raises what it raised by then."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        for finished in done:
            finished.result()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _over(self, task: asyncio.Task[Draft]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            reason = fault.code if isinstance(fault, CcosError) else type(fault).__name__
            log.warning("draft.not_made", reason=reason)
