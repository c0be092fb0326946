"""Answers of POST /v1/chat/completions, whole and in chunks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import encode

from ccos.api.v1.asked import Asked
from ccos.api.v1.faults import Fault, error_body
from ccos.api.v1.reply import Reply

FINISH: Mapping[str, str] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


def whole(reply: Reply) -> bytes:
    """The document of a request that is not streamed."""
    content = None if reply.refusal is not None else reply.text
    message = {"role": "assistant", "content": content, "refusal": reply.refusal}
    return encode(
        {
            "id": _id(reply.id),
            "object": "chat.completion",
            "created": reply.created,
            "model": reply.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}],
            "usage": _usage(reply),
            "ccos": reply.label,
        }
    )


class Chunks:
    """The events of one stream. `model` is what each of them names."""

    def __init__(self, request_id: str, created: int, asked: Asked, model: str) -> None:
        self._head = {
            "id": _id(request_id),
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._usage = asked.include_usage
        before = encode({**self._head, "choices": []})[:-2]  # up to the choices: the same in every chunk
        self._before = b"data: " + before + b'{"index":0,"delta":{"content":'

    def opening(self) -> bytes:
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def words(self, text: str) -> bytes:
        return self._before + encode(text) + b'},"logprobs":null,"finish_reason":null}]}\n\n'

    def closing(self, reply: Reply) -> bytes:
        """Finish, usage when it was asked for, and the end; the last chunk carries the `ccos` object."""
        self._head["model"] = reply.model
        refused = b"" if reply.refusal is None else self._chunk({"refusal": reply.refusal})
        label = {"ccos": reply.label}
        if not self._usage:
            return refused + self._chunk({}, _finish(reply), **label) + b"data: [DONE]\n\n"
        counted = _event({**self._head, "choices": [], "usage": _usage(reply), **label})
        return refused + self._chunk({}, _finish(reply)) + counted + b"data: [DONE]\n\n"

    def broken(self, fault: Fault) -> bytes:
        """The end of a stream that is not whole: no finish reason, no end mark."""
        return b"data: " + error_body("openai", fault) + b"\n\n"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        unused = {"usage": None} if self._usage else {}
        return _event({**self._head, "choices": [choice], **unused, **more})


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + encode(document) + b"\n\n"


def _id(request_id: str) -> str:
    return f"chatcmpl-{request_id}"


def _finish(reply: Reply) -> str:
    return FINISH.get(reply.finish, "stop")


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.tokens_in,
        "completion_tokens": reply.tokens_out,
        "total_tokens": reply.tokens_in + reply.tokens_out,
    }
