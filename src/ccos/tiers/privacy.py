"""Personal data never leaves the machine: masked on the way out, put back on the way in."""

from __future__ import annotations

import json
from dataclasses import replace

from ccos.domain.errors import ProviderRefused
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.quality.pii import LOCAL_ONLY, Pseudonyms, find, mask, restore
from ccos.tiers.provider import Hear, Provider


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
        """Raises ProviderRefused with code `provider.refused` for a text that must stay on this machine."""
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

    The customer's given name is masked wherever it is written, since no pattern could find it.
    """
    texts = [prompt.system, *(turn.text for turn in prompt.turns)]
    if any(span.kind in LOCAL_ONLY for text in texts for span in find(text)):
        raise ProviderRefused("The text holds a resident number, so it stays on this machine.", status=None)
    customer = prompt.grounds.ticket.customer if prompt.grounds.ticket else None
    names = [customer.name] if customer and customer.name else []
    (system, *masked), pseudonyms = mask(texts, names=names)
    turns = tuple(Turn(turn.role, text) for turn, text in zip(prompt.turns, masked, strict=True))
    return replace(prompt, system=system, turns=turns), pseudonyms


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
        # A placeholder holds no other bracket, so only the last one can be the start of an unfinished one.
        at = text.rfind("[")
        start = text[at:] if at >= 0 else ""
        waits = start and any(p != start and p.startswith(start) for p in self._pseudonyms.values)
        self._held = start if waits else ""
        self._say(text[: len(text) - len(self._held)])

    def end(self) -> None:
        """Nothing more comes."""
        held, self._held = self._held, ""
        self._say(held)

    def _say(self, text: str) -> None:
        if text:
            self._hear(restore(text, self._pseudonyms))
