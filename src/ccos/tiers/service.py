"""Four tiers behind one call: filter, plan, call, gate, decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import NoPrice, ProviderError, ProviderTimeout, StoreError
from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import REQUIRED_QUALITY, Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.budget import Budget, Reservation
from ccos.tiers.deciding import Step, after_failure, after_verdict, may_have_cost, refusal_reason
from ccos.tiers.filtering import CLOUD_MISSED, Condition, Dropped, filter_providers
from ccos.tiers.outlook import CAPABILITY, EXPECTED_SECONDS, UNPRICED_MICRO_USD, capability
from ccos.tiers.planning import Outlook, Plan, make_plan
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.record import attempt_of, skipped
from ccos.tiers.repair import repair_prompt
from ccos.tiers.request import Context, Generation
from ccos.tiers.run import Evaluated, Run, conclude

log = structlog.get_logger(__name__)

LONGEST_REMOTE_SECONDS = 30.0
"""For one call that leaves the machine; a local model that works through a batch may take what remains."""
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


class Gate(Protocol):
    """Says whether an answer may be shown. Pure, bounded in time, never raises."""

    def judge(self, prompt: Prompt, answer: Answer) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class Hold:
    """Money kept back for one call: the most it can cost."""

    reservation: Reservation
    amount: MicroUsd


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
        run = Run(prompt, context, required, started + context.seconds, chosen, wanted)
        run.attempts.extend(skipped(prompt, d) for d in dropped)
        accepted = await self._walk(run, kept, max_retries)
        return conclude(run, accepted, self._clock() - started)

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
                busy=now < pulse.busy_until,
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

    async def _walk(self, run: Run, kept: Sequence[ProviderCard], max_calls: int) -> Evaluated | None:
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
                    step, evaluated = await self._attempt(run, provider, prompt, reserve)
                    calls += not rules and run.attempts[-1].outcome is not Outcome.SKIPPED
                    if step == "accept":
                        return evaluated
                    if step == "repair" and evaluated is not None:
                        run.repaired = True
                        prompt = repair_prompt(run.prompt, evaluated.verdict)
                if step != "sideways":
                    break
            to_rules = to_rules or step == "rules"
        return None

    async def _attempt(
        self, run: Run, provider: Provider, prompt: Prompt, reserve: float
    ) -> tuple[Step, Evaluated | None]:
        """One turn of one provider: money, admission, call, gate. Each way out leaves a record."""
        card = provider.card
        if self._seconds_for(run, card, reserve) < SHORTEST_ATTEMPT_SECONDS:
            return self._skip(run, prompt, card, "deadline.short")
        hold: Hold | None = None
        if card.paid:
            held = await self._reserve(run, provider, prompt)
            if isinstance(held, str):
                return self._skip(run, prompt, card, held)
            hold = held
        # What the filter saw may be old by now. From here to the call nothing is awaited, so that of many
        # tasks at half-open exactly one goes through.
        seconds = self._seconds_for(run, card, reserve)
        admitted_at = self._clock()
        refusal = self._refuses_now(provider, admitted_at, seconds)
        if refusal is not None:
            await self._close(run.context, hold, None)
            return self._skip(run, prompt, card, refusal)
        self._note(provider, lambda pulse: pulse.admit(admitted_at))
        try:
            answer = await self._call(provider, prompt, seconds, run, hold, admitted_at)
        except ProviderError as fault:
            lost = hold.amount if hold is not None and may_have_cost(fault) else ZERO
            elapsed = self._clock() - admitted_at
            run.attempts.append(
                attempt_of(prompt, card, Outcome.FAILED, fault.code, cost=lost, seconds=elapsed)
            )
            log.warning("attempt.failed", tier=card.tier.value, provider=card.name, reason=fault.code)
            return after_failure(fault), None
        return self._judge(run, provider, prompt, answer, self._clock() - admitted_at)

    def _judge(
        self, run: Run, provider: Provider, prompt: Prompt, answer: Answer, seconds: float
    ) -> tuple[Step, Evaluated]:
        card = provider.card
        verdict = self._gate.judge(prompt, answer)
        self._note(provider, lambda pulse: pulse.after_quality(verdict.quality))
        # Rules would say the same again, so they are never asked to repair.
        spent_repair = run.repaired or card.tier is Tier.RULE_BASED
        step = after_verdict(verdict, run.required_quality, repaired=spent_repair)
        accepted = step == "accept"
        attempt = attempt_of(
            prompt,
            card,
            Outcome.ACCEPTED if accepted else Outcome.REFUSED_BY_GATE,
            "accepted" if accepted else refusal_reason(verdict),
            answer=answer,
            quality=verdict.quality,
            seconds=seconds,
        )
        run.attempts.append(attempt)
        evaluated = Evaluated(attempt, verdict)
        run.evaluated.append(evaluated)
        return step, evaluated

    def _skip(self, run: Run, prompt: Prompt, card: ProviderCard, reason: str) -> tuple[Step, None]:
        run.attempts.append(skipped(prompt, Dropped(card, reason)))
        return "sideways", None

    def _seconds_for(self, run: Run, card: ProviderCard, reserve: float) -> float:
        """What remains for this attempt; the rules always get enough, they take a millisecond."""
        seconds = max(run.deadline - self._clock() - reserve, 0.0)
        if card.leaves_machine:
            seconds = min(seconds, LONGEST_REMOTE_SECONDS)
        return max(seconds, SHORTEST_ATTEMPT_SECONDS) if card.tier is Tier.RULE_BASED else seconds

    def _refuses_now(self, provider: Provider, now: float, seconds: float) -> str | None:
        if provider.card.tier is Tier.RULE_BASED:
            return None
        pulse = self._pulses[id(provider)]
        if seconds < SHORTEST_ATTEMPT_SECONDS:
            return "deadline.short"
        if not pulse.breaker.allows(now):
            return "breaker.open"
        return "provider.busy" if now < pulse.busy_until else None

    async def _reserve(self, run: Run, provider: Provider, prompt: Prompt) -> Hold | str:
        """A hold on the most this call can cost, or the reason why there is none."""
        amount = provider.estimate(prompt)
        try:
            async with asyncio.timeout(max(run.deadline - self._clock(), 0.0)):
                reservation = await self._budget.reserve(run.context.tenant_id, amount)
        except (StoreError, TimeoutError) as fault:
            log.warning("budget.unavailable", reason=getattr(fault, "code", "timeout"))
            return "budget.unavailable"
        return "budget.exhausted" if reservation is None else Hold(reservation, amount)

    async def _call(
        self,
        provider: Provider,
        prompt: Prompt,
        seconds: float,
        run: Run,
        hold: Hold | None,
        admitted_at: float,
    ) -> Answer:
        """One call with everything around it undone on every way out, cancellation included.

        A failed or cancelled call that the provider may bill is charged with all that was held for it: what
        may have been spent counts as spent, or the day's limit would leak.
        """
        spent: MicroUsd | None = hold.amount if hold is not None else None
        try:
            async with asyncio.timeout(seconds + SHORTEST_ATTEMPT_SECONDS):
                answer = await provider.answer(prompt, seconds=seconds)
            spent = answer.cost
            now, at = self._clock(), self._wall_clock()
            took, cost = now - admitted_at, usd(answer.cost)
            self._note(provider, lambda p: p.after_success(took, cost, at=at, admitted_at=admitted_at))
            return answer
        except TimeoutError as fault:
            timeout = ProviderTimeout(provider=provider.card.name, seconds=seconds)
            self._note_failure(provider, timeout, admitted_at)
            raise timeout from fault
        except ProviderError as fault:
            self._note_failure(provider, fault, admitted_at)
            if not may_have_cost(fault):
                spent = None
            raise
        except asyncio.CancelledError:
            self._note(provider, lambda pulse: pulse.after_cancel(admitted_at))
            raise
        finally:
            run.spent = MicroUsd(run.spent + (spent or ZERO))
            await self._close(run.context, hold, spent)

    async def _close(self, context: Context, hold: Hold | None, spent: MicroUsd | None) -> None:
        """Settles a hold, or gives it back. Shielded, so that a cancelled request leaves no money on hold."""
        if hold is None:
            return
        closing = (
            self._budget.release(context.tenant_id, hold.reservation)
            if spent is None
            else self._budget.settle(context.tenant_id, hold.reservation, spent)
        )
        try:
            await asyncio.shield(closing)
        except StoreError as fault:
            # The answer is worth more than the entry: a hold that stays is swept when it expires.
            log.warning("budget.not_settled", reason=fault.code)

    def _note(self, provider: Provider, change: Callable[[Pulse], Pulse]) -> None:
        self._pulses[id(provider)] = change(self._pulses[id(provider)])

    def _note_failure(self, provider: Provider, fault: ProviderError, admitted_at: float) -> None:
        now, at = self._clock(), self._wall_clock()
        self._note(provider, lambda p: p.after_failure(fault, now=now, at=at, admitted_at=admitted_at))


def _planned_cost(provider: Provider, prompt: Prompt) -> int:
    """What a call is expected to cost: far less than the upper bound that is reserved for it."""
    if not provider.card.paid:
        return UNPRICED_MICRO_USD[provider.card.tier]
    try:
        return provider.estimate(prompt) // ESTIMATE_OVER_COST
    except NoPrice:
        return 0
