"""Which arms a draft gets, from the experiments that run; where they cannot be read, none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

import structlog

from ccos.agents.job import Job
from ccos.domain.draft import Draft, Outcome
from ccos.domain.errors import CcosError
from ccos.domain.experiment import Definition, Enrolled, Excluded, Experiment
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Mode, Task, Tier
from ccos.learning.experiments.assigning import arm_of
from ccos.learning.experiments.reading import Reading, read
from ccos.store import experiments
from ccos.store.counts import kept_name
from ccos.store.database import Database
from ccos.store.experiments import Event
from ccos.tiers.filtering import CLOUD_MISSED
from ccos.tiers.predicting import Cell, Predictor

log = structlog.get_logger(__name__)

FRESH_SECONDS = 5.0
"""So long what runs is remembered; one that is stopped gives out arms for no longer."""
READ_SECONDS = 2.0
NOT_THERE = CLOUD_MISSED | {"model.not_loaded"}
PRIOR = 0.75
"""The chance of approval where nothing was counted: any constant does, for it says nothing of a ticket."""

Predict = Callable[[UUID, str, str], float]
"""The chance that a draft is approved, by tenant, intent and language, before anything is made."""


@dataclass(frozen=True, slots=True)
class _Known:
    running: Sequence[Experiment]
    until: float


class Enrolling:
    """Gives tickets their arms. `cards` are the models there are now."""

    def __init__(
        self,
        database: Database,
        cards: Callable[[], Sequence[ProviderCard]],
        predict: Predict,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._cards = cards
        self._predict = predict
        self._clock = clock
        self._known: dict[UUID, _Known] = {}

    async def enrol(self, job: Job, *, intent: str, language: str) -> Job:
        """The job with the tenant's choices as its arms change them. Never raises but for cancellation."""
        try:
            return self._enrolled(job, await self._running(job.tenant.id), intent, language)
        except Exception as fault:  # an experiment must never cost a draft
            log.warning("experiments.not_applied", error=type(fault).__name__)
            return job

    def settled(self, job: Job, draft: Draft) -> Draft:
        """The draft with its arms; those whose way it could not go are marked as fallen over."""
        if not job.experiments:
            return draft
        fell = _fell_over(job, draft)
        parts = tuple(
            part.model_copy(update={"excluded": Excluded.FELL_OVER}) if fell and not part.excluded else part
            for part in job.experiments
        )
        return draft.model_copy(update={"experiments": parts})

    async def _running(self, tenant_id: UUID) -> Sequence[Experiment]:
        known = self._known.get(tenant_id)
        if known is None or self._clock() >= known.until:
            try:
                async with self._database.tenant(tenant_id, seconds=READ_SECONDS) as tx:
                    found = await experiments.running(tx)
            except CcosError as fault:
                log.warning("experiments.unread", tenant_id=str(tenant_id), reason=fault.code)
                found = []
            known = self._known[tenant_id] = _Known(found, self._clock() + FRESH_SECONDS)
        return known.running

    def _enrolled(self, job: Job, running: Sequence[Experiment], intent: str, language: str) -> Job:
        choices, parts = job.tenant.settings.choices, []
        for experiment in running:
            definition = experiment.definition
            arm = arm_of(definition, experiment.id, job.ticket_id)
            if arm is None or not definition.covers(intent, language):
                continue
            excluded = self._excluded(job, definition)
            if excluded is None:
                choices = choices.under(arm.change)
            expected = self._predict(job.tenant.id, intent, language)
            parts.append(
                Enrolled(experiment=experiment.name, arm=arm.name, excluded=excluded, expected=expected)
            )
        if not parts:
            return job
        settings = job.tenant.settings.model_copy(update={"choices": choices})
        tenant = job.tenant.model_copy(update={"settings": settings})
        return replace(job, tenant=tenant, experiments=tuple(parts))

    def _excluded(self, job: Job, definition: Definition) -> Excluded | None:
        """Why the ticket is no part of the comparison, whichever arm it got: never by its own arm alone."""
        if "mode" in definition.knobs and (job.mode_asked or job.mode is Mode.OUTAGE):
            return Excluded.ASKED_OTHERWISE
        there = {(card.tier, card.model) for card in self._cards()}
        wanted = {pair for arm in definition.arms for pair in arm.change.models}
        return None if wanted <= there else Excluded.NOT_TO_BE_HAD


def predicted_by(predictor: Predictor) -> Predict:
    """By what people said of drafts of the same kind, over the tiers that have a model."""
    tiers = [tier for tier in Tier if tier is not Tier.RULE_BASED]

    def predict(tenant_id: UUID, intent: str, language: str) -> float:
        cells = [
            Cell(tenant_id, Task.SOLUTION_DRAFT, kept_name(intent), "en" if language == "en" else "ko", tier)
            for tier in tiers
        ]
        return sum(predictor.predict(cell, accept=PRIOR, good=PRIOR).good for cell in cells) / len(cells)

    return predict


def _fell_over(job: Job, draft: Draft) -> bool:
    """Whether what was wanted was not there: the cloud, or a model that the choices name."""
    named = dict(job.tenant.settings.choices.models)
    return draft.degraded or any(
        attempt.task is Task.SOLUTION_DRAFT
        and named.get(attempt.tier) == attempt.model
        and (
            attempt.outcome is Outcome.FAILED
            or (attempt.outcome is Outcome.SKIPPED and attempt.reason in NOT_THERE)
        )
        for attempt in draft.attempts
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An experiment with what it says now and what was done to it."""

    experiment: Experiment
    reading: Reading
    events: Sequence[Event]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return self.experiment.model_dump(mode="json") | {
            "reading": self.reading.document(),
            "events": [asdict(event) | {"at": event.at.isoformat()} for event in self.events],
        }


async def tell(database: Database, tenant_id: UUID, name: str) -> Told:
    """What the tenant's experiment says at this moment. Raises NotFound, StoreError."""
    async with database.tenant(tenant_id) as tx:
        experiment = await experiments.get(tx, name)
        events = await experiments.events(tx, experiment.id)
        drafts = await experiments.seen(tx, experiment.id)
    reading = await asyncio.to_thread(read, experiment.definition, drafts)
    return Told(experiment, reading, events)


def missing(definition: Definition, cards: Sequence[ProviderCard]) -> str | None:
    """A sentence about a model that an arm names and nobody serves; None when all are there."""
    for arm in definition.arms:
        for tier, model in arm.change.models:
            there = sorted({card.model for card in cards if card.tier is tier})
            if model not in there:
                names = ", ".join(there) or "none"
                return f"The arm {arm.name} wants {model[:100]} of {tier.value}; there is: {names}."
    return None
