"""One source over HTTP: bounded in time and bytes, retried little, and never sent anywhere else."""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver
from yarl import URL

from ccos.domain.errors import (
    AddressForbidden,
    SourceBusy,
    SourceDown,
    SourceError,
    SourceRefused,
    SourceUnreadable,
)
from ccos.knowledge.sources.guard import Guard, GuardedResolver, PrivateAnswer

USER_AGENT = "ccos"
ATTEMPTS = 4
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""Longest wait that a source may ask for between two attempts; more ends the pass, which goes on later."""
MOST_BYTES = 64_000_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    content_type: str
    location: str | None = None


class Wire:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: URL,
        guard: Guard,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = REQUEST_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`headers` (the token) go with requests to `base`'s own origin only."""
        self._session, self.base, self._guard = session, base, guard
        self._headers, self._seconds, self._sleep = dict(headers or {}), seconds, sleep

    async def json(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The JSON document at a path below the base. Raises a `SourceError`, `SourceMissing` for a 404."""
        url = self.base.with_path(self.base.path.rstrip("/") + path).with_query(params or {})
        return await self._patiently(lambda: self._document(url, body))

    async def get(self, url: URL, *, most_bytes: int) -> Reply:
        """Whatever is there, redirects not followed. Raises a `SourceError` for failures of the server."""
        reply: Reply = await self._patiently(lambda: self._exchange(url, None, most_bytes))
        return reply

    async def _patiently(self, call: Callable[[], Awaitable[Any]]) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return await call()
            except (SourceDown, SourceBusy) as fault:
                asked = fault.facts.get("retry_after_seconds")
                if attempt == ATTEMPTS - 1 or (asked or 0) > PATIENCE_SECONDS:
                    raise
                pause = 0.5 * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311
                await self._sleep(pause if asked is None else asked)
        raise AssertionError  # the last attempt returns or raises

    async def _document(self, url: URL, body: Mapping[str, Any] | None) -> Any:
        reply = await self._exchange(url, body, MOST_BYTES)
        if reply.status == 404:
            raise SourceMissing
        if reply.status in _REDIRECTS:
            raise SourceUnreadable(_elsewhere(url, reply))
        if reply.status != 200:
            raise SourceUnreadable(f"The source answers with status {reply.status}; check address and kind.")
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            if reply.body.lstrip()[:1] == b"<":
                raise SourceUnreadable(
                    "The source answers with a web page and not with data; check its address, "
                    "and whether it wants a sign-in."
                ) from None
            raise SourceDown("The source's answer broke off.", cause="truncated") from None

    async def _exchange(self, url: URL, body: Mapping[str, Any] | None, most_bytes: int) -> Reply:
        self._guard.check(url)
        own = url.origin() == self.base.origin()
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.request(
                    "GET" if body is None else "POST",
                    url,
                    json=body,
                    headers=self._headers if own else {},
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
                ) as response,
            ):
                _refuse(response)
                read = bytearray()
                async for chunk in response.content.iter_any():
                    read += chunk
                    if len(read) > most_bytes:
                        raise SourceUnreadable(f"An answer is over {most_bytes // 1_000_000} MB.")
                packed = response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip")
                return Reply(
                    response.status,
                    unpacked(bytes(read), most_bytes) if packed else bytes(read),
                    response.content_type or "",
                    response.headers.get("Location"),
                )
        except TimeoutError:
            raise SourceDown("The source did not answer in time.", cause="timeout") from None
        except aiohttp.ClientConnectorError as fault:
            if isinstance(fault.os_error, PrivateAnswer):
                raise AddressForbidden from None
            raise SourceDown("The source cannot be reached; check its address.", cause="connect") from None
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            raise SourceDown(cause=type(fault).__name__) from None


class SourceMissing(SourceUnreadable):
    code, message = "source.missing", "The source has nothing at this place; check its address and kind."


@asynccontextmanager
async def open_session(
    guard: Guard, *, resolver: AbstractResolver | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that reaches what `guard` lets pass: no cookies, nothing from the environment."""
    connector = aiohttp.TCPConnector(limit=8, resolver=GuardedResolver(guard, resolver), use_dns_cache=False)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    ) as session:
        yield session


def unpacked(body: bytes, most_bytes: int) -> bytes:
    """What gzip holds: some servers send it unasked. Raises `SourceDown` for a broken one, and
    `SourceUnreadable` for one that unfolds to more than `most_bytes`."""
    try:
        with gzip.open(io.BytesIO(body)) as packed:
            whole = packed.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise SourceDown("The source's answer broke off.", cause="truncated") from None
    if len(whole) > most_bytes:
        raise SourceUnreadable(f"An answer is over {most_bytes // 1_000_000} MB.")
    return whole


def retry_after(said: str | None, now: datetime) -> float | None:
    """Seconds, from a number or a date; None when nothing sensible is said."""
    if not said:
        return None
    text = said.strip()
    if text.replace(".", "", 1).isdecimal() and len(text) <= 12:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp(), 0.0)


def _refuse(response: aiohttp.ClientResponse) -> None:
    fault: type[SourceError]
    if response.status in (401, 403):
        raise SourceRefused(status=response.status)
    if response.status == 429:
        fault = SourceBusy
    elif response.status >= 500 or response.status == 408:
        fault = SourceDown
    else:
        return
    wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    raise fault(status=response.status, **({} if wait is None else {"retry_after_seconds": wait}))


def _elsewhere(url: URL, reply: Reply) -> str:
    try:
        host = url.join(URL(reply.location or "")).host
    except ValueError:
        host = None
    said = f"to {host}" if host else "elsewhere"
    return f"The source sends us {said}; add it with the address that it has now."
