"""Vectors of texts, from any server that speaks OpenAI's /v1/embeddings."""

from __future__ import annotations

import asyncio
import math
import sys
from array import array
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import orjson

from ccos.domain.errors import ModelUnusable, ProviderDown
from ccos.providers.control import broken_up, control_pattern
from ccos.providers.exchange import Limits, Patience, Upstream
from ccos.providers.http import checked_key
from ccos.providers.local import Endpoint, Runtime

BATCH = 16
"""Texts in one request: servers take 32 at least, and the answer stays small whatever the model's width."""
MOST_NUMBERS = 16_384
"""Of one vector."""

Vector = Sequence[float]
"""32 bits each."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One vector for each text, in order; `tokens` is what the server counted, None where it did not."""

    vectors: tuple[Vector, ...]
    tokens: int | None = None


class Client(Protocol):
    """Raises a ProviderError, within `seconds`."""

    async def vectors(self, texts: Sequence[str], *, seconds: float) -> Embedded: ...


class Embeddings:
    """One embedding model at one URL. It never retries.

    A base URL without a path gets `/v1`. Raises BadSetting for a URL or a key that cannot be used.
    """

    def __init__(
        self, *, session: aiohttp.ClientSession, base_url: str, model: str, api_key: str | None = None
    ) -> None:
        key = checked_key(api_key)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._upstream = Upstream(session, base_url, headers, default_path="/v1", drop_suffix="/embeddings")
        self._model = model

    async def vectors(self, texts: Sequence[str], *, seconds: float) -> Embedded:
        """The vectors of `texts`, none of them empty, or a ProviderError."""
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        tasks = [asyncio.create_task(self._batch(batch, seconds)) for batch in batches]
        try:
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        found = [each for each in ended if not isinstance(each, BaseException)]
        if len(found) < len(ended):
            raise _fault(ended)
        vectors = tuple(vector for each in found for vector in each.vectors)
        if len({len(vector) for vector in vectors}) > 1:
            raise ProviderDown(cause="malformed")
        counts = [each.tokens for each in found]
        return Embedded(vectors, None if None in counts else sum(count or 0 for count in counts))

    async def _batch(self, texts: Sequence[str], seconds: float) -> Embedded:
        body = {"model": self._model, "input": list(texts), "encoding_format": "base64"}
        reader = _Reader(len(texts))
        limits = Limits.within(seconds, Patience(first_token_seconds=seconds, stall_seconds=seconds))
        await self._upstream.post("/embeddings", body, reader, limits)
        assert reader.found is not None
        return reader.found


def _fault(ended: Sequence[Embedded | BaseException]) -> BaseException:
    """The fault of all requests of one call, or that a part of them came through: that part may be billed."""
    faults = [each for each in ended if isinstance(each, BaseException)]
    kinds = {repr((type(each), getattr(each, "facts", None))) for each in faults}
    whole = len(faults) == len(ended) and len(kinds) == 1
    return faults[0] if whole else ProviderDown(cause="partly_answered")


class LocalEmbeddings:
    """Vectors from a supervised model of our own; ProviderDown at once when it is not up.

    `connect` makes the client of an endpoint: another start of the model has another address and key.
    """

    def __init__(self, runtime: Runtime, connect: Callable[[Endpoint], Client]) -> None:
        self._runtime = runtime
        self._connect = connect

    async def vectors(self, texts: Sequence[str], *, seconds: float) -> Embedded:
        try:
            endpoint = await self._runtime.endpoint(seconds=0)
        except ModelUnusable as fault:
            raise ProviderDown(fault.sentence, cause=self._runtime.state) from fault
        control = control_pattern(endpoint.control_tokens)
        plain = [broken_up(text, control) for text in texts]
        return await self._connect(endpoint).vectors(plain, seconds=seconds)


class _Reader:
    """Takes one answer apart: `count` vectors that hold finite numbers, not all of them zero."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.found: Embedded | None = None

    @property
    def whole(self) -> bool:
        return self.found is not None

    closed = whole

    def event(self, data: bytes) -> bool:  # noqa: ARG002  nobody streams vectors
        raise ProviderDown(cause="not_a_model_answer")

    def document(self, data: bytes) -> None:
        try:
            said: Any = orjson.loads(data)
            rows = {int(row["index"]): _vector(row["embedding"]) for row in said["data"]}
            self.found = Embedded(
                tuple(rows[number] for number in range(self._count)), _tokens(said.get("usage"))
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
            raise ProviderDown(cause="malformed") from None


def _vector(value: object) -> Vector:
    """Of numbers in a list, or of 32-bit floats in base64, low byte first."""
    if isinstance(value, str):
        vector = array("f", b64decode(value, validate=True))
        if sys.byteorder == "big":
            vector.byteswap()
    else:
        if not isinstance(value, list):
            raise ValueError("this is no vector")
        vector = array("f", value)
    if not 0 < len(vector) <= MOST_NUMBERS or not any(vector) or not all(map(math.isfinite, vector)):
        raise ValueError("this is no vector")
    return vector


def _tokens(usage: object) -> int | None:
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
