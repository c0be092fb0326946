from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.quality.schemas import flaw
from ccos.quality.shape import fault, parse_object

KEYWORDS = ["type", "properties", "required", "additionalProperties", "enum", "const", "anyOf", "items",
            "minLength", "maxItems", "minimum", "a"]  # fmt: skip

REPLY: dict[str, Any] = {
    "type": "object",
    "required": ["reply"],
    "additionalProperties": False,
    "properties": {
        "reply": {"type": "string", "minLength": 1, "maxLength": 10},
        "priority": {"enum": ["low", "high"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "count": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "either": {"type": ["string", "null"]},
    },
}


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '```json\n{"a": 1}\n```', '```\n{"a": 1}```', ' \n```JSON {"a": 1} ```\n', '{"a": 1}\n'],
)
def test_one_object_is_read_with_or_without_a_fence(text: str) -> None:
    assert parse_object(text) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "[1]", '"x"', "null", '{"a": 1} {"b": 2}', 'Sure! {"a": 1}', '{"a": 1', "{'a': 1}", '{"a": NaN}',
        '{"a": Infinity}', "[" * 100_000, '{"a":' * 50_000, '{"a": ' + "9" * 10_000 + "}", "```json\n```",
    ],
)  # fmt: skip
def test_anything_else_is_a_sentence(text: str) -> None:
    assert isinstance(parse_object(text), str)


@pytest.mark.parametrize(
    "value",
    [
        {"reply": "네"},
        {"reply": "x" * 10, "priority": "low", "tags": ["a", "b"], "confidence": 0.5},
        {"reply": "네", "confidence": 1, "count": 2.0, "urgent": False, "note": None, "either": None},
        {"reply": "네", "note": "x", "either": "y"},
    ],
)
def test_what_fits(value: object) -> None:
    assert fault(value, REPLY) is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "type object"),
        ({}, "lacks 'reply'"),
        ({"reply": ""}, "fewer than 1"),
        ({"reply": "x" * 11}, "more than 10"),
        ({"reply": 3}, "answer.reply must be of type string"),
        ({"reply": "x", "other": 1}, "nobody asked for"),
        ({"reply": "x", "priority": "urgent"}, "allowed values"),
        ({"reply": "x", "tags": []}, "fewer than 1"),
        ({"reply": "x", "tags": ["a", "b", "c"]}, "more than 2"),
        ({"reply": "x", "tags": ["a", 1]}, "answer.tags[1]"),
        ({"reply": "x", "confidence": 1.5}, "more than 1"),
        ({"reply": "x", "confidence": True}, "type number"),
        ({"reply": "x", "count": 1.5}, "type integer"),
        ({"reply": "x", "count": float("inf")}, "type integer"),
        ({"reply": "x", "urgent": 1}, "type boolean"),
        ({"reply": "x", "note": 1}, "none of the allowed shapes"),
        ({"reply": "x", "either": 1}, "string or null"),
    ],
)
def test_what_does_not_fit_is_said(value: object, says: str) -> None:
    assert says in (fault(value, REPLY) or "")


def test_true_is_not_one_and_extra_fields_may_have_a_schema() -> None:
    assert fault(True, {"enum": [1]}) is not None
    assert fault(1, {"const": True}) is not None
    assert fault({"a": "x"}, {"additionalProperties": {"type": "integer"}}) is not None
    assert fault({"a": 1}, {"type": "object"}) is None


@pytest.mark.parametrize(
    "schema",
    [
        5, None, [], {"type": 5}, {"type": "text"}, {"type": []}, {"type": [{}]}, {"properties": 5},
        {"properties": {"queries": 5}}, {"properties": {"queries": {"type": 5}}}, {"required": 5},
        {"required": [{}]}, {"required": "queries"}, {"enum": 5}, {"enum": "queries"}, {"anyOf": 5}, {"anyOf": []},
        {"anyOf": [5]}, {"items": 5}, {"items": {"enum": 1}}, {"additionalProperties": 5},
        {"additionalProperties": {"type": 1}}, {"minLength": "1"}, {"maximum": None}, {"minItems": True},
    ],
)  # fmt: skip
def test_nothing_fits_a_schema_that_is_none(schema: Any) -> None:
    for value in ({"queries": ["x"]}, ["x"], "x", 1, None):
        said = fault(value, schema)
        assert said and said.startswith("In the schema") and said.endswith(".") and said == flaw(schema)


def nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def test_depth_and_size_raise_nothing() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"items": deep}
    assert "nested" in (fault(nested(400, 1), deep) or "")
    assert "nested" in (fault(nested(400, 1), {"enum": [nested(5_000, 1)]}) or "")
    assert fault(nested(400, 1), {"enum": [nested(400, 2)]})
    assert fault(10**400, {"type": "integer", "minimum": 0.5}) is None
    assert fault(-(10**400), {"type": "number", "minimum": 0}) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["type", "object", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_whatever_is_given_for_a_schema_is_answered(value: Any, schema: Any) -> None:
    said = fault(value, schema)
    assert said is None or said.endswith(".")


@given(st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=4))
def test_a_schema_without_a_flaw_judges_every_value(schema: dict[str, Any]) -> None:
    for value in ({"a": 1}, ["a", 1], "a", 1.5, None, True):
        said = fault(value, schema)
        assert said is None or flaw(schema) or said.startswith("answer")
