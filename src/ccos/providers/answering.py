"""What both wire formats need to turn an upstream's words into an Answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ccos.domain.errors import ContentFiltered, ProviderDown
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, FinishReason, Prompt, ProviderCard
from ccos.providers.prices import Prices
from ccos.providers.tokens import likely_prompt_tokens, likely_tokens, most_prompt_tokens
from ccos.providers.voice import Voice

MAX_TEXT_CHARACTERS = 200_000
"""Longest answer that is kept: twice the longest text a ticket may hold."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a provider reported them; `cached_in` of `tokens_in` came from its prompt cache."""

    tokens_in: int
    tokens_out: int
    cached_in: int = 0


class Words:
    """Gathers an answer's pieces, within bounds; `listen` gets each of them, thinking and all."""

    def __init__(self, listen: Callable[[str], None]) -> None:
        self._listen = listen
        self._pieces: list[str] = []
        self._length = 0

    def add(self, piece: str) -> None:
        if not piece:
            return
        self._length += len(piece)
        if self._length > MAX_TEXT_CHARACTERS:
            raise ProviderDown(cause="answer_too_large")
        self._pieces.append(piece)
        self._listen(piece)

    @property
    def text(self) -> str:
        return "".join(self._pieces)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a wire reader understood of one answer."""

    text: str
    finish_reason: FinishReason
    model: str | None
    usage: Usage | None
    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Till:
    """Prices one deployment's answers. Not `paid`: everything is free and needs no price."""

    prices: Prices
    provider_id: str | None
    model: str
    paid: bool

    def most(self, prompt: Prompt, tokens_out: int) -> MicroUsd:
        """The most a prompt can cost, for reserving. Raises NoPrice."""
        return self._price(self.model, Usage(most_prompt_tokens(prompt), tokens_out)) if self.paid else ZERO

    def cost(self, model: str, usage: Usage) -> MicroUsd:
        """What an answer of `model` cost: its own price where one is known, else that of the model asked for.

        A price configured for the model asked for comes before the table's price for the one that answered.
        """
        if not self.paid:
            return ZERO
        configured = self.prices.configured
        own = model in configured or (
            self.model not in configured and self.prices.knows(self.provider_id, model)
        )
        return self._price(model if own else self.model, usage)

    def _price(self, model: str, usage: Usage) -> MicroUsd:
        return self.prices.price(
            self.provider_id, model, usage.tokens_in, usage.tokens_out, cached_in=usage.cached_in
        )


def to_answer(
    reply: Reply,
    prompt: Prompt,
    card: ProviderCard,
    till: Till,
    *,
    first_token_seconds: float | None = None,
) -> Answer:
    """The answer, priced. Raises ContentFiltered, or ProviderDown for words there are none of."""
    if reply.finish_reason == "content_filter":
        raise ContentFiltered(begun=True)
    text = spoken(reply.text, as_json=prompt.schema is not None)
    if not text:
        raise ProviderDown(cause="empty", finish_reason=reply.finish_reason, begun=True)
    usage = ours = reply.usage
    if usage is None or till.paid:
        ours = Usage(likely_prompt_tokens(prompt), likely_tokens(reply.text))
        usage = usage or ours
    assert usage is not None and ours is not None
    model = reply.model or card.model
    return Answer(
        text=text,
        provider=card.name,
        model=model,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        tokens_cached=usage.cached_in,
        cost=till.cost(model, usage),
        estimated_cost=till.cost(model, ours),
        first_token_seconds=first_token_seconds,
        finish_reason=reply.finish_reason,
        usage_reported=reply.usage is not None,
        logprobs=reply.logprobs,
    )


_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)
_UNREADABLE = re.compile("\ufffd{2,}")


def spoken(text: str, *, as_json: bool = False) -> str:
    """What is meant for a reader (see Voice), without a code fence around a JSON object.

    In JSON, bytes in a row that are no letters become one sign: llama.cpp's grammar takes an overlong UTF-8
    sequence for one letter, and would let a text grow beyond the length that it was bound to.
    """
    voice = Voice()
    voice.say(text)
    voice.end()
    rest = voice.text.strip()
    if not as_json:
        return rest
    fenced = _FENCED.fullmatch(rest)
    return _UNREADABLE.sub("\ufffd", fenced[1].strip() if fenced else rest)


def parsed(data: bytes) -> Mapping[str, Any]:
    """A JSON object of a stream or a body. Raises ProviderDown for anything else."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ProviderDown(cause="malformed") from None
    if not isinstance(document, dict):
        raise ProviderDown(cause="malformed")
    return document


MOST_TOKENS = 10_000_000
"""More than any model reads or writes at once: a number above it is a mistake, and no bill to be believed."""


def count(value: object) -> int:
    """A token count; 0 for what cannot be one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 < value <= MOST_TOKENS else 0


def name_of(value: object) -> str | None:
    """The model that says it answered, when that is a name."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() else None
