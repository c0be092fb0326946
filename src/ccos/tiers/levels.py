"""How far the day's money has gone, as far as this process has heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import structlog

from ccos.domain.money import ZERO, Level, MicroUsd, level, usd, worse
from ccos.store.spend import Applied, Used

log = structlog.get_logger(__name__)

FRESH_SECONDS = 5.0
"""Older than this, what was heard is asked about again: another process may have spent or given back."""


@dataclass(frozen=True, slots=True)
class Heard:
    level: Level
    at: float


class Levels:
    """Of one day at a time: what was heard of another day says nothing."""

    def __init__(self, limit: MicroUsd, clock: Callable[[], float]) -> None:
        self._unheard = level(ZERO, limit)
        self._clock = clock
        self._day = date.min
        self._heard: dict[UUID | None, Heard] = {}
        self._told: dict[UUID | None, Level] = {}

    def of(self, tenant_id: UUID | None, day: date) -> tuple[Level, bool]:
        """The worse of the tenant's level and the total's, and whether it is time to ask again."""
        if day != self._day:
            return self._unheard, True
        total, own = self._heard.get(None), self._heard.get(tenant_id)
        if total is None or own is None:
            return self._unheard if total is None else total.level, True
        stale = self._clock() - min(total.at, own.at) > FRESH_SECONDS
        return worse(total.level, own.level), stale

    def note(self, day: date, applied: Applied, *, enforced: bool) -> None:
        """Takes in what a statement told of `day`, and warns of each level once a day."""
        if day != self._day:
            self._day = day
            self._heard.clear()
            self._told.clear()
        now = self._clock()
        reached: dict[UUID | None, Used] = {}
        for who, used in (*applied.tenants.items(), (None, applied.total)):
            found = level(used.amount, used.limit)
            self._heard[who] = Heard(found, now)
            before = self._told.get(who, Level.OK)
            if found is not before and worse(found, before) is found:
                self._told[who] = found
                reached[who] = used
        for who, used in reached.items():
            if who is None or used != reached.get(None):  # who alone spends all of it says nothing new
                _warn(who, self._told[who], used, enforced)


def _warn(who: UUID | None, reached: Level, used: Used, enforced: bool) -> None:
    log.warning(
        "budget.level",
        reached=reached.value,  # not `level`: in a log line that is how grave the line is
        of="total" if who is None else str(who),
        used_usd=usd(used.amount),
        limit_usd=usd(used.limit),
        enforced=enforced,
    )
