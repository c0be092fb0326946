"""The ticket's way as a graph: triage, retrieve, synthesise, resolve, propose.

Nodes are plain async functions over the state; a node that fails leaves an error in the state and a
value the next node can work with, so that a fault degrades the draft and never loses it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from operator import add
from typing import Annotated, Any, TypedDict

import structlog
from langgraph.graph import END, START, StateGraph

from ccos.agents.findings import Findings
from ccos.agents.job import Job, OnStage
from ccos.agents.ports import Experiments, Generator, NoExperiments, Search
from ccos.agents.proposal import propose
from ccos.agents.resolution import Resolution, Synthesis, resolve, synthesise
from ccos.agents.retriever import retrieve
from ccos.agents.triage import Triage, triage
from ccos.agents.triage_models import Models
from ccos.domain.draft import Draft
from ccos.domain.errors import CcosError
from ccos.domain.evidence import for_writing
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import PiiClass
from ccos.domain.tier import Mode
from ccos.tiers.request import Context

log = structlog.get_logger(__name__)

RETRIEVAL_SHARE = 0.25
SYNTHESIS_SHARE = 0.4
"""Shares of the remaining time a stage may take, so that the reply itself keeps most of it."""
LONG_CHARACTERS = 50_000
"""Above it a text is searched for personal data in a thread, so that other drafts need not wait for it."""


class State(TypedDict, total=False):
    job: Job
    deadline: float
    triage: Triage
    findings: Findings
    found_pii: PiiClass
    synthesis: Synthesis
    resolution: Resolution
    draft: Draft
    errors: Annotated[list[str], add]


class Orchestrator:
    """Runs the graph. `classify` says what personal data a text holds; when it fails the cloud is closed.

    `models` read tickets beside the rules; None means those that ship with CCOS.
    """

    def __init__(
        self,
        generator: Generator,
        search: Search,
        classify: Callable[[str], PiiClass],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        models: Models | None = None,
        experiments: Experiments | None = None,
    ) -> None:
        self._generator = generator
        self._search = search
        self._classify = classify
        self._clock = clock
        self._now = now
        self._models = models
        self._experiments = experiments or NoExperiments()
        self._graph = self._build()

    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft:
        """The draft of a ticket. `on_stage` hears the name of each stage when it is done."""
        started = self._clock()
        state: State = {"job": job, "deadline": started + job.seconds, "errors": []}
        draft: Draft | None = None
        begun, stages = started, {}
        if job.waited_seconds is not None:
            stages["queue"] = round(job.waited_seconds, 6)
        async for update in self._graph.astream(state, stream_mode="updates"):
            for stage, change in update.items():
                stages[stage] = round(self._clock() - begun, 6)
                draft = (change or {}).get("draft", draft)
                job = (change or {}).get("job", job)
                if on_stage is not None:
                    await on_stage(stage)
                begun = self._clock()
        if draft is None:
            raise CcosError("The workflow ended without a draft.", draft_id=job.draft_id)
        took = round(self._clock() - started, 6)
        draft = draft.model_copy(update={"latency_seconds": took, "stages": stages})
        return self._experiments.settled(job, draft)

    def _build(self) -> Any:
        graph = StateGraph(State)
        stages = (
            ("triage", self._triage),
            ("retrieve", self._retrieve),
            ("synthesise", self._synthesise),
            ("resolve", self._resolve),
            ("propose", self._propose),
        )
        before = START
        for name, node in stages:
            graph.add_node(name, _guarded(name, node))  # type: ignore[call-overload]
            graph.add_edge(before, name)
            before = name
        graph.add_edge(before, END)
        return graph.compile()

    async def _triage(self, state: State) -> State:
        job = state["job"]
        pii = await self._class_of("\n".join((job.ticket.whole_text, job.hint or "")))
        errors = ["triage: privacy.unreadable"] if pii == "unreadable" else []
        seen = triage(job.ticket, pii=pii, models=self._models)
        job = await self._experiments.enrol(job, intent=seen.intent, language=seen.language)
        return {"triage": seen, "job": job, "errors": errors}

    async def _class_of(self, text: str) -> PiiClass:
        """A recogniser that fails closes the cloud for the task, not the draft."""
        try:
            if len(text) > LONG_CHARACTERS:
                return await asyncio.to_thread(self._classify, text)
            return self._classify(text)
        except Exception as fault:
            log.warning("privacy.unreadable", error=type(fault).__name__)
            return "unreadable"

    async def _retrieve(self, state: State) -> State:
        job = state["job"]
        findings = await retrieve(
            job.tenant.id,
            job.ticket,
            self._grounds(state),
            generator=self._generator,
            search=self._search,
            context=self._context(state, RETRIEVAL_SHARE),
            now=self._now(),
        )
        found = "\n".join(f"{one.title}\n{one.snippet}" for one in for_writing(findings.evidence))
        pii = await self._class_of(found)
        errors = ["retrieve: privacy.unreadable"] if pii == "unreadable" else []
        return {"findings": findings, "found_pii": pii, "errors": [*findings.errors, *errors]}

    async def _synthesise(self, state: State) -> State:
        found = state.get("findings", Findings())
        context = self._context(state, SYNTHESIS_SHARE)
        made = await synthesise(
            state["job"].ticket, self._grounds(state), found, generator=self._generator, context=context
        )
        return {"synthesis": made}

    async def _resolve(self, state: State) -> State:
        job = state["job"]
        made = await resolve(
            job.ticket,
            self._grounds(state),
            state.get("findings", Findings()),
            state.get("synthesis", Synthesis()).facts,
            generator=self._generator,
            context=self._context(state, 1.0),
            hint=job.hint,
            required_quality=job.tenant.settings.choices.required_quality,
        )
        return {"resolution": made}

    async def _propose(self, state: State) -> State:
        job = state["job"]
        draft = propose(
            job.draft_id,
            job.ticket_id,
            self._grounds(state),
            triage=state.get("triage"),
            findings=state.get("findings", Findings()),
            synthesis=state.get("synthesis", Synthesis()),
            resolution=state.get("resolution"),
            errors=tuple(state.get("errors", ())),
        )
        return {"draft": draft}

    def _grounds(self, state: State) -> Grounds:
        job, seen = state["job"], state.get("triage")
        grounds = Grounds(
            ticket=job.ticket,
            evidence=for_writing(state.get("findings", Findings()).evidence),
            settings=job.tenant.settings,
        )
        if seen is None:
            return grounds
        return replace(
            grounds, language=seen.language, intent=seen.intent, intent_confidence=seen.intent_confidence
        )

    def _context(self, state: State, share: float) -> Context:
        job, seen = state["job"], state.get("triage")
        pii: PiiClass = seen.pii if seen else "unreadable"
        if pii in ("none", "maskable") and state.get("found_pii") in ("local_only", "unreadable"):
            pii = state["found_pii"]  # what was found stands in every prompt from now on
        remaining = max(state["deadline"] - self._clock(), 0.0)
        return Context(
            tenant_id=job.tenant.id,
            mode=_mode(job),
            models=job.tenant.settings.choices.models,
            seconds=remaining * share,
            pii=pii,
            cloud_allowed=job.tenant.settings.cloud_allowed,
            priority=job.priority,
            cache=job.cache,
            request_id=job.draft_id,
        )


def _mode(job: Job) -> Mode:
    """The tenant's choice, unless whoever asked named one, or the whole product is kept off the cloud."""
    if job.mode_asked or job.mode is Mode.OUTAGE:
        return job.mode
    return job.tenant.settings.choices.mode or job.mode


Node = Callable[[State], Awaitable[State]]


def _guarded(name: str, node: Node) -> Node:
    """A node whose fault becomes a value: its code is kept, never its text, which may quote a ticket."""

    async def run(state: State) -> State:
        try:
            return await node(state)
        except CcosError as fault:
            log.warning("stage.failed", stage=name, reason=fault.code)
            return {"errors": [f"{name}: {fault.code}"]}
        except Exception as fault:
            log.exception("stage.broke", stage=name, error=type(fault).__name__)
            return {"errors": [f"{name}: {type(fault).__name__}"]}

    return run
