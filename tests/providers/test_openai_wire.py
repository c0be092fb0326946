"""What is sent to /chat/completions and what is understood of its answers, without a socket."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ccos.domain.errors import ContentFiltered, ContextTooLong, ProviderBusy, ProviderDown
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.openai_wire import Dialect, dialect_for
from ccos.providers.openai_wire.from_wire import ChatReader
from ccos.providers.openai_wire.to_wire import to_wire

SCHEMA = {
    "type": "object",
    "properties": {"tags": {"type": "array", "items": {"type": "string", "maxLength": 9}, "maxItems": 5}},
    "required": ["tags"],
}
PROMPT = Prompt(
    Task.TRIAGE,
    "당신은 상담사입니다.",
    (Turn("user", "언제 오나요?"), Turn("assistant", "내일입니다."), Turn("user", "몇 시요?")),
    max_tokens=300,
    temperature=0.4,
)
SHAPED = replace(PROMPT, schema=SCHEMA)


def test_turns_keep_their_roles_and_the_system_text_leads() -> None:
    body = to_wire(PROMPT, "gpt-4o", Dialect())
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "당신은 상담사입니다."
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("gpt-4o", 300, 0.4)
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True}
    assert "response_format" not in body


def test_an_empty_system_text_and_empty_turns_are_left_out() -> None:
    prompt = replace(PROMPT, system=" ", turns=(Turn("user", ""), Turn("user", "네")))
    assert to_wire(prompt, "m", Dialect())["messages"] == [{"role": "user", "content": "네"}]


def test_a_schema_is_closed_and_strict_and_loses_bounds_the_cloud_refuses() -> None:
    shape = to_wire(SHAPED, "gpt-4o", Dialect())["response_format"]["json_schema"]
    assert shape["strict"] is True and shape["name"] == "triage"
    assert shape["schema"]["additionalProperties"] is False
    assert shape["schema"]["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}
    assert SCHEMA["properties"]["tags"]["maxItems"] == 5, "the prompt's own schema stays as it was"


def test_a_schema_with_optional_parts_is_not_called_strict() -> None:
    loose = {**SCHEMA, "required": []}
    shape = to_wire(replace(PROMPT, schema=loose), "m", Dialect())["response_format"]["json_schema"]
    assert shape["strict"] is False


def test_local_servers_keep_the_bounds() -> None:
    shape = to_wire(SHAPED, "m", Dialect(bounds=True))["response_format"]["json_schema"]["schema"]
    assert shape["properties"]["tags"]["maxItems"] == 5


def test_json_object_says_the_shape_in_words() -> None:
    body = to_wire(SHAPED, "m", Dialect(schema="json_object"))
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["content"] == SHAPED.system, "what several questions share stays alike"
    assert "JSON" in body["messages"][-1]["content"] and '"tags"' in body["messages"][-1]["content"]


def test_a_server_without_any_shape_is_told_in_words_only() -> None:
    body = to_wire(SHAPED, "m", Dialect(schema="none"))
    assert "response_format" not in body and '"tags"' in body["messages"][-1]["content"]
    assert body["messages"][-1]["role"] == "user"


def test_a_grammar_stands_beside_the_messages() -> None:
    dialect = Dialect(
        schema="grammar", grammar=lambda schema: f"root ::= {sorted(schema)[0]}", return_progress=True
    )
    body = to_wire(SHAPED, "m", dialect)
    assert body["grammar"] == "root ::= properties" and "response_format" not in body
    assert body["return_progress"] is True
    assert "grammar" not in to_wire(PROMPT, "m", dialect), "prose has no grammar"


def test_a_dialect_of_grammars_without_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="grammar"):
        Dialect(schema="grammar")


@pytest.mark.parametrize(
    "model", ["gpt-5", "gpt-5-mini-2025-08-07", "gpt-5.2", "o3", "o4-mini", "openai/gpt-5"]
)
def test_reasoning_models_get_no_temperature_and_room_to_think(model: str) -> None:
    body = to_wire(PROMPT, model, dialect_for(model))
    assert "temperature" not in body and "max_tokens" not in body
    assert body["max_completion_tokens"] > 300 and body["reasoning_effort"] == "low"


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "gpt-35-turbo", "qwen3-8b", "solo3"]
)
def test_other_models_get_their_temperature(model: str) -> None:
    body = to_wire(PROMPT, model, dialect_for(model, official=False))
    assert body["temperature"] == 0.4 and body["max_tokens"] == 300


def event(**chunk: Any) -> bytes:
    return json.dumps(chunk).encode()


def chunk(content: Any = None, finish: Any = None, **more: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}])


def read(*events: bytes) -> ChatReader:
    reader = ChatReader()
    for data in events:
        reader.event(data)
    return reader


def test_pieces_are_joined_and_the_last_usage_stands() -> None:
    reader = read(
        event(model="gpt-4o-2024-08-06", choices=[], usage={"prompt_tokens": 9, "completion_tokens": 1}),
        chunk("내일 "),
        chunk(reasoning_content="음, 배송이군"),
        chunk([{"type": "thinking", "text": "x"}, {"type": "text", "text": "옵니다."}]),
        chunk("", "stop"),
        event(
            choices=[],
            usage={"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
        ),
        b"[DONE]",
    )
    reply = reader.reply()
    assert reader.closed and reply.text == "내일 옵니다."
    assert reply.usage is not None and (reply.usage.tokens_out, reply.usage.cached_in) == (5, 4)
    assert reply.model == "gpt-4o-2024-08-06"


@pytest.mark.parametrize(
    ("finish", "expected"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("tool_calls", "other"),
        (7, "other"),
    ],
)
def test_finish_reasons_are_mapped(finish: Any, expected: str) -> None:
    assert read(chunk("네", finish)).reply().finish_reason == expected


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": "12", "completion_tokens": True},
        {"prompt_tokens": 2**64, "completion_tokens": 12},
        {"prompt_tokens": 12, "completion_tokens": 10_000_001},
        [1],
    ],
)
def test_usage_that_cannot_be_right_is_none(usage: Any) -> None:
    reader = read(chunk("네", "stop"), event(choices=[], usage=usage))
    assert reader.reply().usage is None


def test_progress_of_a_local_server_is_a_sign_of_life_and_no_word() -> None:
    reader = ChatReader()
    assert reader.event(event(choices=[], prompt_progress={"processed": 10}))
    assert not reader.whole


def test_done_alone_is_not_whole() -> None:
    reader = read(chunk("내일 "), b"[DONE]")
    assert reader.closed and not reader.whole


def test_a_whole_document_needs_no_finish_reason() -> None:
    reader = ChatReader()
    reader.document(event(choices=[{"message": {"content": "네"}}]))
    assert reader.whole and reader.reply().text == "네"


def test_a_document_without_a_choice_is_no_answer() -> None:
    reader = ChatReader()
    reader.document(event(choices=[], usage=None))
    assert not reader.whole


def test_only_the_first_choice_counts() -> None:
    second = event(choices=[{"index": 1, "delta": {"content": "둘째"}, "finish_reason": "stop"}])
    reader = read(second, chunk("첫째", "stop"))
    assert reader.reply().text == "첫째"


def test_a_refusal_of_the_model_is_a_filter() -> None:
    with pytest.raises(ContentFiltered):
        read(chunk(None, refusal="I cannot help"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 429, "message": "slow down"}, ProviderBusy),
        ({"code": 502, "message": "bad gateway"}, ProviderDown),
        ({"type": "server_error", "message": "oops"}, ProviderDown),
        ({"type": "exceed_context_size_error", "code": 400, "n_ctx": 256}, ContextTooLong),
        ("the request exceeds the available context size", ContextTooLong),
        ("overloaded", ProviderDown),
    ],
)
def test_an_error_inside_a_stream_or_a_200_body_has_its_class(error: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        read(event(error=error))
    with pytest.raises(expected):
        ChatReader().document(event(error=error))


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{", b'"text"', b'{"id": 1}', b'{"choices": {}}', b'{"choices": [1]}',
     b'{"choices": [{"delta": "x"}]}', b'{"choices": [{"delta": {"content": 5}}]}', b'{"choices": [{"delta": {"content": [1]}}]}',
     b'\xff\xfe'],
)  # fmt: skip
def test_nonsense_is_down_and_never_another_exception(data: bytes) -> None:
    with pytest.raises(ProviderDown) as caught:
        ChatReader().event(data)
    assert caught.value.facts["cause"] == "malformed"


def test_a_finish_reason_of_error_is_down() -> None:
    with pytest.raises(ProviderDown):
        read(chunk("내일", "error"))


def test_what_a_server_says_of_its_tokens_is_kept_and_nonsense_is_not():
    said = [{"logprob": -0.25}, {"logprob": None}, {"logprob": "x"}, 7, {"logprob": -3}]
    first = {"index": 0, "delta": {"content": "네"}, "logprobs": {"content": said[:1]}}
    last = {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": {"content": said[1:]}}
    reader = read(event(choices=[first]), event(choices=[last]))
    assert reader.reply().logprobs == (-0.25, -3.0)
    for nothing in (None, [], {"content": None}, {"content": "x"}, 5):
        odd = {"index": 0, "delta": {"content": "네"}, "finish_reason": "stop", "logprobs": nothing}
        assert read(event(choices=[odd])).reply().logprobs == ()


def test_log_probabilities_are_asked_for_where_the_dialect_says_so():
    asked = to_wire(PROMPT, "m", Dialect(logprobs=True))
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 1)
    assert "logprobs" not in to_wire(PROMPT, "m", Dialect())
