"""JSON answers: parsing what a model wrote, and a validator for the part of JSON Schema that prompts use."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from ccos.quality.schemas import flaw

_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n?(.*?)\s*```\s*\Z", re.DOTALL | re.IGNORECASE)


def parse_object(text: str) -> dict[str, object] | str:
    """The one JSON object in `text` (a Markdown fence around it is fine), or a sentence saying why not."""
    fenced = _FENCE.match(text)
    try:
        value = json.loads(fenced.group(1) if fenced else text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "The answer is not valid JSON."
    return value if isinstance(value, dict) else "The answer is not one JSON object."


def fault(value: object, schema: Mapping[str, Any], at: str = "answer") -> str | None:
    """The first way in which `value` does not fit `schema`, as a sentence; None when it fits.

    Known: type (also as a list), properties, required, additionalProperties, minLength, maxLength, enum,
    const, minimum, maximum, items, minItems, maxItems, anyOf. Other keywords are not looked at. Nothing fits
    a schema that is none: its flaw is the fault. Never raises.
    """
    return flaw(schema) or _fault(value, schema, at)


def _fault(value: object, schema: Mapping[str, Any], at: str) -> str | None:
    if "anyOf" in schema:
        options = [_fault(value, option, at) for option in schema["anyOf"]]
        if options and all(options):
            return options[0] if len(options) == 1 else f"{at} fits none of the allowed shapes."
    if "enum" in schema and not any(_same(value, option) for option in schema["enum"]):
        return f"{at} is not one of the allowed values."
    if "const" in schema and not _same(value, schema["const"]):
        return f"{at} is not the required value."
    wanted = schema.get("type")
    if wanted is not None:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        if not any(_TYPES[name](value) for name in names):
            return f"{at} must be of type {' or '.join(names)}."
    match value:
        case dict():
            return _object_fault(value, schema, at)
        case list():
            return _array_fault(value, schema, at)
        case str():
            return _bounds_fault(
                len(value), schema, "minLength", "maxLength", f"{at} has {len(value)} characters"
            )
        case bool() | None:
            return None
        case int() | float():
            return _bounds_fault(value, schema, "minimum", "maximum", f"{at} is {value}")
    return None


def _object_fault(value: dict[str, object], schema: Mapping[str, Any], at: str) -> str | None:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{at} lacks {missing[0]!r}."
    properties = schema.get("properties", {})
    extra = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            found = _fault(item, properties[name], f"{at}.{name}")
        elif extra is False:
            found = f"{at} has a field nobody asked for."
        else:
            found = _fault(item, extra, f"{at}.{name}") if isinstance(extra, Mapping) else None
        if found:
            return found
    return None


def _array_fault(value: list[object], schema: Mapping[str, Any], at: str) -> str | None:
    found = _bounds_fault(len(value), schema, "minItems", "maxItems", f"{at} has {len(value)} items")
    items = schema.get("items")
    if found or not isinstance(items, Mapping):
        return found
    return next((f for n, item in enumerate(value) if (f := _fault(item, items, f"{at}[{n}]"))), None)


def _bounds_fault(size: float, schema: Mapping[str, Any], low: str, high: str, what: str) -> str | None:
    if low in schema and size < schema[low]:
        return f"{what}, fewer than {schema[low]}."
    if high in schema and size > schema[high]:
        return f"{what}, more than {schema[high]}."
    return None


def _same(value: object, option: object) -> bool:
    """Equal as JSON, where true is not 1."""
    return value == option and isinstance(value, bool) == isinstance(option, bool)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_integer(value: object) -> bool:
    """2.0 is one too, and so is an integer too large for a float."""
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    return whole and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": _is_integer,
}
