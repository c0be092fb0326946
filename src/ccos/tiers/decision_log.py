"""Who went first, with which chances, and what came of it: kept for learning, without any text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from ccos.domain.draft import Outcome
from ccos.domain.tier import Tier
from ccos.store.counts import Cell
from ccos.store.plans import PlanDecision
from ccos.store.values import new_id
from ccos.tiers.run import Evaluated, Run

GateWord = tuple[Cell, bool]
"""An answer's cell, and whether the gate accepted it."""


class DecisionLog(Protocol):
    def note(self, decision: PlanDecision | None, answers: Sequence[GateWord]) -> None:
        """Remembers it. Never waits, never raises."""
        ...


class NoDecisionLog:
    """For where nobody learns."""

    def note(self, decision: PlanDecision | None, answers: Sequence[GateWord]) -> None:
        pass


def answers_of(run: Run) -> list[GateWord]:
    """What the gate said of each answer that was made now; a remembered one was counted when it was made."""
    tenant_id, grounds = run.context.tenant_id, run.prompt.grounds
    if tenant_id is None:
        return []
    return [
        (
            Cell(
                tenant_id,
                run.prompt.task.value,
                grounds.intent,
                grounds.language,
                e.attempt.tier.value,
                e.attempt.model,
            ),
            e.attempt.outcome is Outcome.ACCEPTED,
        )
        for e in run.evaluated
        if not e.attempt.cached
    ]


def decision_of(
    run: Run,
    chosen: Evaluated | None,
    *,
    policy: str,
    seconds: float,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PlanDecision | None:
    """The record of a run that ended after `seconds`. `chosen` is None when it was cut short or cancelled.

    Only of drafts: what a program asks over HTTP is decided by nobody, so there would be nothing to learn.
    """
    context, prompt, choice = run.context, run.prompt, run.choice
    if context.tenant_id is None or context.source != "draft" or not run.plan.tiers:
        return None
    attempt = chosen.attempt if chosen else run.cut
    return PlanDecision(
        tenant_id=context.tenant_id,
        id=new_id(),
        at=now(),
        draft_id=_uuid(context.request_id),
        task=prompt.task.value,
        intent=prompt.grounds.intent,
        language=prompt.grounds.language,
        mode=context.mode.value,
        level=run.level.value,
        required=run.required_quality,
        planned=tuple(tier.value for tier in run.plan.tiers),
        first_tier=run.plan.tiers[0].value,
        propensity=choice.propensity,
        eligible={
            o.tier.value: {
                "propensity": choice.propensities.get(o.tier, 0.0),
                "accept": round(o.capability, 4),
                "good": round(o.good, 4),
                "cost_micro_usd": o.cost_micro_usd,
                "seconds": round(o.seconds, 3),
            }
            for o in run.outlooks
        },
        explored=choice.explored,
        policy=policy,
        seed=choice.seed,
        features=_features(run),
        outcome=_outcome(run, chosen),
        tier=attempt.tier.value if attempt else None,
        cached=bool(attempt and attempt.cached),
        quality=chosen.verdict.quality if chosen else None,
        scorer=chosen.verdict.scorer if chosen else None,
        calls=sum(a.outcome is not Outcome.SKIPPED and a.tier is not Tier.RULE_BASED for a in run.attempts),
        cost_micro_usd=run.spent,
        seconds=round(seconds, 3),
    )


def _outcome(run: Run, chosen: Evaluated | None) -> str:
    if chosen is not None:
        return "accepted" if chosen.attempt.outcome is Outcome.ACCEPTED else "needs_review"
    return "cut" if run.cut is not None else "cancelled"


def _features(run: Run) -> str:
    """A hash of what the prediction looked at: the same for tickets that look the same to it."""
    grounds = run.prompt.grounds
    seen = (run.prompt.task.value, grounds.intent, grounds.language, run.signals and tuple(run.signals))
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
