"""One bounded HTTP exchange with a model server: send a body, read the answer as it comes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import aiohttp
import orjson
from yarl import URL

from ccos.domain.errors import BadSetting, ProviderDown, ProviderError, ProviderRefused, ProviderTimeout
from ccos.providers.faults import Complaint, refusal
from ccos.providers.http import split_base_url
from ccos.providers.sse import EventStream

CONNECT_SECONDS = 3.0
FIRST_TOKEN_SECONDS = 10.0
STALL_SECONDS = 8.0
FIRST_TOKEN_SHARE = 0.75
MAX_WIRE_BYTES = 8_000_000
"""Longest stream that is read: each token of it travels in some 250 bytes of JSON."""
MAX_DOCUMENT_BYTES = 2_000_000
MAX_COMPLAINT_BYTES = 65_536
COMPLAINT_SECONDS = 1.0
"""How long an error's body is waited for; its status alone says enough."""
MOST_DIGITS = 12
"""Of a number in a header."""
FAREWELL_SECONDS = 1.0
"""How long usage figures are waited for once the words are whole."""
CLOSING_SECONDS = 0.1
"""How long the end of the body is waited for once the stream says that it is done."""

Phase = Literal["connect", "first_token", "stall", "total"]


class Reader(Protocol):
    """Takes an answer apart as it comes. Raises a ProviderError for a part that cannot be used."""

    @property
    def whole(self) -> bool:
        """The model has said that it finished: what fails from now on cannot make the words wrong."""
        ...

    @property
    def closed(self) -> bool:
        """Nothing more is to come."""
        ...

    def event(self, data: bytes) -> bool:
        """One event of a stream; true when it shows the model at work, false for a keep-alive."""
        ...

    def document(self, data: bytes) -> None:
        """A whole answer in one JSON document."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may keep us waiting, in seconds.

    Not given, a first token gets its share of a call's time and a pause in the stream two fifths, and a
    `remote` server FIRST_TOKEN_SECONDS and STALL_SECONDS at most. A cloud that is well begins in one or two
    seconds; one that is silent for ten is not worth the time another tier could use, while a local model may
    well read a long prompt for longer than that.
    """

    first_token_seconds: float | None = None
    stall_seconds: float | None = None
    connect_seconds: float = CONNECT_SECONDS
    remote: bool = False
    first_token_share: float = FIRST_TOKEN_SHARE


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each part of one exchange may take, in seconds."""

    seconds: float
    connect_seconds: float
    first_token_seconds: float
    stall_seconds: float

    @classmethod
    def within(cls, seconds: float, patience: Patience) -> Limits:
        """Limits that fit into `seconds`."""
        first, stall = patience.first_token_seconds, patience.stall_seconds
        if first is None:
            most = FIRST_TOKEN_SECONDS if patience.remote else seconds
            first = min(patience.first_token_share * seconds, most)
        if stall is None:
            stall = min(0.4 * seconds, STALL_SECONDS if patience.remote else seconds)
        return cls(seconds, min(patience.connect_seconds, seconds), min(first, seconds), min(stall, seconds))


class Upstream:
    """One model server: where it is, and the headers it wants. Neither is ever shown."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        headers: Mapping[str, str],
        *,
        default_path: str = "",
        drop_suffix: str = "",
    ) -> None:
        """`default_path` is for a base URL without a path. Raises BadSetting for a URL that is none."""
        self._session = session
        self._base, login = split_base_url(base_url, default_path=default_path, drop_suffix=drop_suffix)
        if login is not None and "Authorization" in headers:
            raise BadSetting(
                "The base URL of a model server holds a user name and an API key is set too; remove one."
            )
        self._headers = {**headers, **({"Authorization": login} if login else {})}

    async def post(self, path: str, body: Mapping[str, Any], reader: Reader, limits: Limits) -> None:
        """Send `body` and let `reader` have the answer.

        Returns once the reader is `whole`; raises ProviderDown for an answer that ends before. Every
        ProviderError says in `begun` whether some of the answer had been read. Cancelling it closes the
        connection at once.
        """
        clock = _Clock(limits)
        try:
            await self._post(path, body, reader, clock)
        except ProviderError as fault:
            fault.facts.setdefault("begun", clock.begun)
            raise

    async def _post(self, path: str, body: Mapping[str, Any], reader: Reader, clock: _Clock) -> None:
        try:
            payload = orjson.dumps(body)
        except orjson.JSONEncodeError:
            raise ProviderRefused(
                "The text cannot be sent; it holds half a character pair.", cause="unsendable_text"
            ) from None
        if clock.limits.seconds <= 0:
            raise ProviderTimeout(phase="total")
        try:
            async with (
                clock.timer,
                self._session.post(
                    self._url(path),
                    data=payload,
                    headers={**self._headers, "Content-Type": "application/json"},
                    timeout=_connecting(clock.limits.connect_seconds),
                    allow_redirects=False,
                ) as response,
            ):
                if not 200 <= response.status < 300:
                    raise await _refused(response)
                await _read(response.content, reader, clock)
        except TimeoutError as fault:
            if not reader.whole:
                connecting = isinstance(fault, aiohttp.ServerTimeoutError)
                raise ProviderTimeout(phase="connect" if connecting else clock.phase) from None
        except (aiohttp.ClientError, OSError) as fault:
            if not reader.whole:
                raise ProviderDown(cause=_cause(fault)) from None
        except ProviderDown:
            if not reader.whole:
                raise
        if not reader.whole:
            raise ProviderDown(cause="truncated")

    async def get(self, path: str, *, seconds: float) -> bytes:
        """The body of a GET, within `seconds`; raises a ProviderError when there is none."""
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.get(
                    self._url(path),
                    headers=self._headers,
                    timeout=_connecting(min(CONNECT_SECONDS, max(seconds, 0.001))),
                    allow_redirects=False,
                ) as response,
            ):
                if response.status != 200:
                    raise await _refused(response)
                whole = bytearray()
                async for chunk in response.content.iter_any():
                    whole += chunk
                    if len(whole) > MAX_DOCUMENT_BYTES:
                        raise ProviderDown(cause="answer_too_large")
                return bytes(whole)
        except TimeoutError as fault:
            connecting = isinstance(fault, aiohttp.ServerTimeoutError)
            raise ProviderTimeout(phase="connect" if connecting else "total") from None
        except (aiohttp.ClientError, OSError) as fault:
            raise ProviderDown(cause=_cause(fault)) from None

    async def answers(self, path: str, *, seconds: float) -> bool:
        """Whether a GET is answered in time and not refused. A server without this path counts as up."""
        if seconds <= 0:
            return False
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.get(
                    self._url(path),
                    headers=self._headers,
                    timeout=_connecting(min(CONNECT_SECONDS, seconds)),
                    allow_redirects=False,
                ) as response,
            ):
                return response.status in (200, 404, 405)
        except (aiohttp.ClientError, OSError):
            return False

    def _url(self, path: str) -> URL:
        return self._base.with_path(self._base.path.rstrip("/") + path, keep_query=True)


