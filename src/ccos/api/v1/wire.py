"""Requests and answers of /v1 as plain ASGI messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from starlette.types import Scope, Send

from ccos.api.identities import FRESH_SECONDS, Caller, Identities
from ccos.api.problems import RETRY_AFTER_SECONDS, status_of
from ccos.api.v1.faults import Fault, Shape, error_body
from ccos.api.v1.making import Gone
from ccos.domain.errors import CcosError, NotAllowed

SEND_SECONDS = 60.0
"""A caller who takes nothing for so long has left without saying so."""
BLOCK_BYTES = 16_384
"""Events that are all there go out in blocks of about this size: one system call instead of a hundred."""

JSON = b"application/json"


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def caller_of(scope: Scope, headers: Mapping[str, str]) -> Caller:
    """Whose key is in `Authorization: Bearer` or `x-api-key`. Raises NotAllowed or DatabaseUnavailable."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        key = headers.get("x-api-key", "")
    if not key.strip():
        raise NotAllowed(
            "Send an API key as `Authorization: Bearer ...` or `x-api-key`; `ccos keys create` makes one."
        )
    identities: Identities = scope["app"].state.identities
    return await identities.of(key.strip(), fresh_seconds=FRESH_SECONDS)


def told(shape: Shape, fault: CcosError | Fault) -> tuple[int, bytes, dict[str, bytes]]:
    """Status, body and headers of an error."""
    if isinstance(fault, CcosError):
        fault = Fault(status_of(fault), fault.sentence)
    headers = {"content-type": JSON}
    if fault.status == 401:
        headers["www-authenticate"] = b"Bearer"
    if fault.status == 503:
        headers["retry-after"] = RETRY_AFTER_SECONDS.encode()
    return fault.status, error_body(shape, fault), headers


async def answer(send: Send, status: int, body: bytes, headers: Mapping[str, bytes]) -> None:
    """The whole answer at once."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                *((name.encode("latin-1"), value) for name, value in headers.items()),
                (b"cache-control", b"no-store"),
                (b"content-length", str(len(body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


class Out:
    """A stream of events on its way out, as fast as the caller reads. Raises Gone for one who does not."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def begin(self, headers: Mapping[str, bytes]) -> None:
        self.begun = True
        told = [(name.encode("latin-1"), value) for name, value in headers.items()]
        more = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        await self._send({"type": "http.response.start", "status": 200, "headers": [*told, *more]})

    async def write(self, data: bytes) -> None:
        await self._body(data, more=True)

    async def write_all(self, events: Iterable[bytes]) -> None:
        block: list[bytes] = []
        size = 0
        for event in events:
            block.append(event)
            size += len(event)
            if size >= BLOCK_BYTES:
                await self.write(b"".join(block))
                block.clear()
                size = 0
        if block:
            await self.write(b"".join(block))

    async def end(self, data: bytes) -> None:
        await self._body(data, more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except TimeoutError:
            raise Gone from None
