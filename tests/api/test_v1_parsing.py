"""What /v1 makes of bodies: every wish is met or refused with a sentence, and nothing breaks it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.api.v1 import anthropic_in, openai_in
from ccos.api.v1.asked import (
    BATCH_SECONDS,
    DEFAULT_TOKENS,
    INTERACTIVE_SECONDS,
    MAX_TOKENS,
    Asked,
    conversation,
)
from ccos.api.v1.faults import Fault, error_body, shape_of
from ccos.api.v1.names import ALIASES
from ccos.api.v1.reply import Ending, ended, few_words
from ccos.api.v1.routes import page
from ccos.domain.prompt import Turn
from ccos.domain.tenant import Tenant
from ccos.domain.tier import Mode, Task, Tier
from ccos.tiers.request import Context, Priority

HELLO = [{"role": "user", "content": "안녕하세요, 배송이 언제 오나요?"}]
SHOP = Tenant(id="00000000-0000-0000-0000-000000000001", slug="shop", name="Shop")


def openai(headers: dict[str, str] | None = None, **body: Any) -> Asked:
    whole = {"model": "ccos", "messages": HELLO, **body}
    return openai_in.asked(json.dumps(whole).encode(), headers or {})


def anthropic(headers: dict[str, str] | None = None, **body: Any) -> Asked:
    whole = {"model": "ccos", "messages": HELLO, "max_tokens": 100, **body}
    return anthropic_in.asked(json.dumps(whole).encode(), headers or {})


def refused(read: Any, **body: Any) -> Fault:
    with pytest.raises(Fault) as told:
        read(**body)
    assert told.value.message.endswith(".") and len(told.value.message) < 500
    return told.value


def context(asked: Asked, mode: Mode = Mode.COST_FIRST) -> Context:
    return asked.context(SHOP, mode, "none", None)


# -- what is understood --------------------------------------------------------------------------------------


def test_the_least_a_caller_can_say():
    asked = openai()
    assert asked.turns == (Turn("user", HELLO[0]["content"]),) and asked.system == ""
    assert (asked.max_tokens, asked.stream, asked.stops, asked.schema) == (DEFAULT_TOKENS, False, (), None)
    prompt = asked.prompt(SHOP)
    assert prompt.task is Task.CHAT and prompt.system == "" and prompt.grounds.language == "ko"
    assert context(asked).source == "api" and context(asked).seconds == INTERACTIVE_SECONDS


def test_what_other_servers_know_and_this_one_does_not_is_let_be():
    ignored = {
        "seed": 7,
        "user": "u",
        "metadata": {"a": "b"},
        "logprobs": False,
        "presence_penalty": 1.5,
        "frequency_penalty": -1,
        "logit_bias": {"50256": -100},
        "n": 1,
        "tools": [],
        "functions": [],
        "tool_choice": "none",
        "parallel_tool_calls": True,
        "service_tier": "auto",
        "store": True,
        "reasoning_effort": "low",
        "modalities": ["text"],
        "from_the_future": {"x": [1, 2]},
    }
    assert openai(**ignored) == openai()
    assert (
        anthropic(top_k=3, top_p=0.9, metadata={"user_id": "u"}, thinking={"type": "disabled"}) == anthropic()
    )


def test_nulls_count_as_not_said():
    nothing = dict.fromkeys(
        ("max_tokens", "temperature", "stop", "stream", "n", "tools", "response_format", "ccos", "audio")
    )
    assert openai(**nothing) == openai()


def test_either_name_of_the_limit_works_and_the_newer_one_wins():
    assert openai(max_tokens=5).max_tokens == 5
    assert openai(max_completion_tokens=6).max_tokens == 6
    assert openai(max_tokens=5, max_completion_tokens=6).max_tokens == 6


@pytest.mark.parametrize("tokens", [MAX_TOKENS, MAX_TOKENS + 1, 16_000, 10**30])
def test_a_limit_above_ours_is_held_at_ours(tokens: int):
    assert openai(max_tokens=tokens).max_tokens == MAX_TOKENS
    assert openai(max_completion_tokens=tokens).max_tokens == MAX_TOKENS
    assert anthropic(max_tokens=tokens).max_tokens == MAX_TOKENS


@pytest.mark.parametrize(
    ("stop", "stops"), [("END", ("END",)), (["a", "b"], ("a", "b")), ([], ()), ("", ()), (["", "x"], ("x",))]
)
def test_stops(stop: Any, stops: tuple[str, ...]):
    assert openai(stop=stop).stops == stops


def test_content_may_come_in_parts():
    parts = [{"type": "text", "text": "하나"}, {"type": "text", "text": "둘"}]
    assert openai(messages=[{"role": "user", "content": parts}]).turns == (Turn("user", "하나\n\n둘"),)
    asked = anthropic(messages=[{"role": "user", "content": parts}], system=[{"type": "text", "text": "S"}])
    assert asked.turns == (Turn("user", "하나\n\n둘"),) and asked.system == "S"


def test_a_schema_becomes_the_prompt_s_own():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert openai(response_format=shape).schema == schema
    assert openai(response_format={"type": "json_object"}).schema == {"type": "object"}
    assert openai(response_format={"type": "text"}).schema is None
    format_ = {"type": "json_schema", "schema": schema}
    assert anthropic(output_config={"format": format_}).schema == schema
    assert anthropic(output_format=format_).schema == schema


@pytest.mark.parametrize("name", ALIASES)
def test_every_name_says_task_mode_and_tier(name: str):
    asked = openai(model=name)
    part = name.partition("/")[2]
    assert asked.prompt(SHOP).task == (part if part in list(Task) else Task.CHAT)
    assert context(asked, Mode.LATENCY_FIRST).mode == (part if part in list(Mode) else Mode.LATENCY_FIRST)
    assert context(asked).only == (part if part in list(Tier) else None)


def test_a_task_without_instructions_gets_ours_and_a_chat_stays_without():
    assert "상담사" in openai(model="ccos/solution_draft").prompt(SHOP).system
    assert openai().prompt(SHOP).system == ""


# -- conversations -------------------------------------------------------------------------------------------


def test_turns_alternate_and_system_texts_are_gathered():
    system, turns, _ = conversation(
        [
            ("system", "Be kind."),
            ("user", "one"),
            ("user", "two"),
            ("assistant", "three"),
            ("system", "Be brief."),
            ("assistant", "four"),
            ("user", " "),
            ("user", "five"),
        ]
    )
    assert system == "Be kind.\n\nBe brief."
    assert turns == (Turn("user", "one\n\ntwo"), Turn("assistant", "three\n\nfour"), Turn("user", "five"))


def test_an_answer_the_caller_began_is_asked_for_and_never_sent_as_one():
    _, turns, language = conversation([("user", "Name three colours, please."), ("assistant", "Sure: red,")])
    assert language == "en" and [turn.role for turn in turns] == ["user"]
    assert turns[0].text.startswith("Name three colours, please.\n\n(") and "Sure: red," in turns[0].text


def test_only_an_assistant_or_only_a_system_still_asks_something():
    _, turns, _ = conversation([("assistant", "안녕하세요")])
    assert [turn.role for turn in turns] == ["user"] and "안녕하세요" in turns[0].text
    system, turns, _ = conversation([("system", "Tell a joke.")])
    assert (system, turns) == ("", (Turn("user", "Tell a joke."),))


ROLES = st.sampled_from(["system", "user", "assistant"])


@given(st.lists(st.tuples(ROLES, st.text(max_size=20)), max_size=12))
def test_whatever_was_said_the_last_word_is_the_user_s(said: list[Any]):
    try:
        _, turns, language = conversation(said)
    except Fault as fault:
        assert fault.param == "messages" and not any(text.replace("\0", "").strip() for _, text in said)
        return
    assert turns[-1].role == "user" and language in ("ko", "en")
    assert all(a.role != b.role for a, b in pairwise(turns))
    assert all(turn.text.strip() and "\0" not in turn.text for turn in turns)


# -- extras --------------------------------------------------------------------------------------------------


def test_extras_come_in_headers_or_in_the_body_and_headers_win():
    wishes = {"mode": "outage", "priority": "ticket", "timeout_seconds": 3, "required_quality": 0.9}
    body = openai(ccos={**wishes, "stream": "pass-through", "cache": "off"})
    said = context(body)
    assert (said.mode, said.priority, said.seconds, said.cache) == (
        Mode.OUTAGE,
        Priority.TICKET_DRAFT,
        3,
        "off",
    )
    assert body.extras.required_quality == 0.9 and body.extras.streaming == "pass-through"
    headers = {
        "x-ccos-mode": "quality_first",
        "x-ccos-priority": "batch",
        "x-ccos-timeout-seconds": "600",
        "x-ccos-required-quality": "0",
        "x-ccos-stream": "gated",
        "cache-control": "no-cache",
    }
    both = openai(headers, ccos=wishes)
    said = context(both)
    assert (said.mode, said.priority, said.seconds, said.cache) == (
        Mode.QUALITY_FIRST,
        Priority.BATCH,
        600,
        "refresh",
    )
    assert both.extras.required_quality == 0 and both.extras.streaming == "gated"


def test_a_batch_has_ten_minutes_and_a_mode_in_the_name_yields_to_the_header():
    assert context(openai({"x-ccos-priority": "batch"})).seconds == BATCH_SECONDS
    assert context(openai({"x-ccos-mode": "outage"}, model="ccos/quality_first")).mode is Mode.OUTAGE


@pytest.mark.parametrize(
    ("said", "use"),
    [("no-store", "off"), ("No-Cache, no-store", "off"), ("max-age=0", "use"), ("bogus", "use")],
)
def test_cache_control(said: str, use: str):
    assert openai({"cache-control": said}).extras.cache == use


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-ccos-mode", "cheapest"),
        ("x-ccos-priority", ""),
        ("x-ccos-timeout-seconds", "0.4"),
        ("x-ccos-timeout-seconds", "601"),
        ("x-ccos-timeout-seconds", "nan"),
        ("x-ccos-timeout-seconds", "soon"),
        ("x-ccos-required-quality", "1.01"),
        ("x-ccos-required-quality", "-inf"),
        ("x-ccos-stream", "yes"),
        ("x-ccos-modus", "outage"),
        ("x-ccos-", ""),
    ],
)
def test_an_extra_that_means_nothing_is_refused_by_name(header: str, value: str):
    assert refused(openai, headers={header: value}).param == header


@pytest.mark.parametrize(
    "wishes", [{"modus": "outage"}, {"mode": "no"}, {"timeout_seconds": 0}, {"cache": "x"}, [], 3]
)
def test_so_are_extras_of_the_body(wishes: Any):
    assert refused(openai, ccos=wishes).status == 400


# -- what is refused -----------------------------------------------------------------------------------------

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": "gpt-4o"}, "model_not_found", "model"),
        ({"model": "ccos/tier_4"}, "model_not_found", "model"),
        ({"model": 3}, "invalid_type", "model"),
        ({"model": None}, "invalid_type", "model"),
        ({"messages": []}, "invalid_value", "messages"),
        ({"messages": HELLO * 501}, "invalid_value", "messages"),
        ({"messages": "hello"}, "invalid_type", "messages"),
        ({"messages": [{"content": "x"}]}, "missing_required_parameter", "messages[...].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "unsupported_role", "messages[0].role"),
        ({"messages": [{"role": "function", "content": "x"}]}, "unsupported_role", "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "invalid_type", "messages[...].content"),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}]},
            "unsupported_content",
            "messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "unsupported_content",
            "messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "text": "x"}]}]},
            "unsupported_content",
            "messages[0].content[0]",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "missing_required_parameter",
            "messages[0].content[0].text",
        ),
        ({"messages": [{"role": "user", "content": " \n"}]}, "invalid_value", "messages"),
        ({"messages": [{"role": "user"}]}, "invalid_value", "messages"),
        (
            {"messages": [*HELLO, {"role": "assistant", "tool_calls": [{"id": "1"}]}]},
            "unsupported_role",
            "messages[1].role",
        ),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"max_completion_tokens": -1}, "invalid_value", "max_completion_tokens"),
        ({"max_tokens": 1.5}, "invalid_type", "max_tokens"),
        ({"max_tokens": -1}, "invalid_value", "max_tokens"),
        ({"temperature": 2.1}, "invalid_value", "temperature"),
        ({"temperature": "hot"}, "invalid_type", "temperature"),
        ({"stop": ["a"] * 5}, "invalid_value", "stop"),
        ({"stop": "a" * 201}, "invalid_value", "stop"),
        ({"stop": [1]}, "invalid_type", "stop[...]"),
        ({"n": 2}, "unsupported_parameter", "n"),
        ({"n": 0}, "unsupported_parameter", "n"),
        ({"tools": [{"type": "function"}]}, "unsupported_parameter", "tools"),
        ({"functions": [{"name": "f"}]}, "unsupported_parameter", "functions"),
        ({"logprobs": True}, "unsupported_parameter", "logprobs"),
        ({"modalities": ["text", "audio"]}, "unsupported_parameter", "modalities"),
        ({"audio": {"voice": "x"}}, "unsupported_parameter", "modalities"),
        ({"stream": "yes"}, "invalid_type", "stream"),
        ({"response_format": {"type": "xml"}}, "invalid_value", "response_format"),
        ({"response_format": {"type": "json_schema"}}, "invalid_value", "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 5}}}},
            "invalid_json_schema",
            "response_format.json_schema.schema",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}},
            "invalid_json_schema",
            "response_format.json_schema.schema",
        ),
    ],
)
def test_what_cannot_be_done_is_said_with_code_and_field(body: dict[str, Any], code: str, param: str | None):
    fault = refused(openai, **body)
    assert fault.code == code
    assert fault.param == (param and param.replace("...", "0"))
    assert fault.status == (404 if code == "model_not_found" else 400)


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": None},
        {"temperature": 1.5},
        {"tools": [{"name": "f"}]},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
        {"messages": [{"role": "user"}]},
        {"stop_sequences": ["a"] * 5},
        {"output_config": {"format": {"type": "json_schema"}}},
        {"model": "claude-sonnet-4-5"},
    ],
)
def test_the_other_format_refuses_likewise(body: dict[str, Any]):
    assert refused(anthropic, **body).status in (400, 404)


def test_an_unknown_model_is_told_which_there_are():
    fault = refused(openai, model="gpt-4o")
    assert all(name in fault.message for name in ALIASES)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b'"x"',
        b"{",
        b'{"model": "ccos", "messages": ',
        b"\xff\xfe",
        b'{"model": "\xff", "messages": []}',
        b'{"model": "ccos", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model": "ccos", "messages": [], "tools": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model": "ccos", "messages": [], "tools": ' + b'{"a":' * 100_000,
        b'{"temperature": NaN}',
        b'{"n": 1e999}',
    ],
    ids=range(15),
)
def test_no_body_breaks_the_reader(raw: bytes):
    for read in (openai_in.asked, anthropic_in.asked):
        with pytest.raises(Fault) as told:
            read(raw, {})
        assert told.value.status == 400
        json.loads(error_body("openai", told.value))


def test_what_was_sent_is_not_said_back():
    for body in ({"messages": [{"role": "900101-1234567", "content": "x"}]}, {"stream": "010-1234-5678"}):
        assert "1234" not in refused(openai, **body).message


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["model", "messages", "max_tokens", "stop", "stream", "response_format", "tools", "system", "ccos", "n"]
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "x"]), "content": JSONS}), max_size=4
)


@given(st.dictionaries(FIELDS, JSONS, max_size=5), st.one_of(MESSAGES, JSONS))
def test_any_json_is_read_or_refused(body: dict[str, Any], messages: Any):
    raw = json.dumps({"model": "ccos", "max_tokens": 9, "messages": messages, **body}).encode()
    for read in (openai_in.asked, anthropic_in.asked):
        try:
            asked = read(raw, {})
        except Fault as fault:
            assert fault.status in (400, 404) and fault.message and json.loads(error_body("anthropic", fault))
        else:
            assert asked.turns[-1].role == "user"


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(raw: bytes):
    with pytest.raises(Fault):
        openai_in.asked(raw, {})


# -- on the way out ------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_pieces_of_a_few_words_are_the_text(text: str):
    pieces = list(few_words(text))
    assert "".join(pieces) == text and all(pieces)


def test_pieces_are_small():
    assert max(map(len, few_words("가나다 " * 500 + "x" * 5_000))) < 250


@given(
    st.text("ab가E", max_size=40),
    st.lists(st.text("abE", min_size=1, max_size=3), max_size=3),
    st.integers(1, 7),
)
def test_an_ending_in_pieces_is_the_ending_of_the_whole(text: str, stops: list[str], size: int):
    sent: list[str] = []
    ending = Ending(tuple(stops), sent.append)
    for at in range(0, len(text), size):
        ending.hear(text[at : at + size])
    ending.finish()
    whole, stop = ended(text, tuple(stops))
    assert "".join(sent) == whole and (ending.stop is None) == (stop is None)


def test_pages_of_names():
    names = ["a", "b", "c", "d"]
    assert page(names, {}) == (names, False)
    assert page(names, {"limit": "2"}) == (["a", "b"], True)
    assert page(names, {"limit": "2", "after_id": "b"}) == (["c", "d"], False)
    assert page(names, {"limit": "1", "before_id": "c"}) == (["b"], True)
    assert page(names, {"after_id": "d"}) == ([], False)
    for limit in ("0", "-1", "x", "1001", "00000000010", "¹"):
        with pytest.raises(Fault):
            page(names, {"limit": limit})


@pytest.mark.parametrize(
    ("path", "headers", "shape"),
    [
        ("/v1/chat/completions", [], "openai"),
        ("/v1/messages", [], "anthropic"),
        ("/v1/messages/count_tokens", [], "anthropic"),
        ("/v1/models", [], "openai"),
        ("/v1/models/ccos", [(b"anthropic-version", b"2023-06-01")], "anthropic"),
        ("/v1", [], "openai"),
        ("/v12", [], None),
        ("/api/generate", [(b"anthropic-version", b"x")], None),
    ],
)
def test_which_shape_errors_have(path: str, headers: list[tuple[bytes, bytes]], shape: str | None):
    assert shape_of(path, headers) == shape
