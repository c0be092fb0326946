"""A model server that misbehaves on the wire, on demand, in the OpenAI and the Anthropic format.

In tests: `async with FakeUpstream("ok", Does("rate_limited", retry_after="7")) as upstream`, one behaviour per
request for an answer; the last one stays. As a program: `python tests/support/fake_upstream.py --port 9001
--does rate_limited:retry_after=1,e500,ok`. Behaviours are the keys of STATUSES and the methods of `_Exchange`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.fake_formats import HTML, OPENAI, SIXTY, STATUSES, TEXT, USAGE, Format, Usage, format_of

__all__ = ["NO_SUCH_HOST", "SIXTY", "STATUSES", "TEXT", "USAGE", "Does", "FakeUpstream", "Seen"]

NO_SUCH_HOST = "http://no-such-host.invalid"
"""A base URL whose name no server knows (RFC 6761)."""
FOR_EVER = 3600.0


@dataclass(frozen=True)
class Does:
    """One behaviour by name, and what it needs to know.

    `after`: words that come before it happens. `delay`: seconds until the first word, or of a stall, after
    which the answer goes on; 0 stalls for ever. `pace`: seconds before each word.
    """

    what: str = "ok"
    text: str | None = None
    after: int = 3
    delay: float = 0.0
    pace: float = 0.0
    retry_after: str | None = None

    @classmethod
    def read(cls, said: str) -> Self:
        """`stall:after=40:delay=30` as a behaviour. Raises ValueError for one there is none of."""
        what, *rest = said.strip().split(":")
        if what not in STATUSES and (what.startswith("_") or what == "serve" or not hasattr(_Exchange, what)):
            raise ValueError(f"there is no behaviour {what!r}")
        kinds: dict[str, Callable[[str], Any]] = {"after": int, "delay": float, "pace": float}
        known = {field.name for field in fields(cls)} - {"what"}
        given = dict(part.partition("=")[::2] for part in rest)
        if not given.keys() <= known:
            raise ValueError(f"a behaviour knows {', '.join(sorted(known))}")
        return cls(what, **{name: kinds.get(name, str)(value) for name, value in given.items()})


class Seen:
    """A request that came; it is taken apart only when somebody looks."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.method, path, _ = raw[: raw.find(b"\r\n")].decode("latin-1").split(" ")
        self.path = path.partition("?")[0]
        self.at = time.monotonic()

    @cached_property
    def headers(self) -> dict[str, str]:
        lines = self._raw[: self._raw.find(b"\r\n\r\n")].decode("latin-1").split("\r\n")[1:]
        return {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}

    @cached_property
    def body(self) -> dict[str, Any]:
        raw = self._raw[self._raw.find(b"\r\n\r\n") + 4 :]
        return json.loads(raw) if raw else {}


