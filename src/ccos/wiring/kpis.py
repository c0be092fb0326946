"""What a report on quality stands on, read in one transaction of the tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ccos.domain.money import MicroUsd
from ccos.learning import kpis
from ccos.learning.kpis import By, Kpi, Money, Share
from ccos.learning.outages import Outage, outages
from ccos.store import keys, ledger, spend, tenants
from ccos.store import kpis as store
from ccos.store import outages as outages_store
from ccos.store.database import Tx
from ccos.store.kpis import Decided, Made, Predicted, Quantiles
from ccos.store.outages import Meanwhile
from ccos.tiers.costs import Costs, costs, saved_share

MOST_OUTAGES = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the days `first` to `last`, both included. `to_decide` is None where nobody was seen opening."""

    first: date
    last: date
    decided: Sequence[Decided]
    made: Sequence[Made]
    seconds: Mapping[str, Quantiles]
    stages: Mapping[str, Quantiles]
    to_decide: Quantiles | None
    calibration: Sequence[Predicted]
    """What the gate expected of drafts beside what people did with them."""
    outages: Sequence[tuple[Outage, Meanwhile]]
    """When tiers were silent, the newest first, and what became of the drafts meanwhile."""
    money: Money
    costs: Costs
    moves: Mapping[tuple[str, str], int]
    """How often a tier did not give the reply asked of it, by tier and reason."""
    agents: Mapping[str, str]
    """What the keys that decided are called, where they have a label."""

    def kpis(self, *, money: bool = True) -> list[Kpi]:
        return kpis.kpis(self.decided, self.made, self.money if money else None)

    def document(self, by: By, *, money: bool = True) -> dict[str, Any]:
        """All of it as JSON, with a group for each value of `by`."""
        groups = kpis.grouped(self.decided, by)
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "kpis": [kpis.kpi_document(each) for each in self.kpis(money=money)],
            "total": kpis.document(kpis.outcomes(self.decided)),
            "beside": kpis.beside(self.made),
            "reasons": kpis.reasons(self.decided),
            "seconds": kpis.quantiles_document(self.seconds),
            "stages": kpis.quantiles_document(self.stages),
            "calibration": [_calibration(each) for each in self.calibration],
            "outages": [_outage(each, drafts) for each, drafts in self.outages],
            "by": by,
            "groups": {name: kpis.document(each) for name, each in groups.items()},
            "agents": dict(self.agents) if by == "agent" else {},
        }


async def read_figures(tx: Tx, first: date, last: date, *, zone: str, limit: MicroUsd) -> Figures:
    """The bound tenant's figures. A day is over its limit by today's limits: its own, or `limit` of all."""
    assert tx.tenant_id is not None
    own = (await tenants.by_id(tx, tx.tenant_id)).settings.daily_cost_limit_usd
    if own is not None:
        limit = min(limit, MicroUsd(int(own * 1_000_000)))
    spent = await spend.of_days(tx, first, last)
    whole = costs(spent, await ledger.of_days(tx, first, last), first=first, last=last)
    return Figures(
        first,
        last,
        await store.decided(tx, first, last, zone=zone),
        await store.made(tx, first, last, zone=zone),
        await store.seconds_by_tier(tx, first, last, zone=zone),
        await store.seconds_by_stage(tx, first, last, zone=zone),
        await store.seconds_to_decide(tx, first, last, zone=zone),
        await store.calibration(tx, first, last, zone=zone),
        await _outages(tx, first, last, zone=zone),
        Money(
            saved=saved_share(whole.whole),
            days_over=sum(day.spent > limit for day in spent),
            days=(last - first).days + 1,
        ),
        whole,
        await store.moves(tx, first, last, zone=zone),
        {str(key.id): key.label for key in await keys.find_all(tx) if key.label},
    )


async def _outages(tx: Tx, first: date, last: date, *, zone: str) -> list[tuple[Outage, Meanwhile]]:
    found = outages(await outages_store.slices(tx, first, last, zone=zone))[:MOST_OUTAGES]
    drafts = await outages_store.meanwhile(tx, [(each.began, each.ended) for each in found])
    return list(zip(found, drafts, strict=True))


def _outage(each: Outage, drafts: Meanwhile) -> dict[str, Any]:
    return {
        "tier": each.tier.value,
        "began": each.began.isoformat(),
        "ended": each.ended.isoformat(),
        "asked": each.asked,
        "silent": each.silent,
        "drafts": drafts.drafts,
        "answered": drafts.answered,
    }


def _calibration(each: Predicted) -> dict[str, Any]:
    seen = Share(each.approved, each.n)
    return {
        "n": each.n,
        "predicted": round(each.predicted, 4),
        "approved": seen.value,
        "low": seen.interval.low,
        "high": seen.interval.high,
        "thin": seen.thin,
    }
