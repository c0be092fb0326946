"""The figures page: what was promised and kept, by day and by tier, with how sure it is."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from ccos.api import budgets, kb_gaps
from ccos.api.budgets import SEES_AMOUNTS
from ccos.api.caller import Caller, Opened, needs
from ccos.api.health import health_now
from ccos.api.kpis import figures_of
from ccos.console.routing import PageRoute
from ccos.console.showing import Visit, visit_of
from ccos.domain.money import usd
from ccos.domain.tier import Tier
from ccos.learning import kpis
from ccos.learning.kpis import By, Outcomes, Share
from ccos.wiring.kpis import Figures

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Manager = Annotated[Caller, Depends(needs(*SEES_AMOUNTS))]

SPANS = (7, 30, 90)
GAP_DAYS, MOST_GAPS = 28, 5
GROUPS: tuple[By, ...] = ("tier", "intent", "language", "channel", "agent", "model", "day")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of the figures a person wants to see."""

    days: Annotated[int, Query(ge=1, le=366)] = 30
    by: Annotated[By, Query()] = "tier"


@dataclass(frozen=True, slots=True)
class Series:
    """A chart for `static/charts.js`: `x` are days, each line has its values; None is a gap. Shares are in
    [0, 1]. `kind` is "lines", "stack", or "match" of what was predicted (`x`, shares) with what came;
    `unit` is "share", "count" or "usd".
    """

    kind: str
    unit: str
    x: list[str] | list[float]
    lines: list[dict[str, Any]]
    target: float | None = None

    @property
    def data(self) -> str:
        named = {
            "kind": self.kind,
            "unit": self.unit,
            "x": self.x,
            "lines": self.lines,
            "target": self.target,
        }
        return orjson.dumps(named).decode()


@router.get("/dashboard")
async def dashboard(
    request: Request, caller: Manager, ccos: Opened, chosen: Annotated[Chosen, Depends()]
) -> Response:
    visit, found = visit_of(request, caller), await figures_of(ccos, caller, chosen.days)
    gaps = await kb_gaps.find(caller, ccos, days=GAP_DAYS, limit=MOST_GAPS)
    return visit.page(
        "dashboard.html",
        chosen=chosen,
        spans=SPANS,
        by=GROUPS,
        found=found,
        whole=kpis.outcomes(found.decided),
        beside=kpis.beside(found.made),
        reasons=kpis.reasons(found.decided),
        groups=kpis.grouped(found.decided, chosen.by),
        promises=found.kpis(),
        charts={
            "approval": approval(found, visit),
            "tiers": drafts_by_tier(found, visit),
            "money": money(found, visit),
            "calibration": calibration(found, visit),
        },
        per_approved=per_approved(found),
        today=await budgets.read(caller, ccos),
        gaps=gaps.gaps,
        tiers=health_now(ccos)["tiers"],
    )


@router.get("/dashboard.csv")
async def table(caller: Manager, ccos: Opened, chosen: Annotated[Chosen, Depends()]) -> Response:
    """The groups of the page as a table for a spreadsheet."""
    found = await figures_of(ccos, caller, chosen.days)
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(
        [
            chosen.by,
            "decided",
            "as_is",
            "edited",
            "rejected",
            "approval",
            "low",
            "high",
            "reopened",
            "rated",
            "csat_sum",
            "seconds_to_decide",
        ]
    )
    for name, each in kpis.grouped(found.decided, chosen.by).items():
        write.writerow([_plain(found.agents.get(name, name)), *_cells(each)])
    headers = {"content-disposition": f'attachment; filename="ccos-{chosen.by}-{found.last}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(name: str) -> str:
    """A spreadsheet takes what begins like a formula for one; names come from tickets."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _cells(each: Outcomes) -> list[object]:
    share = each.approval
    return [each.decided, each.as_is, each.edited, each.rejected, share.value, share.interval.low,
            share.interval.high, each.reopened, each.rated, each.csat,
            each.seconds / each.timed if each.timed else None]  # fmt: skip


def approval(found: Figures, visit: Visit) -> Series:
    """By day, with the interval as a band: a day of few decisions has a wide one."""
    groups = kpis.grouped(found.decided, "day")
    days = _days(found)
    shares = [groups[day].approval if day in groups else None for day in days]
    low = [share.interval.low if share else None for share in shares]
    high = [share.interval.high if share else None for share in shares]
    label = visit.t("dash.approval")
    line = {
        "label": label,
        "values": [share.value if share else None for share in shares],
        "low": low,
        "high": high,
    }
    return Series("lines", "share", days, [line], target=0.8)


def drafts_by_tier(found: Figures, visit: Visit) -> Series:
    """Drafts of each day, by the tier that answered; those without one were not answered."""
    days = _days(found)
    counted: dict[tuple[str, str], int] = {}
    for row in found.made:
        if row.tier or row.state == "failed":
            key = row.tier or "failed", row.day.isoformat()
            counted[key] = counted.get(key, 0) + row.n
    names = {tier.value: visit.teller.tier(tier) for tier in Tier} | {"failed": visit.t("state.failed")}
    lines = [
        {"label": label, "values": [counted.get((name, day), 0) for day in days]}
        for name, label in names.items()
        if any(counted.get((name, day)) for day in days)
    ]
    return Series("stack", "count", days, lines)


def calibration(found: Figures, visit: Visit) -> Series:
    """What people approved, by the quality that was predicted: on the dashed line where both are the same."""
    shares = [Share(each.approved, each.n) for each in found.calibration]
    line = {
        "label": visit.t("dash.approval"),
        "values": [share.value for share in shares],
        "low": [share.interval.low for share in shares],
        "high": [share.interval.high for share in shares],
    }
    return Series("match", "share", [round(each.predicted, 3) for each in found.calibration], [line])


def money(found: Figures, visit: Visit) -> Series:
    """Spent by day, beside what the premium model would have cost for the same answers."""
    days = found.costs.days
    lines = [
        {"label": visit.t("dash.premium"), "values": [usd(day.premium) for day in days]},
        {"label": visit.t("dash.spent"), "values": [usd(day.spent) for day in days]},
    ]
    return Series("lines", "usd", [day.day.isoformat() for day in days], lines)


def per_approved(found: Figures) -> float | None:
    """USD for each draft that was used; None where none was."""
    used = kpis.outcomes(found.decided).approval.hits
    return usd(found.costs.spent_on_drafts) / used if used else None


def _days(found: Figures) -> list[str]:
    span: int = (found.last - found.first).days
    first: date = found.first
    return [(first + timedelta(days=n)).isoformat() for n in range(span + 1)]
