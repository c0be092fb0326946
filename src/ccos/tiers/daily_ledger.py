"""The ledger in PostgreSQL: added up in memory, written down about once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import CcosError
from ccos.store import ledger
from ccos.store.database import Database
from ccos.store.ending import end
from ccos.store.ledger import Line, Sums
from ccos.tiers.ledger import Entry

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
MOST_LINES = 5_000
"""Different lines kept while the database is away; further models and providers are added up as "other"."""
LONGEST_NAME = 120
OTHER = "other"

Rows = dict[Line, Sums]


class DailyLedger:
    """Adds entries up by the day they came, which begins at midnight in `zone`, and who answered.

    What could not be written is kept and written later, each entry once. A line that the database will never
    take is dropped and told of; the others are written. `close` writes what there is. What a killed process
    had not written yet, a second's worth, is missing here; the day's money has it.
    """

    def __init__(
        self,
        database: Database,
        zone: ZoneInfo,
        *,
        flush_seconds: float = FLUSH_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._zone = zone
        self._flush_seconds = flush_seconds
        self._now = now
        self._rows: Rows = {}
        self._sending: Rows = {}
        self._writer, self._batch = uuid4(), 1
        self._task: asyncio.Task[None] | None = None
        self._at_work = asyncio.Lock()

    def note(self, entry: Entry) -> None:
        """Remembers it. Never waits, never raises; an entry without a tenant is nobody's."""
        if entry.tenant_id is None:
            return
        try:
            self._add(entry)
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._write(), name="daily-ledger")
        except Exception as fault:
            log.error("ledger.not_noted", error=type(fault).__name__)

    async def flush(self) -> None:
        """Writes down what has been noted so far. Raises StoreError; then it is kept for later."""
        async with self._at_work:
            if not self._sending:
                self._sending, self._rows = self._rows, {}
            await self._send()

    async def _send(self) -> None:
        """What a line spoils is sent in halves, down to that line. Rows of which it is not known whether they
        were written keep their number, so that they count once; what was refused goes under a new one.
        """
        parts: list[Rows] = []
        try:
            while self._sending:
                rows = list(self._sending.items())
                try:
                    async with self._database.unbound() as tx:
                        await ledger.add(tx, self._writer, self._batch, rows)
                except Exception as fault:
                    if not _is_of_the_rows(fault):
                        raise
                    if len(rows) > 1:
                        parts += dict(rows[::2]), dict(rows[1::2])
                    else:
                        log.error(
                            "ledger.line_dropped", reason=_code(fault), tenant_id=str(rows[0][0].tenant_id)
                        )
                self._batch += 1
                self._sending = parts.pop() if parts else {}
        finally:
            for part in parts:
                for line, sums in part.items():
                    self._rows[line] = self._rows.get(line, Sums()) + sums

    async def close(self, *, seconds: float = 5.0) -> None:
        """Writes what there is, within `seconds`."""
        if self._task is not None:
            await end([self._task])
        try:
            async with asyncio.timeout(seconds):
                while self._rows or self._sending:
                    await self.flush()
        except Exception:
            log.warning("ledger.lines_lost", lines=len(self._rows) + len(self._sending))

    async def _write(self) -> None:
        """A flush each second for as long as there is something; longer pauses while the database is away."""
        pause = self._flush_seconds
        while self._rows or self._sending:
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause = self._flush_seconds
            except Exception as fault:
                log.warning("ledger.not_written", reason=_code(fault), lines=len(self._rows))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _add(self, entry: Entry) -> None:
        assert entry.tenant_id is not None
        line = Line(
            entry.tenant_id,
            self._now().astimezone(self._zone).date(),
            entry.source,
            entry.task.value,
            entry.tier.value,
            entry.provider[:LONGEST_NAME],
            entry.model[:LONGEST_NAME],
        )
        if line not in self._rows and len(self._rows) >= MOST_LINES:
            line = Line(line.tenant_id, line.day, line.source, line.task, line.tier, OTHER, OTHER)
        sums = self._rows.get(line)
        if sums is None:
            sums = self._rows[line] = Sums()
        sums.calls += not entry.cached
        sums.cached += entry.cached
        sums.answers += entry.used
        sums.failed += entry.outcome is Outcome.FAILED
        sums.tokens_in += entry.tokens_in
        sums.tokens_out += entry.tokens_out
        sums.spent_micro_usd += entry.spent
        sums.estimated_micro_usd += entry.estimated
        sums.premium_micro_usd += entry.premium
        if entry.reported is not None:
            sums.reported_micro_usd += entry.reported
            sums.reported_calls += 1
            sums.estimated_of_reported_micro_usd += entry.estimated


def _is_of_the_rows(fault: Exception) -> bool:
    """Whether the same rows can never be written: a value that cannot be said, or that the database refuses
    (SQLSTATE classes 22 and 23). Anything else is the matter of the database, and passes.
    """
    if isinstance(fault, CcosError):
        return str(fault.facts.get("sqlstate"))[:2] in ("22", "23")
    return isinstance(fault, TypeError | ValueError)


def _code(fault: Exception) -> str:
    return fault.code if isinstance(fault, CcosError) else type(fault).__name__
