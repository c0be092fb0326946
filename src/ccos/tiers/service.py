"""Four tiers behind one call: filter, plan, call, gate, decide."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import NoPrice, ProviderError
from ccos.domain.money import ZERO, Level, MicroUsd
from ccos.domain.prompt import Prompt, ProviderCard
from ccos.domain.tier import REQUIRED_QUALITY, Mode, Tier
from ccos.tiers.board import Board
from ccos.tiers.budget import Budget
from ccos.tiers.cache import AnswerCache
from ccos.tiers.decision_log import DecisionLog, NoDecisionLog, answers_of, decision_of
from ccos.tiers.exploring import Choice, choose
from ccos.tiers.filtering import CLOUD_MISSED, Condition, filter_providers
from ccos.tiers.guard import Guard
from ccos.tiers.ledger import Ledger, NoLedger
from ccos.tiers.outlook import CAPABILITY, EXPECTED_SECONDS, UNPRICED_MICRO_USD, capability
from ccos.tiers.planning import Outlook, Plan, make_plan, replan
from ccos.tiers.predicting import (
    Predictor,
    Priors,
    Signals,
    cell_of,
    good_prior,
    shift,
    shifted,
    signals,
)
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.record import skipped
from ccos.tiers.request import Context, Generation
from ccos.tiers.run import Evaluated, Run, conclude, entry, used
from ccos.tiers.second_opinion import SecondOpinion
from ccos.tiers.walk import WAIT_SHARE, Gate, Walker

log = structlog.get_logger(__name__)

POLICY = "1"
"""Changes with how plans are made; logged decisions name it, hashed with the settings then in force."""
ESTIMATE_OVER_COST = 3
"""A reservation counts each byte as a token and the longest answer: some three times what a call costs."""


class MultiTierLLMService:
    """Plans tiers, calls them under one deadline, and accepts only what passes the gate.

    `providers` holds every configured provider, best first inside a tier; it must hold a rule tier,
    which is what makes the call end in an answer whatever else happens. `required_quality` overrides the
    tasks' own; `one_tier` calls a single tier before the rules. `board` and `ledger` may be shared with other
    processes, `cache` keeps accepted answers. `predictor` knows how the tiers did so far, `decisions` hears
    what was planned and what came of it, and a share `explore` of drafts begins with another tier than the
    planned one, within the bounds of `exploring.py`. `opinion` asks a second model about a reply whose
    quality is unsure. `premium` says what a prompt and its answer would have
    cost on the premium model: the other side of the saving.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        gate: Gate,
        budget: Budget,
        *,
        board: Board | None = None,
        ledger: Ledger | None = None,
        predictor: Predictor | None = None,
        decisions: DecisionLog | None = None,
        explore: float = 0.0,
        cache: AnswerCache | None = None,
        opinion: SecondOpinion | None = None,
        premium: Callable[[Prompt, str], MicroUsd] = lambda _prompt, _text: ZERO,
        thresholds: Mapping[Tier, float] = CAPABILITY,
        required_quality: float | None = None,
        one_tier: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        dice: random.Random | None = None,
    ) -> None:
        if not any(p.card.tier is Tier.RULE_BASED for p in providers):
            raise ValueError("The rule tier is missing: without it the chain can end without an answer.")
        cards = [p.card for p in providers]
        self._providers = tuple(providers)
        self._budget = budget
        self._board = board or Board(card.deployment for card in cards)
        self._ledger = ledger or NoLedger()
        self._predictor = predictor or Priors()
        self._decisions = decisions or NoDecisionLog()
        self._explore = explore
        self._premium = premium
        self._thresholds = thresholds
        self._required_quality = required_quality
        self._one_tier = one_tier
        self._clock = clock
        dice = dice or random.Random()  # noqa: S311  it spreads calls in time and keeps no secret
        self._dice = dice
        policy = (POLICY, sorted(thresholds.items()), required_quality, one_tier, explore)
        self._policy = hashlib.blake2b(repr(policy).encode(), digest_size=6).hexdigest()
        self._guard = Guard(cards, budget, self._board, clock=clock, wall_clock=wall_clock, dice=dice)
        self._walker = Walker(
            providers,
            gate,
            self._guard,
            self._board,
            cache,
            clock=clock,
            dice=dice,
            replan=self._replanned,
            opinion=opinion,
        )

    async def generate_with_fallback(
        self,
        prompt: Prompt,
        context: Context | None = None,
        required_quality: float | None = None,
        max_retries: int = 3,
    ) -> Generation:
        """The best accepted answer, or the best evaluated one marked as not accepted.

        `required_quality` defaults to the task's own; `max_retries` bounds the tiers that are tried before
        the rule tier. Raises nothing but cancellation: an outage, a spent budget or a bad answer each
        end in another tier, and the rules always have something.
        """
        started = self._clock()
        context = self._within_means(context or Context())
        required = self._required(prompt, required_quality)
        prompt = replace(prompt, tenant_id=context.tenant_id)
        run, kept, missed = self._planned(prompt, context, required, max_retries)
        chosen: Evaluated | None = None
        try:
            accepted = self._walker.remembered(run, missed) or await self._walker.walk(run, kept)
            if run.cut is None:
                chosen = used(run, accepted)
            if chosen is not None and context.relay is not None:
                context.relay.finish(chosen.verdict.text)
        finally:
            self._note_charges(run, chosen)
            self._note_decision(run, chosen, self._clock() - started)
        return conclude(run, accepted, self._clock() - started)

    def _within_means(self, context: Context) -> Context:
        """With most of the day's money gone, every mode that would spend it first turns to `cost_first`."""
        spending = context.mode in (Mode.QUALITY_FIRST, Mode.LATENCY_FIRST)
        if spending and self._budget.level(context.tenant_id) in (Level.COST_FIRST, Level.EXHAUSTED):
            return replace(context, mode=Mode.COST_FIRST)
        return context

    def _planned(
        self, prompt: Prompt, context: Context, required: float, max_retries: int
    ) -> tuple[Run, list[ProviderCard], list[ProviderCard]]:
        """A run with its plan, who may be called in it, and who was wanted and cannot be had."""
        tiers = max(0, min(max_retries, 1) if self._one_tier else max_retries)
        kept, dropped = filter_providers(self._conditions(prompt, context), prompt, context)
        missed = [d.card for d in dropped if d.reason in CLOUD_MISSED]
        level, found = self._budget.level(context.tenant_id), signals(prompt)

        def plan(outlooks: Sequence[Outlook], first: Tier | None = None) -> Plan:
            return make_plan(
                context.mode,
                outlooks,
                required_quality=required,
                seconds=context.seconds,
                max_calls=tiers,
                level=level,
                first=first,
            )

        outlooks = self._outlooks(prompt, kept, context, required, found)
        chosen = plan(outlooks)
        choice = self._chosen(prompt, context, chosen, outlooks, level)
        if choice.explored:
            chosen = plan(outlooks, choice.first)
            chosen = replace(chosen, why=f"{chosen.why}, to learn of {choice.first.value}")
        wanted = (
            plan(self._outlooks(prompt, [*kept, *missed], context, required, found)) if missed else chosen
        )
        run = Run(
            prompt,
            context,
            required,
            self._clock() + context.seconds,
            chosen,
            wanted,
            choice,
            outlooks=tuple(outlooks),
            signals=found,
            level=level,
            max_calls=tiers,
            kept=tuple(kept),
        )
        for d in dropped:
            run.record(skipped(prompt, d))
        return run, kept, missed

    def _chosen(
        self, prompt: Prompt, context: Context, plan: Plan, outlooks: Sequence[Outlook], level: Level
    ) -> Choice:
        greedy = plan.tiers[0]
        return choose(
            greedy,
            [o.tier for o in outlooks],
            context,
            intent=prompt.grounds.intent,
            share=self._explore,
            labels=self._predictor.labels(context.tenant_id),
            level=level,
            seed=self._dice.getrandbits(63) if self._explore > 0 else 0,
        )

    def _replanned(self, run: Run, missing_evidence: bool) -> Plan:
        """The rest of a run, planned with what its answers, the clock and the day's money say by now."""
        return replan(
            run.context.mode,
            run.outlooks,
            run.learnt(run.deadline - self._clock(), missing_evidence=missing_evidence),
            required_quality=run.required_quality,
            level=self._budget.level(run.context.tenant_id),
        )

    def _required(self, prompt: Prompt, asked: float | None) -> float:
        if asked is not None:
            return asked
        own = REQUIRED_QUALITY[prompt.task]
        return own if self._required_quality is None else self._required_quality

    @property
    def cards(self) -> tuple[ProviderCard, ...]:
        """Who may be asked, as configured."""
        return tuple(provider.card for provider in self._providers)

    def pulses(self) -> list[tuple[ProviderCard, Pulse]]:
        """What recent calls and probes say of each provider, from memory."""
        return [(p.card, self._board.pulse(p.card.deployment)) for p in self._providers]

    def load(self) -> dict[str, tuple[int, int, int]]:
        """Of each deployment: calls in flight, its limit of them, and how many wait in line."""
        limiters = self._guard.limiters
        return {name: (one.in_flight, one.limit, one.waiting) for name, one in limiters.items()}

    def notices(self) -> dict[str, tuple[bool, str]]:
        """Of each deployment whether it can answer, and its own words on why not; or what an operator should
        know although it does.
        """
        return {
            p.card.deployment: (getattr(p, "ready", True), getattr(p, "trouble", "")) for p in self._providers
        }

    def insights(self) -> dict[str, object]:
        """Of each deployment what it tells of its inside, for health and metrics, or None."""
        return {p.card.deployment: getattr(p, "insight", None) for p in self._providers}

    async def probe(self, *, seconds: float = 3.0) -> None:
        """Asks every provider, all at once, whether it is there: never generates, never spends."""

        async def ask(provider: Provider) -> None:
            try:
                async with asyncio.timeout(seconds):
                    reachable = await provider.alive(seconds=seconds)
            except (ProviderError, TimeoutError):
                reachable = False
            except Exception:  # one broken provider must not end the watch over all
                log.error("provider.broke", provider=provider.card.name, exc_info=True)
                reachable = False
            self._board.note(provider.card.deployment, lambda pulse: pulse.after_probe(reachable))

        await asyncio.gather(*(ask(provider) for provider in self._providers))

    def _conditions(self, prompt: Prompt, context: Context) -> Iterator[Condition]:
        now = self._clock()
        money_left = self._budget.level(context.tenant_id) is not Level.EXHAUSTED
        for provider in self._providers:
            pulse = self._board.pulse(provider.card.deployment)
            disabled = pulse.disabled_reason
            if disabled is None and provider.card.paid:
                try:
                    provider.estimate(prompt)
                except NoPrice as fault:
                    disabled = fault.code
            yield Condition(
                card=provider.card,
                breaker_allows=pulse.breaker.allows(now),
                busy=pulse.busy(now) and not _soon(pulse.comes_back(now), context.seconds),
                affordable=money_left or not provider.card.paid,
                ready=getattr(provider, "ready", True),
                disabled_reason=disabled,
            )

    def _outlooks(
        self,
        prompt: Prompt,
        kept: Sequence[ProviderCard],
        context: Context,
        required: float,
        found: Signals | None,
    ) -> list[Outlook]:
        """One outlook per tier: that of its first usable provider."""
        by_tier: dict[Tier, Outlook] = {}
        by = shift(found)
        for provider in self._providers:
            card = provider.card
            if card not in kept or card.tier in by_tier:
                continue
            mean = self._board.pulse(card.deployment).seconds
            prior = capability(self._thresholds, card.tier, prompt.task)
            expected = self._predictor.predict(
                cell_of(prompt, context.tenant_id, card.tier),
                accept=prior,
                good=good_prior(card.tier, required, prior),
            )
            by_tier[card.tier] = Outlook(
                tier=card.tier,
                capability=shifted(expected.accept, by),
                cost_micro_usd=_planned_cost(provider, prompt),
                seconds=EXPECTED_SECONDS[card.tier] if mean is None else mean,
                good=expected.good,
                usual=expected.accept,
            )
        return list(by_tier.values())

    def _note_charges(self, run: Run, chosen: Evaluated | None) -> None:
        """Every call into the ledger, also of a request that was cancelled in the middle."""
        for charge in run.charges:
            mine = chosen is not None and charge.attempt is chosen.attempt
            # What nobody could use, such as an apology, would have saved nothing.
            saves = chosen is not None and mine and chosen.attempt.outcome is Outcome.ACCEPTED
            premium = self._premium(run.prompt, chosen.verdict.text) if chosen and saves else ZERO
            self._ledger.note(entry(charge, run.context, premium, used=mine))

    def _note_decision(self, run: Run, chosen: Evaluated | None, seconds: float) -> None:
        """What was planned and what came of it, also of a request that was cancelled in the middle."""
        try:
            decision = decision_of(run, chosen, policy=self._policy, seconds=seconds)
            self._decisions.note(decision, answers_of(run))
        except Exception:  # what is kept for learning must never cost an answer
            log.error("decisions.not_noted", exc_info=True)


def _soon(wait_seconds: float | None, seconds: float) -> bool:
    """Whether a busy provider comes back in time to be worth a place in the plan."""
    return wait_seconds is not None and wait_seconds <= WAIT_SHARE * seconds


def _planned_cost(provider: Provider, prompt: Prompt) -> int:
    """What a call is expected to cost: far less than the upper bound that is reserved for it."""
    if not provider.card.paid:
        return UNPRICED_MICRO_USD[provider.card.tier]
    try:
        return provider.estimate(prompt) // ESTIMATE_OVER_COST
    except NoPrice:
        return 0
