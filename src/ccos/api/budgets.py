"""The day's money: how much is left, what was saved, and whether the two ledgers agree."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ccos.api.caller import AnyCaller, Opened
from ccos.domain.errors import StoreError
from ccos.domain.money import COST_FIRST_SHARE, WARNING_SHARE, Level, MicroUsd, level, usd, worse
from ccos.domain.tenant import Role
from ccos.store import ledger, spend, tenants
from ccos.tiers.costs import costs, day_document, ledgers_document
from ccos.wiring import Ccos

router = APIRouter(prefix="/api/budgets", tags=["budgets"])

SEES_AMOUNTS = frozenset({Role.ADMIN, Role.SUPERVISOR})
DAYS = 30


class Total(BaseModel):
    level: Level = Field(description="Of all tenants together; their amounts are not shown")


class Thresholds(BaseModel):
    warning: float = Field(WARNING_SHARE, description="Share of the limit from which on it is warned")
    cost_first: float = Field(COST_FIRST_SHARE, description="... every mode becomes cost_first")
    exhausted: float = Field(1.0, description="... only tiers that cost nothing are asked")


class BudgetOut(BaseModel):
    """Amounts in USD are for supervisors and administrators; others read the levels, and null amounts."""

    day: date
    timezone: str
    resets_at: datetime
    enforced: bool = Field(description="Off: recorded only, ENABLE_COST_BASED_FALLBACK is false")
    limit_usd: float | None = Field(description="The tenant's own or the total one, whichever is lower")
    spent_usd: float | None
    reserved_usd: float | None = Field(description="Held for calls under way")
    remaining_usd: float | None = Field(
        description="Of the tenant's limit; nothing once all tenants together have used the total"
    )
    share: float = Field(description="Spent and held, of the limit")
    level: Level
    total: Total
    thresholds: Thresholds
    ledgers: dict[str, Any] | None = Field(
        description="Our estimate and the providers' reports of the same calls, over the days shown"
    )
    days: list[dict[str, Any]] = Field(description="The last 30 days, the oldest first")


@router.get("", summary="The day's money")
async def read(caller: AnyCaller, ccos: Opened) -> BudgetOut:
    """What the caller's tenant may still spend today, at which level that is, and the last 30 days."""
    full = caller.role in SEES_AMOUNTS
    if full:
        with contextlib.suppress(StoreError):  # then the ledger is a little behind
            await ccos.ledger.flush()
    today = ccos.budget.today
    first = today - timedelta(days=DAYS - 1)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        own = (await tenants.by_id(tx, caller.tenant.id)).settings.daily_cost_limit_usd
        day = await spend.of_day(tx, today)
        total = await spend.total_of_day(tx, today)
        spent = await spend.of_days(tx, first, today) if full else []
        rows = await ledger.of_days(tx, first, today) if full else []
    limit = ccos.budget.limits.total
    if own is not None:
        limit = min(limit, MicroUsd(int(own * 1_000_000)))
    used = day.spent + day.reserved
    left_of_all = ccos.budget.limits.total - total.spent - total.reserved
    of_all = level(total.spent + total.reserved, ccos.budget.limits.total)
    found = costs(spent, rows, first=first, last=today)

    def amount(value: int) -> float | None:
        return usd(MicroUsd(value)) if full else None

    return BudgetOut(
        day=today,
        timezone=ccos.settings.timezone,
        resets_at=_resets_at(ccos, today),
        enforced=ccos.budget.limits.enforced,
        limit_usd=amount(limit),
        spent_usd=amount(day.spent),
        reserved_usd=amount(day.reserved),
        remaining_usd=amount(0 if left_of_all <= 0 else max(limit - used, 0)),
        share=round(used / limit, 4) if limit else 1.0,
        level=worse(level(used, limit), of_all),
        total=Total(level=of_all),
        thresholds=Thresholds(),
        ledgers=ledgers_document(found) if full else None,
        days=[day_document(each) for each in found.days] if full else [],
    )


def _resets_at(ccos: Ccos, today: date) -> datetime:
    return datetime.combine(today + timedelta(days=1), time(), ccos.budget.zone)
