"""What a drill writes down: plain values, from which everything that is shown is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ccos.domain.draft import Attempt, Draft, DraftState, Outcome
from ccos.domain.tier import Mode, Task, Tier

Phase = Literal["before", "during", "recovery", "after"]
PHASES: tuple[Phase, ...] = ("before", "during", "recovery", "after")
"""`recovery` lasts from the end of the fault until the tier answers again."""

NOT_THE_FAULT = (
    "policy.",
    "pii.",
    "mode.",
    "budget.",
    "context.",
    "model.",
    "provider.no_price",
    "deadline.",
)
"""Reasons for which a tier is passed over that say nothing of its health."""

OUT_OF_MONEY = "budget.exhausted"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt behind a draft."""

    task: Task
    tier: Tier
    outcome: Outcome
    reason: str
    seconds: float
    cost_usd: float

    @classmethod
    def of(cls, attempt: Attempt) -> Tried:
        return cls(
            attempt.task,
            attempt.tier,
            attempt.outcome,
            attempt.reason,
            attempt.latency_seconds,
            attempt.cost_usd,
        )

    @property
    def called(self) -> bool:
        return self.outcome is not Outcome.SKIPPED

    @property
    def in_vain(self) -> bool:
        """Whether the tier was wanted and gave nothing that could be used."""
        if self.outcome is Outcome.SKIPPED:
            return not self.reason.startswith(NOT_THE_FAULT)
        return self.outcome in (Outcome.FAILED, Outcome.REFUSED_BY_GATE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One draft of the drill: begun `at`, in the drill's seconds, with `deadline` seconds to go.

    `state` is None for a draft that never came.
    """

    fault: str
    phase: Phase
    ticket: str
    at: float
    seconds: float
    deadline: float
    state: DraftState | None
    replied: bool = False
    tier: Tier | None = None
    quality: float | None = None
    scorer: str | None = None
    reason: str = ""
    cost_usd: float = 0.0
    tried: tuple[Tried, ...] = ()

    @classmethod
    def of(cls, draft: Draft, *, fault: str, phase: Phase, at: float, deadline: float) -> Sample:
        return cls(
            fault=fault,
            phase=phase,
            ticket=draft.ticket_id,
            at=at,
            seconds=draft.latency_seconds,
            deadline=deadline,
            state=draft.state,
            replied=bool(draft.reply.strip()),
            tier=draft.tier,
            quality=draft.quality,
            scorer=draft.scorer,
            reason=draft.reason,
            cost_usd=draft.cost_usd,
            tried=tuple(Tried.of(attempt) for attempt in draft.attempts),
        )

    @property
    def in_time(self) -> bool:
        """A draft that was made came inside its deadline, with words in it."""
        made = self.state is not None and self.state is not DraftState.FAILED
        return made and self.replied and self.seconds <= self.deadline

    @property
    def ready(self) -> bool:
        return self.in_time and self.state is DraftState.READY

    @property
    def useful(self) -> bool:
        return self.in_time and self.state in (DraftState.READY, DraftState.NEEDS_REVIEW)

    @property
    def accepted(self) -> bool:
        """Useful, and its reply reached the quality that was required."""
        mine = (t for t in self.tried if t.task is Task.SOLUTION_DRAFT and t.tier is self.tier)
        return self.useful and any(t.outcome is Outcome.ACCEPTED for t in mine)

    def switched_from(self, tier: Tier) -> bool | None:
        """Whether another tier stood in for `tier` in time; None when none had to.

        One had to where the tier was asked or passed over in vain for a task and did not do it after all.
        """
        done = {t.task for t in self.tried if t.tier is tier and t.outcome is Outcome.ACCEPTED}
        needed = any(t.tier is tier and t.in_vain and t.task not in done for t in self.tried)
        return self.in_time if needed else None


@dataclass(slots=True)
class Outage:
    """One fault's outage, from `start` to `end` in the drill's seconds.

    `asked` counts the calls that reached the tier's providers in it, `sent` those the upstreams heard of.
    `looked`: afterwards the tier was watched until it answered again, `back_seconds` after the end (None: it
    did not). `probes` calls were sent before the first had succeeded. `rested`: the tier was left alone in
    between, so that a single probe had to find out.
    """

    fault: str
    start: float
    end: float | None = None
    asked: int = 0
    sent: int = 0
    looked: bool = False
    back_seconds: float | None = None
    probes: int = 0
    rested: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A provider that took part."""

    tier: Tier
    name: str
    model: str
    paid: bool
    simulated: bool = False


@dataclass(slots=True)
class Record:
    """A whole drill: who took part, what was done, and what came of it."""

    tier: Tier
    mode: Mode
    seconds: float
    concurrency: int
    began_at: datetime
    spend_at_most_usd: float
    parts: tuple[Part, ...] = ()
    samples: list[Sample] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    interrupted: bool = False
    lasted_seconds: float = 0.0
    skipped_seconds: float = 0.0
    spent_usd: float = 0.0

    @property
    def faults(self) -> list[str]:
        return [outage.fault for outage in self.outages]

    @property
    def simulated(self) -> bool:
        return any(part.simulated for part in self.parts)

    @property
    def out_of_money(self) -> bool:
        """Whether the tier was passed over because the drill's own money was used up or on hold."""
        return any(t.tier is self.tier and t.reason == OUT_OF_MONEY for s in self.samples for t in s.tried)

    @property
    def paid(self) -> bool:
        """Whether anybody could be billed for it."""
        return any(part.paid and not part.simulated for part in self.parts)
