"""A provider that follows a script: for tests of whatever stands above the tiers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ccos.domain.errors import ProviderError, ProviderTimeout
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.provider import Hear


@dataclass(frozen=True, slots=True)
class Says:
    """An answer that comes after a while, and is heard piece by piece.

    Without `pieces` it is heard in one. `then` is raised after them: the answer that was cut.
    """

    text: str = ""
    after_seconds: float = 0.0
    pieces: tuple[str, ...] = ()
    then: ProviderError | None = None


Step = str | Answer | ProviderError | float | Says | Callable[[Prompt], str]


class ScriptedProvider:
    """Answers with the script's steps in turn, the last one for ever.

    A string (or a function of the prompt) is an answer, `Says` one that can be heard while it comes, an error
    is raised, a number of seconds is waited before ProviderTimeout. `calls` holds every prompt it was given,
    `cancelled` counts the calls that were given up while it waited.
    """

    def __init__(
        self,
        tier: Tier,
        script: Iterable[Step],
        *,
        name: str | None = None,
        model: str | None = None,
        cost: MicroUsd = ZERO,
        context_tokens: int = 1_000_000,
        leaves_machine: bool | None = None,
        credential: str = "",
        slots: int | None = None,
    ) -> None:
        cloud = tier is Tier.CLOUD_PREMIUM
        self.card = ProviderCard(
            tier=tier,
            name=name or f"scripted-{tier.value}",
            model=model or f"model-{tier.value}",
            paid=cost > 0,
            leaves_machine=cloud if leaves_machine is None else leaves_machine,
            context_tokens=context_tokens,
            credential=credential,
            slots=slots,
        )
        self._script = list(script)
        self._cost = cost
        self.calls: list[Prompt] = []
        self.cancelled = 0

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        self.calls.append(prompt)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        match step:
            case ProviderError():
                raise step
            case int() | float():
                await self._wait(step, seconds)
                raise ProviderTimeout(provider=self.card.name)
            case Says():
                return await self._say(step, prompt, seconds, hear)
            case Answer():
                return replace(step, provider=self.card.name)
            case str():
                return self._answered(step)
            case _:
                return self._answered(step(prompt))

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002
        return not isinstance(self._script[0], ProviderError)

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002
        return self._cost

    async def _say(self, step: Says, prompt: Prompt, seconds: float, hear: Hear | None) -> Answer:
        await self._wait(step.after_seconds, seconds)
        if step.after_seconds > seconds:
            raise ProviderTimeout(provider=self.card.name, phase="first_token", begun=False)
        text = step.text or "".join(step.pieces)
        for piece in step.pieces or (text,):
            if hear is not None and prompt.schema is None:
                hear(piece)
            await asyncio.sleep(0)
        if step.then is not None:
            step.then.facts.setdefault("begun", bool(text))
            raise step.then
        return replace(self._answered(text), first_token_seconds=step.after_seconds)

    async def _wait(self, wanted: float, seconds: float) -> None:
        try:
            await asyncio.sleep(min(wanted, seconds))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def _answered(self, text: str) -> Answer:
        return Answer(text, self.card.name, self.card.model, tokens_in=100, tokens_out=50, cost=self._cost)