class _Clock:
    """The one timer of an exchange, moved on as the answer comes; `phase` says what it now waits for.

    `begun`: something of the answer was read.
    """

    def __init__(self, limits: Limits) -> None:
        self._now = asyncio.get_running_loop().time
        self.limits = limits
        self.begun = False
        self._end = self._now() + limits.seconds
        self.phase: Phase = "first_token"
        self.timer = asyncio.timeout_at(self._end)
        self._wait("first_token", limits.first_token_seconds, start=True)

    def heard(self, reader: Reader | None = None) -> None:
        self.begun = True
        if reader is not None and reader.whole:
            self._wait("stall", CLOSING_SECONDS if reader.closed else FAREWELL_SECONDS)
        else:
            self._wait("stall", self.limits.stall_seconds)

    def _wait(self, phase: Phase, seconds: float, *, start: bool = False) -> None:
        until = self._now() + seconds
        self.phase = phase if until < self._end else "total"
        until = min(until, self._end)
        if start:
            self.timer = asyncio.timeout_at(until)
        else:
            self.timer.reschedule(until)


async def _read(content: aiohttp.StreamReader, reader: Reader, clock: _Clock) -> None:
    """Let `reader` have a stream of events, or one document where the server ignored `stream`."""
    start = b""
    chunks = content.iter_any()
    async for chunk in chunks:
        start = (start + chunk).lstrip(b"\xef\xbb\xbf\r\n\t ")
        if start:
            break
    if start.startswith(b"{"):
        reader.document(await _document(start, chunks, clock))
    elif start.startswith(b"<"):
        raise ProviderDown(cause="not_a_model_answer")
    else:
        await _events(start, chunks, reader, clock)


async def _document(start: bytes, chunks: AsyncIterator[bytes], clock: _Clock) -> bytes:
    whole = bytearray(start)
    clock.heard()
    async for chunk in chunks:
        clock.heard()
        whole += chunk
        if len(whole) > MAX_DOCUMENT_BYTES:
            raise ProviderDown(cause="answer_too_large")
    return bytes(whole)


async def _events(start: bytes, chunks: AsyncIterator[bytes], reader: Reader, clock: _Clock) -> None:
    stream = EventStream()
    size = len(start)
    _hand_on(stream.feed(start), reader, clock)
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_WIRE_BYTES:
            raise ProviderDown(cause="answer_too_large")
        _hand_on(stream.feed(chunk), reader, clock)
    _hand_on(stream.end(), reader, clock)


def _hand_on(events: Iterator[bytes], reader: Reader, clock: _Clock) -> None:
    alive = False
    for data in events:
        if not reader.closed and reader.event(data):
            alive = clock.begun = True
    if alive:
        clock.heard(reader)


async def _refused(response: aiohttp.ClientResponse) -> ProviderError:
    """The error for a status that is no success. Its body is read for a moment, and is never passed on."""
    raw = bytearray()
    try:
        async with asyncio.timeout(COMPLAINT_SECONDS):
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_COMPLAINT_BYTES:
                    break
    except (TimeoutError, aiohttp.ClientError):
        pass
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        document = raw[:4096].decode("utf-8", "replace")
    return refusal(response.status, Complaint.read(document), retry_after=_retry_after(response.headers))


def _retry_after(headers: Mapping[str, str]) -> str | None:
    milliseconds = headers.get("retry-after-ms", "")
    sane = milliseconds.isdecimal() and len(milliseconds) <= MOST_DIGITS
    return str(int(milliseconds) / 1000) if sane else headers.get("Retry-After")


def _connecting(seconds: float) -> aiohttp.ClientTimeout:
    """Only the connection is aiohttp's to time, name look-up and TLS included; `_Clock` times the rest."""
    return aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds, sock_read=None)


def _cause(fault: Exception) -> str:
    """What went wrong, without the address or anything else the exception holds."""
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(fault, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "tls"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return "connect"
    if isinstance(fault, aiohttp.ClientPayloadError):
        return "truncated"
    # After the connection stood, ClientOSError is what aiohttp makes of a TCP reset.
    if isinstance(fault, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)):
        return "reset"
    if isinstance(fault, aiohttp.ClientResponseError):
        return "malformed"
    return type(fault).__name__
