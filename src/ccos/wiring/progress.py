"""Which stage a draft has come to, told to whoever looks at its ticket while it is made."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from ccos.agents.job import Job, OnStage
from ccos.domain.draft import Draft
from ccos.domain.errors import StoreError
from ccos.store.database import Database
from ccos.store.ending import end
from ccos.store.live import Change, tell

log = structlog.get_logger(__name__)

EVERY_SECONDS = 0.3
"""Drafts that are made sooner never speak of stages, and many that run at once share one statement."""


class Drafter(Protocol):
    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft: ...


class Followed:
    """A drafter whose drafts can be followed. What cannot be told is left untold: the draft goes on."""

    def __init__(self, inner: Drafter, database: Database) -> None:
        self._inner = inner
        self._database = database
        self._reached: dict[str, Change] = {}
        self._running = 0
        self._telling: asyncio.Task[None] | None = None

    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft:
        async def heard(stage: str) -> None:
            self._reached[job.draft_id] = Change(job.tenant.id, job.ticket_id, job.draft_id, stage=stage)
            if on_stage is not None:
                await on_stage(stage)

        self._running += 1
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="tell-stages")
        try:
            return await self._inner.draft(job, heard)
        finally:
            self._running -= 1
            self._reached.pop(job.draft_id, None)

    async def aclose(self) -> None:
        if self._telling is not None:
            await end([self._telling])

    async def _tell(self) -> None:
        while self._running:
            await asyncio.sleep(EVERY_SECONDS)
            said, self._reached = self._reached, {}
            if not said:
                continue
            try:
                async with self._database.unbound() as tx:
                    await tell(tx, said.values())
            except StoreError as fault:
                log.info("draft.stages_untold", reason=fault.code)