class FakeUpstream:
    """`seen` holds every request; `hung_up` is set when a client left before its answer was complete."""

    def __init__(
        self,
        *script: Does | str,
        model: str | None = "gpt-4o-2024-08-06",
        usage: Usage = USAGE,
        delay: float = 0.0,
        kill_after: int | None = None,
        port: int = 0,
        unix_socket: Path | None = None,
        models: Does | str = "ok",
        serves: tuple[str, ...] | None = None,
        down_for: float = 0.0,
        down_does: Does | str = "e503",
        remembers: bool = True,
    ) -> None:
        """`serves`: the models it lists; a request for another one is answered with a 404.

        For its first `down_for` seconds, and after each `go_down`, every request is met with `down_does`.
        One that does not `remember` only counts its requests, and runs for days.
        """
        self.script = tuple(_does(s) for s in script) or (Does(),)
        self.models = _does(models)
        self.serves = serves
        self.model, self.usage, self.delay, self.kill_after = model, usage, delay, kill_after
        self.port, self.unix_socket = port, unix_socket
        self.down_for, self.down_does, self.down_until = down_for, _does(down_does), 0.0
        self.remembers = remembers
        self.seen: list[Seen] = []
        self.answers_asked = 0
        self.hung_up = asyncio.Event()
        self.origin = "http://localhost"
        self.connections = 0
        self.killed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._served = 0
        self._prepared: dict[tuple[str, bool, bool, bytes], bytes] = {}
        plain = self.script == (Does(),) and not delay and kill_after is None and serves is None
        self._quick = plain

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self.unix_socket is not None:
            self._server = await loop.create_unix_server(self._door, str(self.unix_socket))
        else:
            self._server = await loop.create_server(self._door, "127.0.0.1", self.port, backlog=1024)
            self.port = self._server.sockets[0].getsockname()[1]
            self.origin = f"http://127.0.0.1:{self.port}"
        if self.down_for:
            self.go_down(self.down_for)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def without_tls(self) -> str:
        """Its origin as an https URL: the handshake fails, for it speaks no TLS."""
        return self.origin.replace("http:", "https:")

    @property
    def is_down(self) -> bool:
        return time.monotonic() < self.down_until

    def go_down(self, seconds: float) -> None:
        """From now on, for so long, nothing works."""
        self.down_until = time.monotonic() + seconds

    def note(self, raw: bytes) -> Seen:
        """A request has come."""
        seen = Seen(raw)
        self.answers_asked += seen.method == "POST"
        if self.remembers:
            self.seen.append(seen)
        return seen

    def next_behaviour(self) -> Does:
        self._served += 1
        if self.kill_after is not None and self._served > self.kill_after:
            self.killed.set()
            return Does("reset")
        return self.script[min(self._served, len(self.script)) - 1]

    def prepared(self, raw: bytes) -> bytes | None:
        """The bytes of a plain answer to a plain question, made once: what a benchmark asks for.

        None for everything that needs thought: a schema, a ticket, or an upstream with a script.
        """
        if not self._quick or self.is_down or not raw.startswith(b"POST "):
            return None
        if b"schema" in raw or b"<ticket>" in raw or b'"tools"' in raw:
            return None
        path = raw[5 : raw.find(b" ", 5)].decode("latin-1").partition("?")[0]
        streamed, counted = bool(_STREAM.search(raw)), bool(_COUNTED.search(raw))
        asked = b"" if self.model is not None else _MODEL.search(raw)
        if asked is None:
            return None
        name = asked if isinstance(asked, bytes) else asked[1]
        key = (path, streamed, counted, name)
        if key not in self._prepared:
            body = {"stream_options": {"include_usage": counted}}
            model, form = self.model or name.decode(), format_of(path)
            if streamed:
                events = form.events(body, _words(TEXT), model, None, self.usage)
                answer = _STREAM_HEAD + b"".join(map(_framed, events)) + _STREAM_END
            else:
                answer = _document(form.document(body, TEXT, model, self.usage))
            self._prepared[key] = answer
        return self._prepared[key]

    def _door(self) -> _Door:
        return _Door(self, self._accept)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        door = writer.transport.get_protocol()
        assert isinstance(door, _Door)
        try:
            while await _Exchange(self, reader, writer).serve():
                door.busy = False
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except asyncio.CancelledError:
            pass  # the server closes; nobody waits for this connection
        finally:
            writer.close()


class _Door(asyncio.StreamReaderProtocol):
    """Answers plain questions at once; whole requests of any other kind go to the connection's task."""

    def __init__(self, upstream: FakeUpstream, accept: Callable[..., Any]) -> None:
        super().__init__(asyncio.StreamReader(limit=2**24), accept)
        self._upstream = upstream
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # by shape: uvloop's is no subclass
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self.busy:
            super().data_received(data)
            return
        got = self._got + data if self._got else data
        if got.startswith(b"\x16"):  # a TLS handshake
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self._transport.close()
            return
        if not _is_whole(got):
            self._got = got
            return
        self._got = b""
        answer = self._upstream.prepared(got)
        if answer is None:
            self.busy = True
            super().data_received(got)
        else:
            self._upstream.note(got)
            self._transport.write(answer)


