"""The day's money, as the tiers see it: reserve before a paid call, settle or release after."""

from __future__ import annotations

from typing import NewType, Protocol
from uuid import UUID, uuid4

from ccos.domain.money import Level, MicroUsd, level

Reservation = NewType("Reservation", UUID)


class Budget(Protocol):
    """Reserving is atomic: the sum of spent and reserved never passes the day's limit."""

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:
        """A hold on `amount`, or None when the day's limit leaves no room."""
        ...

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:
        """Turns the hold into what was really spent."""
        ...

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:
        """Gives the hold back: nothing was spent."""
        ...

    def level(self, tenant_id: UUID | None) -> Level:
        """How far the day's money has gone, as far as is known here: from memory, never waiting."""
        ...


class MemoryBudget:
    """A limit held in this process alone, over all tenants: for tests, and where there is no database."""

    def __init__(self, limit: MicroUsd) -> None:
        self._limit = limit
        self._held: dict[Reservation, MicroUsd] = {}
        self.spent = MicroUsd(0)

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:  # noqa: ARG002
        if self.spent + sum(self._held.values()) + amount > self._limit:
            return None
        reservation = Reservation(uuid4())
        self._held[reservation] = amount
        return reservation

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:  # noqa: ARG002
        if self._held.pop(reservation, None) is not None:
            self.spent = MicroUsd(self.spent + spent)

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:  # noqa: ARG002
        self._held.pop(reservation, None)

    def level(self, tenant_id: UUID | None) -> Level:  # noqa: ARG002
        return level(self.spent + sum(self._held.values()), self._limit)
