"""Whether a JSON Schema is one, as far as its keywords are looked at here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DEEPEST = 50
"""Levels of a schema, its listed values included; a deeper one serves no prompt."""

TYPES = ("object", "array", "string", "boolean", "null", "number", "integer")

_PLAIN = re.compile(r"[\w-]{1,40}")


def flaw(schema: object) -> str | None:
    """The first thing that makes `schema` no schema, as a sentence; None when it is one. Never raises."""
    if _deeper(schema, DEEPEST):
        return f"The schema is nested more than {DEEPEST} levels deep; flatten it."
    return next(_flaws(schema, "the schema"), None)


def _deeper(value: object, levels: int) -> bool:
    row = [value]
    for _ in range(levels):
        row = [part for whole in row for part in _parts(whole)]
        if not row:
            return False
    return True


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def _flaws(schema: object, at: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        yield f"In {at} there must be an object with the keywords of a schema."
        return
    for keyword, (fits, what) in _KEYWORDS.items():
        if keyword in schema and not fits(schema[keyword]):
            yield f"In {at}, {keyword!r} must be {what}."
            return
    for place, part in _inner(schema):
        yield from _flaws(part, f"{at}.{place}")


def _inner(schema: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, part in schema.get("properties", {}).items():
        yield f"properties.{name if _PLAIN.fullmatch(str(name)) else '(an odd name)'}", part
    for place, part in enumerate(schema.get("anyOf", ())):
        yield f"anyOf[{place}]", part
    if "items" in schema:
        yield "items", schema["items"]
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield "additionalProperties", schema["additionalProperties"]


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _is_type(value: object) -> bool:
    names = [value] if isinstance(value, str) else value
    return isinstance(names, list | tuple) and bool(names) and all(name in TYPES for name in names)


def _is_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_NUMBER = (_is_number, "a number")
_KEYWORDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "type": (_is_type, f"one of {', '.join(TYPES)}, or a list of them"),
    "properties": (lambda value: isinstance(value, Mapping), "an object of schemas by name"),
    "required": (_is_names, "a list of names"),
    "additionalProperties": (
        lambda value: isinstance(value, bool | Mapping),
        "true, false or a schema",
    ),
    "items": (lambda value: isinstance(value, Mapping), "a schema"),
    "enum": (_is_list, "a list of values"),
    "anyOf": (lambda value: _is_list(value) and bool(value), "a list of schemas"),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"), _NUMBER),
}
