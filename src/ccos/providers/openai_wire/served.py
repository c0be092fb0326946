"""A model server whose model nobody named: it is asked which one it serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import aiohttp

from ccos.domain.errors import ProviderDown, ProviderError, ProviderRefused
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.answering import name_of, parsed
from ccos.providers.exchange import Upstream
from ccos.providers.http import checked_key
from ccos.providers.openai_wire.client import OpenAIChat
from ccos.providers.voice import Hear

NAME_SECONDS = 10.0
"""Longest wait for the list of models, inside the seconds of a call."""


class ServedChat:
    """The one model of a free server, by the name the server gives it.

    The name is asked for by the first call, by every `alive`, and again after a 404. `connect` makes the
    client of a name; `setting` is what names a model where the server does not decide it.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        base_url: str,
        card: ProviderCard,
        connect: Callable[[str], OpenAIChat],
        setting: str,
        api_key: str | None = None,
    ) -> None:
        key = checked_key(api_key)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._upstream = Upstream(session, base_url, headers, default_path="/v1")
        self._card, self._connect, self._setting = card, connect, setting
        self._client: OpenAIChat | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._card.name!r})"

    @property
    def card(self) -> ProviderCard:
        return self._card

    @property
    def serving(self) -> frozenset[str]:
        """The model its answers are by, as the server names it; the card's until that is known."""
        return self._client.serving if self._client is not None else frozenset({self._card.model})

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """The model's words, or a ProviderError, within `seconds`, the question for its name included."""
        until = time.monotonic() + seconds
        client = self._client or await self._learn(seconds)
        try:
            return await client.answer(prompt, seconds=until - time.monotonic(), hear=hear)
        except ProviderRefused as fault:
            if fault.facts.get("status") == 404:
                self._client = None
            raise

    async def alive(self, *, seconds: float) -> bool:
        """Whether the server lists one model; what it lists now is what is asked from now on."""
        try:
            await self._learn(seconds)
        except ProviderError:
            return False
        return True

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002  the same for every prompt
        """Nothing: a server that is paid for must be told which model."""
        return ZERO

    async def _learn(self, seconds: float) -> OpenAIChat:
        try:
            name = self._only(await self._listed(min(seconds, NAME_SECONDS)))
        except ProviderError as fault:
            fault.facts.update(provider=self._card.name, model=self._card.model)
            raise
        if self._client is None or self._client.card.model != name:
            self._client = self._connect(name)
        return self._client

    async def _listed(self, seconds: float) -> list[str]:
        try:
            return _names(parsed(await self._upstream.get("/models", seconds=seconds)))
        except ProviderRefused as fault:
            if fault.facts.get("status") in (404, 405):
                return []
            raise

    def _only(self, names: list[str]) -> str:
        if len(names) == 1:
            return names[0]
        said = f"lists {len(names)} models" if names else "at its base URL does not say which model it serves"
        raise ProviderRefused(
            f"The server of {self._card.name!r} {said}; set {self._setting} to the one to use.",
            cause="model_unnamed",
        )


def _names(document: Mapping[str, object]) -> list[str]:
    """The model names of an answer to GET /models. Raises ProviderDown for what is no such list."""
    data = document.get("data")
    if not isinstance(data, list):
        raise ProviderDown(cause="malformed")
    found = (name_of(item.get("id")) for item in data if isinstance(item, Mapping))
    return list(dict.fromkeys(name for name in found if name))
