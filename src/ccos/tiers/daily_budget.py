"""The day's money in PostgreSQL: shared by every process, exact under any concurrency."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from ccos.domain.money import MicroUsd
from ccos.store import spend
from ccos.store.database import Database
from ccos.tiers.budget import Reservation


class DailyBudget:
    """A limit per tenant and day; the day begins at midnight in `zone`."""

    def __init__(
        self,
        database: Database,
        limit: MicroUsd,
        zone: ZoneInfo,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._limit = limit
        self._zone = zone
        self._now = now

    @property
    def today(self) -> date:
        return self._now().astimezone(self._zone).date()

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:
        """A hold, or None when the limit leaves no room, or nobody is there to pay. Raises StoreError."""
        if tenant_id is None:
            return None
        async with self._database.tenant(tenant_id) as tx:
            held = await spend.reserve(tx, amount, cap=self._limit, day=self.today)
        return None if held is None else Reservation(held)

    async def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:
        assert tenant_id is not None  # there is no hold without a tenant
        async with self._database.tenant(tenant_id) as tx:
            await spend.settle(tx, reservation, spent)

    async def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:
        assert tenant_id is not None
        async with self._database.tenant(tenant_id) as tx:
            await spend.release(tx, reservation)
