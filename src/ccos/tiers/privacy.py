"""Personal data never leaves the machine: masked on the way out, put back on the way in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from ccos.domain.errors import ProviderRefused, Unreadable
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.ticket import Ticket
from ccos.quality.pii import LOCAL_ONLY, NO_PSEUDONYMS, Pseudonyms, begun, find, mask, restore
from ccos.tiers.provider import Hear, Provider

RESIDENT = "The text holds a resident number, so it stays on this machine."


class Masked:
    """Wraps a provider; the words around it are real, the words it sees are not.

    A text with a resident or foreigner number is refused here too, whatever the plan said: the filter keeps
    such tasks local, and this is the door where a mistake would become a leak.
    """

    def __init__(self, inner: Provider) -> None:
        self._inner = inner

    @property
    def card(self) -> ProviderCard:
        return self._inner.card

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """ProviderRefused for a text that must stay on this machine, Unreadable for one not searched."""
        masked, pseudonyms = mask_prompt(prompt)
        as_json = prompt.schema is not None
        if hear is None or as_json or not pseudonyms.values:
            answer = await self._inner.answer(masked, seconds=seconds, hear=hear)
        else:
            unmasking = Unmasking(hear, pseudonyms)
            answer = await self._inner.answer(masked, seconds=seconds, hear=unmasking.hear)
            unmasking.end()
        return replace(answer, text=unmask(answer.text, pseudonyms, as_json=as_json))

    async def alive(self, *, seconds: float) -> bool:
        return await self._inner.alive(seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:
        return self._inner.estimate(prompt)


def mask_prompt(prompt: Prompt) -> tuple[Prompt, Pseudonyms]:
    """The prompt with placeholders for personal data in system text and turns, and what they stand for.

    Raises as `mask_texts` does.
    """
    texts = [prompt.system, *(turn.text for turn in prompt.turns)]
    (system, *masked), seen = mask_texts(texts, prompt.grounds.ticket)
    turns = tuple(Turn(turn.role, text) for turn, text in zip(prompt.turns, masked, strict=True))
    return replace(prompt, system=system, turns=turns), seen


def mask_texts(texts: Sequence[str], ticket: Ticket | None) -> tuple[tuple[str, ...], Pseudonyms]:
    """The texts of a call on a ticket with placeholders for personal data, and what they stand for.

    Placeholders are numbered by the ticket, read from its beginning, before anything else: every call on it
    has the same ones, and so has a draft that is made again when the customer has written more. The
    customer's given name is masked wherever it is written. Raises ProviderRefused for a text that must stay
    on this machine, Unreadable for one that could not be searched.
    """
    try:
        if any(span.kind in LOCAL_ONLY for text in texts for span in find(text)):
            raise ProviderRefused(RESIDENT, status=None)
        names = [ticket.customer.name] if ticket and ticket.customer and ticket.customer.name else []
        _, known = mask(texts_of(ticket), names=names) if ticket else ((), NO_PSEUDONYMS)
        masked, pseudonyms = mask(texts, known, names=names)
        return masked, pseudonyms.within(masked)
    except ProviderRefused:
        raise
    except Exception as fault:
        raise Unreadable(cause=type(fault).__name__) from fault


def texts_of(ticket: Ticket) -> list[str]:
    """The ticket's texts, in the order in which they came."""
    return [ticket.subject, ticket.description, *(message.text for message in ticket.conversation_history)]


def unmask(text: str, pseudonyms: Pseudonyms, *, as_json: bool) -> str:
    """The real values back in place; inside JSON they are escaped, so that a quote cannot end a string."""
    if not as_json:
        return restore(text, pseudonyms)
    escaped = {name: json.dumps(value, ensure_ascii=False)[1:-1] for name, value in pseudonyms.values.items()}
    return restore(text, Pseudonyms(escaped))


class Unmasking:
    """Puts real values back into a text that comes in pieces.

    What may be the start of a placeholder is held back until it is whole or cannot be one.
    """

    def __init__(self, hear: Hear, pseudonyms: Pseudonyms) -> None:
        self._hear = hear
        self._pseudonyms = pseudonyms
        self._held = ""

    def hear(self, piece: str) -> None:
        text = self._held + piece
        at = begun(text)
        self._held = text[at:]
        self._say(text[:at])

    def end(self) -> None:
        """Nothing more comes."""
        held, self._held = self._held, ""
        self._say(held)

    def _say(self, text: str) -> None:
        if text:
            self._hear(restore(text, self._pseudonyms))
