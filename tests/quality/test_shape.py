from typing import Any

import pytest

from ccos.quality.shape import fault, parse_object

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
