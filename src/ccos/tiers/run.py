"""One call of the service while it goes on, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccos.domain.draft import Attempt, Outcome
from ccos.domain.money import ZERO, Level, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.exploring import Choice
from ccos.tiers.filtering import NOT_ASKED, NOT_CHOSEN
from ccos.tiers.ledger import Entry
from ccos.tiers.planning import Learnt, Outlook, Plan, Refused
from ccos.tiers.predicting import Signals
from ccos.tiers.request import Context, Generation


@dataclass(frozen=True, slots=True)
class Evaluated:
    attempt: Attempt
    verdict: Verdict
    answer: Answer

    @property
    def rank(self) -> tuple[bool, float]:
        """Best first among answers nobody accepted: without a veto, then by quality."""
        return (not self.verdict.vetoes, self.verdict.quality)


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt comes to in the ledger. Without an `answer` it failed, and may have cost `spent`."""

    attempt: Attempt
    answer: Answer | None
    spent: MicroUsd


@dataclass(slots=True)
class Run:
    """What one call has gathered so far.

    `plan` is the first one, `choice` who was to begin it and with what chance, `outlooks` what was expected
    of each tier that could be had. `kept` are the providers that may be called, `asked` the tiers that had
    their turn; `max_calls` bounds the calls before the rules. `cut` is the attempt that failed when its words
    were already with the caller. `outrun` holds tiers whose call was ended because another tier, asked beside
    them, was accepted first.
    """

    prompt: Prompt
    context: Context
    required_quality: float
    deadline: float
    plan: Plan
    wanted: Plan
    choice: Choice
    outlooks: tuple[Outlook, ...] = ()
    signals: Signals | None = None
    level: Level = Level.OK
    max_calls: int = 3
    kept: tuple[ProviderCard, ...] = ()
    asked: list[Tier] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    evaluated: list[Evaluated] = field(default_factory=list)
    spent: MicroUsd = ZERO
    outrun: set[Tier] = field(default_factory=set)
    cut: Attempt | None = None

    @property
    def own_attempts(self) -> list[Attempt]:
        """Those at the task itself: what others said of its answers is none."""
        return [a for a in self.attempts if a.task is self.prompt.task]

    @property
    def committed(self) -> bool:
        """Words are on their way to the caller: no other attempt can take this one's place."""
        return self.context.relay is not None and self.context.relay.committed

    def learnt(self, seconds_left: float, *, missing_evidence: bool) -> Learnt:
        """What the tiers asked so far have shown. A repair is a call too; one that was not made is none."""
        models = [a for a in self.own_attempts if a.outcome is not Outcome.SKIPPED]
        tried = {a.tier for a in models if a.tier is not Tier.RULE_BASED}
        answered = [e for e in self.evaluated if e.attempt.tier is not Tier.RULE_BASED]
        return Learnt(
            asked=tuple(self.asked),
            refused=tuple(
                Refused(e.attempt.tier, None if e.verdict.vetoes else e.verdict.quality) for e in answered
            ),
            calls_left=self.max_calls - max(len(tried), len(answered)),
            seconds_left=seconds_left,
            missing_evidence=missing_evidence,
        )

    def record(self, attempt: Attempt, answer: Answer | None = None, spent: MicroUsd = ZERO) -> None:
        """Writes an attempt down, and what it cost when it was made at all."""
        self.attempts.append(attempt)
        self.spent = MicroUsd(self.spent + spent)
        if attempt.outcome is not Outcome.SKIPPED:
            self.charges.append(Charge(attempt, answer, spent))


def entry(charge: Charge, context: Context, premium: MicroUsd, *, used: bool) -> Entry:
    """The ledger's line for a charge; `premium` is what its answer would have cost on the premium model,
    and `used` says that the caller got it.
    """
    attempt, answer = charge.attempt, charge.answer
    asked = answer if answer is not None and not attempt.cached else None
    return Entry(
        tenant_id=context.tenant_id,
        source=context.source,
        task=attempt.task,
        tier=attempt.tier,
        provider=attempt.provider,
        model=attempt.model,
        outcome=attempt.outcome,
        tokens_in=0 if attempt.cached else attempt.tokens_in,
        tokens_out=0 if attempt.cached else attempt.tokens_out,
        spent=charge.spent,
        estimated=asked.estimated_cost if asked else ZERO,
        reported=asked.cost if asked and asked.usage_reported else None,
        premium=premium,
        cached=attempt.cached,
        used=used,
    )


