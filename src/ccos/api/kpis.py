"""The figures people are asked for: approval, edits, answers, savings, with how sure they are."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ccos.api.budgets import SEES_AMOUNTS
from ccos.api.caller import AnyCaller, Caller, Opened, require
from ccos.domain.errors import StoreError
from ccos.learning.kpis import By
from ccos.wiring import Ccos
from ccos.wiring.kpis import Figures, read_figures

router = APIRouter(prefix="/api/kpis", tags=["kpis"])


class KpisOut(BaseModel):
    """Shares come with `n` and a 95 % interval; `thin` ones rest on fewer than 30."""

    first: date
    last: date
    timezone: str
    kpis: list[dict[str, Any]] = Field(description="The product's promises against what was seen")
    total: dict[str, Any] = Field(description="What people did with the drafts they decided about")
    beside: dict[str, int] = Field(description="Drafts nobody decided about, which no share counts")
    reasons: dict[str, int] = Field(description="Why drafts were rejected")
    seconds: dict[str, Any] = Field(description="How long drafts took to make, by the tier that answered")
    stages: dict[str, Any] = Field(description="Where that time went; queue: the wait before")
    calibration: list[dict[str, Any]] = Field(
        description="By tenths of the quality predicted: how many drafts were decided about, and approved"
    )
    outages: list[dict[str, Any]] = Field(
        description="When a tier was silent for half of its drafts or more, and what came of all drafts then"
    )
    by: str
    groups: dict[str, dict[str, Any]] = Field(description="The same as `total`, one for each value of `by`")
    agents: dict[str, str] = Field(description="What the keys are called that `by=agent` shows")


@router.get("", summary="How good the drafts are")
async def read(
    caller: AnyCaller,
    ccos: Opened,
    days: Annotated[int, Query(ge=1, le=366, description="Up to today, today too")] = 30,
    by: By = "tier",
) -> KpisOut:
    """Approval = (as is + edited) / decided. Savings, limits and single agents are for supervisors and
    administrators.
    """
    full = caller.role in SEES_AMOUNTS
    if by == "agent":
        require(caller, *SEES_AMOUNTS)
    found = await figures_of(ccos, caller, days, flush=full)
    return KpisOut(timezone=ccos.settings.timezone, **found.document(by, money=full))


async def figures_of(ccos: Ccos, caller: Caller, days: int, *, flush: bool = True) -> Figures:
    """The caller's tenant's figures of so many days up to today; with `flush` those of this very moment."""
    if flush:
        with contextlib.suppress(StoreError):  # then the ledger is a little behind
            await ccos.ledger.flush()
    last = ccos.budget.today
    first = last - timedelta(days=days - 1)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return await read_figures(
            tx, first, last, zone=ccos.settings.timezone, limit=ccos.budget.limits.total
        )
