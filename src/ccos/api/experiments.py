"""Experiments: made, started, watched, stopped and promoted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, status
from pydantic import BaseModel, ConfigDict, Field

from ccos.api.caller import Caller, Opened, needs
from ccos.domain.choices import Choices
from ccos.domain.errors import BadInput
from ccos.domain.experiment import Definition, Experiment, State
from ccos.domain.tenant import Role
from ccos.store import experiments as store
from ccos.wiring import Ccos
from ccos.wiring.experiments import missing, tell

router = APIRouter(prefix="/api/experiments", tags=["experiments"])

Experimenter = Annotated[Caller, Depends(needs(Role.SUPERVISOR))]


class ExperimentOut(BaseModel):
    id: UUID
    definition: Definition
    state: State
    created_at: datetime
    created_by: str
    started_at: datetime | None
    started_by: str
    stopped_at: datetime | None
    stopped_by: str
    promoted_arm: str | None
    promoted_at: datetime | None
    promoted_by: str
    before: Choices | None = Field(description="What the tenant had chosen when an arm was promoted")


class ExperimentRead(ExperimentOut):
    reading: dict[str, Any] = Field(
        description="verdict, arms, contrasts with their intervals, guardrails; hidden while broken is told"
    )
    events: list[dict[str, Any]] = Field(description="What was done to it, by whom and when")


class ExperimentList(BaseModel):
    experiments: list[ExperimentOut]


class Stop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


class Promote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    arm: str = Field(max_length=60)


@router.get("", summary="List experiments")
async def find(caller: Experimenter, ccos: Opened) -> ExperimentList:
    """The running ones first, then the newest."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await store.find_all(tx)
    return ExperimentList(experiments=[_out(each) for each in found])


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make an experiment")
async def create(definition: Definition, caller: Experimenter, ccos: Opened) -> ExperimentOut:
    """Keep a definition, which nothing changes any more. No ticket is in it before it is started."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return _out(await store.create(tx, definition, by=caller.key_id))


@router.get("/{name}", summary="What an experiment says")
async def show(name: str, caller: Experimenter, ccos: Opened) -> ExperimentRead:
    """Its intervals hold at every moment: they may be looked at, and acted on, as often as one likes."""
    told = await tell(ccos.database, caller.tenant.id, name)
    return ExperimentRead.model_validate(told.document())


@router.post("/{name}/start", summary="Start an experiment")
async def start(name: str, caller: Experimenter, ccos: Opened) -> ExperimentOut:
    """Give tickets to its arms from now on. 409 while another changes the same for some of the tickets."""
    return _out(await started(name, caller, ccos))


@router.post("/{name}/stop", summary="Stop an experiment")
async def stop(name: str, caller: Experimenter, ccos: Opened, wish: Stop | None = None) -> ExperimentOut:
    """Give it no more tickets. What it showed stays."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        reason = wish.reason if wish else ""
        return _out(await store.stop(tx, name, by=caller.key_id, reason=reason))


@router.post("/{name}/promote", summary="Promote an arm")
async def promote(name: str, wish: Promote, caller: Experimenter, ccos: Opened) -> ExperimentOut:
    """Make what the arm changes the tenant's own choice, and stop the experiment."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return _out(await store.promote(tx, name, wish.arm, by=caller.key_id))


@router.delete("/{name}/promote", summary="Take a promotion back")
async def take_back(name: str, caller: Experimenter, ccos: Opened) -> ExperimentOut:
    """Give the tenant back what it had chosen before. 409 when that was changed otherwise since."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return _out(await store.take_back(tx, name, by=caller.key_id))


async def started(name: str, caller: Caller, ccos: Ccos) -> Experiment:
    """Starts it, unless an arm wants a model that nobody serves."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await store.get(tx, name)
        if said := missing(found.definition, ccos.service.cards):
            raise BadInput(said)
        return await store.start(tx, name, by=caller.key_id)


def _out(experiment: Experiment) -> ExperimentOut:
    return ExperimentOut.model_validate(experiment.model_dump())
