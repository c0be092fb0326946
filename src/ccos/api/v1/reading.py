"""Bodies as they come in: JSON into typed values, and what is wrong with them in the caller's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from ccos.api.v1.asked import MAX_MESSAGES
from ccos.api.v1.faults import Fault, bad

T = TypeVar("T")

_AT = re.compile(r" - at `\$\.?([^`]{0,200})`\Z")

_LACKS = re.compile(r"missing required field `(\w+)`")


class ContentPart(msgspec.Struct):
    """A part of a message; only text can be read."""

    type: str = ""
    text: str | None = None


class ChatMessage(msgspec.Struct):
    role: str
    content: str | list[str | ContentPart] | None = None
    tool_calls: list[Any] | None = None


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as a value. Raises a Fault; what was sent is not said back, it may hold personal data."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        message = str(fault)
        found = _AT.search(message)
        param = found[1] if found and found[1] and "..." not in found[1] else None
        said = message[: found.start()] if found else message
        if lacking := _LACKS.search(said):
            param = f"{param}.{lacking[1]}" if param else lacking[1]
            raise bad(f"'{param}' is missing.", param, code="missing_required_parameter") from None
        raise bad(f"{param or 'The body'}: {said}.", param, code="invalid_type") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        sentence = "The body is not valid JSON; send one JSON document in UTF-8."
        raise bad(sentence, code="invalid_json") from None


def text_of(content: str | list[str | ContentPart] | None, param: str) -> str:
    """The words of a message. Raises a Fault for anything that is no text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n\n".join(_text(part, f"{param}[{n}]") for n, part in enumerate(content))


def _text(part: str | ContentPart, param: str) -> str:
    if isinstance(part, str):
        return part
    if part.type not in ("text", "input_text", ""):
        kind = part.type[:40] if part.type.isascii() and part.type.isprintable() else "this kind"
        sentence = f"Only text can be read here, not {kind!r}; send the words of it."
        raise bad(sentence, param, code="unsupported_content")
    if part.text is None:
        raise bad(f"'{param}.text' is missing.", f"{param}.text", code="missing_required_parameter")
    return part.text


def counted(messages: list[T]) -> Iterable[tuple[int, T]]:
    """The messages with their numbers; there must be some, and not too many."""
    if not messages:
        raise bad("'messages' must hold at least one message.", "messages")
    if len(messages) > MAX_MESSAGES:
        raise bad(f"'messages' may hold {MAX_MESSAGES} messages at most.", "messages")
    return enumerate(messages)


def unsupported(what: str, param: str) -> Fault:
    return bad(f"{what} cannot be used here; leave '{param}' out.", param, code="unsupported_parameter")
