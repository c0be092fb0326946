"""The wire of an OpenSearch cluster: requests that end in time, and one word for each way they fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from ccos.knowledge.engine import Away, Damaged
from ccos.providers.http import open_session, split_base_url

ASK_SECONDS = 1.0
"""For one request of a search; there are at most two."""

WRITE_SECONDS = 30.0
"""For one request that writes: some megabytes, or a refresh."""

REST_SECONDS = 2.0
"""After a request that was not answered, others are not tried: searches go to PostgreSQL at once."""

MOST_BYTES = 64_000_000
"""Of one answer."""


class OpenSearch:
    """Raises `Away` when there is no whole answer in time, and `Damaged` where the index is not there."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        login: str | None = None,
        *,
        ask_seconds: float = ASK_SECONDS,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": login} if login else {}
        self.ask_seconds = ask_seconds
        self._rest_seconds = rest_seconds
        self._rests_until = float("-inf")

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        seconds: float | None = None,
        missing: bool = False,
    ) -> dict[str, Any]:
        """The answer; empty for what is not there when that may be so (`missing`)."""
        now = asyncio.get_running_loop().time
        if now() < self._rests_until:
            raise Away("OpenSearch did not answer a moment ago")
        data = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, Mapping) else body
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        try:
            async with asyncio.timeout(self.ask_seconds if seconds is None else seconds):
                status, text = await self._exchange(method, path, data, kind)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            self._rests_until = now() + self._rest_seconds
            raise Away(f"OpenSearch cannot be reached ({type(fault).__name__})") from None
        if status >= 500:
            self._rests_until = now() + self._rest_seconds
        return _answer(status, text, missing)

    async def _exchange(self, method: str, path: str, data: bytes | None, kind: str) -> tuple[int, bytes]:
        headers = self._headers | ({"Content-Type": kind} if data is not None else {})
        url = URL(str(self._base).rstrip("/") + path, encoded=True)
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as reply:
            text = bytearray()
            async for piece in reply.content.iter_any():
                text += piece
                if len(text) > MOST_BYTES:
                    raise aiohttp.ClientPayloadError("too long")
            return reply.status, bytes(text)


@asynccontextmanager
async def open_opensearch(url: str) -> AsyncIterator[OpenSearch]:
    """The cluster at that URL, which may hold a login. Connects to nothing yet. Raises BadSetting."""
    base, login = split_base_url(url)
    async with open_session() as session:
        yield OpenSearch(session, base, login)


def lines(objects: Iterable[Mapping[str, Any]]) -> bytes:
    """Newline-delimited JSON, as `_bulk` and `_msearch` take it."""
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in objects)


def whole(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An answer of one search, when every shard gave its part in time. Raises `Away` and `Damaged`."""
    if "error" in answer:
        return _refused(int(answer.get("status", 500)), answer)
    shards = answer.get("_shards", {})
    if answer.get("timed_out") or shards.get("failed") or shards.get("successful") != shards.get("total"):
        raise Away("OpenSearch answered for some of its shards only")
    return answer


def _answer(status: int, text: bytes, missing: bool) -> dict[str, Any]:
    try:
        answer = json.loads(text) if text else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Away(f"OpenSearch answered {status} with something that is no JSON object")
    if status < 300:
        return answer
    if status == 404 and "found" in answer:
        return answer
    if status == 404 and missing:
        return {}
    return _refused(status, answer)


def _refused(status: int, answer: Mapping[str, Any]) -> dict[str, Any]:
    error = answer.get("error")
    kind = error.get("type", "") if isinstance(error, dict) else ""
    if kind in ("index_not_found_exception", "strict_dynamic_mapping_exception", "mapper_parsing_exception"):
        raise Damaged(f"OpenSearch answered {kind}")
    raise Away(f"OpenSearch answered {status} {kind}".rstrip())
