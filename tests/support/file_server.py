"""A server of one file that misbehaves as told, one fault a request; then it does as it should."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class FileServer:
    """`faults` are used up from the front: drop, ignore_range, silent, wrong_range, packed, page, short,
    e404, e503, to_file, to_loop, away. `seen` are the Range headers that came.
    """

    content: bytes
    faults: list[str] = field(default_factory=list)
    etag: str = '"v1"'
    port: int = 0
    seen: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/models/Tiny-Q8_0.gguf"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        wanted = request.headers.get("Range")
        if request.method == "GET":
            self.seen.append(wanted)
        fault = self.faults.pop(0) if self.faults else ""
        match fault:
            case "e404":
                raise web.HTTPNotFound
            case "e503":
                raise web.HTTPServiceUnavailable
            case "to_file":
                raise web.HTTPFound("file:///etc/passwd")
            case "to_loop":
                self.faults.insert(0, "to_loop")
                raise web.HTTPFound(self.url)
            case "away":
                raise web.HTTPFound(f"{self.url}?again")
            case "page":
                return web.Response(text="<html>Please sign in</html>", content_type="text/html")
        start = 0
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        fits = not self.etag or request.headers.get("If-Range") == self.etag
        if found and fits and fault != "ignore_range":
            start = int(found[1])
        rest = self.content[start:]
        headers = {"Content-Length": str(len(rest)), "ETag": self.etag} if self.etag else {}
        headers["Content-Length"] = str(len(rest) - 100 if fault == "short" else len(rest))
        if fault == "packed":
            headers["Content-Encoding"] = "gzip"
        status = 200
        if start:
            status = 206
            first = start + 1 if fault == "wrong_range" else start
            headers["Content-Range"] = f"bytes {first}-{len(self.content) - 1}/{len(self.content)}"
        reply = web.StreamResponse(status=status, headers=headers)
        await reply.prepare(request)
        if request.method == "HEAD":
            return reply
        if fault == "short":
            await reply.write(rest[:-100])
            return reply
        if fault in ("drop", "silent"):
            await reply.write(rest[: max(len(rest) // 2, 1)])
            if fault == "silent":
                await asyncio.sleep(30)
            assert request.transport is not None
            request.transport.abort()
            return reply
        await reply.write(rest)
        return reply


@asynccontextmanager
async def file_server(content: bytes, faults: Sequence[str] = (), **more: str) -> AsyncIterator[FileServer]:
    """A running server on a free port of this machine."""
    served = FileServer(content, list(faults), **more)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    served.port = runner.addresses[0][1]
    try:
        yield served
    finally:
        await runner.cleanup()
