"""The decision log in PostgreSQL: gathered in memory, written down about once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from ccos.domain.errors import CcosError
from ccos.store import plans
from ccos.store.counts import Cell
from ccos.store.database import Database
from ccos.store.ending import end
from ccos.store.plans import PlanDecision
from ccos.tiers.decision_log import GateWord

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
MOST_DECISIONS, MOST_CELLS = 5_000, 5_000
"""Kept while the database is away; what comes beyond is dropped, counted, and told of."""
BATCH = 500
"""Decisions written in one statement."""


@dataclass(slots=True)
class Noted:
    """What is to be written: decisions in order, and of each cell how many were accepted and refused."""

    decisions: list[PlanDecision] = field(default_factory=list)
    answers: dict[Cell, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.decisions or self.answers)

    def halves(self) -> list[Noted]:
        """Itself in two parts, or nothing where it cannot be parted."""
        if len(self.decisions) + len(self.answers) < 2:
            return []
        cells = list(self.answers.items())
        if self.decisions and cells:
            return [Noted(self.decisions), Noted(answers=self.answers)]
        return [Noted(self.decisions[n::2], dict(cells[n::2])) for n in (0, 1)]


class DecisionWriter:
    """Writes decisions and answers in the background, each once; a draft never waits for it.

    Up to a bound they are kept while the database is away: they teach, and nothing that was promised to
    anybody hangs on them. `dropped` counts what was lost since the start. `close` writes what there is.
    """

    def __init__(self, database: Database, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._database = database
        self._flush_seconds = flush_seconds
        self._noted = Noted()
        self._sending: list[Noted] = []
        self._writer, self._batch = uuid4(), 1
        self._task: asyncio.Task[None] | None = None
        self._at_work = asyncio.Lock()
        self._told = False
        self.dropped = 0

    def note(self, decision: PlanDecision | None, answers: Sequence[GateWord]) -> None:
        """Remembers it. Never waits, never raises."""
        try:
            self._add(decision, answers)
            if self._noted and (self._task is None or self._task.done()):
                self._task = asyncio.get_running_loop().create_task(self._write(), name="decision-log")
        except Exception as fault:
            log.error("decisions.not_noted", error=type(fault).__name__)

    async def flush(self) -> None:
        """Writes down what has been noted so far. Raises StoreError; then it is kept for later."""
        async with self._at_work:
            while self._sending or self._noted:
                if not self._sending:
                    self._sending = [self._taken()]
                await self._send()

    async def close(self, *, seconds: float = 5.0) -> None:
        """Writes what there is, within `seconds`."""
        if self._task is not None:
            await end([self._task])
        try:
            async with asyncio.timeout(seconds):
                await self.flush()
        except Exception:
            left = len(self._noted.decisions) + sum(len(part.decisions) for part in self._sending)
            log.warning("decisions.lost", decisions=left + self.dropped)

    async def _send(self) -> None:
        """Writes the part that is next. One that can never be written is parted, down to what spoils it."""
        part = self._sending[-1]
        try:
            async with self._database.unbound() as tx:
                await plans.add(tx, self._writer, self._batch, part.decisions, part.answers)
        except Exception as fault:
            if not _is_of_the_rows(fault):
                raise
            self._sending[-1:] = halves = part.halves()
            if not halves:
                self.dropped += 1
                log.error("decisions.row_dropped", reason=_code(fault))
        else:
            self._sending.pop()
        self._batch += 1

    async def _write(self) -> None:
        """A flush each second for as long as there is something; longer pauses while the database is away."""
        pause = self._flush_seconds
        while self._noted or self._sending:
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause, self._told = self._flush_seconds, False
            except Exception as fault:
                log.warning("decisions.not_written", reason=_code(fault), dropped=self.dropped)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _taken(self) -> Noted:
        decisions, answers = self._noted.decisions, self._noted.answers
        self._noted = Noted(decisions[BATCH:])
        return Noted(decisions[:BATCH], answers)

    def _add(self, decision: PlanDecision | None, answers: Sequence[GateWord]) -> None:
        if decision is not None:
            if len(self._noted.decisions) < MOST_DECISIONS:
                self._noted.decisions.append(decision)
            else:
                self._drop()
        for cell, accepted in answers:
            if cell not in self._noted.answers and len(self._noted.answers) >= MOST_CELLS:
                self._drop()
                continue
            yes, no = self._noted.answers.get(cell, (0, 0))
            self._noted.answers[cell] = (yes + accepted, no + (not accepted))

    def _drop(self) -> None:
        self.dropped += 1
        if not self._told:
            self._told = True
            log.warning("decisions.dropped", kept=len(self._noted.decisions))


def _is_of_the_rows(fault: Exception) -> bool:
    """Whether the same rows can never be written (SQLSTATE classes 22 and 23); else it passes."""
    if isinstance(fault, CcosError):
        return str(fault.facts.get("sqlstate"))[:2] in ("22", "23")
    return isinstance(fault, TypeError | ValueError)


def _code(fault: Exception) -> str:
    return fault.code if isinstance(fault, CcosError) else type(fault).__name__
