"""What the tiers need of whoever gives words."""

from __future__ import annotations

from typing import Protocol

from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard


class Provider(Protocol):
    """One way to get words, with one promise about failure: it raises a ProviderError.

    It never retries on its own, and it is done, one way or the other, within `seconds`.
    """

    @property
    def card(self) -> ProviderCard: ...

    async def answer(self, prompt: Prompt, *, seconds: float) -> Answer: ...

    async def alive(self, *, seconds: float) -> bool:
        """Whether it could answer now. Never generates, never spends."""
        ...

    def estimate(self, prompt: Prompt) -> MicroUsd:
        """The most this prompt can cost here; raises NoPrice for a paid model without a price."""
        ...
