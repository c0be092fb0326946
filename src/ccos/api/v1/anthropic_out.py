"""Answers of POST /v1/messages, whole and in events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import encode

from ccos.api.v1.asked import Asked
from ccos.api.v1.faults import Fault, error_body
from ccos.api.v1.reply import Reply

STOP_REASON: Mapping[str, str] = {"length": "max_tokens", "content_filter": "refusal"}


def whole(reply: Reply) -> bytes:
    """The document of a request that is not streamed."""
    text = reply.text if reply.refusal is None else reply.refusal
    return encode(
        {
            **_message(reply.id, reply.model),
            "content": [{"type": "text", "text": text}],
            "stop_reason": _stop_reason(reply),
            "stop_sequence": reply.stop,
            "usage": {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out},
            "ccos": reply.label,
        }
    )


class Events:
    """The events of one stream. `model` is what its beginning names."""

    def __init__(self, request_id: str, created: int, asked: Asked, model: str) -> None:  # noqa: ARG002
        self._id = request_id
        self._model = model

    def opening(self) -> bytes:
        usage = {"input_tokens": 0, "output_tokens": 0}  # told at the end, when it is known
        message = {**_message(self._id, self._model), "content": [], "usage": usage}
        begun = _event("message_start", message={**message, "stop_reason": None, "stop_sequence": None})
        return begun + _event("content_block_start", index=0, content_block={"type": "text", "text": ""})

    def words(self, text: str) -> bytes:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, reply: Reply) -> bytes:
        refused = b"" if reply.refusal is None else self.words(reply.refusal)
        ended = {"stop_reason": _stop_reason(reply), "stop_sequence": reply.stop}
        usage = {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out}
        return b"".join(
            (
                refused,
                _event("content_block_stop", index=0),
                _event("message_delta", delta=ended, usage=usage),
                _event("message_stop", ccos=reply.label),
            )
        )

    def broken(self, fault: Fault) -> bytes:
        return b"event: error\ndata: " + error_body("anthropic", fault) + b"\n\n"


def _message(request_id: str, model: str) -> dict[str, Any]:
    return {"id": f"msg_{request_id}", "type": "message", "role": "assistant", "model": model}


def _event(name: str, **fields: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode({"type": name, **fields}) + b"\n\n"


def _stop_reason(reply: Reply) -> str:
    if reply.stop is not None:
        return "stop_sequence"
    return STOP_REASON.get(reply.finish, "end_turn")
