"""One call of the service while it goes on, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccos.domain.draft import Attempt, Outcome
from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.domain.prompt import Prompt
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.planning import Plan
from ccos.tiers.request import Context, Generation


@dataclass(frozen=True, slots=True)
class Evaluated:
    attempt: Attempt
    verdict: Verdict

    @property
    def rank(self) -> tuple[bool, float]:
        """Best first among answers nobody accepted: without a veto, then by quality."""
        return (not self.verdict.vetoes, self.verdict.quality)


@dataclass(slots=True)
class Run:
    """What one call has gathered so far."""

    prompt: Prompt
    context: Context
    required_quality: float
    deadline: float
    plan: Plan
    wanted: Plan
    attempts: list[Attempt] = field(default_factory=list)
    evaluated: list[Evaluated] = field(default_factory=list)
    spent: MicroUsd = ZERO
    repaired: bool = False


def conclude(run: Run, accepted: Evaluated | None, seconds: float) -> Generation:
    """What the call comes to: the accepted answer, else the best evaluated one."""
    chosen = accepted or max(run.evaluated, key=lambda e: e.rank)
    attempt, verdict = chosen.attempt, chosen.verdict
    return Generation(
        response=verdict.text,
        tier=attempt.tier,
        quality_score=verdict.quality,
        latency=seconds,
        cost=usd(run.spent),
        fallback_used=attempt.tier is not run.plan.tiers[0],
        degraded=_degraded(run, attempt.tier),
        accepted=accepted is not None,
        reason=_reason(run, accepted),
        provider=attempt.provider,
        model=attempt.model,
        verdict=verdict,
        attempts=tuple(run.attempts),
        spent=run.spent,
    )


def _degraded(run: Run, tier: Tier) -> bool:
    """Whether the cloud tier stood before the one that answered, and never got to answer itself."""
    wanted = run.wanted.tiers
    if Tier.CLOUD_PREMIUM not in wanted or tier is Tier.CLOUD_PREMIUM:
        return False
    if any(e.attempt.tier is Tier.CLOUD_PREMIUM for e in run.evaluated):
        return False
    # With the cloud to be had, a plan of few calls may not have held the tier that answered at all.
    return tier not in wanted or wanted.index(Tier.CLOUD_PREMIUM) < wanted.index(tier)


def _reason(run: Run, accepted: Evaluated | None) -> str:
    """Why this tier answered: the plan, or the first thing that moved the task on."""
    moved = [a for a in run.attempts if a.outcome is not Outcome.ACCEPTED]
    planned = [a for a in moved if a.tier in run.plan.tiers and a.outcome is not Outcome.SKIPPED]
    if accepted is not None and not planned:
        return run.plan.why
    first = (planned or moved)[0]
    return f"{first.tier.value} {first.reason}"
