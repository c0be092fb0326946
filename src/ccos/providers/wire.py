"""What the clients of both wire formats do alike: check, send, read, price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ccos.domain.errors import ProviderError, ProviderRefused
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.answering import Reply, Till, to_answer
from ccos.providers.exchange import Limits, Reader, Upstream


class ReplyReader(Reader, Protocol):
    def reply(self) -> Reply:
        """What was read; only once it is whole."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A wire format: its paths, how a prompt is written, how an answer is read, how long one may get."""

    answer_path: str
    models_path: str
    to_wire: Callable[[Prompt], Mapping[str, Any]]
    reader: Callable[[], ReplyReader]
    token_limit: Callable[[Prompt], int]


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits inside the seconds of a call; None is cut from those seconds (`Limits.within`)."""

    first_token_seconds: float | None = None
    stall_seconds: float | None = None


class WireClient:
    """A provider behind HTTP. It never retries, and closes its connection at once when it is cancelled."""

    def __init__(
        self, card: ProviderCard, upstream: Upstream, form: Format, till: Till, patience: Patience
    ) -> None:
        self._card = card
        self._upstream = upstream
        self._format = form
        self._till = till
        self._patience = patience

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._card.name!r}, {self._card.model!r})"

    @property
    def card(self) -> ProviderCard:
        return self._card

    async def answer(self, prompt: Prompt, *, seconds: float) -> Answer:
        """The model's words, or a ProviderError, within `seconds`. Raises NoPrice before anything is sent."""
        try:
            self.estimate(prompt)
            if not any(turn.text.strip() for turn in prompt.turns):
                raise ProviderRefused("The prompt holds no words to answer.", cause="no_turns")
            reader = self._format.reader()
            await self._upstream.post(
                self._format.answer_path,
                self._format.to_wire(prompt),
                reader,
                Limits.within(seconds, self._patience.first_token_seconds, self._patience.stall_seconds),
            )
            return to_answer(reader.reply(), prompt, self._card, self._till)
        except ProviderError as fault:
            fault.facts.update(provider=self._card.name, model=self._card.model)
            raise

    async def alive(self, *, seconds: float) -> bool:
        """Whether the list of models is answered in time; never generates, never spends."""
        return await self._upstream.answers(self._format.models_path, seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:
        """The most this prompt can cost, for reserving. Raises NoPrice for a paid model without a price."""
        return self._till.most(prompt, self._format.token_limit(prompt))
