"""One call of one provider, with everything around it: a slot, money, the breaker, time, one quick retry.

The only place that retries. Whatever way a call ends, cancellation included, its slot is free, its money is
settled and the board knows how it went.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import (
    CcosError,
    DatabaseUnavailable,
    NoPrice,
    ProviderDown,
    ProviderError,
    ProviderTimeout,
)
from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.board import Board
from ccos.tiers.budget import Budget, Reservation
from ccos.tiers.deciding import counts_as_overload, may_have_cost, worth_a_quick_retry
from ccos.tiers.limiter import Fate, Limit, Limiter, Shed
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.record import attempt_of
from ccos.tiers.request import Context
from ccos.tiers.retry_budget import RetryBudget
from ccos.tiers.run import Run
from ccos.tiers.seldom import Seldom

log = structlog.get_logger(__name__)

SHORTEST_ATTEMPT_SECONDS = 0.3
SLOT_SHARE = 0.25
"""Share of an attempt's time that may go by in line for a slot; after it the next tier is the better use."""
OVERTIME_SECONDS = 0.1
"""A provider ends a call in time by itself and says what it waited for; after this it is ended from here."""
MONEY_SECONDS = 2.0
"""Longest wait for the books: a database that hangs must not eat the time of the tiers that need none."""
CLAIM_SECONDS = 0.3
QUICK_RETRY_SECONDS = (0.05, 0.25)
FIRST_SLOTS, MOST_SLOTS = 32, 512
"""Calls at once of a provider that names no number: where its limit starts, and how far it may grow."""
LONGEST_LINE = 1_024
"""Calls that may wait for one provider's slots; long before it is full, the expected wait sends them on."""


