"""How a fake upstream speaks: the OpenAI and the Anthropic format, written the way the real ones write them."""

from __future__ import annotations

import json
from typing import Any

Usage = tuple[int, int]

TEXT = "안녕하세요, 고객님. 주문하신 상품은 내일 도착할 예정입니다. 불편을 드려 죄송합니다."
SIXTY = (
    "안녕하세요, 고객님. 이용에 불편을 드려 진심으로 죄송합니다. 문의하신 내용을 확인해 보았습니다. "
    "주문하신 상품은 현재 물류 센터에서 포장을 마치고 배송을 기다리고 있습니다. 택배사에 전달되는 대로 운송장 번호를 "
    "문자로 알려 드리겠습니다. 혹시 받으시는 주소를 바꾸고 싶으시면 출발 전까지 마이페이지에서 직접 고치실 수 있습니다. "
    "이미 출발한 뒤라면 택배 기사님께 바로 말씀해 주시는 편이 가장 빠릅니다. 다른 궁금한 점이 있으시면 언제든지 "
    "다시 문의해 주세요."
)
"""Sixty words, each a token of its own here: long enough to be cut in the middle."""
USAGE: Usage = (120, 40)
CREATED = 1_760_000_000
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
    "no_prefill": (
        400,
        "invalid_request_error",
        "invalid_value",
        "This model does not support assistant message prefill; the conversation must end with a user message.",
    ),
    "overloaded": (529, "overloaded_error", "overloaded", "overloaded"),
}
HTML = b"<!doctype html><title>Sign in</title><p>This network needs a login.</p>"


class OpenAiFormat:
    """`lead` events come before the first word."""

    filtered, cut_short, lead = "content_filter", "length", 1
    ping = b""

    def prompt(self, body: dict[str, Any]) -> tuple[str, list[str]]:
        messages = body.get("messages", [])
        system = next((m["content"] for m in messages if m["role"] == "system"), "")
        return system, [m["content"] for m in messages if m["role"] != "system"]

    def schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        asked: dict[str, Any] = body.get("response_format", {}).get("json_schema", {})
        return asked.get("schema")

    def events(
        self, body: dict[str, Any], pieces: list[str], model: str, finish: str | None, usage: Usage | None
    ) -> list[bytes]:
        def chunk(delta: dict[str, Any], done: str | None = None) -> bytes:
            return _event({**about, "choices": [{"index": 0, "delta": delta, "finish_reason": done}]})

        about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": CREATED, "model": model}
        told = usage is not None and (body.get("stream_options") or {}).get("include_usage")
        counted = {**about, "choices": [], "usage": _openai_usage(usage) if usage else None}
        return [
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"content": piece}) for piece in pieces),
            chunk({}, finish or "stop"),
            *([_event(counted)] if told else []),
            b"data: [DONE]\n\n",
        ]

    def until_finish(self, events: list[bytes]) -> list[bytes]:
        return events[: next(i for i, e in enumerate(events) if b'"stop"' in e) + 1]

    def document(
        self, body: dict[str, Any], text: str | None, model: str, usage: Usage | None
    ) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        about = {"id": "chatcmpl-1", "object": "chat.completion", "created": CREATED, "model": model}
        return {**about, "choices": choices, **({"usage": _openai_usage(usage)} if usage else {})}

    def complaint(self, kind: str, code: str, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def error(self, kind: str) -> bytes:
        return _event(self.complaint(kind, kind, "inside the stream"))


class AnthropicFormat:
    filtered, cut_short, lead = "refusal", "max_tokens", 3
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'

    def prompt(self, body: dict[str, Any]) -> tuple[str, list[str]]:
        return body.get("system", ""), [m["content"] for m in body.get("messages", [])]

    def schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        shaped: dict[str, Any] = body.get("output_config", {}).get("format", {})
        return body["tools"][0]["input_schema"] if "tools" in body else shaped.get("schema")

    def events(
        self, body: dict[str, Any], pieces: list[str], model: str, finish: str | None, usage: Usage | None
    ) -> list[bytes]:
        tokens_in, tokens_out = usage or (0, 0)
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

    def document(
        self, body: dict[str, Any], text: str | None, model: str, usage: Usage | None
    ) -> dict[str, Any]:
        content: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
        if "tools" in body and text:
            content = [{"type": "tool_use", "id": "t", "name": "answer", "input": json.loads(text)}]
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": "tool_use" if "tools" in body else "end_turn",
            **({"usage": {"input_tokens": usage[0], "output_tokens": usage[1]}} if usage else {}),
        }

    def complaint(self, kind: str, code: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def error(self, kind: str) -> bytes:
        return b"event: error\n" + _event(self.complaint(kind, kind, "inside the stream"))

    def _named(self, name: str, **fields: Any) -> bytes:
        return f"event: {name}\n".encode() + _event({"type": name, **fields})


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


Format = OpenAiFormat | AnthropicFormat
OPENAI, ANTHROPIC = OpenAiFormat(), AnthropicFormat()


def format_of(path: str) -> Format:
    """Which of the two a request to this path speaks."""
    return ANTHROPIC if path.endswith("/messages") else OPENAI


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def _openai_usage(usage: Usage) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
