"""Bodies of POST /v1/messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ccos.api.v1.asked import Asked, Role, conversation, ends, limit, shaped, warmth
from ccos.api.v1.extras import CcosWishes, extras_of
from ccos.api.v1.faults import bad
from ccos.api.v1.names import alias_of
from ccos.api.v1.reading import ContentPart, counted, decoded, text_of, unsupported


class AnthropicMessage(msgspec.Struct):
    role: str
    content: str | list[str | ContentPart]


class OutputFormat(msgspec.Struct):
    type: str
    schema: dict[str, Any] | None = None


class OutputConfig(msgspec.Struct):
    format: OutputFormat | None = None


class MessagesRequest(msgspec.Struct):
    """Fields that are not here are accepted and have no effect."""

    model: str
    messages: list[AnthropicMessage]
    max_tokens: int
    system: str | list[str | ContentPart] | None = None
    temperature: float | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    tools: list[Any] | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    ccos: CcosWishes | None = None


DECODER = msgspec.json.Decoder(MessagesRequest)


def asked(body: bytes, headers: Mapping[str, str]) -> Asked:
    """Raises a Fault with what is wrong and where."""
    wish = decoded(DECODER, body)
    alias = alias_of(wish.model)
    if wish.tools:
        raise unsupported("Tools", "tools")
    system, turns, language = conversation(_said(wish))
    return Asked(
        alias=alias,
        system=system,
        turns=turns,
        language=language,
        extras=extras_of(headers, wish.ccos),
        max_tokens=limit(wish.max_tokens, "max_tokens"),
        temperature=warmth(wish.temperature, 1.0),
        stops=ends(wish.stop_sequences, "stop_sequences"),
        schema=_schema(wish),
        stream=bool(wish.stream),
        include_usage=True,
    )


def _said(wish: MessagesRequest) -> Iterator[tuple[Role, str]]:
    yield "system", text_of(wish.system, "system")
    for n, message in counted(wish.messages):
        text = text_of(message.content, f"messages[{n}].content")
        if message.role == "user":
            yield "user", text
        elif message.role == "assistant":
            yield "assistant", text
        else:
            raise bad("A message must be from user or assistant.", f"messages[{n}].role")


def _schema(wish: MessagesRequest) -> Mapping[str, Any] | None:
    shape = wish.output_config.format if wish.output_config else wish.output_format
    if shape is None or shape.type == "text":
        return None
    if shape.type != "json_schema" or shape.schema is None:
        raise bad("The output format must be json_schema with its 'schema'.", "output_config.format")
    return shaped(shape.schema, "output_config.format.schema")
