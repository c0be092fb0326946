"""A provider that fails as it is told, without its upstream hearing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ccos.domain.errors import ProviderError
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.drill.faults import FIRST_TOKEN_SECONDS, SLOWER, Fault, Wait
from ccos.drill.spoiled import spoiled
from ccos.providers.exchange import Limits, Patience
from ccos.tiers.deciding import may_have_cost
from ccos.tiers.provider import Hear, Provider

STATUS_SECONDS = 0.05
WORDS_SECONDS = 0.3
HELD_OVER_COST = 3
"""A reservation counts each byte as a token and the longest answer: some three times what a call costs."""


@dataclass(slots=True)
class Call:
    """One call as the provider saw it; times are the drill clock's seconds.

    `sent`: the upstream heard it. One that was not is charged by the service all the same where a real one
    might be billed: `imagined` micro-USD.
    """

    started: float
    sent: bool
    ended: float | None = None
    answered: bool = False
    imagined: int = 0


class Faulty:
    """Wraps a provider. While `fault` is set its calls fail that way; whatever else it has is passed on.

    A failing call sends nothing upstream and costs nothing, but for `slow` and a first word that comes in
    time after all: these ask the provider itself.
    """

    def __init__(self, inner: Provider, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._clock = clock
        self._fault: Fault | None = None
        self._asked = 0
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def card(self) -> ProviderCard:
        return self._inner.card

    @property
    def fault(self) -> Fault | None:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault = fault
        self._asked = 0

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        fault, number = self._fault, self._asked
        self._asked += 1
        hit = fault if fault is not None and fault.hits(number) else None
        # Given up half-way, it is charged with all that is held for it.
        call = Call(self._clock(), sent=hit is None, imagined=0 if hit is None else self.estimate(prompt))
        self.calls.append(call)
        try:
            if hit is None:
                answer = await self._ask(prompt, seconds, hear)
            else:
                answer = await self._fail(hit, number, call, prompt, seconds, hear)
            call.answered, call.imagined = True, answer.cost
            return answer
        except ProviderError as failed:
            if not may_have_cost(failed):
                call.imagined = 0
            failed.facts.setdefault("begun", False)
            failed.facts.update(provider=self.card.name, model=self.card.model)
            raise
        finally:
            call.ended = self._clock()
            if call.sent:
                call.imagined = 0

    async def alive(self, *, seconds: float) -> bool:
        return self._fault is None and await self._inner.alive(seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:
        return self._inner.estimate(prompt)

    async def _ask(self, prompt: Prompt, seconds: float, hear: Hear | None) -> Answer:
        if hear is None:
            return await self._inner.answer(prompt, seconds=seconds)
        return await self._inner.answer(prompt, seconds=seconds, hear=hear)

    async def _fail(
        self, fault: Fault, number: int, call: Call, prompt: Prompt, seconds: float, hear: Hear | None
    ) -> Answer:
        match fault.act:
            case "spoil":
                await asyncio.sleep(min(WORDS_SECONDS, seconds))
                return self._spoiled(prompt, number)
            case "late_first_token":
                patience = self._limits(seconds).first_token_seconds
                await asyncio.sleep(min(FIRST_TOKEN_SECONDS, patience))
                if patience > FIRST_TOKEN_SECONDS:
                    call.sent = True
                    return await self._ask(prompt, seconds - FIRST_TOKEN_SECONDS, hear)
            case "slow":
                call.sent = True
                started = asyncio.get_running_loop().time()
                answer = await self._ask(prompt, seconds, hear)
                took = asyncio.get_running_loop().time() - started
                await asyncio.sleep(max(0.0, min(SLOWER * took, seconds) - took))
                if SLOWER * took <= seconds:
                    return answer
            case "raise":
                await asyncio.sleep(waiting(fault.wait, self._limits(seconds)))
        assert fault.error is not None
        raise fault.error()

    def _limits(self, seconds: float) -> Limits:
        return Limits.within(seconds, Patience(remote=self.card.leaves_machine))

    def _spoiled(self, prompt: Prompt, number: int) -> Answer:
        """A bad answer costs what a good one does, so it is charged as one, though nobody bills it."""
        card, cost = self.card, MicroUsd(self.estimate(prompt) // HELD_OVER_COST)
        answer = Answer(spoiled(prompt, number), card.name, card.model, cost=cost)
        return replace(answer, estimated_cost=cost)


def waiting(wait: Wait, limits: Limits) -> float:
    """How long a client with these limits waits before it sees the fault."""
    match wait:
        case "none":
            return 0.0
        case "status":
            return min(STATUS_SECONDS, limits.seconds)
        case "words":
            return min(WORDS_SECONDS, limits.seconds)
        case "first_token":
            return limits.first_token_seconds
        case "stall":
            return min(WORDS_SECONDS + limits.stall_seconds, limits.seconds)
