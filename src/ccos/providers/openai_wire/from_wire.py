"""What /chat/completions answers, streamed or not. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ccos.domain.errors import ContentFiltered, ProviderDown
from ccos.domain.prompt import FinishReason
from ccos.providers.answering import Reply, Usage, Words, count, name_of, parsed
from ccos.providers.faults import Complaint, refusal

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


class ChatReader:
    """Reads one answer; reasoning is heard as a sign of life and not kept. `listen` gets each piece of text.

    The finish reason makes it whole: `[DONE]` alone is also what a gateway writes under a cut stream.
    """

    def __init__(self, listen: Callable[[str], None] = lambda _piece: None) -> None:
        self.closed = False
        self._words = Words(listen)
        self._finish: FinishReason | None = None
        self._model: str | None = None
        self._usage: Usage | None = None
        self._logprobs: list[float] = []

    @property
    def whole(self) -> bool:
        return self._finish is not None

    def event(self, data: bytes) -> bool:
        if data.strip() == b"[DONE]":
            self.closed = True
            return True
        self._take(parsed(data), "delta")
        return True

    def document(self, data: bytes) -> None:
        self._take(parsed(data), "message")
        self.closed = True

    def reply(self) -> Reply:
        """What was read. Only for a reader that is `whole`."""
        assert self._finish is not None
        usage = self._usage
        return Reply(self._words.text, self._finish, self._model, usage, tuple(self._logprobs))

    def _take(self, chunk: Mapping[str, Any], key: str) -> None:
        if chunk.get("error"):
            raise refusal(None, Complaint.read(chunk))
        self._model = self._model or name_of(chunk.get("model"))
        self._usage = _usage(chunk.get("usage")) or self._usage
        choices = chunk.get("choices")
        if choices is None and "usage" not in chunk and "prompt_progress" not in chunk:
            raise ProviderDown(cause="malformed")
        for choice in _objects([] if choices is None else choices):
            if choice.get("index", 0) in (0, None):
                self._choose(choice, key)

    def _choose(self, choice: Mapping[str, Any], key: str) -> None:
        part = choice.get(key) or {}
        if not isinstance(part, Mapping):
            raise ProviderDown(cause="malformed")
        if part.get("refusal"):
            raise ContentFiltered()
        finish = choice.get("finish_reason")
        if finish != "content_filter":
            self._words.add(_text(part.get("content")))
            self._logprobs += _logprobs(choice.get("logprobs"))
        if finish == "error":
            raise ProviderDown(cause="upstream_error")
        if finish is not None:
            self._finish = _FINISH.get(finish, "other") if isinstance(finish, str) else "other"
        elif key == "message":
            self._finish = "stop"  # a document that arrived whole needs no reason to be whole


def _logprobs(said: object) -> list[float]:
    """What a server says of its tokens; what is no such list is as good as nothing said."""
    tokens = said.get("content") if isinstance(said, Mapping) else None
    if not isinstance(tokens, list):
        return []
    found = [token.get("logprob") for token in tokens if isinstance(token, Mapping)]
    return [float(each) for each in found if isinstance(each, (int, float)) and math.isfinite(each)]


def _text(content: object) -> str:
    """A content that is text, nothing, or a list of typed parts, of which only text is kept."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(_text(p.get("text")) for p in _objects(content) if p.get("type", "text") == "text")
    raise ProviderDown(cause="malformed")


def _objects(items: object) -> list[Mapping[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ProviderDown(cause="malformed")
    return items


def _usage(usage: object) -> Usage | None:
    """Usage that can be right: servers that do not count report zeros, nulls or nothing."""
    if not isinstance(usage, Mapping):
        return None
    tokens_in, tokens_out = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    return Usage(tokens_in, tokens_out, min(cached, tokens_in)) if tokens_in and tokens_out else None
