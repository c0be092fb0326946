"""Turns a JSON schema into a GBNF grammar, so that a model can write nothing but JSON of that shape.

The engine's own converter leaves blanks free (weak models then write blanks for ever) and fails on some
tokenizers; this one allows no blank between tokens, keeps keys in the schema's order, and bounds every
text, list and number, so that an answer always ends. What the grammar accepts is valid under the schema;
a keyword it cannot promise is refused by name. GBNF: llama.cpp's `grammars/README.md`. The engine counts
code points, so bytes that are no proper UTF-8 can still come out, as U+FFFD: answers are checked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ccos.domain.errors import BadInput

DEFAULT_MAX_CHARACTERS = 2_000
"""Longest text where the schema sets no maxLength."""
DEFAULT_MAX_ITEMS = 16
"""Most items of a list where the schema sets no maxItems."""

_MAX_CHARACTERS = 100_000
_MAX_ITEMS = 256
_MAX_DEPTH = 24
_MAX_ENUM = 4_000
_BLOCK = 64

_NOTES = frozenset(
    {"title", "description", "default", "examples", "example", "$comment", "$schema", "$id", "$defs"}
    | {"definitions", "deprecated", "readOnly", "writeOnly"}
)
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "null": frozenset(),
}
# No control character, alone or as an escape, but line feed and tab; no surrogate; nothing written as \u.
_CHARACTER = r'[ !#-\[\]-~\u00A0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF] | "\\" ["\\/nt]'
_INTEGER = '"0" | "-"? [1-9] [0-9]{0,14}'
_NUMBER = '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,9})?'
_SHARE = '"0" ("." [0-9]{1,4})? | "1" (".0")?'


def to_gbnf(schema: Mapping[str, Any]) -> str:
    """The grammar of `schema`. Raises BadInput that names the keyword that is not supported."""
    builder = _Builder(schema)
    root = builder.expression(schema, "the schema", 0)
    return (
        "\n".join([f"root ::= {root}", *(f"{name} ::= {body}" for name, body in builder.rules.items())])
        + "\n"
    )


class _Builder:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.rules: dict[str, str] = {}
        self._definitions = {
            f"#/{place}/{name}": part
            for place in ("$defs", "definitions")
            for name, part in _mapping(schema.get(place, {}), place).items()
        }
        self._open: list[str] = []
        self._named: dict[str, str] = {}

    def expression(self, schema: object, where: str, depth: int) -> str:
        """An expression that can stand anywhere: a name, a literal, or something in brackets."""
        if not isinstance(schema, Mapping):
            raise BadInput(f"In {where} a schema must be an object that says a type.")
        if depth > _MAX_DEPTH:
            raise BadInput(f"The schema is nested more than {_MAX_DEPTH} deep at {where}; flatten it.")
        keys = set(schema) - _NOTES
        if "$ref" in schema:
            _only(keys, {"$ref"}, where)
            return self._reference(schema["$ref"], where, depth)
        for union in ("anyOf", "allOf"):
            if union in schema:
                _only(keys, {union}, where)
                return self._union(union, schema[union], where, depth)
        if "const" in schema or "enum" in schema:
            _only(keys, {"const", "enum", "type"}, where)
            return _literals(schema, where)
        kinds = schema.get("type")
        if isinstance(kinds, str):
            return self._typed(kinds, schema, keys, where, depth)
        if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
            _only(keys, {"type"}, where)
            raise BadInput(f"In {where} the keyword `type` is missing or not a type; say which type it is.")
        allowed = frozenset({"type"}).union(*(_KEYWORDS.get(kind, frozenset()) for kind in kinds))
        _only(keys, allowed, where)
        own = [
            {"type": kind, **{k: schema[k] for k in keys & _KEYWORDS.get(kind, frozenset())}}
            for kind in kinds
        ]
        return self._union("type", own, where, depth)

    def _typed(self, kind: str, schema: Mapping[str, Any], keys: set[str], where: str, depth: int) -> str:
        if kind not in _KEYWORDS:
            raise BadInput(f"In {where} the type `{kind}` is not a JSON type.")
        _only(keys, _KEYWORDS[kind] | {"type"}, where)
        match kind:
            case "object":
                return self._object(schema, where, depth)
            case "array":
                return self._array(schema, where, depth)
            case "string":
                return self._string(schema, where)
            case "boolean":
                return '("true" | "false")'
            case "null":
                return '"null"'
            case _:
                return self._numeric(kind, schema, where)

    def _object(self, schema: Mapping[str, Any], where: str, depth: int) -> str:
        properties = _mapping(schema.get("properties", {}), where)
        required = schema.get("required", [])
        extra = schema.get("additionalProperties", False)
        if not isinstance(extra, (bool, Mapping)) or (isinstance(extra, Mapping) and not properties):
            raise BadInput(
                f"In {where} `additionalProperties` with free keys is not supported; name the keys."
            )
        if not isinstance(required, Sequence) or isinstance(required, str):
            raise BadInput(f"In {where} the keyword `required` must be a list of keys.")
        unknown = [key for key in required if key not in properties]
        if unknown:
            raise BadInput(f"In {where} the required key `{unknown[0]}` is not among the `properties`.")
        pairs = []
        for key, part in properties.items():
            value = self.expression(part, f"{where}, `{key}`", depth + 1)
            pair = f"{_literal(_json(key, where) + ':')} {value}"
            pairs.append((pair if len(required) == len(properties) else self._rule(pair), key in required))
        return f'"{{" {_members(pairs)}"}}"' if pairs else '"{}"'

    def _array(self, schema: Mapping[str, Any], where: str, depth: int) -> str:
        if "items" not in schema:
            raise BadInput(f"In {where} a list needs the keyword `items`, the schema of its items.")
        least = _whole(schema, "minItems", 0, _MAX_ITEMS, where)
        most = _whole(schema, "maxItems", max(DEFAULT_MAX_ITEMS, least), _MAX_ITEMS, where)
        if least > most:
            raise BadInput(f"In {where} `minItems` is larger than `maxItems`.")
        if most == 0:
            return '"[]"'
        item = self._rule(self.expression(schema["items"], f"{where}, items", depth + 1))
        more = f' ("," {item}){{{max(least - 1, 0)},{most - 1}}}' if most > 1 else ""
        return f'"[" {item}{more} "]"' if least else f'"[" ({item}{more})? "]"'

    def _string(self, schema: Mapping[str, Any], where: str) -> str:
        least = _whole(schema, "minLength", 0, _MAX_CHARACTERS, where)
        most = _whole(schema, "maxLength", max(DEFAULT_MAX_CHARACTERS, least), _MAX_CHARACTERS, where)
        if least > most:
            raise BadInput(f"In {where} `minLength` is larger than `maxLength`.")
        self.rules["char"] = _CHARACTER
        return f'"\\"" {self._characters(least, most)} "\\""'.replace("  ", " ")

    def _characters(self, least: int, most: int) -> str:
        """`least` to `most` characters. The engine copies what is repeated, so long texts count in blocks."""
        blocks, rest = divmod(most - least, _BLOCK)
        if blocks > 2:
            self.rules["block"] = f"char{{{_BLOCK}}}"
            free = f"(block{{0,{blocks - 1}}} char{{0,{_BLOCK - 1}}} | block{{{blocks}}} char{{0,{rest}}})"
        else:
            free = f"char{{0,{most - least}}}" if most > least else ""
        blocks, rest = divmod(least, _BLOCK)
        if blocks > 2:
            self.rules["block"] = f"char{{{_BLOCK}}}"
            fixed = f"block{{{blocks}}} char{{{rest}}}" if rest else f"block{{{blocks}}}"
        else:
            fixed = f"char{{{least}}}" if least else ""
        return f"{fixed} {free}".strip()

    def _numeric(self, kind: str, schema: Mapping[str, Any], where: str) -> str:
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is None and high is None:
            self.rules.setdefault(kind, _INTEGER if kind == "integer" else _NUMBER)
            return kind
        if kind == "number" and (low, high) == (0, 1):
            self.rules.setdefault("share", _SHARE)
            return "share"
        if kind == "integer" and type(low) is int and type(high) is int and 0 <= high - low < _MAX_ITEMS:
            return self._rule(" | ".join(f'"{n}"' for n in range(low, high + 1)))
        raise BadInput(
            f"In {where} `minimum` and `maximum` are supported together only, for an integer with at most"
            f" {_MAX_ITEMS} values or for a number from 0 to 1."
        )

    def _union(self, keyword: str, parts: object, where: str, depth: int) -> str:
        if not isinstance(parts, list) or not parts or (keyword == "allOf" and len(parts) > 1):
            wanted = "exactly one schema" if keyword == "allOf" else "a list of schemas"
            raise BadInput(f"In {where} the keyword `{keyword}` is supported with {wanted} only.")
        options = list(dict.fromkeys(self.expression(part, where, depth + 1) for part in parts))
        return options[0] if len(options) == 1 else f"({' | '.join(options)})"

    def _reference(self, target: object, where: str, depth: int) -> str:
        if not isinstance(target, str) or target not in self._definitions:
            raise BadInput(f"In {where} the `$ref` {target!r} is not one of the schema's own `$defs`.")
        if target in self._open:
            raise BadInput(f"In {where} the `$ref` {target!r} refers to itself; that is not supported.")
        if target not in self._named:
            self._open.append(target)
            self._named[target] = self._rule(self.expression(self._definitions[target], target, depth + 1))
            self._open.pop()
        return self._named[target]

    def _rule(self, body: str) -> str:
        """The name of a rule with this body: the same body is never written twice."""
        for name, known in self.rules.items():
            if body in (name, known):
                return name
        name = f"r{len(self.rules)}"
        self.rules[name] = body
        return name


def _members(pairs: Sequence[tuple[str, bool]]) -> str:
    """Key-value pairs in order with commas between those that are there; each pair says if it must be."""
    rest = ""
    starts: list[str] = []
    for number in range(len(pairs) - 1, -1, -1):
        pair, must = pairs[number]
        begin = f"{pair} {rest}".strip()
        starts = [begin] if must else [begin, *starts]
        rest = f'"," {pair} {rest}' if must else f'("," {pair})? {rest}'
    optional = not any(must for _, must in pairs)
    body = starts[0] if len(starts) == 1 and not optional else f"({' | '.join(starts)})"
    return f"{body}{'?' if optional else ''} "


def _literals(schema: Mapping[str, Any], where: str) -> str:
    values = [schema["const"]] if "const" in schema else schema["enum"]
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > _MAX_ENUM:
        raise BadInput(f"In {where} the keyword `enum` must be a list of at most {_MAX_ENUM} values.")
    if "const" in schema and "enum" in schema:
        values = [value for value in values if any(_same(value, other) for other in schema["enum"])]
    kinds = schema.get("type")
    if kinds is not None:
        allowed = [kinds] if isinstance(kinds, str) else kinds
        values = [value for value in values if any(_is(value, kind) for kind in allowed)]
    if not values:
        raise BadInput(f"In {where} no value is allowed by `enum`, `const` and `type` together.")
    literals = list(dict.fromkeys(_literal(_json(value, where)) for value in values))
    return literals[0] if len(literals) == 1 else f"({' | '.join(literals)})"


def _is(value: object, kind: object) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return False


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _json(value: object, where: str) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as fault:
        raise BadInput(f"In {where} there is a value that cannot be written as JSON.") from fault
    return text


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _only(keys: set[str], allowed: frozenset[str] | set[str], where: str) -> None:
    for key in sorted(keys - allowed):
        raise BadInput(
            f"In {where} the schema keyword `{key}` is not supported here; leave it out.", keyword=key
        )


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInput(f"In {where} there must be an object of schemas by name.")
    return value


def _whole(schema: Mapping[str, Any], key: str, default: int, most: int, where: str) -> int:
    value = schema.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadInput(f"In {where} `{key}` must be a whole number from 0 to {most}.")
    return value
