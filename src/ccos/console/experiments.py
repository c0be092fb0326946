"""The experiments page: what runs, what it says at this moment, and the form that starts one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from ccos.api import experiments as api
from ccos.api.caller import Caller, Opened, needs
from ccos.api.experiments import Promote, Stop, started
from ccos.console.dashboard import Series
from ccos.console.routing import PageRoute
from ccos.console.showing import Visit, visit_of
from ccos.domain.choices import Choices
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.experiment import Definition, Metric
from ccos.domain.tenant import Role
from ccos.domain.tier import Mode, Tier
from ccos.learning.experiments.reading import Contrast, Point, Reading
from ccos.store import experiments as store
from ccos.wiring import Ccos
from ccos.wiring.experiments import Told, tell

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Manager = Annotated[Caller, Depends(needs(Role.SUPERVISOR))]

WIDEST = 4.0
"""Times the last interval's width; wider ones at the beginning would flatten all that follows."""
KNOBS = ("mode", "guidance", "required_quality", "tier_0", "tier_1", "tier_2")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form was filled with."""

    name: Annotated[str, Form(max_length=100)] = ""
    hypothesis: Annotated[str, Form(max_length=1_000)] = ""
    knob: Annotated[str, Form(max_length=40)] = "mode"
    value: Annotated[str, Form(max_length=4_000)] = ""
    metric: Annotated[str, Form(max_length=40)] = "approval"
    share: Annotated[str, Form(max_length=20)] = "100"
    language: Annotated[str, Form(max_length=10)] = ""
    intents: Annotated[str, Form(max_length=1_000)] = ""

    def definition(self) -> Definition:
        """Raises ValidationError, ValueError."""
        value = self.value.strip()
        change = {"models": {self.knob: value}} if self.knob.startswith("tier_") else {self.knob: value}
        metric = Metric(self.metric)
        return Definition.model_validate(
            {
                "name": self.name.strip().lower().replace(" ", "-"),
                "hypothesis": self.hypothesis.strip(),
                "arms": [{"name": "control"}, {"name": "new", "change": change}],
                "share": float(self.share) / 100,
                "languages": [self.language] if self.language else [],
                "intents": [each.strip() for each in self.intents.split(",") if each.strip()],
                "metric": metric,
                "least_effect": {Metric.SECONDS: 5.0, Metric.COST: 0.001}.get(metric, 0.05),
            }
        )


@router.get("/experiments")
async def listed(request: Request, caller: Manager, ccos: Opened) -> Response:
    return await _list(visit_of(request, caller), ccos)


@router.post("/experiments")
async def create(
    request: Request, caller: Manager, ccos: Opened, wanted: Annotated[Wanted, Depends()]
) -> Response:
    """Made and started in one step; when it cannot start, it is not made either."""
    try:
        definition = wanted.definition()
    except (ValidationError, ValueError):
        return await _again(request, caller, ccos, wanted, "exp.invalid")
    try:
        await api.create(definition, caller, ccos)
    except Conflict:
        return await _again(request, caller, ccos, wanted, "exp.taken", 409)
    try:
        await started(definition.name, caller, ccos)
    except Conflict:
        return await _again(request, caller, ccos, wanted, "exp.busy", 409)
    except NotFound:
        raise
    except BadInput:
        return await _again(request, caller, ccos, wanted, "exp.not_possible")
    return RedirectResponse(f"/experiments/{definition.name}", 303)


@router.get("/experiments/{name}")
async def show(name: str, request: Request, caller: Manager, ccos: Opened) -> Response:
    return await _one(name, visit_of(request, caller), ccos)


@router.post("/experiments/{name}")
async def change(
    name: str,
    request: Request,
    caller: Manager,
    ccos: Opened,
    do: Annotated[Literal["start", "stop", "promote", "back"], Form()],
    arm: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    visit = visit_of(request, caller, here=f"/experiments/{name}")
    try:
        if do == "start":
            await started(name, caller, ccos)
        elif do == "stop":
            await api.stop(name, caller, ccos, Stop())
        elif do == "promote":
            await api.promote(name, Promote(arm=arm), caller, ccos)
        else:
            await api.take_back(name, caller, ccos)
    except NotFound:
        raise
    except Conflict:
        return await _one(
            name, visit, ccos, notice="exp.busy" if do == "start" else "exp.changed", status=409
        )
    except BadInput:
        return await _one(name, visit, ccos, notice="exp.not_possible", status=422)
    return RedirectResponse(f"/experiments/{name}", 303)


async def _again(
    request: Request, caller: Caller, ccos: Ccos, wanted: Wanted, notice: str, status: int = 422
) -> Response:
    visit = visit_of(request, caller, here="/experiments")
    return await _list(visit, ccos, wanted=wanted, notice=notice, status=status)


async def _list(
    visit: Visit, ccos: Ccos, *, wanted: Wanted | None = None, notice: str | None = None, status: int = 200
) -> Response:
    assert visit.caller is not None
    async with ccos.database.tenant(visit.caller.tenant.id) as tx:
        found = await store.find_all(tx)
    return visit.page(
        "experiments.html",
        status,
        found=found,
        wanted=wanted or Wanted(),
        notice=notice,
        knobs=KNOBS,
        modes=[mode.value for mode in Mode if mode is not Mode.OUTAGE],
        metrics=[metric.value for metric in Metric],
        models=sorted({c.model for c in ccos.service.cards if c.tier is not Tier.RULE_BASED}),
    )


async def _one(
    name: str, visit: Visit, ccos: Ccos, *, notice: str | None = None, status: int = 200
) -> Response:
    assert visit.caller is not None
    told = await tell(ccos.database, visit.caller.tenant.id, name)
    return visit.page(
        "experiment.html",
        status,
        told=told,
        one=told.experiment,
        of=told.experiment.definition,
        reading=told.reading,
        verdict=verdict(visit, told),
        charts=charts(visit, told.reading),
        changes={arm.name: words_of(visit, arm.change) for arm in told.experiment.definition.arms},
        shown=Shown(told.reading),
        notice=notice,
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """Numbers of a reading as a page writes them, in the unit of its metric."""

    reading: Reading

    def mean(self, value: float | None) -> str:
        if value is None:
            return "–"
        return f"{100 * value:.1f}%" if self.reading.metric.more_is_better else self.plain(value)

    def effect(self, value: float) -> str:
        share = self.reading.metric.more_is_better
        return f"{100 * value:+.1f}" if share else f"{value:+.3g}"

    def guard(self, name: str, value: float | None) -> str:
        if value is None:
            return "–"
        return f"${value:.4f}" if name == "cost_per_approved" else f"{100 * value:.1f}%"

    def bound(self, name: str, value: float) -> str:
        if name == "p95_seconds":
            return f"{value:g} s"
        return f"+{100 * value:g}%" if name == "cost_per_approved" else f"+{100 * value:g}%p"

    def chance(self, p: float) -> str:
        return f"{p:.3f}" if p >= 0.001 else "< 0.001"

    def plain(self, value: float) -> str:
        return f"${value:.4f}" if self.reading.metric is Metric.COST else f"{value:.1f}"


def verdict(visit: Visit, told: Told) -> str:
    """One or two plain sentences."""
    said = told.reading.verdict
    facts = {
        "arm": said.arm,
        "n": f"{said.about:,}",
        "what": visit.t.known("guard", said.what) if said.code == "harm" else said.what,
    }
    if said.code == "broken":
        return visit.t(f"expbroken.{said.what}")
    if said.code in ("thin", "unknown") and not said.n:
        return visit.t("expverdict.wait")
    return visit.t(f"expverdict.{said.code}", **facts)


def words_of(visit: Visit, change: Choices) -> list[str]:
    """What an arm changes, a line for each."""
    if not change.knobs:
        return [visit.t("exp.as_now")]
    lines: list[tuple[str, object]] = []
    if change.mode is not None:
        lines.append(("mode", visit.t.known("mode", change.mode.value)))
    if change.guidance is not None:
        lines.append(("guidance", change.guidance))
    if change.required_quality is not None:
        lines.append(("required_quality", change.required_quality))
    lines += [(tier.value, model) for tier, model in change.models]
    return [f"{visit.t(f'knob.{name}')}: {value}" for name, value in lines]


def charts(visit: Visit, reading: Reading) -> Mapping[str, Series]:
    """The way of each arm's interval, by arm."""
    unit = "points" if reading.metric.more_is_better else "plain"
    return {
        each.arm: Series("interval", unit, *_lines(visit, each, later(each.points)), target=0.0)
        for each in reading.contrasts
        if each.points
    }


def later(points: Sequence[Point]) -> Sequence[Point]:
    """Without the beginning, when the interval was too wide to be drawn beside the rest."""
    if not points:
        return points
    most = WIDEST * (points[-1].high - points[-1].low)
    first = next(at for at, point in enumerate(points) if point.high - point.low <= most)
    return points[first:]


def _lines(visit: Visit, each: Contrast, points: Sequence[Point]) -> tuple[list[str], list[dict[str, Any]]]:
    moments = [datetime.fromtimestamp(point.at, UTC).isoformat(timespec="seconds") for point in points]
    line = {
        "label": visit.t("exp.effect", arm=each.arm),
        "values": [point.effect for point in points],
        "low": [point.low for point in points],
        "high": [point.high for point in points],
    }
    return moments, [line]
