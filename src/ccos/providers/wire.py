"""What the clients of both wire formats do alike: check, send, read, price."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ccos.domain.errors import ProviderError, ProviderRefused
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.answering import Reply, Till, to_answer
from ccos.providers.exchange import Limits, Patience, Reader, Upstream
from ccos.providers.voice import Hear, Voice


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
    reader: Callable[[Callable[[str], None]], ReplyReader]
    token_limit: Callable[[Prompt], int]


class _Ear:
    """Listens to an answer's pieces: notes when the first came, and lets a `voice` say them."""

    def __init__(self, voice: Voice | None) -> None:
        self._voice = voice
        self._sent_at = time.monotonic()
        self.first_token_seconds: float | None = None

    def __call__(self, piece: str) -> None:
        if self.first_token_seconds is None:
            self.first_token_seconds = time.monotonic() - self._sent_at
        if self._voice is not None:
            self._voice.say(piece)


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
        self._thinks_aloud = False
        self._said_model = card.model

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._card.name!r}, {self._card.model!r})"

    @property
    def card(self) -> ProviderCard:
        return self._card

    @property
    def serving(self) -> frozenset[str]:
        """The model its answers are by. One's own server says so itself, whatever name it is asked by; of one
        that is paid it is the model that was ordered, in whichever dated edition.
        """
        return frozenset({self._card.model if self._card.paid else self._said_model})

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """The model's words, or a ProviderError, within `seconds`. Raises NoPrice before anything is sent.

        JSON is not said early: with a schema nobody hears anything. Joined, what was heard is the answer's
        text but for blanks at its ends.
        """
        voice = None
        if hear is not None and prompt.schema is None:
            voice = Voice(hear, doubt=self._thinks_aloud)
        try:
            return await self._ask(prompt, seconds, voice)
        except ProviderError as fault:
            fault.facts.update(provider=self._card.name, model=self._card.model)
            fault.facts.setdefault("begun", False)
            raise
        finally:
            self._thinks_aloud = self._thinks_aloud or (voice is not None and voice.thought_aloud)

    async def _ask(self, prompt: Prompt, seconds: float, voice: Voice | None) -> Answer:
        self.estimate(prompt)
        if not any(turn.text.strip() for turn in prompt.turns):
            raise ProviderRefused("The prompt holds no words to answer.", cause="no_turns")
        ear = _Ear(voice)
        reader = self._format.reader(ear)
        await self._upstream.post(
            self._format.answer_path,
            self._format.to_wire(prompt),
            reader,
            Limits.within(seconds, self._patience),
        )
        answer = to_answer(
            reader.reply(),
            prompt,
            self._card,
            self._till,
            first_token_seconds=ear.first_token_seconds,
        )
        self._said_model = answer.model
        if voice is not None:
            voice.end()
        return answer

    async def alive(self, *, seconds: float) -> bool:
        """Whether the list of models is answered in time; never generates, never spends."""
        return await self._upstream.answers(self._format.models_path, seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:
        """The most this prompt can cost, for reserving. Raises NoPrice for a paid model without a price."""
        return self._till.most(prompt, self._format.token_limit(prompt))
