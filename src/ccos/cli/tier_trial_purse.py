"""The money of a trial: of the day's, and never more than was allowed for it."""

from __future__ import annotations

from uuid import UUID

from ccos.domain.money import Level, MicroUsd
from ccos.tiers.budget import Budget, MemoryBudget, Reservation


class Purse:
    """The day's budget, and no more than `most` of it for this trial."""

    def __init__(self, day: Budget, most: MicroUsd) -> None:
        self._day, self._own = day, MemoryBudget(most)
        self._pairs: dict[Reservation, Reservation] = {}

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:
        own = await self._own.reserve(tenant_id, amount)
        if own is None:
            return None
        day = await self._day.reserve(tenant_id, amount)
        if day is None:
            self._own.release(tenant_id, own)
            return None
        self._pairs[day] = own
        return day

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:
        self._day.settle(tenant_id, reservation, spent)
        if own := self._pairs.pop(reservation, None):
            self._own.settle(tenant_id, own, spent)

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:
        self._day.release(tenant_id, reservation)
        if own := self._pairs.pop(reservation, None):
            self._own.release(tenant_id, own)

    def level(self, tenant_id: UUID | None) -> Level:
        worst = (Level.EXHAUSTED, Level.COST_FIRST, Level.WARNING)
        found = {self._day.level(tenant_id), self._own.level(tenant_id)}
        return next((level for level in worst if level in found), Level.OK)
