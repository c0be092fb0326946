"""What /v1/messages answers, streamed or not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ccos.domain.errors import ProviderDown
from ccos.domain.prompt import FinishReason
from ccos.providers.answering import Reply, Usage, Words, count, name_of, parsed
from ccos.providers.faults import Complaint, refusal

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class MessageReader:
    """Reads one answer: its text, or the input of the tool it was made to call. Thinking is not kept.

    `listen` gets each piece of either.
    """

    def __init__(self, listen: Callable[[str], None] = lambda _piece: None) -> None:
        self.closed = False
        self._text, self._tool = Words(listen), Words(listen)
        self._finish: FinishReason | None = None
        self._model: str | None = None
        self._tokens_in = self._tokens_out = self._cached_in = 0

    @property
    def whole(self) -> bool:
        return self._finish is not None

    def event(self, data: bytes) -> bool:
        event = parsed(data)
        match event.get("type"):
            case "ping":
                return False
            case "error":
                raise refusal(None, Complaint.read(event))
            case "message_start":
                self._begin(_object(event.get("message")))
            case "content_block_start":
                self._block(_object(event.get("content_block")))
            case "content_block_delta":
                self._block(_object(event.get("delta")))
            case "message_delta":
                self._end(_object(event.get("delta")), event.get("usage"))
            case "message_stop":
                self.closed = True
            case str():
                pass  # content_block_stop, and kinds of event that may come to be
            case _:
                raise ProviderDown(cause="malformed")
        return True

    def document(self, data: bytes) -> None:
        message = parsed(data)
        if message.get("type") == "error" or "error" in message:
            raise refusal(None, Complaint.read(message))
        blocks = message.get("content")
        if not isinstance(blocks, list):
            raise ProviderDown(cause="malformed")
        self._begin(message)
        self._end(message, None)
        for block in blocks if self._finish != "content_filter" else ():
            self._block(_object(block))
        self.closed = True

    def reply(self) -> Reply:
        """What was read. Only for a reader that is `whole`."""
        assert self._finish is not None
        counted = self._tokens_in and self._tokens_out
        usage = Usage(self._tokens_in, self._tokens_out, self._cached_in) if counted else None
        return Reply(self._tool.text or self._text.text, self._finish, self._model, usage)

    def _begin(self, message: Mapping[str, Any]) -> None:
        self._model = name_of(message.get("model"))
        self._count(message.get("usage"))

    def _block(self, block: Mapping[str, Any]) -> None:
        match block.get("type"):
            case "text" | "text_delta":
                self._text.add(_words(block.get("text")))
            case "input_json_delta":
                self._tool.add(_words(block.get("partial_json")))
            case "tool_use" if block.get("input"):
                self._tool.add(orjson.dumps(block["input"]).decode())

    def _end(self, delta: Mapping[str, Any], usage: object) -> None:
        self._count(usage)
        reason = delta.get("stop_reason")
        if reason is not None:
            self._finish = _FINISH.get(reason, "other") if isinstance(reason, str) else "other"

    def _count(self, usage: object) -> None:
        """Output counts are running totals, and the last report of input counts stands."""
        if not isinstance(usage, Mapping):
            return
        cached = count(usage.get("cache_read_input_tokens"))
        read = count(usage.get("input_tokens")) + count(usage.get("cache_creation_input_tokens")) + cached
        if read:
            self._tokens_in, self._cached_in = read, cached
        self._tokens_out = count(usage.get("output_tokens")) or self._tokens_out


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ProviderDown(cause="malformed")
    return value


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise ProviderDown(cause="malformed")
    return value
