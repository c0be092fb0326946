"""Goes down a plan: tier after tier, provider after provider, until an answer is accepted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import ProviderError
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import Verdict, Veto
from ccos.tiers.board import Board
from ccos.tiers.cache import AnswerCache, Kept, Key
from ccos.tiers.deciding import Step, after_failure, after_verdict, refusal_reason
from ccos.tiers.filtering import Dropped
from ccos.tiers.guard import SLOT_SHARE, Called, Guard, PassedOver
from ccos.tiers.outlook import EXPECTED_SECONDS
from ccos.tiers.planning import Plan
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.record import attempt_of, skipped
from ccos.tiers.repair import repair_prompt
from ccos.tiers.run import Evaluated, Run
from ccos.tiers.second_opinion import SecondOpinion, Unsure

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
WAIT_SHARE = 0.15
"""Share of the remaining time that may be waited for a provider that named a moment to come back."""


class Gate(Protocol):
    """Says whether an answer may be shown. Pure, bounded in time, never raises."""

    def judge(
        self, prompt: Prompt, answer: Answer, *, tenant_id: UUID | None = None, tier: Tier | None = None
    ) -> Verdict: ...


@dataclass(slots=True)
class Leg:
    """The part of a run that one tier is given: `reserve` seconds are kept for those below it.

    An answer's form is repaired once in it, and a provider that names a moment is waited for once; a rival
    that is asked beside it has a leg of its own.
    """

    run: Run
    reserve: float
    repaired: bool = False
    waited: bool = False

    @property
    def until(self) -> float:
        """When its last call must be over, by the service's clock."""
        return self.run.deadline - self.reserve


Where = tuple[Step, Evaluated | None]
"""Where to go after an attempt, and the answer when there was one."""


