"""A provider that follows a script: for tests of whatever stands above the tiers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from ccos.domain.errors import ProviderError, ProviderTimeout
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Tier

Step = str | Answer | ProviderError | float | Callable[[Prompt], str]


class ScriptedProvider:
    """Answers with the script's steps in turn, the last one for ever.

    A string (or a function of the prompt) is an answer, an error is raised, a number of seconds is
    waited before ProviderTimeout. `calls` holds every prompt it was given.
    """

    def __init__(
        self,
        tier: Tier,
        script: Iterable[Step],
        *,
        name: str | None = None,
        cost: MicroUsd = ZERO,
        context_tokens: int = 1_000_000,
        leaves_machine: bool | None = None,
    ) -> None:
        cloud = tier is Tier.CLOUD_PREMIUM
        self.card = ProviderCard(
            tier=tier,
            name=name or f"scripted-{tier.value}",
            model=f"model-{tier.value}",
            paid=cost > 0,
            leaves_machine=cloud if leaves_machine is None else leaves_machine,
            context_tokens=context_tokens,
        )
        self._script = list(script)
        self._cost = cost
        self.calls: list[Prompt] = []
        self.cancelled = 0

    async def answer(self, prompt: Prompt, *, seconds: float) -> Answer:
        self.calls.append(prompt)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, ProviderError):
            raise step
        if isinstance(step, int | float):
            try:
                await asyncio.sleep(min(step, seconds))
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            raise ProviderTimeout(provider=self.card.name)
        if isinstance(step, Answer):
            return replace(step, provider=self.card.name)
        text = step if isinstance(step, str) else step(prompt)
        return Answer(text, self.card.name, self.card.model, tokens_in=100, tokens_out=50, cost=self._cost)

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002
        return not isinstance(self._script[0], ProviderError)

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002
        return self._cost
