"""A local model as a provider: a thin layer over whatever runs it and whatever speaks to it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from ccos.domain.errors import (
    BadInput,
    ContextTooLong,
    ModelUnusable,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
)
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.providers.control import broken_up, control_pattern
from ccos.providers.fitting import Cut, cut_by, cut_to, reading_tokens
from ccos.providers.voice import Hear

_log = structlog.get_logger(__name__)

ROOM_FOR_AN_ANSWER = 1_024
"""Tokens kept free for an answer, where half of the context is not less: callers set their limit high."""
MOST_SCALE, SCALE_WEIGHT = 4.0, 0.2
"""How far this model's tokenizer may be from our estimate, and what the newest answer's share in that is."""
LEAST_TOKENS = 200
"""A shorter prompt is mostly template, and says little of the tokenizer."""
WORTH_A_COUNT = 2.0
"""A prompt with nothing to cut goes to the model's own count, unless by ours it is so many contexts long."""


class Endpoint(Protocol):
    """Where a running model answers."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...

    @property
    def control_tokens(self) -> tuple[str, ...]: ...

    @property
    def context_tokens(self) -> int: ...

    def called(self, name: str) -> str: ...

    def extra_of(self, prompt: Prompt) -> Mapping[str, Any]: ...

    def adapter_of(self, prompt: Prompt) -> str: ...


class Runtime(Protocol):
    """What keeps the model running. `endpoint` raises ModelUnusable when it is not up within `seconds`."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...

    async def endpoint(self, *, seconds: float) -> Endpoint: ...


class Client(Protocol):
    """What speaks to one endpoint; raises a ProviderError."""

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Used:
    """What a model did since the start: `tokens_cached` of `tokens_in` it had kept of earlier prompts."""

    answers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0

    def after(self, answer: Answer) -> Used:
        return Used(
            self.answers + 1,
            self.tokens_in + answer.tokens_in,
            self.tokens_out + answer.tokens_out,
            self.tokens_cached + answer.tokens_cached,
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """A client for one life of the model, and the patterns its file brings."""

    endpoint: Endpoint
    client: Client
    control: re.Pattern[str] | None


class LocalProvider:
    """Answers from a supervised model; ProviderDown at once when it is not up.

    `connect` makes the client of an endpoint (another start of the model has another address and key).
    `slots` answers are written at a time; who waits longer than its own seconds gets ProviderBusy.
    `patience_seconds` is how much of its seconds a call may wait for a model that is being loaded.
    A prompt that does not fit is cut by policy (fitting.py), or refused with ContextTooLong.
    """

    def __init__(
        self,
        runtime: Runtime,
        connect: Callable[[Endpoint], Client],
        card: ProviderCard,
        *,
        slots: int = 2,
        patience_seconds: float = 0.0,
    ) -> None:
        self._runtime, self._connect = runtime, connect
        self._card = replace(card, shortens=True)
        self._patience_seconds = patience_seconds
        self._free = asyncio.Semaphore(slots)
        self._line: _Line | None = None
        self._scale = 1.0
        self._used = Used()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._card.name!r}, {self._card.model!r})"

    @property
    def card(self) -> ProviderCard:
        return self._card

    @property
    def ready(self) -> bool:
        """Whether the model is up; a tier that is still loading is skipped, which is no fault of its own."""
        return self._runtime.state == "up"

    @property
    def trouble(self) -> str:
        """Why it does not answer now, or what is to be known although it does; empty when all is well."""
        return self._runtime.reason

    @property
    def insight(self) -> Used:
        """What metrics show of it."""
        return self._used

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """The model's words, or a ProviderError, within `seconds`."""
        until = time.monotonic() + seconds
        await self._connected(min(seconds, self._patience_seconds))  # no waiting in line for who is not there
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._free.acquire()
        except TimeoutError:
            raise ProviderBusy(provider=self._card.name, model=self._card.model) from None
        try:
            line = await self._connected(min(until - time.monotonic(), self._patience_seconds))
            return await self._fitted(line, _harmless(prompt, line.control), until, hear)
        except BadInput as fault:  # a schema no grammar can be made of: ours to mend, not an outage
            raise ProviderRefused(fault.sentence, provider=self._card.name, cause="schema") from fault
        finally:
            self._free.release()

    async def _fitted(self, line: _Line, prompt: Prompt, until: float, hear: Hear | None) -> Answer:
        """The answer to as much of the prompt as fits: by our estimate, then by the model's own count."""
        context = line.endpoint.context_tokens
        room = reading_room(context, prompt.max_tokens)
        cut = cut_to(prompt, room / self._scale)
        if cut is None:
            if reading_tokens(prompt) * self._scale > WORTH_A_COUNT * context:
                raise ContextTooLong(provider=self._card.name, model=self._card.model, cause="estimate")
            cut = Cut(prompt)
        try:
            answer = await self._said(line, cut, until, hear)
        except ContextTooLong as fault:
            counted = fault.facts.get("prompt_tokens")
            if counted is None:
                raise
            self._learn(counted, cut.prompt, weight=1.0)
            shorter = cut_by(cut, counted, room)
            if shorter is None:
                raise
            cut = shorter
            answer = await self._said(line, cut, until, hear)
        if answer.usage_reported:
            self._learn(answer.tokens_in, cut.prompt, weight=SCALE_WEIGHT)
        if not cut.left_out:
            return answer
        _log.info("prompt.cut", provider=self._card.name, left_out=cut.left_out)
        return replace(answer, left_out=cut.left_out, unseen=cut.evidence)

    async def _said(self, line: _Line, cut: Cut, until: float, hear: Hear | None) -> Answer:
        seconds = max(until - time.monotonic(), 0.0)
        answer = await line.client.answer(cut.prompt, seconds=seconds, hear=hear)
        self._used = self._used.after(answer)
        adapter = line.endpoint.adapter_of(cut.prompt)  # with it, the model is another one to whoever judges
        return replace(answer, model=f"{answer.model}+{adapter}") if adapter else answer

    def _learn(self, counted: int, prompt: Prompt, *, weight: float) -> None:
        """How many tokens of this model one of our estimate is."""
        estimated = reading_tokens(prompt)
        if estimated >= LEAST_TOKENS and counted > 0:
            found = min(max(counted / estimated, 1.0 / MOST_SCALE), MOST_SCALE)
            self._scale += weight * (found - self._scale)

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002  known without waiting
        """Whether the model is up, as its heartbeat knows."""
        return self.ready

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002  the same for every prompt
        """Nothing: machine time is not billed by the token."""
        return ZERO

    async def _connected(self, seconds: float) -> _Line:
        try:
            endpoint = await self._runtime.endpoint(seconds=seconds)
        except ModelUnusable as fault:
            facts = {"provider": self._card.name, "model": self._card.model, "cause": self._runtime.state}
            raise ProviderDown(fault.sentence, **facts) from fault
        if self._line is None or self._line.endpoint != endpoint:
            self._line = _Line(endpoint, self._connect(endpoint), control_pattern(endpoint.control_tokens))
        return self._line


def reading_room(context_tokens: int, max_tokens: int) -> int:
    """Tokens of a context that a prompt may take: the rest is for the answer."""
    return context_tokens - min(max_tokens, ROOM_FOR_AN_ANSWER, -(-context_tokens // 2))


def _harmless(prompt: Prompt, control: re.Pattern[str] | None) -> Prompt:
    """The prompt without control tokens: no part of it may write them, only the model's own template."""
    turns = tuple(Turn(turn.role, broken_up(turn.text, control)) for turn in prompt.turns)
    return replace(prompt, system=broken_up(prompt.system, control), turns=turns)
