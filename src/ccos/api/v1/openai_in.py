"""Bodies of POST /v1/chat/completions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ccos.api.v1.asked import Asked, Role, conversation, ends, limit, shaped, warmth
from ccos.api.v1.extras import CcosWishes, extras_of
from ccos.api.v1.faults import bad
from ccos.api.v1.names import alias_of
from ccos.api.v1.reading import ChatMessage, counted, decoded, text_of, unsupported

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


class JsonSchema(msgspec.Struct):
    schema: dict[str, Any]
    name: str | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class ChatCompletionRequest(msgspec.Struct):
    """Fields that are not here are accepted and have no effect."""

    model: str
    messages: list[ChatMessage]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None
    audio: Any = None
    ccos: CcosWishes | None = None


DECODER = msgspec.json.Decoder(ChatCompletionRequest)


def asked(body: bytes, headers: Mapping[str, str]) -> Asked:
    """Raises a Fault with what is wrong and where."""
    wish = decoded(DECODER, body)
    alias = alias_of(wish.model)
    _refuse_what_we_cannot(wish)
    system, turns, language = conversation(_said(wish.messages))
    tokens = wish.max_tokens if wish.max_completion_tokens is None else wish.max_completion_tokens
    named = "max_tokens" if wish.max_completion_tokens is None else "max_completion_tokens"
    return Asked(
        alias=alias,
        system=system,
        turns=turns,
        language=language,
        extras=extras_of(headers, wish.ccos),
        max_tokens=limit(tokens, named),
        temperature=warmth(wish.temperature, 2.0),
        stops=ends(wish.stop, "stop"),
        schema=_schema(wish.response_format),
        stream=bool(wish.stream),
        include_usage=bool(wish.stream_options and wish.stream_options.include_usage),
    )


def _said(messages: list[ChatMessage]) -> Iterator[tuple[Role, str]]:
    for n, message in counted(messages):
        role = ROLES.get(message.role)
        if role is None or message.tool_calls:
            sentence = f"A message must be from one of {', '.join(ROLES)}; tools cannot be used here."
            raise bad(sentence, f"messages[{n}].role", code="unsupported_role")
        yield role, text_of(message.content, f"messages[{n}].content")


def _refuse_what_we_cannot(wish: ChatCompletionRequest) -> None:
    if wish.n not in (None, 1):
        raise bad("One answer is given to a request: 'n' must be 1.", "n", code="unsupported_parameter")
    if wish.tools:
        raise unsupported("Tools", "tools")
    if wish.functions:
        raise unsupported("Functions", "functions")
    if wish.logprobs:
        raise unsupported("Log probabilities", "logprobs")
    if wish.audio is not None or any(kind != "text" for kind in wish.modalities or ()):
        raise unsupported("Anything but text", "modalities")


def _schema(shape: ResponseFormat | None) -> Mapping[str, Any] | None:
    match shape:
        case None | ResponseFormat(type="text"):
            return None
        case ResponseFormat(type="json_object"):
            return ANY_OBJECT
        case ResponseFormat(type="json_schema", json_schema=JsonSchema(schema=schema)):
            return shaped(schema, "response_format.json_schema.schema")
    sentence = "'response_format' must be text, json_object, or json_schema with its 'json_schema'."
    raise bad(sentence, "response_format")
