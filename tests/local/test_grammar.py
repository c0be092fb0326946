"""What the grammar takes is valid JSON of the schema; what the schema allows in compact form is taken."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.domain.errors import BadInput
from ccos.local.grammar import DEFAULT_MAX_CHARACTERS, DEFAULT_MAX_ITEMS, to_gbnf
from support.gbnf import Grammar


def obj(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def taken(schema: dict[str, Any], text: str) -> bool:
    return Grammar(to_gbnf(schema)).takes(text)


def valid(schema: dict[str, Any], value: Any) -> bool:
    """An independent, plain reading of the part of JSON schema that is supported."""
    if "anyOf" in schema:
        return any(valid(one, value) for one in schema["anyOf"])
    if "enum" in schema:
        return any(type(value) is type(one) and value == one for one in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(_valid_as(kind, schema, value) for kind in kinds)


def _valid_as(kind: str, schema: dict[str, Any], value: Any) -> bool:
    if kind == "object":
        properties = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", [])) <= set(value) <= set(properties)
            and all(valid(properties[key], part) for key, part in value.items())
        )
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 10**9)
        return (
            isinstance(value, list)
            and least <= len(value) <= most
            and all(valid(schema["items"], part) for part in value)
        )
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get(
            "maxLength", 10**9
        )
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    inside = number and schema.get("minimum", -(10**30)) <= value <= schema.get("maximum", 10**30)
    return {
        "integer": inside and isinstance(value, int),
        "number": inside,
        "boolean": isinstance(value, bool),
        "null": value is None,
    }[kind]


def bounds(name: str, most: int) -> st.SearchStrategy[dict[str, int]]:
    pair = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    return pair.map(lambda ends: {f"min{name}": ends[0], f"max{name}": ends[1]})


names = st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable())
scalars = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), names, st.text(max_size=5))
scalars = scalars.filter(lambda v: not isinstance(v, str) or not any(0xD800 <= ord(c) < 0xE000 for c in v))
leaves = st.one_of(
    st.sampled_from(["integer", "number", "boolean", "null"]).map(lambda kind: {"type": kind}),
    st.builds(lambda b: {"type": "string", **b}, bounds("Length", 300)),
    st.lists(scalars, min_size=1, max_size=4).map(lambda values: {"enum": values}),
    st.tuples(st.integers(-5, 5), st.integers(0, 9)).map(
        lambda t: {"type": "integer", "minimum": t[0], "maximum": t[0] + t[1]}
    ),
    st.just({"type": "number", "minimum": 0, "maximum": 1}),
    st.just({"type": ["string", "null"], "maxLength": 3}),
)


@st.composite
def objects(draw: Any, parts: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(names, parts, max_size=4))
    required = [key for key in properties if draw(st.booleans())]
    return {"type": "object", "properties": properties, "required": required}


schemas = st.recursive(
    leaves,
    lambda parts: st.one_of(
        objects(parts),
        st.builds(lambda item, b: {"type": "array", "items": item, **b}, parts, bounds("Items", 4)),
        st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=6,
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, with keys in its order and texts without control characters."""
    if "anyOf" in schema:
        return st.one_of(*map(values, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return st.fixed_dictionaries(
                {},
                optional={k: values(v) for k, v in schema["properties"].items()},
            ).flatmap(lambda some: _with_required(schema, some))
        case "array":
            return st.lists(values(schema["items"]), min_size=schema["minItems"], max_size=schema["maxItems"])
        case "string":
            alphabet = st.characters(exclude_categories=["C"]) | st.sampled_from('\n\t"\\/')
            return st.text(alphabet, min_size=schema["minLength"], max_size=schema["maxLength"])
        case "integer":
            return st.integers(schema.get("minimum", -(10**14)), schema.get("maximum", 10**14))
        case "number":
            return st.sampled_from([0, 1, 0.5]) if "maximum" in schema else st.sampled_from([0, -3, 2.75])
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return st.none() | st.sampled_from(["", "abc", "가나다"])


def _with_required(schema: dict[str, Any], some: dict[str, Any]) -> st.SearchStrategy[Any]:
    keys = [key for key in schema["properties"] if key in some or key in schema["required"]]
    drawn = st.fixed_dictionaries({key: values(schema["properties"][key]) for key in keys})
    return drawn.map(lambda value: {key: value[key] for key in keys})


@settings(max_examples=80, deadline=None)
@given(schema=schemas, data=st.data())
def test_every_text_the_grammar_can_write_is_valid_under_the_schema(schema, data):
    grammar = Grammar(to_gbnf(schema))
    text = grammar.write(lambda count: data.draw(st.integers(0, count - 1)) if count > 1 else 0)
    value = json.loads(text)
    assert valid(schema, value), text
    text.encode()
    assert not any(ord(c) < 32 for c in text)


@settings(max_examples=80, deadline=None)
@given(schema=schemas, data=st.data())
def test_every_compact_value_of_the_schema_is_taken(schema, data):
    value = data.draw(values(schema))
    assert taken(schema, compact(value))


ANSWER = obj(
    {
        "reply": {"type": "string", "maxLength": 4000, "description": "What the customer reads"},
        "tags": {"type": "array", "items": {"enum": ["환불", "배송"]}, "maxItems": 2},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "order": {"type": ["string", "null"], "maxLength": 12},
    },
    "reply",
    "confidence",
)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('{"reply":"네","confidence":0.75}', True),
        ('{"reply":"","tags":["환불","배송"],"confidence":1,"order":null}', True),
        ('{"reply":"a\\n\\"b\\"","tags":[],"confidence":0,"order":"A-1"}', True),
        ('{"reply": "네","confidence":1}', False),
        ('{"confidence":1,"reply":"네"}', False),
        ('{"reply":"네"}', False),
        ('{"reply":"네","confidence":1.5}', False),
        ('{"reply":"네","confidence":1,}', False),
        ('{"reply":"네","tags":["환불","배송","환불"],"confidence":1}', False),
        ('{"reply":"a\nb","confidence":1}', False),
        ('{"reply":"\\u0000","confidence":1}', False),
        ('{"reply":"\\r","confidence":1}', False),
        ('{"reply":"\x7f","confidence":1}', False),
        ('{"reply":"네","confidence":1,"order":"1234567890123"}', False),
    ],
)
def test_an_answer_is_taken_only_in_its_shape(text, good):
    assert taken(ANSWER, text) is good


