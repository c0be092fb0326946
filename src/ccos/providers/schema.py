"""JSON schemas as strict structured output takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BOUNDS = frozenset(
    {
        "minLength", "maxLength", "pattern", "format",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
_BY_NAME = frozenset({"properties", "$defs", "definitions", "patternProperties"})


def closed(schema: Mapping[str, Any], *, bounds: bool = False) -> dict[str, Any]:
    """The schema with every object closed, and without the bounds strict modes refuse unless `bounds`.

    What is left out here is still checked: the gate validates the answer against the whole schema.
    """
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _BOUNDS and not bounds:
            continue
        if key in _BY_NAME and isinstance(value, Mapping):
            out[key] = {name: _any(part, bounds) for name, part in value.items()}
        else:
            out[key] = value if key in ("enum", "const", "default", "examples") else _any(value, bounds)
    if out.get("type") == "object" and "properties" in out:
        out.setdefault("additionalProperties", False)
    return out


def is_strict(schema: object) -> bool:
    """Whether strict mode takes it: every object closed, every property of it required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object":
            required = set(schema.get("required", ()))
            if schema.get("additionalProperties") is not False or required != set(
                schema.get("properties", ())
            ):
                return False
        return all(is_strict(part) for key, part in schema.items() if key not in ("enum", "const"))
    return not isinstance(schema, list) or all(map(is_strict, schema))


def _any(value: object, bounds: bool) -> Any:
    if isinstance(value, Mapping):
        return closed(value, bounds=bounds)
    return [_any(part, bounds) for part in value] if isinstance(value, list) else value
