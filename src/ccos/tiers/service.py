"""Four tiers behind one call: filter, plan, call, gate, decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from ccos.domain.draft import Attempt, Outcome
from ccos.domain.errors import NoPrice, ProviderError, ProviderTimeout, StoreError
from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.tier import REQUIRED_QUALITY, Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.budget import Budget, Reservation
from ccos.tiers.deciding import Step, after_failure, after_verdict, refusal_reason
from ccos.tiers.filtering import Condition, Dropped, filter_providers
from ccos.tiers.outlook import CAPABILITY, EXPECTED_SECONDS, UNPRICED_MICRO_USD, capability
from ccos.tiers.planning import Outlook, Plan, make_plan
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.request import Context, Generation

log = structlog.get_logger(__name__)

LONGEST_ATTEMPT_SECONDS = 30.0
RESERVE_SECONDS: Mapping[Tier, float] = {
    Tier.CLOUD_PREMIUM: 2.0,
    Tier.LOCAL_MINIMAX: 2.0,
    Tier.LOCAL_TINYLLAMA: 1.0,
    Tier.RULE_BASED: 0.2,
}
"""Seconds kept back for each tier that stands lower in the plan."""
SHORTEST_ATTEMPT_SECONDS = 0.3
ESTIMATE_OVER_COST = 3
"""A reservation counts each byte as a token and the longest answer: some three times what a call costs."""
CLOUD_MISSED = frozenset({"breaker.open", "mode.outage", "key.refused", "provider.no_price"})
"""Reasons that keep the cloud out although it was wanted; a tenant's policy or PII is not one of them."""


class Gate(Protocol):
    """Says whether an answer may be shown. Pure, bounded in time, never raises."""

    def judge(self, prompt: Prompt, answer: Answer) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class _Evaluated:
    attempt: Attempt
    verdict: Verdict

    @property
    def rank(self) -> tuple[bool, float]:
        """Best first among answers nobody accepted: without a veto, then by quality."""
        return (not self.verdict.vetoes, self.verdict.quality)


@dataclass(slots=True)
class _Run:
    """What one call has gathered so far."""

    prompt: Prompt
    context: Context
    required_quality: float
    deadline: float
    plan: Plan
    wanted: Plan
    attempts: list[Attempt] = field(default_factory=list)
    evaluated: list[_Evaluated] = field(default_factory=list)
    spent: MicroUsd = ZERO
    repaired: bool = False


