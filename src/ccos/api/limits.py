"""Bounds that every request meets before anything reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccos.api.problems import said_to

MAX_BODY_BYTES = 2_000_000
BODY_SECONDS = 30.0

GONE = object()
"""The sender left before the body was whole: there is nobody to answer, and half a body is none."""


class BodyLimit:
    """Takes a body in whole before anything else sees it.

    413 over the limit, 408 when it does not come, 415 when it is compressed. The route of a path that is
    `streamed`, with a limit of its own, reads and bounds the body itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int = MAX_BODY_BYTES,
        seconds: float = BODY_SECONDS,
        streamed: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _plain(scope["headers"]):
            sentence = "The body is compressed; send it as it is, without Content-Encoding."
            refused = said_to(
                scope, 415, "encoding.unsupported", sentence, headers={"Accept-Encoding": "identity"}
            )
            await refused(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        limit = self._streamed.get(scope["path"], self._limit)
        too_large = length.isdigit() and int(length) > limit
        if not too_large and scope["path"] in self._streamed:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = None if too_large else await self._read(receive)
        except TimeoutError:
            sentence = "The body did not arrive in time; send it again."
            await said_to(scope, 408, "input.too_slow", sentence)(scope, receive, send)
            return
        if body is None:
            sentence = f"The body is over {limit // 1_000_000} MB; send less."
            await said_to(scope, 413, "input.too_large", sentence)(scope, receive, send)
            return
        if body is GONE:
            return
        waiting = [body]

        async def replay() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | object | None:
        """The whole body, None when it is over the limit, or GONE."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return GONE
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limit:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the body is what was meant to be sent: a small one may unpack to any size."""
    codings = b",".join(value for name, value in headers if name == b"content-encoding").split(b",")
    return all(coding.strip().lower() in (b"", b"identity") for coding in codings)