@pytest.mark.parametrize("length", [0, 1, 63, 64, 192, 193, 255, 256, 257, 4000])
def test_a_text_may_be_exactly_as_long_as_the_schema_says(length):
    grammar = Grammar(to_gbnf({"type": "string", "maxLength": length}))
    assert grammar.takes(compact("가" * length)) and not grammar.takes(compact("가" * (length + 1)))
    exact = Grammar(to_gbnf({"type": "string", "minLength": length, "maxLength": length}))
    assert exact.takes(compact("a" * length)) and not exact.takes(
        compact("a" * (length - 1)) if length else '"'
    )


def test_what_the_schema_leaves_open_is_bounded_so_that_an_answer_ends():
    text = Grammar(to_gbnf({"type": "string"}))
    assert text.takes(compact("a" * DEFAULT_MAX_CHARACTERS))
    assert not text.takes(compact("a" * (DEFAULT_MAX_CHARACTERS + 1)))
    items = Grammar(to_gbnf({"type": "array", "items": {"type": "null"}}))
    assert items.takes(compact([None] * DEFAULT_MAX_ITEMS))
    assert not items.takes(compact([None] * (DEFAULT_MAX_ITEMS + 1)))


def test_definitions_are_written_once_and_shared():
    schema = obj({"a": {"$ref": "#/$defs/Tag"}, "b": {"$ref": "#/$defs/Tag"}}, "a", "b")
    schema["$defs"] = {
        "Tag": {"type": "object", "properties": {"name": {"const": 'say "hi"'}}, "required": ["name"]}
    }
    gbnf = to_gbnf(schema)
    assert gbnf.count("hi") == 1
    assert Grammar(gbnf).takes(compact({"a": {"name": 'say "hi"'}, "b": {"name": 'say "hi"'}}))


def test_an_enum_keeps_only_the_values_of_its_type():
    grammar = Grammar(to_gbnf({"type": "string", "enum": ["a", 1, None]}))
    assert grammar.takes('"a"') and not grammar.takes("1") and not grammar.takes("null")


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "string", "pattern": "a+"}, "`pattern`"),
        ({"type": "string", "format": "date"}, "`format`"),
        ({"type": "array"}, "`items`"),
        ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "`uniqueItems`"),
        ({"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2}, "`minItems`"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength`"),
        ({"type": "string", "maxLength": -1}, "`maxLength`"),
        ({"type": "integer", "minimum": 0}, "`minimum`"),
        ({"type": "integer", "minimum": 0, "maximum": 10**9}, "`minimum`"),
        ({"type": "number", "multipleOf": 2}, "`multipleOf`"),
        ({"oneOf": [{"type": "null"}]}, "`oneOf`"),
        ({"allOf": [{"type": "null"}, {"type": "string"}]}, "`allOf`"),
        ({"anyOf": []}, "`anyOf`"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "`additionalProperties`"),
        ({"type": "object", "patternProperties": {}}, "`patternProperties`"),
        (obj({}, "ghost"), "`ghost`"),
        ({"type": "date"}, "`date`"),
        ({}, "`type`"),
        ({"enum": []}, "`enum`"),
        ({"enum": [float("nan")]}, "cannot be written"),
        ({"$ref": "#/$defs/None"}, "`\\$ref`"),
        ({"$ref": "#/$defs/A", "$defs": {"A": obj({"a": {"$ref": "#/$defs/A"}})}}, "refers to itself"),
        (obj({"inner": {"type": "string", "not": {}}}), "`inner` the schema keyword `not`"),
    ],
    ids=str,
)
def test_what_cannot_be_promised_is_refused_by_name(schema, named):
    with pytest.raises(BadInput, match=named):
        to_gbnf(schema)


def test_a_schema_that_is_nested_without_end_is_refused():
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    with pytest.raises(BadInput, match="nested"):
        to_gbnf(schema)