class _Exchange:
    """One request and its answer. Behaviours are the methods without an underscore."""

    def __init__(
        self, upstream: FakeUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._upstream, self._reader, self._writer = upstream, reader, writer
        self._request = Seen(b"GET / HTTP/1.1\r\n\r\n")
        self._format: Format = OPENAI

    async def serve(self) -> bool:
        """Whether the connection may carry another request."""
        raw = await self._receive()
        if raw is None:
            return False
        self._request = request = self._upstream.note(raw)
        self._format = format_of(request.path)
        if request.path == "/counts":
            return await self._counts()
        does = self._upstream.down_does if self._upstream.is_down else None
        if request.method == "GET":
            return await self._list_models(does or self._upstream.models)
        does = does or self._upstream.next_behaviour()
        if self._upstream.serves is not None and request.body.get("model") not in self._upstream.serves:
            does = Does("not_found")
        await asyncio.sleep(self._upstream.delay)
        return await self._do(does)

    async def ok(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self.not_streamed(does)
        return await self._stream(self._events(does), pace=does.pace)

    async def not_streamed(self, does: Does) -> bool:
        return await self._body(200, self._document(does))

    async def refuses_prefill(self, does: Does) -> bool:
        """A conversation that ends with our own words is refused; any other is answered."""
        messages = self._request.body.get("messages") or [{}]
        return await (
            self._refuse(Does("no_prefill")) if messages[-1].get("role") == "assistant" else self.ok(does)
        )

    async def slow_first_token(self, does: Does) -> bool:
        if self._wants_stream:
            await self._start_stream()
            await self._wait(does.delay)
            return await self._stream(self._events(does), started=True)
        await self._wait(does.delay)
        return await self.not_streamed(does)

    async def slow_headers(self, does: Does) -> bool:
        """Not a byte before the delay is over."""
        await self._wait(does.delay)
        return await self.ok(does)

    async def keep_alive_only(self, does: Does) -> bool:
        """Comments and pings, for ever, and never a word."""
        await self._start_stream()
        while True:
            await self._chunk(b": keep-alive\n\n" + self._format.ping)
            await self._wait(0.02)

    async def cut(self, does: Does) -> bool:
        """The connection ends in the middle of the answer, without the end mark of the body."""
        if not self._wants_stream:
            return await self.truncated_body(does)
        await self._start_stream()
        for event in self._begun(does):
            await self._chunk(event)
        return False

    async def reset_midway(self, does: Does) -> bool:
        """A TCP reset in the middle of the stream, once its words have left."""
        await self._start_stream()
        for event in self._begun(does):
            await self._chunk(event)
        await self._wait(0.05)
        return await self.reset(does)

    async def ends_early(self, does: Does) -> bool:
        """Like a cut, but tidy: the body is ended as HTTP wants it."""
        return await self._stream(self._begun(does))

    async def stall(self, does: Does) -> bool:
        if not self._wants_stream:
            body = self._document(does)
            self._head(200, "application/json", (f"Content-Length: {len(body)}",))
            self._writer.write(body[: len(body) // 2])
            await self._wait(does.delay or FOR_EVER)
            self._writer.write(body[len(body) // 2 :])
            return True
        await self._start_stream()
        begun = self._begun(does)
        for event in begun:
            await self._chunk(event)
        await self._wait(does.delay or FOR_EVER)
        return await self._stream(self._events(does)[len(begun) :], started=True)

    async def lingers(self, does: Does) -> bool:
        """Every word and the finish reason come; then the connection is just held open."""
        await self._start_stream()
        for event in self._format.until_finish(self._events(does)):
            await self._chunk(event)
        await self._wait(FOR_EVER)
        return False

    async def malformed_after_finish(self, does: Does) -> bool:
        return await self._stream([*self._format.until_finish(self._events(does)), b"data: {oops\n\n"])

    async def error_after_finish(self, does: Does) -> bool:
        events = self._format.until_finish(self._events(does))
        return await self._stream([*events, self._format.error("api_error")])

    async def no_done(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self.not_streamed(does)
        return await self._stream(self._format.until_finish(self._events(does)))

    async def done_without_finish(self, does: Does) -> bool:
        return await self._stream([*self._begun(does), self._events(does)[-1]])

    async def malformed(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self._body(200, self._document(does)[:-20])
        return await self._stream([*self._begun(does), b'data: {"id": "chatcm\n\n'])

    async def not_an_object(self, does: Does) -> bool:
        return await self._stream([b"data: [1, 2]\n\n"])

    async def wrong_shape(self, does: Does) -> bool:
        return await self._body(200, json.dumps({"result": TEXT}).encode())

    async def wrong_shape_in_stream(self, does: Does) -> bool:
        return await self._stream([b'data: {"choices": "none", "type": 3}\n\n'])

    async def html(self, does: Does) -> bool:
        return await self._body(200, HTML, "text/html")

    async def redirected(self, does: Does) -> bool:
        return await self._body(302, b"", "text/html", extra=("Location: http://127.0.0.1:9/login",))

    async def empty_body(self, does: Does) -> bool:
        return await self._body(200, b"")

    async def hangs_up(self, does: Does) -> bool:
        """Closed before a single byte of an answer, as an idle connection is at the wrong moment."""
        self._writer.transport.abort()
        return False

    async def reset(self, does: Does) -> bool:
        """Closed before a single byte of an answer, with a TCP reset."""
        linger_not = struct.pack("ii", 1, 0)
        connection = self._writer.get_extra_info("socket")
        if connection.family != getattr(socket, "AF_UNIX", None):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        self._writer.transport.abort()
        return False

    async def silent(self, does: Does) -> bool:
        await self._wait(FOR_EVER)
        return False

    async def refuses_without_end(self, does: Does) -> bool:
        """A 429 whose body never comes."""
        self._head(429, "application/json", ("Content-Length: 500", "Retry-After: 3"))
        await self._wait(FOR_EVER)
        return False

    async def truncated_body(self, does: Does) -> bool:
        """Less body than its Content-Length says."""
        body = self._document(does)
        self._head(200, "application/json", (f"Content-Length: {len(body)}",))
        self._writer.write(body[: len(body) // 2])
        await self._writer.drain()
        return False

    async def short_length(self, does: Does) -> bool:
        """More body than its Content-Length says."""
        body = self._document(does)
        self._head(200, "application/json", (f"Content-Length: {len(body) // 2}",))
        self._writer.write(body)
        await self._writer.drain()
        return False

    async def no_usage(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self._body(200, self._document(does, usage=False))
        return await self._stream(self._events(does, usage=False))

    async def empty(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self._body(200, self._document(Does(text="")))
        return await self._stream(self._events(does, text=""))

    async def null(self, does: Does) -> bool:
        return await self._body(200, self._document(does, text=None))

    async def huge(self, does: Does) -> bool:
        if not self._wants_stream:
            return await self.huge_document(does)
        return await self._stream(self._events(does, text="가나다라마바사 " * 90_000, per_event=5_000))

    async def huge_document(self, does: Does) -> bool:
        return await self._body(200, self._document(does, text="가" * 700_000))

    async def padded_document(self, does: Does) -> bool:
        """A short answer inside a document that is far too long."""
        document = json.loads(self._document(does)) | {"padding": "x" * 3_000_000}
        return await self._body(200, json.dumps(document).encode())

    async def endless(self, does: Does) -> bool:
        """One line that never ends."""
        await self._start_stream()
        while True:
            await self._chunk(b"data: " + b"x" * 65_536)

    async def error_document(self, does: Does) -> bool:
        """A complaint under the status of a success."""
        return await self._body(
            200, json.dumps({"error": {"message": self._answer(does), "type": "oops"}}).encode()
        )

    async def tool_call(self, does: Does) -> bool:
        """Asks for a tool that nobody offered, and says nothing."""
        call = {
            "id": "1",
            "type": "function",
            "function": {"name": "refund", "arguments": self._answer(does)},
        }
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return await self._body(200, json.dumps({"model": self._model, "choices": [choice]}).encode())

    async def tool_call_in_stream(self, does: Does) -> bool:
        call = {"index": 0, "id": "1", "function": {"name": "refund", "arguments": self._answer(does)}}
        choices = [
            {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": "tool_calls"},
        ]
        events = [b"data: " + json.dumps({"choices": [each]}).encode() + b"\n\n" for each in choices]
        return await self._stream([*events, b"data: [DONE]\n\n"])

    async def gzipped(self, does: Does) -> bool:
        """Compressed although nobody asked for that; a gigabyte when it is unpacked."""
        packer = zlib.compressobj(9, wbits=31)
        body = b"".join(packer.compress(b" " * 2**20) for _ in range(1024)) + packer.flush()
        return await self._body(200, body, extra=("Content-Encoding: gzip",))

    async def lying_chunks(self, does: Does) -> bool:
        """A chunk that is shorter than its size says, and what follows is no size."""
        await self._start_stream()
        self._writer.write(b"40\r\ndata: {}\r\nzz\r\n" + self._answer(does).encode() + b"\r\n" * 40)
        await self._writer.drain()
        return False

    async def long_header(self, does: Does) -> bool:
        body = self._document(does)
        return await self._body(200, body, extra=("X-Words: " + "x" * 1_000_000,))

    async def endless_headers(self, does: Does) -> bool:
        self._writer.write(b"HTTP/1.1 200 OK\r\n")
        while not self._reader.at_eof():
            self._writer.write(b"X-More: " + b"x" * 1_000 + b"\r\n")
            await self._writer.drain()
        raise ConnectionResetError

    async def error_event(self, does: Does) -> bool:
        return await self._stream([*self._begun(does), self._format.error("overloaded_error")])

    async def busy_event(self, does: Does) -> bool:
        return await self._stream([self._format.error("rate_limit_error")])

    async def filtered_finish(self, does: Does) -> bool:
        return await self._stream(self._events(does, finish=self._format.filtered))

    async def long_finish(self, does: Does) -> bool:
        return await self._stream(self._events(does, finish=self._format.cut_short))

    async def byte_by_byte(self, does: Does) -> bool:
        """A whole answer whose chunks fall in the middle of characters and line ends."""
        await self._start_stream()
        for byte in b"\xef\xbb\xbf" + b"".join(self._events(does)).replace(b"\n", b"\r\n"):
            await self._chunk(bytes([byte]))
        return await self._end_stream()

    async def _do(self, does: Does) -> bool:
        if does.what in STATUSES:
            return await self._refuse(does)
        behaviour: Callable[[Does], Any] = getattr(self, does.what)
        return bool(await behaviour(does))

    @property
    def _wants_stream(self) -> bool:
        return bool(self._request.body.get("stream"))

    @property
    def _model(self) -> str:
        return self._upstream.model or str(self._request.body.get("model"))

    def _begun(self, does: Does) -> list[bytes]:
        """The events up to the word after which something happens."""
        return self._events(does)[: self._format.lead + does.after]

    def _events(
        self,
        does: Does,
        *,
        text: str | None = None,
        finish: str | None = None,
        usage: bool = True,
        per_event: int = 0,
    ) -> list[bytes]:
        words = self._answer(does) if text is None else text
        pieces = (
            [words[i : i + per_event] for i in range(0, len(words), per_event)]
            if per_event
            else _words(words)
        )
        told = self._upstream.usage if usage else None
        return self._format.events(self._request.body, pieces, self._model, finish, told)

    def _document(self, does: Does, text: str | None = "", *, usage: bool = True) -> bytes:
        words = self._answer(does) if text == "" else text
        told = self._upstream.usage if usage else None
        document = self._format.document(self._request.body, words, self._model, told)
        return json.dumps(document, ensure_ascii=False).encode()

    def _answer(self, does: Does) -> str:
        if does.text is not None:
            return does.text
        from support.fake_replies import compose

        system, turns = self._format.prompt(self._request.body)
        schema = self._format.schema(self._request.body)
        return TEXT if schema is None and "<ticket>" not in "".join(turns) else compose(system, turns, schema)

    async def _list_models(self, does: Does) -> bool:
        if does.what != "ok":
            return await self._do(does)
        known = self._request.path.endswith("/models")
        serves = self._upstream.serves
        names = (self._upstream.model or "fake",) if serves is None else serves
        listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
        return await self._body(200 if known else 404, json.dumps(listed).encode())

    async def _counts(self) -> bool:
        """How many requests for an answer there were: for whoever runs this as a program."""
        return await self._body(200, json.dumps({"answers_asked": self._upstream.answers_asked}).encode())

    async def _refuse(self, does: Does) -> bool:
        status, kind, code, message = STATUSES[does.what]
        extra = (f"Retry-After: {does.retry_after}",) if does.retry_after else ()
        body = json.dumps(self._format.complaint(kind, code, message)).encode()
        return await self._body(status, body, extra=extra)

    async def _receive(self) -> bytes | None:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        return head + await self._reader.readexactly(_content_length(head))

    async def _wait(self, seconds: float) -> None:
        """Sleep, unless the client leaves meanwhile."""
        gone = asyncio.ensure_future(self._reader.read(1))
        try:
            done, _ = await asyncio.wait({gone}, timeout=seconds)
            if done and not gone.result():
                raise ConnectionResetError
        finally:
            gone.cancel()
            await asyncio.wait({gone})

    def _head(self, status: int, kind: str, extra: tuple[str, ...]) -> None:
        self._writer.write(_heading(status, kind, *extra))

    async def _body(
        self, status: int, body: bytes, kind: str = "application/json", extra: tuple[str, ...] = ()
    ) -> bool:
        self._head(status, kind, (f"Content-Length: {len(body)}", *extra))
        self._writer.write(body)
        await self._writer.drain()
        return True

    async def _start_stream(self) -> None:
        self._writer.write(_STREAM_HEAD)
        await self._writer.drain()

    async def _chunk(self, data: bytes) -> None:
        self._writer.write(_framed(data))
        await self._writer.drain()
        if self._reader.at_eof():
            raise ConnectionResetError

    async def _end_stream(self) -> bool:
        self._writer.write(_STREAM_END)
        await self._writer.drain()
        return True

    async def _stream(self, events: list[bytes], *, started: bool = False, pace: float = 0.0) -> bool:
        if not started:
            await self._start_stream()
        for event in events:
            if pace:
                await self._wait(pace)
            await self._chunk(event)
        return await self._end_stream()


_STREAM = re.compile(rb'"stream"\s*:\s*true')
_COUNTED = re.compile(rb'"include_usage"\s*:\s*true')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*", text)


def _content_length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


def _is_whole(raw: bytes) -> bool:
    end = raw.find(b"\r\n\r\n")
    return end >= 0 and len(raw) - end - 4 >= _content_length(raw[: end + 4])


def _heading(status: int, kind: str, *extra: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} -", f"Content-Type: {kind}", *extra, "", "")).encode()


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _document(document: dict[str, Any]) -> bytes:
    body = json.dumps(document, ensure_ascii=False).encode()
    return _heading(200, "application/json", f"Content-Length: {len(body)}") + body


_STREAM_HEAD = _heading(200, "text/event-stream; charset=utf-8", "Transfer-Encoding: chunked")
_STREAM_END = b"0\r\n\r\n"


def _does(what: Does | str) -> Does:
    return Does(what) if isinstance(what, str) else what


async def _serve(options: argparse.Namespace) -> None:
    async with FakeUpstream(
        *[Does.read(said) for given in options.does or ["ok"] for said in given.split(",")],
        model=options.model,
        usage=options.usage or USAGE,
        delay=options.delay,
        kill_after=options.kill_after,
        port=options.port,
        down_for=options.down_for,
        down_does=Does.read(options.down_does),
        remembers=False,
    ) as upstream:
        print(f"fake upstream on {upstream.origin}/v1 (OpenAI) and {upstream.origin} (Anthropic)", flush=True)
        await upstream.killed.wait()
    print("fake upstream gone", flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A model server for demos and drills; it needs no model.")
    parser.add_argument("--port", type=int, default=9001, help="0 takes a free one")
    parser.add_argument("--kill-after", type=int, metavar="N", help="die at the request after the Nth")
    parser.add_argument("--model", help="the name to answer under; unset: the one asked for")
    parser.add_argument("--usage", type=_usage, metavar="IN,OUT", help="the tokens to report")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument(
        "--down-for", type=float, default=0.0, metavar="SECONDS", help="out of order at first"
    )
    parser.add_argument("--down-does", default="e503", metavar="NAME", help="what it does while it is down")
    parser.add_argument(
        "--does",
        action="append",
        metavar="NAME,...",
        help="a behaviour per request, like stall:after=40:delay=30",
    )
    options = parser.parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(_serve(options))
    except ValueError as fault:
        parser.error(str(fault))
    except KeyboardInterrupt:
        sys.exit(130)


def _usage(said: str) -> Usage:
    tokens_in, tokens_out = said.split(",")
    return int(tokens_in), int(tokens_out)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: the less an upstream takes, the more a benchmark says of its clients."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
