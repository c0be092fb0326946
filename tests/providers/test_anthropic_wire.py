"""What is sent to /v1/messages and what is understood of its answers, without a socket."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ccos.domain.errors import ContextTooLong, ProviderBusy, ProviderDown, ProviderRefused, ProviderTimeout
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.anthropic_wire import Dialect, dialect_for
from ccos.providers.anthropic_wire.from_wire import MessageReader
from ccos.providers.anthropic_wire.to_wire import OPENING, to_wire

SCHEMA = {
    "type": "object",
    "properties": {"reply": {"type": "string", "minLength": 5}},
    "required": ["reply"],
}
PROMPT = Prompt(Task.SOLUTION_DRAFT, "당신은 상담사입니다.", (Turn("user", "언제 오나요?"),), max_tokens=300)
SHAPED = replace(PROMPT, schema=SCHEMA)


def body_for(model: str, prompt: Prompt = PROMPT) -> dict[str, Any]:
    return to_wire(prompt, model, dialect_for(model))


def test_the_system_text_stands_beside_the_messages() -> None:
    body = body_for("claude-sonnet-4-5")
    assert body["system"] == "당신은 상담사입니다."
    assert body["messages"] == [{"role": "user", "content": "언제 오나요?"}]
    assert (body["max_tokens"], body["stream"], body["temperature"]) == (300, True, 0.2)
    assert "system" not in to_wire(replace(PROMPT, system=""), "m", Dialect())


def test_roles_alternate_and_the_user_begins() -> None:
    turns = (Turn("assistant", "안내"), Turn("user", "네"), Turn("user", "몇 시요?"), Turn("assistant", " "))
    messages = to_wire(replace(PROMPT, turns=turns), "m", Dialect())["messages"]
    assert messages == [
        {"role": "user", "content": OPENING},
        {"role": "assistant", "content": "안내"},
        {"role": "user", "content": "네\n\n몇 시요?"},
    ]


@pytest.mark.parametrize(
    "model", ["claude-3-5-sonnet-20241022", "claude-sonnet-4-20250514", "claude-opus-4-1", "minimax-m2"]
)
def test_models_before_structured_output_are_made_to_call_a_tool(model: str) -> None:
    body = body_for(model, SHAPED)
    assert body["tool_choice"] == {"type": "tool", "name": "answer"}
    assert body["tools"][0]["input_schema"]["additionalProperties"] is False
    assert "output_config" not in body


@pytest.mark.parametrize(
    "model",
    ["claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-opus-4-6", "anthropic/claude-opus-4.8"],
)
def test_newer_models_get_the_schema_as_output_format(model: str) -> None:
    shape = body_for(model, SHAPED)["output_config"]["format"]
    assert shape["type"] == "json_schema" and "minLength" not in shape["schema"]["properties"]["reply"]
    assert "tools" not in body_for(model, SHAPED)


@pytest.mark.parametrize(
    "model", ["claude-opus-4-7", "claude-opus-4-8", "claude-opus-5", "claude-sonnet-5-5", "minimax-m2"]
)
def test_models_that_refuse_a_temperature_get_none(model: str) -> None:
    assert "temperature" not in body_for(model)


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-sonnet-5-5", "claude-fable-5"])
def test_models_that_always_think_get_little_to_think_and_room_for_it(model: str) -> None:
    body = body_for(model, SHAPED)
    assert body["output_config"]["effort"] == "low" and body["output_config"]["format"]
    assert body["max_tokens"] > 300 and "thinking" not in body


def read(*events: dict[str, Any]) -> MessageReader:
    reader = MessageReader()
    for data in events:
        reader.event(json.dumps(data).encode())
    return reader


def delta(**part: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": part}


END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}


def test_text_is_kept_and_thinking_is_not() -> None:
    reader = read(
        {
            "type": "message_start",
            "message": {"model": "claude-x", "usage": {"input_tokens": 7, "cache_read_input_tokens": 3}},
        },
        delta(type="thinking_delta", thinking="음"),
        delta(type="signature_delta", signature="abc"),
        delta(type="text_delta", text="내일 "),
        delta(type="text_delta", text="옵니다."),
        {"type": "content_block_stop", "index": 0},
        {"type": "some_new_event"},
        END,
        {"type": "message_stop"},
    )
    reply = reader.reply()
    assert reader.closed and reply.text == "내일 옵니다." and reply.model == "claude-x"
    assert reply.usage is not None
    assert (reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.cached_in) == (10, 5, 3)


def test_the_input_of_the_tool_is_the_answer_and_words_before_it_are_not() -> None:
    reader = read(
        delta(type="text_delta", text="답하겠습니다."),
        delta(type="input_json_delta", partial_json='{"reply": '),
        delta(type="input_json_delta", partial_json='"네"}'),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    )
    assert json.loads(reader.reply().text) == {"reply": "네"}
    assert reader.reply().finish_reason == "stop" and reader.reply().usage is None


def test_a_tool_call_in_one_document() -> None:
    reader = MessageReader()
    reader.document(
        json.dumps(
            {"content": [{"type": "tool_use", "input": {"reply": "네"}}], "stop_reason": "tool_use"}
        ).encode()
    )
    assert json.loads(reader.reply().text) == {"reply": "네"}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
     ("refusal", "content_filter"), ("pause_turn", "other")],
)  # fmt: skip
def test_stop_reasons_are_mapped(reason: str, expected: str) -> None:
    assert read({"type": "message_delta", "delta": {"stop_reason": reason}}).reply().finish_reason == expected


def test_a_ping_is_no_sign_of_life() -> None:
    assert MessageReader().event(b'{"type": "ping"}') is False


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("overloaded_error", "", ProviderDown),
        ("api_error", "", ProviderDown),
        ("rate_limit_error", "", ProviderBusy),
        ("timeout_error", "", ProviderTimeout),
        ("authentication_error", "", ProviderRefused),
        ("invalid_request_error", "bad field", ProviderRefused),
        ("invalid_request_error", "prompt is too long: 208656 tokens > 200000 maximum", ContextTooLong),
        ("request_too_large", "", ContextTooLong),
    ],
)
def test_an_error_event_has_its_class(kind: str, message: str, expected: type[Exception]) -> None:
    error = {"type": "error", "error": {"type": kind, "message": message}}
    with pytest.raises(expected) as caught:
        read(error)
    assert type(caught.value) is expected
    with pytest.raises(expected):
        MessageReader().document(json.dumps(error).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"{}", b'{"type": 3}', b'{"type": "message_start"}', b'{"type": "message_delta", "delta": 1}',
     b'{"type": "content_block_delta", "delta": {"type": "text_delta"}}',
     b'{"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": 1}}'],
)  # fmt: skip
def test_nonsense_is_down_and_never_another_exception(data: bytes) -> None:
    with pytest.raises(ProviderDown) as caught:
        MessageReader().event(data)
    assert caught.value.facts["cause"] == "malformed"