class PassedOver(Exception):
    """The provider was not called; `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Called:
    """A provider's answer, and how many seconds it took."""

    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Money kept back for one call: the most it can cost."""

    reservation: Reservation
    amount: MicroUsd


class Guard:
    """Calls providers for the service."""

    def __init__(
        self,
        cards: Iterable[ProviderCard],
        budget: Budget,
        board: Board,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        dice: random.Random,
    ) -> None:
        self.limiters = {
            card.deployment: Limiter(_limit(card), waiting=LONGEST_LINE)
            for card in cards
            if card.tier is not Tier.RULE_BASED
        }
        self.retries = RetryBudget(clock=clock)
        self._budget = budget
        self._board = board
        self._clock = clock
        self._wall_clock = wall_clock
        self._dice = dice
        self._seldom = Seldom(clock=clock)

    async def call(self, run: Run, provider: Provider, prompt: Prompt, until: float) -> Called:
        """The provider's answer before the time `until` of the service's clock.

        Raises PassedOver when it was not called, and a ProviderError, recorded in `run`, when it failed.
        """
        card = provider.card
        if card.tier is Tier.RULE_BASED:
            return await self._once(run, provider, prompt, until)
        refusal = self._refuses(card, until)
        if refusal is not None:
            raise PassedOver(refusal)
        self.retries.earn()
        async with self._slot(card, run.context, until) as fate:
            return await self._with_quick_retry(run, provider, prompt, until, fate)

    async def _with_quick_retry(
        self, run: Run, provider: Provider, prompt: Prompt, until: float, fate: _Fate
    ) -> Called:
        retried = False
        while True:
            try:
                called = await self._once(run, provider, prompt, until)
            except ProviderError as fault:
                fate.word = "overloaded" if counts_as_overload(fault) else "unknown"
                again = worth_a_quick_retry(fault) and not retried and not run.committed
                pause = self._dice.uniform(*QUICK_RETRY_SECONDS)
                in_time = self._clock() + pause + SHORTEST_ATTEMPT_SECONDS < until
                if not (again and in_time and self.retries.spend()):
                    raise
                retried = True
                await asyncio.sleep(pause)
                if (refusal := self._refuses(provider.card, until)) is not None:
                    raise PassedOver(refusal) from fault
            else:
                fate.word = "fine"
                return called

    async def _once(self, run: Run, provider: Provider, prompt: Prompt, until: float) -> Called:
        """One request: money, admission, call. A failure is recorded here, where its cost is known."""
        card, rules = provider.card, provider.card.tier is Tier.RULE_BASED
        hold = await self._reserve(run, provider, prompt, until) if card.paid else None
        # What was true before the wait for money may be old. From here to `admit` nothing is awaited, so that
        # of many tasks at half-open exactly one goes through.
        refusal = None if rules else self._refuses(card, until)
        if refusal is not None:
            self._close(run.context, hold, None)
            raise PassedOver(refusal)
        admitted_at = self._clock()
        half_open = self._board.pulse(card.deployment).breaker.state(admitted_at) == "half_open"
        self._note(card, lambda pulse: pulse.admit(admitted_at))
        spent = hold.amount if hold is not None else None
        failed: ProviderError | asyncio.CancelledError | None = None
        sent = False
        try:
            if half_open:
                await self._claim(card, until)
            sent = True
            answer = await self._send(run, provider, prompt, until)
            spent = answer.cost
            took = self._note_success(card, answer, admitted_at)
            return Called(answer, took)
        except PassedOver:
            spent = None
            raise
        except ProviderError as fault:
            failed = fault
            self._note_failure(card, fault, admitted_at)
            spent = spent if may_have_cost(fault) else None
            raise
        except asyncio.CancelledError as gone:
            failed = gone
            self._note_cancelled(card, admitted_at, outrun=card.tier in run.outrun)
            spent = spent if sent else None
            raise
        finally:
            # Nothing is awaited from the answer to its record, or a cancellation could come between.
            if failed is not None:
                self._record_failure(run, prompt, card, failed, spent or ZERO, self._clock() - admitted_at)
            self._close(run.context, hold, spent)

    async def _send(self, run: Run, provider: Provider, prompt: Prompt, until: float) -> Answer:
        """The request itself. A failed or cancelled one that may be billed is charged with its whole hold:
        what may have been spent counts as spent, or the day's limit would leak.
        """
        seconds = max(until - self._clock(), SHORTEST_ATTEMPT_SECONDS)
        relay = run.context.relay
        if relay is not None:
            relay.begin()
        try:
            async with asyncio.timeout(seconds + OVERTIME_SECONDS):
                if relay is None:
                    return await provider.answer(prompt, seconds=seconds)
                return await provider.answer(prompt, seconds=seconds, hear=relay.hear)
        except TimeoutError as fault:
            raise ProviderTimeout(provider=provider.card.name, seconds=seconds) from fault
        except ProviderError:
            raise
        except (
            Exception
        ) as fault:  # a provider that breaks its promise is out of order, and the chain goes on
            log.error("provider.broke", provider=provider.card.name, exc_info=True)
            raise ProviderDown(provider=provider.card.name, cause=type(fault).__name__) from fault

    async def _claim(self, card: ProviderCard, until: float) -> None:
        """The one probe of a half-open breaker, of all processes. Raises PassedOver when another sends it."""
        seconds = min(CLAIM_SECONDS, max(until - self._clock(), 0.0))
        if not await self._board.claim_probe(card.deployment, seconds=seconds):
            now = self._clock()
            self._note(card, lambda pulse: pulse.after_claim_lost(now))
            raise PassedOver("breaker.open")

    def _note_success(self, card: ProviderCard, answer: Answer, admitted_at: float) -> float:
        """The seconds it took."""
        took, at, cost = self._clock() - admitted_at, self._wall_clock(), usd(answer.cost)
        first, jitter = answer.first_token_seconds, self._jitter()
        self._note(
            card,
            lambda p: p.after_success(
                took, cost, at=at, admitted_at=admitted_at, first_token_seconds=first, jitter=jitter
            ),
        )
        return took

    def _note_failure(self, card: ProviderCard, fault: ProviderError, admitted_at: float) -> None:
        now, at, jitter = self._clock(), self._wall_clock(), self._jitter()
        self._note(
            card, lambda p: p.after_failure(fault, now=now, at=at, admitted_at=admitted_at, jitter=jitter)
        )

    def _note_cancelled(self, card: ProviderCard, admitted_at: float, *, outrun: bool) -> None:
        """A call that was cancelled because another tier answered first has been slow, and that counts."""
        now, jitter = self._clock(), self._jitter()
        if outrun:
            self._note(card, lambda p: p.after_outrun(admitted_at, now=now, jitter=jitter))
        else:
            self._note(card, lambda p: p.after_cancel(admitted_at, now=now, jitter=jitter))

    def _jitter(self) -> float:
        return self._dice.uniform(-1.0, 1.0)

    def _record_failure(
        self,
        run: Run,
        prompt: Prompt,
        card: ProviderCard,
        failed: ProviderError | asyncio.CancelledError,
        lost: MicroUsd,
        seconds: float,
    ) -> None:
        if isinstance(failed, ProviderError):
            outcome, reason = Outcome.FAILED, failed.code
            if (left_out := self._seldom.due(card.deployment, reason)) is not None:
                log.warning(
                    "attempt.failed",
                    tier=card.tier.value,
                    provider=card.name,
                    model=card.model,
                    reason=reason,
                    left_out=left_out,
                )
        else:
            outcome, reason = Outcome.CANCELLED, "cancelled"
        run.record(attempt_of(prompt, card, outcome, reason, cost=lost, seconds=seconds), spent=lost)

    def _refuses(self, card: ProviderCard, until: float) -> str | None:
        now = self._clock()
        pulse = self._board.pulse(card.deployment)
        if until - now < SHORTEST_ATTEMPT_SECONDS:
            return "deadline.short"
        if pulse.disabled_reason is not None:
            return pulse.disabled_reason
        if not pulse.breaker.allows(now):
            return "breaker.open"
        return "provider.busy" if pulse.busy(now) else None

    async def _reserve(self, run: Run, provider: Provider, prompt: Prompt, until: float) -> Hold:
        """A hold on the most this call can cost. Raises PassedOver when there is none to be had."""
        try:
            amount = provider.estimate(prompt)
        except NoPrice as fault:
            raise PassedOver(fault.code) from fault
        try:
            async with asyncio.timeout(min(MONEY_SECONDS, max(until - self._clock(), 0.0))):
                reservation = await self._budget.reserve(run.context.tenant_id, amount)
        except (CcosError, TimeoutError) as fault:
            self._tell_no_hold(fault)
            raise PassedOver("budget.unavailable") from fault
        if reservation is None:
            raise PassedOver("budget.exhausted")
        return Hold(reservation, amount)

    def _tell_no_hold(self, fault: Exception) -> None:
        """That the database is away the budget tells by itself, once."""
        reason = getattr(fault, "code", "timeout")
        if isinstance(fault, DatabaseUnavailable):
            log.debug("budget.unavailable", reason=reason)
        elif (left_out := self._seldom.due("budget", reason)) is not None:
            log.warning("budget.unavailable", reason=reason, left_out=left_out)

    def _close(self, context: Context, hold: Hold | None, spent: MicroUsd | None) -> None:
        """Settles a hold, or gives it back."""
        if hold is None:
            return
        if spent is None:
            self._budget.release(context.tenant_id, hold.reservation)
        else:
            self._budget.settle(context.tenant_id, hold.reservation, spent)

    @asynccontextmanager
    async def _slot(self, card: ProviderCard, context: Context, until: float) -> AsyncIterator[_Fate]:
        """One of the provider's slots, given back on every way out."""
        begun = self._clock()
        try:
            slot = await self.limiters[card.deployment].acquire(
                context.priority, seconds=SLOT_SHARE * (until - begun)
            )
        except Shed as shed:
            raise PassedOver(shed.reason) from None
        begun = self._clock()
        fate = _Fate()
        try:
            yield fate
        finally:
            slot.release(fate.word, self._clock() - begun)

    def _note(self, card: ProviderCard, change: Callable[[Pulse], Pulse]) -> None:
        self._board.note(card.deployment, change)


@dataclass(slots=True)
class _Fate:
    word: Fate = "unknown"


def _limit(card: ProviderCard) -> Limit:
    if card.slots is not None:
        return Limit.fixed(card.slots)
    return Limit(float(FIRST_SLOTS), ceiling=MOST_SLOTS)
