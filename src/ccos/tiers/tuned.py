"""A provider with its own bounds on length and temperature, whatever the prompt asks for."""

from __future__ import annotations

from dataclasses import replace

from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.tiers.provider import Hear, Provider


class Tuned:
    """Wraps a provider: answers are at most `max_tokens` long and drawn at `temperature`."""

    def __init__(self, inner: Provider, *, max_tokens: int, temperature: float) -> None:
        self._inner = inner
        self._max_tokens = max_tokens
        self._temperature = temperature

    @property
    def card(self) -> ProviderCard:
        return self._inner.card

    @property
    def serving(self) -> frozenset[str]:
        return getattr(self._inner, "serving", frozenset({self.card.model}))

    @property
    def ready(self) -> bool:
        return getattr(self._inner, "ready", True)

    @property
    def trouble(self) -> str:
        return getattr(self._inner, "trouble", "")

    @property
    def insight(self) -> object:
        return getattr(self._inner, "insight", None)

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        return await self._inner.answer(self._tuned(prompt), seconds=seconds, hear=hear)

    async def alive(self, *, seconds: float) -> bool:
        return await self._inner.alive(seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:
        return self._inner.estimate(self._tuned(prompt))

    def _tuned(self, prompt: Prompt) -> Prompt:
        bounded = min(prompt.max_tokens, self._max_tokens)
        return replace(prompt, max_tokens=bounded, temperature=self._temperature)