class Walker:
    """Calls providers through a guard, and has every answer judged."""

    def __init__(
        self,
        providers: Sequence[Provider],
        gate: Gate,
        guard: Guard,
        board: Board,
        cache: AnswerCache | None,
        *,
        clock: Callable[[], float],
        dice: random.Random,
        replan: Callable[[Run, bool], Plan],
        opinion: SecondOpinion | None = None,
    ) -> None:
        """`replan` plans the rest of a run, with whether a veto said that evidence is missing."""
        self._providers = tuple(providers)
        self._gate = gate
        self._guard = guard
        self._board = board
        self._cache = cache
        self._clock = clock
        self._dice = dice
        self._replan = replan
        self._opinion = opinion

    async def walk(self, run: Run, kept: Sequence[ProviderCard]) -> Evaluated | None:
        """Goes through the plan, made anew after each tier, until an answer is accepted."""
        plan, missing_evidence = run.plan, False
        while plan.tiers:
            tier, *after = plan.tiers
            run.asked.append(tier)
            rival = self._rival(run, kept, tier, after)
            if rival is None:
                step, evaluated = await self._tier(Leg(run, _reserve(after)), kept, tier)
            else:
                step, evaluated, raced = await self._race(run, kept, tier, rival, _reserve(after[1:]))
                if raced:
                    run.asked.append(rival)
            if step == "accept":
                return evaluated
            if step == "stop" or not after:
                return None
            missing_evidence = missing_evidence or step == "rules"
            plan = self._replan(run, missing_evidence)
        return None

    async def _tier(self, leg: Leg, kept: Sequence[ProviderCard], tier: Tier) -> Where:
        """Asks the providers of one tier in turn, until a step says where to go from here."""
        providers = [p for p in self._providers if p.card.tier is tier and p.card in kept]
        step: Step = "next_tier"
        for provider in providers:
            step, evaluated = await self._with_repair(leg, provider)
            if step != "sideways":
                return step, evaluated
        wait = self._worth_waiting(leg, providers)
        if wait is None:
            return step, None
        provider, seconds = wait
        leg.waited = True
        await asyncio.sleep(seconds)
        return await self._with_repair(leg, provider)

    def _worth_waiting(self, leg: Leg, providers: Sequence[Provider]) -> tuple[Provider, float] | None:
        """The provider that asked for so little time that it is worth waiting for, and how many seconds."""
        now = self._clock()
        named = [(self._pulse(p.card).comes_back(now), p) for p in providers]
        seconds, provider = min(
            ((s, p) for s, p in named if s is not None), key=lambda pair: pair[0], default=(0.0, None)
        )
        if provider is None or leg.waited:
            return None
        seconds *= 1.0 + self._dice.uniform(0.0, 0.1)
        return (provider, seconds) if seconds <= WAIT_SHARE * (leg.until - now) else None

    async def _with_repair(self, leg: Leg, provider: Provider) -> Where:
        """One provider's turn, and a second one when its answer was wrong in form alone."""
        prompt = leg.run.prompt
        step, evaluated = await self._attempt(leg, provider, prompt)
        if step != "repair" or evaluated is None:
            return step, evaluated
        leg.repaired = True
        return await self._attempt(leg, provider, repair_prompt(prompt, evaluated.verdict))

    def _rival(
        self, run: Run, kept: Sequence[ProviderCard], tier: Tier, after: Sequence[Tier]
    ) -> Tier | None:
        """The local tier that may be started beside a slow cloud: in `latency_first`, with a free slot."""
        if run.context.mode is not Mode.LATENCY_FIRST or run.context.relay is not None or not after:
            return None
        if after[0] is Tier.RULE_BASED or not all(c.leaves_machine for c in kept if c.tier is tier):
            return None
        cards = [c for c in kept if c.tier is after[0]]
        limiters = self._guard.limiters
        free = [c for c in cards if limiters[c.deployment].in_flight < limiters[c.deployment].limit]
        return after[0] if free and not any(c.leaves_machine or c.paid for c in cards) else None

    async def _race(
        self, run: Run, kept: Sequence[ProviderCard], tier: Tier, rival: Tier, reserve: float
    ) -> tuple[Step, Evaluated | None, bool]:
        """Asks `tier`, and `rival` too once `tier` is slower than its own p95; the first accepted stays.

        The other call is cancelled. The last value says whether the rival was asked.
        """
        first = asyncio.create_task(self._tier(Leg(run, reserve + RESERVE_SECONDS[rival]), kept, tier))
        started = {first: tier}
        try:
            done, _ = await asyncio.wait({first}, timeout=self._hedge_seconds(kept, tier))
            if done or not self._guard.retries.spend():
                return *(await first), False
            started[asyncio.create_task(self._tier(Leg(run, reserve), kept, rival))] = rival
            waiting = set(started)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    step, evaluated = ended.result()
                    if step == "accept":
                        run.outrun |= {started[late] for late in waiting}
                    if step in ("accept", "rules"):  # no other model could do better with what is missing
                        return step, evaluated, True
            return "next_tier", None, True
        finally:
            for task in started:
                task.cancel()
            await asyncio.gather(*started, return_exceptions=True)

    def _hedge_seconds(self, kept: Sequence[ProviderCard], tier: Tier) -> float:
        known = [self._pulse(c).p95_seconds for c in kept if c.tier is tier]
        measured = [seconds for seconds in known if seconds is not None]
        return min(measured, default=EXPECTED_SECONDS[tier])

    def remembered(self, run: Run, missed: Sequence[ProviderCard]) -> Evaluated | None:
        """What a tier that is wanted and cannot be had now answered to the very same question before."""
        for card in missed:
            key = self._key(run, card, run.prompt) if card.tier in run.wanted.tiers else None
            kept = self._cache.get(key) if self._cache and key and run.context.cache == "use" else None
            if kept is not None:
                return self._remember(run, card, run.prompt, kept)
        return None

    async def _attempt(self, leg: Leg, provider: Provider, prompt: Prompt) -> Where:
        """One turn of one provider, or the answer it gave to the very same question before."""
        run, card = leg.run, provider.card
        key = self._key(run, card, prompt)
        if self._cache is None or key is None:
            return await self._fresh(leg, provider, prompt)
        if run.context.cache == "refresh":
            where = await self._fresh(leg, provider, prompt)
            if (kept := _kept(where)) is not None:
                self._cache.put(key, kept)
            return where
        seconds = SLOT_SHARE * max(self._until(leg, card) - self._clock(), 0.0)
        made = await self._cache.share(
            key, lambda: self._fresh(leg, provider, prompt), _kept, seconds=seconds
        )
        return ("accept", self._remember(run, card, prompt, made)) if isinstance(made, Kept) else made

    def _key(self, run: Run, card: ProviderCard, prompt: Prompt) -> Key | None:
        context = run.context
        if self._cache is None or card.tier is Tier.RULE_BASED or context.cache == "off":
            return None
        required = run.required_quality
        return self._cache.key(prompt, context.tenant_id, card.deployment, required_quality=required)

    def _remember(self, run: Run, card: ProviderCard, prompt: Prompt, kept: Kept) -> Evaluated:
        """An answer that passed the gate before: it costs nothing, and it says so."""
        quality = kept.verdict.quality
        attempt = attempt_of(
            prompt, card, Outcome.ACCEPTED, "accepted", answer=kept.answer, quality=quality, cached=True
        )
        run.record(attempt, kept.answer)
        evaluated = Evaluated(attempt, kept.verdict, kept.answer)
        run.evaluated.append(evaluated)
        return evaluated

    async def _fresh(self, leg: Leg, provider: Provider, prompt: Prompt) -> Where:
        """An answer that is asked for and judged, or the reason why there is none."""
        run, card = leg.run, provider.card
        try:
            called = await self._guard.call(run, provider, prompt, self._until(leg, card))
        except PassedOver as passed:
            run.record(skipped(prompt, Dropped(card, passed.reason)))
            return "sideways", None
        except ProviderError as fault:
            if run.committed:
                run.cut = run.attempts[-1]
                return "stop", None
            return after_failure(fault), None
        prompt = _seen(prompt, called.answer)
        verdict = self._judge(prompt, called.answer, run.context.tenant_id, card.tier)
        try:
            verdict = await self._second(leg, card, prompt, called.answer, verdict)
        except asyncio.CancelledError:  # the answer is there and paid for, whoever waits for it or not
            gone = attempt_of(
                prompt,
                card,
                Outcome.CANCELLED,
                "cancelled",
                answer=called.answer,
                quality=verdict.quality,
                seconds=called.seconds,
            )
            run.record(gone, called.answer, called.answer.cost)
            raise
        except Exception as fault:  # an adviser's fault is no word on the answer
            log.error("opinion.broke", task=prompt.task.value, error=type(fault).__name__)
        return self._decide(leg, card, prompt, called, verdict)

    async def _second(
        self, leg: Leg, card: ProviderCard, prompt: Prompt, answer: Answer, verdict: Verdict
    ) -> Verdict:
        """The verdict after second opinions, where they are wanted and can be had; a failed one is none.

        Words that are already on their way to the caller are past it.
        """
        run, opinion = leg.run, self._opinion
        if opinion is None or run.context.relay is not None or not opinion.wanted(prompt, verdict, card.tier):
            return verdict

        async def ask(judge: Provider, question: Prompt, seconds: float) -> Answer | None:
            try:
                called = await self._guard.call(run, judge, question, self._clock() + seconds)
            except (PassedOver, ProviderError):
                return None
            said, took = called.answer, called.seconds
            attempt = attempt_of(
                question, judge.card, Outcome.ACCEPTED, "accepted", answer=said, seconds=took
            )
            run.record(attempt, said, said.cost)
            return said

        unsure = Unsure(
            prompt,
            verdict,
            answer,
            card.tier,
            run.context,
            providers=[p for p in self._providers if p.card in run.kept],
            ask=ask,
            record=run.record,
            seconds=min(leg.until - self._clock(), opinion.seconds),
        )
        return await opinion.heard(unsure, now=self._clock)

    def _decide(
        self, leg: Leg, card: ProviderCard, prompt: Prompt, called: Called, verdict: Verdict
    ) -> Where:
        run = leg.run
        self._board.note(card.deployment, lambda pulse: pulse.after_quality(verdict.quality))
        # Rules would say the same again, so they are never asked to repair.
        spent_repair = leg.repaired or card.tier is Tier.RULE_BASED
        step = after_verdict(verdict, run.required_quality, repaired=spent_repair)
        accepted = step == "accept"
        attempt = attempt_of(
            prompt,
            card,
            Outcome.ACCEPTED if accepted else Outcome.REFUSED_BY_GATE,
            "accepted" if accepted else refusal_reason(verdict),
            answer=called.answer,
            quality=verdict.quality,
            seconds=called.seconds,
        )
        run.record(attempt, called.answer, called.answer.cost)
        evaluated = Evaluated(attempt, verdict, called.answer)
        run.evaluated.append(evaluated)
        return ("stop" if run.committed and not accepted else step), evaluated

    def _judge(self, prompt: Prompt, answer: Answer, tenant_id: UUID | None, tier: Tier) -> Verdict:
        """The gate's word. Should it break, the answer is one that nobody could judge."""
        try:
            return self._gate.judge(prompt, answer, tenant_id=tenant_id, tier=tier)
        except Exception:
            log.error("gate.broke", task=prompt.task.value, exc_info=True)
            unjudged = Veto("unjudged", "The gate could not judge the answer.", "escalate")
            return Verdict(0.0, "none", answer.text, (unjudged,))

    def _until(self, leg: Leg, card: ProviderCard) -> float:
        """When an attempt must be over: before the time kept for lower tiers, sooner if it leaves here."""
        return min(leg.until, self._clock() + LONGEST_REMOTE_SECONDS) if card.leaves_machine else leg.until

    def _pulse(self, card: ProviderCard) -> Pulse:
        return self._board.pulse(card.deployment)


def _seen(prompt: Prompt, answer: Answer) -> Prompt:
    """The prompt with the evidence that was sent: no answer rests on what was left out to make it fit."""
    if not answer.unseen:
        return prompt
    evidence = tuple(e for e in prompt.grounds.evidence if e.n not in answer.unseen)
    return replace(prompt, grounds=replace(prompt.grounds, evidence=evidence))


def _kept(where: Where) -> Kept | None:
    step, evaluated = where
    return Kept(evaluated.answer, evaluated.verdict) if step == "accept" and evaluated else None


def _reserve(lower: Sequence[Tier]) -> float:
    """Seconds kept back for the tiers that stand below in the plan."""
    return sum(RESERVE_SECONDS[tier] for tier in lower)
