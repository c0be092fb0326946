"""The drill's own money: a limit on what is really spent, none on what injected failures would cost."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from ccos.domain.money import Level, MicroUsd, level
from ccos.tiers.budget import Reservation


class DrillBudget:
    """A limit on real money, held in memory.

    The service charges a call that failed as if it were billed. Those that were made to fail were never sent:
    `imagined` says how much of what was charged is for them, and that much does not count against the limit.
    """

    def __init__(self, limit: MicroUsd, imagined: Callable[[], int]) -> None:
        self._limit = limit
        self._imagined = imagined
        self._held: dict[Reservation, MicroUsd] = {}
        self._charged = 0

    @property
    def spent(self) -> MicroUsd:
        """What may really have been billed."""
        return MicroUsd(max(0, self._charged - self._imagined()))

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:  # noqa: ARG002
        if self._used + amount > self._limit:
            return None
        reservation = Reservation(uuid4())
        self._held[reservation] = amount
        return reservation

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:  # noqa: ARG002
        if self._held.pop(reservation, None) is not None:
            self._charged += spent

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:  # noqa: ARG002
        self._held.pop(reservation, None)

    def level(self, tenant_id: UUID | None) -> Level:  # noqa: ARG002
        return level(self._used, self._limit)

    @property
    def _used(self) -> int:
        return self.spent + sum(self._held.values())