class MultiTierLLMService:
    """Plans tiers, calls them under one deadline, and accepts only what passes the gate.

    `providers` holds every configured provider, best first inside a tier; it must hold a rule tier,
    which is what makes the call end in an answer whatever else happens. `required_quality` overrides the
    tasks' own; `one_tier` calls a single tier before the rules.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        gate: Gate,
        budget: Budget,
        *,
        thresholds: Mapping[Tier, float] = CAPABILITY,
        required_quality: float | None = None,
        one_tier: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if not any(p.card.tier is Tier.RULE_BASED for p in providers):
            raise ValueError("The rule tier is missing: without it the chain can end without an answer.")
        self._providers = tuple(providers)
        self._gate = gate
        self._budget = budget
        self._thresholds = thresholds
        self._required_quality = required_quality
        self._one_tier = one_tier
        self._clock = clock
        self._wall_clock = wall_clock
        self._pulses = {id(p): Pulse() for p in providers}

    async def generate_with_fallback(
        self,
        prompt: Prompt,
        context: Context | None = None,
        required_quality: float | None = None,
        max_retries: int = 3,
    ) -> Generation:
        """The best accepted answer, or the best evaluated one marked as not accepted.

        `required_quality` defaults to the task's own; `max_retries` bounds the model calls made before
        the rule tier. Raises nothing but cancellation: an outage, a spent budget or a bad answer each
        end in another tier, and the rules always have something.
        """
        context = context or Context()
        required = self._required(prompt, required_quality)
        tiers = min(max_retries, 1) if self._one_tier else max_retries
        started = self._clock()
        kept, dropped = filter_providers(self._conditions(prompt), prompt, context)
        missed = [d.card for d in dropped if d.reason in CLOUD_MISSED]

        def plan(cards: Sequence[ProviderCard]) -> Plan:
            return make_plan(
                context.mode,
                self._outlooks(prompt, cards),
                required_quality=required,
                seconds=context.seconds,
                max_calls=max(0, tiers),
            )

        chosen = plan(kept)
        wanted = plan([*kept, *missed]) if missed else chosen
        run = _Run(prompt, context, required, started + context.seconds, chosen, wanted)
        run.attempts.extend(_skipped(prompt, d) for d in dropped)
        accepted = await self._walk(run, kept, max_retries)
        return self._conclude(run, accepted, self._clock() - started)

    def _required(self, prompt: Prompt, asked: float | None) -> float:
        if asked is not None:
            return asked
        own = REQUIRED_QUALITY[prompt.task]
        return own if self._required_quality is None else self._required_quality

    def pulses(self) -> list[tuple[ProviderCard, Pulse]]:
        """What recent calls and probes say of each provider, from memory."""
        return [(p.card, self._pulses[id(p)]) for p in self._providers]

    async def probe(self, *, seconds: float = 3.0) -> None:
        """Asks every provider, all at once, whether it is there: never generates, never spends."""

        async def ask(provider: Provider) -> None:
            try:
                async with asyncio.timeout(seconds):
                    reachable = await provider.alive(seconds=seconds)
            except (ProviderError, TimeoutError):
                reachable = False
            self._note(provider, lambda pulse: pulse.after_probe(reachable))

        await asyncio.gather(*(ask(provider) for provider in self._providers))

    def _conditions(self, prompt: Prompt) -> Iterator[Condition]:
        now = self._clock()
        for provider in self._providers:
            pulse = self._pulses[id(provider)]
            disabled = pulse.disabled_reason
            if disabled is None and provider.card.paid:
                try:
                    provider.estimate(prompt)
                except NoPrice as fault:
                    disabled = fault.code
            yield Condition(
                card=provider.card,
                breaker_allows=pulse.breaker.allows(now),
                ready=getattr(provider, "ready", True),
                disabled_reason=disabled,
            )

    def _outlooks(self, prompt: Prompt, kept: Sequence[ProviderCard]) -> list[Outlook]:
        """One outlook per tier: that of its first usable provider."""
        by_tier: dict[Tier, Outlook] = {}
        for provider in self._providers:
            card = provider.card
            if card not in kept or card.tier in by_tier:
                continue
            mean = self._pulses[id(provider)].seconds
            by_tier[card.tier] = Outlook(
                tier=card.tier,
                capability=capability(self._thresholds, card.tier, prompt.task),
                cost_micro_usd=_planned_cost(provider, prompt),
                seconds=EXPECTED_SECONDS[card.tier] if mean is None else mean,
            )
        return list(by_tier.values())

    async def _walk(self, run: _Run, kept: Sequence[ProviderCard], max_calls: int) -> _Evaluated | None:
        """Goes through the plan until an answer is accepted; `max_calls` bounds calls of models."""
        calls = 0
        to_rules = False
        for position, tier in enumerate(run.plan.tiers):
            rules = tier is Tier.RULE_BASED
            if to_rules and not rules:
                continue
            reserve = sum(RESERVE_SECONDS[t] for t in run.plan.tiers[position + 1 :])
            for provider in (p for p in self._providers if p.card.tier is tier and p.card in kept):
                step: Step = "repair"
                prompt = run.prompt
                while step == "repair":
                    if not rules and calls >= max_calls:
                        step = "next_tier"
                        break
                    calls += not rules
                    step, evaluated = await self._attempt(run, provider, prompt, reserve)
                    if step == "accept":
                        return evaluated
                    if step == "repair" and evaluated is not None:
                        run.repaired = True
                        prompt = _repair_prompt(run.prompt, evaluated.verdict)
                if step != "sideways":
                    break
            to_rules = to_rules or step == "rules"
        return None

    async def _attempt(
        self, run: _Run, provider: Provider, prompt: Prompt, reserve: float
    ) -> tuple[Step, _Evaluated | None]:
        card = provider.card
        rules = card.tier is Tier.RULE_BASED
        remaining = run.deadline - self._clock()
        seconds = min(max(remaining - reserve, 0.0), LONGEST_ATTEMPT_SECONDS)
        if rules:
            seconds = max(seconds, SHORTEST_ATTEMPT_SECONDS)
        elif seconds < SHORTEST_ATTEMPT_SECONDS:
            run.attempts.append(_skipped(prompt, Dropped(card, "deadline.short")))
            return "next_tier", None
        reservation: Reservation | None = None
        if card.paid:
            try:
                amount = provider.estimate(prompt)
                reservation = await self._budget.reserve(run.context.tenant_id, amount)
            except StoreError as fault:
                log.warning("budget.unavailable", reason=fault.code)
                run.attempts.append(_skipped(prompt, Dropped(card, "budget.unavailable")))
                return "next_tier", None
            if reservation is None:
                run.attempts.append(_skipped(prompt, Dropped(card, "budget.exhausted")))
                return "next_tier", None
        started = self._clock()
        try:
            answer = await self._call(provider, prompt, seconds, run, reservation)
        except ProviderError as fault:
            elapsed = self._clock() - started
            run.attempts.append(_attempt_of(prompt, card, Outcome.FAILED, fault.code, seconds=elapsed))
            log.warning("attempt.failed", tier=card.tier.value, provider=card.name, reason=fault.code)
            return after_failure(fault), None
        elapsed = self._clock() - started
        verdict = self._gate.judge(prompt, answer)
        self._note(provider, lambda pulse: pulse.after_quality(verdict.quality))
        step = after_verdict(verdict, run.required_quality, repaired=run.repaired)
        accepted = step == "accept"
        attempt = _attempt_of(
            prompt,
            card,
            Outcome.ACCEPTED if accepted else Outcome.REFUSED_BY_GATE,
            "accepted" if accepted else refusal_reason(verdict),
            answer=answer,
            quality=verdict.quality,
            seconds=elapsed,
        )
        run.attempts.append(attempt)
        evaluated = _Evaluated(attempt, verdict)
        run.evaluated.append(evaluated)
        return step, evaluated

    async def _call(
        self, provider: Provider, prompt: Prompt, seconds: float, run: _Run, reservation: Reservation | None
    ) -> Answer:
        """One call with everything around it undone on every way out, cancellation included."""
        started = self._clock()
        self._note(provider, lambda pulse: replace(pulse, breaker=pulse.breaker.admit(started)))
        spent = ZERO
        answered = False
        try:
            async with asyncio.timeout(seconds + SHORTEST_ATTEMPT_SECONDS):
                answer = await provider.answer(prompt, seconds=seconds)
            spent, answered = answer.cost, True
            run.spent = MicroUsd(run.spent + spent)
            now = self._clock()
            self._note(
                provider, lambda pulse: pulse.after_success(now - started, usd(spent), self._wall_clock())
            )
            return answer
        except TimeoutError as fault:
            timeout = ProviderTimeout(provider=provider.card.name, seconds=seconds)
            self._note_failure(provider, timeout)
            raise timeout from fault
        except ProviderError as fault:
            self._note_failure(provider, fault)
            raise
        except asyncio.CancelledError:
            self._note(provider, lambda pulse: replace(pulse, breaker=pulse.breaker.after_cancel()))
            raise
        finally:
            if reservation is not None:
                await self._close_reservation(run.context, reservation, spent if answered else None)

    async def _close_reservation(
        self, context: Context, reservation: Reservation, spent: MicroUsd | None
    ) -> None:
        """Shielded, so that cancelling a request cannot leave its money on hold."""
        closing = (
            self._budget.release(context.tenant_id, reservation)
            if spent is None
            else self._budget.settle(context.tenant_id, reservation, spent)
        )
        try:
            await asyncio.shield(closing)
        except StoreError as fault:
            # The answer is worth more than the entry: a hold that stays is swept when it expires.
            log.warning("budget.not_settled", reason=fault.code)

    def _note(self, provider: Provider, change: Callable[[Pulse], Pulse]) -> None:
        self._pulses[id(provider)] = change(self._pulses[id(provider)])

    def _note_failure(self, provider: Provider, fault: ProviderError) -> None:
        now, at = self._clock(), self._wall_clock()
        self._note(provider, lambda pulse: pulse.after_failure(fault, now=now, at=at))

    def _conclude(self, run: _Run, accepted: _Evaluated | None, seconds: float) -> Generation:
        chosen = accepted or max(run.evaluated, key=lambda e: e.rank)
        first = run.plan.tiers[0]
        return Generation.of(
            chosen.attempt,
            chosen.verdict,
            tuple(run.attempts),
            accepted=accepted is not None,
            fallback_used=chosen.attempt.tier is not first,
            degraded=_degraded(run, chosen.attempt.tier),
            reason=_reason(run, accepted),
            spent=run.spent,
            seconds=seconds,
        )


def _degraded(run: _Run, tier: Tier) -> bool:
    """Whether the cloud tier stood before the one that answered, and never got to answer itself."""
    wanted = run.wanted.tiers
    if Tier.CLOUD_PREMIUM not in wanted or tier is Tier.CLOUD_PREMIUM:
        return False
    if any(e.attempt.tier is Tier.CLOUD_PREMIUM for e in run.evaluated):
        return False
    return wanted.index(Tier.CLOUD_PREMIUM) < wanted.index(tier)


def _planned_cost(provider: Provider, prompt: Prompt) -> int:
    """What a call is expected to cost: far less than the upper bound that is reserved for it."""
    if not provider.card.paid:
        return UNPRICED_MICRO_USD[provider.card.tier]
    try:
        return provider.estimate(prompt) // ESTIMATE_OVER_COST
    except NoPrice:
        return 0


def _reason(run: _Run, accepted: _Evaluated | None) -> str:
    """Why this tier answered: the plan, or the first thing that moved the task on."""
    moved = [a for a in run.attempts if a.outcome is not Outcome.ACCEPTED]
    planned = [a for a in moved if a.tier in run.plan.tiers and a.outcome is not Outcome.SKIPPED]
    if accepted is not None and not planned:
        return run.plan.why
    first = (planned or moved)[0]
    return f"{first.tier.value} {first.reason}"


def _repair_prompt(prompt: Prompt, verdict: Verdict) -> Prompt:
    """The same job once more, with what was wrong said after the first answer."""
    wrong = " ".join(veto.sentence for veto in verdict.vetoes)
    again = (
        f"답변에 문제가 있습니다: {wrong} 근거에 있는 내용만 사용하여 고쳐서 다시 작성해 주세요."
        if prompt.grounds.language == "ko"
        else f"There is a problem with the answer: {wrong} Write it again, using only what the evidence says."
    )
    turns = (*prompt.turns, Turn("assistant", verdict.text), Turn("user", again))
    return replace(prompt, turns=turns)


def _skipped(prompt: Prompt, dropped: Dropped) -> Attempt:
    return _attempt_of(prompt, dropped.card, Outcome.SKIPPED, dropped.reason)


def _attempt_of(
    prompt: Prompt,
    card: ProviderCard,
    outcome: Outcome,
    reason: str,
    *,
    answer: Answer | None = None,
    quality: float | None = None,
    seconds: float = 0.0,
) -> Attempt:
    return Attempt(
        task=prompt.task,
        tier=card.tier,
        provider=card.name,
        model=answer.model if answer else card.model,
        outcome=outcome,
        reason=reason,
        tokens_in=answer.tokens_in if answer else 0,
        tokens_out=answer.tokens_out if answer else 0,
        cost_usd=usd(answer.cost) if answer else 0.0,
        latency_seconds=round(seconds, 6),
        quality=quality,
    )
