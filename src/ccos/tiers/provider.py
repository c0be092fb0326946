"""What the tiers need of whoever gives words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard

Hear = Callable[[str], None]
"""Gets an answer's words piece by piece while they are written; joined they are the answer's text, but for
blanks at its ends. It neither blocks nor raises."""


class Provider(Protocol):
    """One way to get words, with one promise about failure: it raises a ProviderError.

    It never retries on its own, and it is done, one way or the other, within `seconds`. A provider that has
    its words only at the end may leave `hear` alone.
    """

    @property
    def card(self) -> ProviderCard: ...

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer: ...

    async def alive(self, *, seconds: float) -> bool:
        """Whether it could answer now. Never generates, never spends."""
        ...

    def estimate(self, prompt: Prompt) -> MicroUsd:
        """The most this prompt can cost here; raises NoPrice for a paid model without a price."""
        ...
