"""A model server that misbehaves on the wire, on demand, in the OpenAI and the Anthropic format.

In tests: `async with FakeUpstream("ok", Does("rate_limited", retry_after="7")) as upstream`, one behaviour per
request for an answer; the last one stays. As a program: `python tests/support/fake_upstream.py --port 9001`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

TEXT = "안녕하세요, 고객님. 주문하신 상품은 내일 도착할 예정입니다. 불편을 드려 죄송합니다."
USAGE = (120, 40)
STATUSES = {
    "bad_request": (400, "invalid_request_error", "invalid_value", "max_tokens is not a number"),
    "context_too_long": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens, and prompt is too long: 9000 tokens > 8192 maximum",
    ),
    "content_filtered": (
        400,
        "invalid_request_error",
        "content_filter",
        "Output blocked by content filtering policy",
    ),
    "unauthorized": (401, "authentication_error", "invalid_api_key", "Incorrect API key provided: sk-secret"),
    "forbidden": (403, "permission_error", "forbidden", "not allowed"),
    "not_found": (404, "not_found_error", "model_not_found", "no such model"),
    "request_timeout": (408, "timeout_error", "timeout", "too slow"),
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached: too many tokens"),
    "e500": (500, "api_error", "server_error", "boom"),
    "e502": (502, "api_error", "bad_gateway", "boom"),
    "e503": (503, "api_error", "unavailable", "down"),
    "overloaded": (529, "overloaded_error", "overloaded", "overloaded"),
}
HTML = b"<!doctype html><title>Sign in</title><p>This network needs a login.</p>"


@dataclass(frozen=True)
class Does:
    """One behaviour: a name of STATUSES or of a method of `_Exchange`, and what it needs to know."""

    what: str = "ok"
    text: str | None = None
    after: int = 3
    delay: float = 0.0
    retry_after: str | None = None
    finish: str = "stop"


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class FakeUpstream:
    """`seen` holds every request; `hung_up` is set when a client left before its answer was complete."""

    def __init__(
        self,
        *script: Does | str,
        model: str | None = "gpt-4o-2024-08-06",
        delay: float = 0.0,
        kill_after: int | None = None,
        port: int = 0,
        unix_socket: Path | None = None,
        models: Does | str = "ok",
        serves: tuple[str, ...] | None = None,
    ) -> None:
        """`serves`: the models it lists; a request for another one is answered with a 404."""
        self.script = tuple(_does(s) for s in script) or (Does(),)
        self.models = _does(models)
        self.serves = serves
        self.model, self.delay, self.kill_after, self.port = model, delay, kill_after, port
        self.unix_socket = unix_socket
        self.seen: list[Seen] = []
        self.hung_up = asyncio.Event()
        self.origin = "http://localhost"
        self.connections = 0
        self.killed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._served = 0

    async def __aenter__(self) -> Self:
        if self.unix_socket is not None:
            self._server = await asyncio.start_unix_server(self._accept, str(self.unix_socket), limit=2**24)
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=2**24)
            self.port = self._server.sockets[0].getsockname()[1]
            self.origin = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def answers_asked(self) -> int:
        """Requests for an answer so far; `seen` also holds those for the list of models."""
        return sum(1 for request in self.seen if request.method == "POST")

    def next_behaviour(self) -> Does:
        self._served += 1
        if self.kill_after is not None and self._served > self.kill_after:
            self.killed.set()
            return Does("reset")
        return self.script[min(self._served, len(self.script)) - 1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while await _Exchange(self, reader, writer).serve():
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except asyncio.CancelledError:
            pass  # the server closes; nobody waits for this connection
        finally:
            writer.close()


class _Exchange:
    """One request and its answer. Behaviours are the methods without an underscore."""

    def __init__(
        self, upstream: FakeUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._upstream, self._reader, self._writer = upstream, reader, writer
        self._request = Seen("", "", {}, {})
        self._format: OpenAiFormat | AnthropicFormat = OpenAiFormat()

    async def serve(self) -> bool:
        """Whether the connection may carry another request."""
        request = await self._receive()
        if request is None:
            return False
        self._request = request
        self._upstream.seen.append(request)
        if request.method == "GET":
            return await self._list_models()
        does = self._upstream.next_behaviour()
        if self._upstream.serves is not None and request.body.get("model") not in self._upstream.serves:
            does = Does("not_found")
        self._format = AnthropicFormat() if request.path.endswith("/messages") else OpenAiFormat()
        await asyncio.sleep(self._upstream.delay)
        if does.what in STATUSES:
            return await self._refuse(does)
        behaviour: Callable[[Does], Any] = getattr(self, does.what)
        return bool(await behaviour(does))

    async def ok(self, does: Does) -> bool:
        if not self._request.body.get("stream"):
            return await self.not_streamed(does)
        return await self._stream(self._events(does))

    async def not_streamed(self, does: Does) -> bool:
        return await self._body(200, self._document(does))

    async def slow_first_token(self, does: Does) -> bool:
        await self._start_stream()
        await self._wait(does.delay)
        return await self._stream(self._events(does), started=True)

    async def keep_alive_only(self, does: Does) -> bool:
        """Comments and pings, for ever, and never a word."""
        await self._start_stream()
        while True:
            await self._chunk(b": keep-alive\n\n" + self._format.ping)
            await self._wait(0.02)

    async def cut(self, does: Does) -> bool:
        """The connection ends in the middle of the stream, without the end mark of the body."""
        await self._start_stream()
        for event in self._events(does)[: does.after]:
            await self._chunk(event)
        return False

    async def ends_early(self, does: Does) -> bool:
        """Like a cut, but tidy: the body is ended as HTTP wants it."""
        return await self._stream(self._events(does)[: does.after])

    async def stall(self, does: Does) -> bool:
        await self._start_stream()
        for event in self._events(does)[: does.after]:
            await self._chunk(event)
        await self._wait(3600)
        return False

    async def lingers(self, does: Does) -> bool:
        """Every word and the finish reason come; then the connection is just held open."""
        await self._start_stream()
        for event in self._format.until_finish(self._events(does)):
            await self._chunk(event)
        await self._wait(3600)
        return False

    async def malformed_after_finish(self, does: Does) -> bool:
        return await self._stream([*self._format.until_finish(self._events(does)), b"data: {oops\n\n"])

    async def error_after_finish(self, does: Does) -> bool:
        events = self._format.until_finish(self._events(does))
        return await self._stream([*events, self._format.error("api_error")])

    async def no_done(self, does: Does) -> bool:
        return await self._stream(self._format.until_finish(self._events(does)))

    async def done_without_finish(self, does: Does) -> bool:
        events = self._events(does)
        return await self._stream([*events[: does.after], events[-1]])

    async def malformed(self, does: Does) -> bool:
        return await self._stream([*self._events(does)[: does.after], b'data: {"id": "chatcm\n\n'])

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

    async def reset(self, does: Does) -> bool:
        """Closed before a single byte of an answer, with a TCP reset."""
        self._writer.transport.abort()
        return False

    async def silent(self, does: Does) -> bool:
        await self._wait(3600)
        return False

    async def refuses_without_end(self, does: Does) -> bool:
        """A 429 whose body never comes."""
        self._head(429, "application/json", ("Content-Length: 500", "Retry-After: 3"))
        await self._wait(3600)
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
        return await self._stream(self._events(does, usage=False))

    async def empty(self, does: Does) -> bool:
        return await self._stream(self._events(does, text=""))

    async def null(self, does: Does) -> bool:
        return await self._body(200, self._document(does, text=None))

    async def huge(self, does: Does) -> bool:
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

    async def error_event(self, does: Does) -> bool:
        return await self._stream([*self._events(does)[: does.after], self._format.error("overloaded_error")])

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
            else re.findall(r"\s*\S+\s*", words)
        )
        name = self._upstream.model or str(self._request.body.get("model"))
        return self._format.events(self._request.body, pieces, name, finish, usage)

    def _document(self, does: Does, text: str | None = "") -> bytes:
        words = self._answer(does) if text == "" else text
        name = self._upstream.model or str(self._request.body.get("model"))
        return json.dumps(self._format.document(self._request.body, words, name), ensure_ascii=False).encode()

    def _answer(self, does: Does) -> str:
        if does.text is not None:
            return does.text
        from support.fake_replies import compose

        system, turns = self._format.prompt(self._request.body)
        schema = self._format.schema(self._request.body)
        return TEXT if schema is None and "<ticket>" not in "".join(turns) else compose(system, turns, schema)

    async def _list_models(self) -> bool:
        does = self._upstream.models
        if does.what in STATUSES:
            return await self._refuse(does)
        if does.what != "ok":
            return bool(await getattr(self, does.what)(does))
        known = self._request.path.endswith("/models")
        serves = self._upstream.serves
        names = (self._upstream.model or "fake",) if serves is None else serves
        listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
        return await self._body(200 if known else 404, json.dumps(listed).encode())

    async def _refuse(self, does: Does) -> bool:
        status, kind, code, message = STATUSES[does.what]
        extra = (f"Retry-After: {does.retry_after}",) if does.retry_after else ()
        body = json.dumps(self._format.complaint(kind, code, message)).encode()
        return await self._body(status, body, extra=extra)

    async def _receive(self) -> Seen | None:
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        raw = await self._reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        return Seen(method, path.partition("?")[0], headers, json.loads(raw) if raw else {})

    async def _wait(self, seconds: float) -> None:
        """Sleep, unless the client leaves meanwhile."""
        gone = asyncio.ensure_future(self._reader.read(1))
        try:
            done, _ = await asyncio.wait({gone}, timeout=seconds)
            if done and not gone.result():
                raise ConnectionResetError
        finally:
            gone.cancel()

    def _head(self, status: int, kind: str, extra: tuple[str, ...]) -> None:
        lines = (f"HTTP/1.1 {status} -", f"Content-Type: {kind}", *extra, "", "")
        self._writer.write("\r\n".join(lines).encode())

    async def _body(
        self, status: int, body: bytes, kind: str = "application/json", extra: tuple[str, ...] = ()
    ) -> bool:
        self._head(status, kind, (f"Content-Length: {len(body)}", *extra))
        self._writer.write(body)
        await self._writer.drain()
        return True

    async def _start_stream(self) -> None:
        self._head(200, "text/event-stream; charset=utf-8", ("Transfer-Encoding: chunked",))
        await self._writer.drain()

    async def _chunk(self, data: bytes) -> None:
        self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()
        if self._reader.at_eof():
            raise ConnectionResetError

    async def _end_stream(self) -> bool:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
        return True

    async def _stream(self, events: list[bytes], *, started: bool = False) -> bool:
        if not started:
            await self._start_stream()
        for event in events:
            await self._chunk(event)
        return await self._end_stream()


class OpenAiFormat:
    filtered, cut_short = "content_filter", "length"
    ping = b""

    def prompt(self, body: dict[str, Any]) -> tuple[str, list[str]]:
        messages = body.get("messages", [])
        system = next((m["content"] for m in messages if m["role"] == "system"), "")
        return system, [m["content"] for m in messages if m["role"] != "system"]

    def schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        asked: dict[str, Any] = body.get("response_format", {}).get("json_schema", {})
        return asked.get("schema")

    def events(
        self, body: dict[str, Any], pieces: list[str], model: str, finish: str | None, usage: bool
    ) -> list[bytes]:
        def chunk(delta: dict[str, Any], done: str | None = None) -> bytes:
            choices = [{"index": 0, "delta": delta, "finish_reason": done}]
            return _event(
                {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": choices}
            )

        told = usage and body.get("stream_options", {}).get("include_usage")
        counted = {"id": "chatcmpl-1", "model": model, "choices": [], "usage": self._usage()}
        return [
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"content": piece}) for piece in pieces),
            chunk({}, finish or "stop"),
            *([_event(counted)] if told else []),
            b"data: [DONE]\n\n",
        ]

    def until_finish(self, events: list[bytes]) -> list[bytes]:
        return events[: next(i for i, e in enumerate(events) if b'"stop"' in e) + 1]

    def document(self, body: dict[str, Any], text: str | None, model: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return {"id": "chatcmpl-1", "model": model, "choices": choices, "usage": self._usage()}

    def complaint(self, kind: str, code: str, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error(self, kind: str) -> bytes:
        return _event(self.complaint(kind, kind, "inside the stream"))

    def _usage(self) -> dict[str, int]:
        tokens_in, tokens_out = USAGE
        return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": sum(USAGE)}


class AnthropicFormat:
    filtered, cut_short = "refusal", "max_tokens"
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'

    def prompt(self, body: dict[str, Any]) -> tuple[str, list[str]]:
        return body.get("system", ""), [m["content"] for m in body.get("messages", [])]

    def schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        shaped: dict[str, Any] = body.get("output_config", {}).get("format", {})
        return body["tools"][0]["input_schema"] if "tools" in body else shaped.get("schema")

    def events(
        self, body: dict[str, Any], pieces: list[str], model: str, finish: str | None, usage: bool
    ) -> list[bytes]:
        tokens_in, tokens_out = USAGE if usage else (0, 0)
        tool = "tools" in body
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
        begun = {"input_tokens": tokens_in, "output_tokens": 1} if usage else {}
        block = (
            {"type": "tool_use", "id": "t", "name": "answer", "input": {}}
            if tool
            else {"type": "text", "text": ""}
        )
        key, kind = ("partial_json", "input_json_delta") if tool else ("text", "text_delta")
        deltas = [
            self._named("content_block_delta", index=0, delta={"type": kind, key: piece}) for piece in pieces
        ]
        ended = {"stop_reason": finish or ("tool_use" if tool else "end_turn"), "stop_sequence": None}
        return [
            self._named("message_start", message={**message, "usage": begun}),
            self._named("content_block_start", index=0, content_block=block),
            self.ping,
            *deltas,
            self._named("content_block_stop", index=0),
            self._named("message_delta", delta=ended, usage={"output_tokens": tokens_out}),
            self._named("message_stop"),
        ]

    def until_finish(self, events: list[bytes]) -> list[bytes]:
        return events[:-1]

    def document(self, body: dict[str, Any], text: str | None, model: str) -> dict[str, Any]:
        tokens_in, tokens_out = USAGE
        content: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
        if "tools" in body and text:
            content = [{"type": "tool_use", "id": "t", "name": "answer", "input": json.loads(text)}]
        return {
            "id": "msg_1",
            "type": "message",
            "model": model,
            "content": content,
            "stop_reason": "tool_use" if "tools" in body else "end_turn",
            "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out},
        }

    def complaint(self, kind: str, code: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error(self, kind: str) -> bytes:
        return b"event: error\n" + _event(self.complaint(kind, kind, "inside the stream"))

    def _named(self, name: str, **fields: Any) -> bytes:
        return f"event: {name}\n".encode() + _event({"type": name, **fields})


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def _does(what: Does | str) -> Does:
    return Does(what) if isinstance(what, str) else what


async def _serve(options: argparse.Namespace) -> None:
    behaviours = options.does or ["ok"]
    async with FakeUpstream(
        *behaviours,
        model=options.model,
        delay=options.delay,
        kill_after=options.kill_after,
        port=options.port,
    ) as upstream:
        print(f"fake upstream on {upstream.origin}/v1 (OpenAI) and {upstream.origin} (Anthropic)", flush=True)
        await upstream.killed.wait()
    print("fake upstream gone", flush=True)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A model server for demos and drills; it needs no model.")
    parser.add_argument("--port", type=int, default=9001, help="0 takes a free one")
    parser.add_argument("--kill-after", type=int, metavar="N", help="die at the request after the Nth")
    parser.add_argument("--model", help="the name to answer under; unset: the one asked for")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument(
        "--does", action="append", metavar="NAME", help="a behaviour per request; may be repeated"
    )
    try:
        asyncio.run(_serve(parser.parse_args(arguments)))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