def conclude(run: Run, accepted: Evaluated | None, seconds: float) -> Generation:
    """What the call comes to: the accepted answer, else the best evaluated one, else what had gone out."""
    if run.cut is not None:
        return _cut_short(run, run.cut, seconds)
    chosen = used(run, accepted)
    attempt, verdict, answer = chosen.attempt, chosen.verdict, chosen.answer
    degraded = _degraded(run, attempt.tier)
    return Generation(
        response=verdict.text,
        tier=attempt.tier,
        quality_score=verdict.quality,
        latency=seconds,
        cost=usd(run.spent),
        fallback_used=_fallback_used(run, attempt),
        degraded=degraded,
        accepted=accepted is not None,
        certified=accepted is not None and verdict.certified(run.required_quality),
        reason=_reason(run, accepted, degraded=degraded),
        provider=attempt.provider,
        model=attempt.model,
        verdict=verdict,
        attempts=tuple(run.attempts),
        spent=run.spent,
        cached=attempt.cached,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        finish_reason=answer.finish_reason,
        unseen=answer.unseen,
    )


def used(run: Run, accepted: Evaluated | None) -> Evaluated:
    """The answer the caller gets: when none was accepted the best one, or the one whose words went out.

    The rules see to it that there is one.
    """
    if accepted is not None:
        return accepted
    return run.evaluated[-1] if run.committed else max(run.evaluated, key=lambda e: e.rank)


def _cut_short(run: Run, failed: Attempt, seconds: float) -> Generation:
    """The words that went out are all there will be, and nobody may take them for whole."""
    text = run.context.relay.text if run.context.relay else ""
    return Generation(
        response=text,
        tier=failed.tier,
        quality_score=0.0,
        latency=seconds,
        cost=usd(run.spent),
        fallback_used=failed.tier is not run.plan.tiers[0],
        degraded=False,
        accepted=False,
        reason=f"{failed.tier.value} {failed.reason}",
        provider=failed.provider,
        model=failed.model,
        verdict=Verdict(0.0, "none", text),
        attempts=tuple(run.attempts),
        spent=run.spent,
        cut=True,
        finish_reason="other",
    )


def _fallback_used(run: Run, attempt: Attempt) -> bool:
    """Whether the plan's first tier failed or was refused; one that was outrun or not needed did neither."""
    first = run.plan.tiers[0]
    return attempt.tier is not first and first not in run.outrun and not attempt.cached


def _degraded(run: Run, tier: Tier) -> bool:
    """Whether the cloud tier stood before the one that answered, and none of its providers could be had."""
    wanted = run.wanted.tiers
    if Tier.CLOUD_PREMIUM not in wanted or tier is Tier.CLOUD_PREMIUM:
        return False
    if any(e.attempt.tier is Tier.CLOUD_PREMIUM for e in run.evaluated):
        return False
    if Tier.CLOUD_PREMIUM in run.outrun or _never_missed(run):
        return False
    # With the cloud to be had, a plan of few calls may not have held the tier that answered at all.
    return tier not in wanted or wanted.index(Tier.CLOUD_PREMIUM) < wanted.index(tier)


def _never_missed(run: Run) -> bool:
    """Whether a cloud that could be called was not turned to in the end, or its call was given up."""
    there = {card.name for card in run.kept if card.tier is Tier.CLOUD_PREMIUM}
    turns = [a for a in run.own_attempts if a.tier is Tier.CLOUD_PREMIUM and a.provider in there]
    return bool(there) and (not turns or any(a.outcome is Outcome.CANCELLED for a in turns))


def _reason(run: Run, accepted: Evaluated | None, *, degraded: bool) -> str:
    """Why this tier answered: the plan, or the first thing that kept a stronger one from it."""
    if accepted is not None and accepted.attempt.cached:
        return f"remembered: {accepted.attempt.tier.value} answered the same question before"
    wished = (NOT_ASKED, NOT_CHOSEN)
    moved = [a for a in run.own_attempts if a.outcome is not Outcome.ACCEPTED and a.reason not in wished]
    tried = [a for a in moved if a.outcome is not Outcome.SKIPPED]
    if accepted is not None and not tried and not degraded:
        return run.plan.why
    missed = [a for a in moved if degraded and a.tier is Tier.CLOUD_PREMIUM]
    of_models = [a for a in tried if a.tier is not Tier.RULE_BASED]
    passed_over = [a for a in moved if a.outcome is Outcome.SKIPPED]
    first = (missed or of_models or passed_over or tried)[0]
    return f"{first.tier.value} {first.reason}"
