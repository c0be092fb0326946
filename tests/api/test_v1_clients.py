"""The clients that programs already use, unchanged but for address, key and model name."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anthropic
import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from ccos.api.v1.names import ALIASES
from ccos.domain.tenant import Role, TenantSettings
from support.fake_upstream import TEXT, USAGE, Does
from support.v1 import Cloudy

ASK: list[Any] = [{"role": "user", "content": "주문한 상품이 언제 도착하나요?"}]


def ask() -> list[Any]:
    """A question nobody asked before: no cache answers it."""
    ask.n = getattr(ask, "n", 0) + 1  # type: ignore[attr-defined]
    return [{"role": "user", "content": f"{ask.n}번째 주문한 상품이 언제 도착하나요?"}]  # type: ignore[attr-defined]


# -- OpenAI --------------------------------------------------------------------------------------------------


def test_an_answer_with_headers_usage_and_label(cloudy: Cloudy):
    with cloudy.openai() as client:
        raw = client.chat.completions.with_raw_response.create(model="ccos", messages=ask())
    made = raw.parse()
    assert made.choices[0].message.content == TEXT and made.choices[0].finish_reason == "stop"
    assert made.choices[0].message.role == "assistant" and made.model == cloudy.cloud.model
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (
        *USAGE,
        sum(USAGE),
    )
    label = (made.model_extra or {})["ccos"]
    assert set(label) == {
        "request_id", "tier", "model", "attempts", "tried", "reason", "quality", "accepted", "certified", "degraded", "cost_usd",
        "cache",
    }  # fmt: skip
    assert [(t["tier"], t["outcome"], t["reason"]) for t in label["tried"]] == [
        ("tier_0", "accepted", "accepted")
    ]
    assert label["tier"] == "tier_0" and label["accepted"] is True and label["cost_usd"] > 0
    headers = raw.headers
    assert headers["x-ccos-tier"] == "tier_0" and headers["x-ccos-accepted"] == "true"
    assert headers["x-ccos-requested-model"] == "ccos" and headers["x-ccos-model"] == made.model
    assert headers["x-ccos-cache"] == "miss" and headers["x-ccos-attempts"] == "1"
    assert headers["x-ccos-reason"] == label["reason"] and headers["x-ccos-degraded"] == "false"
    assert "x-ccos-fallback-reason" not in headers
    assert headers["x-ccos-request-id"] == label["request_id"] and made.id.endswith(label["request_id"])
    assert headers["cache-control"] == "no-store"


def test_a_stream_is_the_same_answer_in_pieces_and_ends_with_the_label(cloudy: Cloudy):
    with cloudy.openai() as client:
        chunks = list(client.chat.completions.create(model="ccos", messages=ask(), stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == TEXT
    assert chunks[0].choices[0].delta.role == "assistant" and len(chunks) > 3
    assert [c.choices[0].finish_reason for c in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert (chunks[-1].model_extra or {})["ccos"]["tier"] == "tier_0"
    assert not any("ccos" in (c.model_extra or {}) for c in chunks[:-1])
    assert len({(c.id, c.model, c.created) for c in chunks}) == 1


def test_usage_comes_last_when_it_was_asked_for(cloudy: Cloudy):
    with cloudy.openai() as client:
        chunks = list(
            client.chat.completions.create(
                model="ccos", messages=ask(), stream=True, stream_options={"include_usage": True}
            )
        )
    last = chunks[-1]
    assert last.choices == [] and last.usage is not None and last.usage.total_tokens == sum(USAGE)
    assert "ccos" in (last.model_extra or {}) and all(c.usage is None for c in chunks[:-1])


async def test_the_async_client_too(cloudy: Cloudy):
    async with cloudy.async_openai() as client:
        made = await asyncio.gather(
            *(client.chat.completions.create(model="ccos", messages=ask()) for _ in range(5))
        )
        assert [m.choices[0].message.content for m in made] == [TEXT] * 5
        stream = await client.chat.completions.create(model="ccos", messages=ask(), stream=True)
        assert "".join([c.choices[0].delta.content or "" async for c in stream]) == TEXT


def test_models_are_listed_and_told_one_by_one(cloudy: Cloudy):
    with cloudy.openai() as client:
        listed = client.models.list()
        one = client.models.retrieve("ccos/tier_1")
        with pytest.raises(openai.NotFoundError) as told:
            client.models.retrieve("gpt-4o")
    assert [model.id for model in listed] == list(ALIASES)
    assert one.id == "ccos/tier_1" and (one.model_extra or {})["ccos"]["status"] == "disabled"
    assert told.value.code == "model_not_found"


class Colour(BaseModel):
    name: str
    reply: str


def test_an_answer_in_a_shape(cloudy: Cloudy):
    cloudy.cloud_does(Does(text=json.dumps({"name": "빨강", "reply": "네"}, ensure_ascii=False)))
    with cloudy.openai() as client:
        made = client.chat.completions.parse(model="ccos", messages=ask(), response_format=Colour)
        any_object = client.chat.completions.create(
            model="ccos", messages=ask(), response_format={"type": "json_object"}
        )
    assert made.choices[0].message.parsed == Colour(name="빨강", reply="네")
    assert json.loads(any_object.choices[0].message.content or "") == {"name": "빨강", "reply": "네"}
    sent = cloudy.cloud.seen[0].body
    assert sent["response_format"]["type"] == "json_schema"


def test_a_shape_nobody_could_give_is_a_refusal_in_the_clients_own_word(cloudy: Cloudy):
    with cloudy.openai() as client:
        made = client.chat.completions.parse(model="ccos/tier_3", messages=ask(), response_format=Colour)
        streamed = list(
            client.chat.completions.create(
                model="ccos/tier_3", messages=ask(), response_format={"type": "json_object"}, stream=True
            )
        )
    message = made.choices[0].message
    assert message.parsed is None and message.content is None and "담당자" in (message.refusal or "")
    assert "담당자" in "".join(c.choices[0].delta.refusal or "" for c in streamed if c.choices)


def test_an_answer_ends_at_the_callers_stop(cloudy: Cloudy):
    with cloudy.openai() as client:
        made = client.chat.completions.create(model="ccos", messages=ask(), stop=["내일", "도착할"])
    assert made.choices[0].message.content == TEXT.partition("내일")[0]
    assert made.choices[0].finish_reason == "stop"


def test_a_limit_that_ends_the_answer_is_told(cloudy: Cloudy):
    cloudy.cloud_does(Does("long_finish", text="하나 둘 셋"))
    with cloudy.openai() as client:
        made = client.chat.completions.create(model="ccos", messages=ask(), max_tokens=40)
    assert made.choices[0].finish_reason == "length" and made.choices[0].message.content == "하나 둘 셋"
    assert cloudy.cloud.answers_asked == 1, "the caller's own limit is nothing to repair"


ERRORS: list[tuple[dict[str, Any], type[openai.APIStatusError], str]] = [
    ({"model": "gpt-4o"}, openai.NotFoundError, "model_not_found"),
    ({"messages": []}, openai.BadRequestError, "invalid_value"),
    ({"n": 2}, openai.BadRequestError, "unsupported_parameter"),
    ({"extra_body": {"ccos": {"mode": "no"}}}, openai.BadRequestError, "invalid_value"),
    ({"extra_headers": {"x-ccos-priority": "first"}}, openai.BadRequestError, "invalid_value"),
]


@pytest.mark.parametrize(("wrong", "kind", "code"), ERRORS)
def test_errors_are_the_clients_own(cloudy: Cloudy, wrong: dict[str, Any], kind: Any, code: str):
    with cloudy.openai() as client, pytest.raises(kind) as told:
        client.chat.completions.create(**{"model": "ccos", "messages": ASK, **wrong})
    assert told.value.code == code and told.value.body["type"] == "invalid_request_error"
    assert told.value.body["message"].endswith(".")


def test_keys(cloudy: Cloudy):
    for key in ("ccos_" + "x" * 43, "sk-nonsense", "x"):
        with cloudy.openai(key) as client, pytest.raises(openai.AuthenticationError) as told:
            client.chat.completions.create(model="ccos", messages=ASK)
        assert told.value.code == "invalid_api_key"
        with cloudy.anthropic(key) as other, pytest.raises(anthropic.AuthenticationError):
            other.messages.create(model="ccos", messages=ASK, max_tokens=5)
    with cloudy.live.client() as http:
        bare = http.post("/v1/chat/completions", json={})
        assert bare.status_code == 401 and bare.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", Role)
def test_every_role_that_may_generate_may_call(cloudy: Cloudy, role: Role):
    with cloudy.openai(cloudy.company.keys[role]) as client:
        made = client.chat.completions.create(model="ccos/tier_3", messages=ASK)
    assert made.choices[0].message.content


def test_a_role_that_may_not_is_told_so(cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccos.api.v1.exchange.WRITERS", (Role.AGENT,))
    with cloudy.openai() as client, pytest.raises(openai.PermissionDeniedError) as told:
        client.chat.completions.create(model="ccos", messages=ASK)
    assert told.value.code == "insufficient_permissions"


# -- Anthropic -----------------------------------------------------------------------------------------------


def test_a_message(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        made = client.messages.create(
            model="ccos", messages=ask(), max_tokens=200, system="친절하게 답하세요."
        )
    assert made.content[0].type == "text" and made.content[0].text == TEXT
    assert (made.stop_reason, made.model, made.role) == ("end_turn", cloudy.cloud.model, "assistant")
    assert (made.usage.input_tokens, made.usage.output_tokens) == USAGE
    assert (made.model_extra or {})["ccos"]["tier"] == "tier_0"
    assert cloudy.cloud.seen[0].body["messages"][0] == {"role": "system", "content": "친절하게 답하세요."}


def test_a_message_as_a_stream(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        with client.messages.stream(model="ccos", messages=ask(), max_tokens=200) as stream:
            assert "".join(stream.text_stream) == TEXT
            final = stream.get_final_message()
        events = list(client.messages.create(model="ccos", messages=ask(), max_tokens=200, stream=True))
    assert final.stop_reason == "end_turn" and final.model == cloudy.cloud.model
    assert (final.usage.input_tokens, final.usage.output_tokens) == USAGE
    assert [events[0].type, events[1].type, events[-2].type, events[-1].type] == [
        "message_start",
        "content_block_start",
        "message_delta",
        "message_stop",
    ]
    assert (events[-1].model_extra or {})["ccos"]["tier"] == "tier_0"


def test_stop_sequences_and_limits_have_their_names_there(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        made = client.messages.create(model="ccos", messages=ask(), max_tokens=200, stop_sequences=["내일"])
        assert (made.stop_reason, made.stop_sequence) == ("stop_sequence", "내일")
        cloudy.cloud_does(Does("long_finish", text="하나 둘 셋"))
        assert client.messages.create(model="ccos", messages=ask(), max_tokens=40).stop_reason == "max_tokens"


def test_its_errors_are_the_clients_own_too(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        with pytest.raises(anthropic.NotFoundError) as told:
            client.messages.create(model="claude-of-tomorrow", messages=ASK, max_tokens=5)
        assert told.value.body["error"]["type"] == "not_found_error"
        with pytest.raises(anthropic.BadRequestError):
            client.messages.create(model="ccos", messages=ASK, max_tokens=0)


def test_it_pages_through_the_models(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        assert [model.id for model in client.models.list(limit=3)] == list(ALIASES)
        assert client.models.retrieve("ccos/tier_0").display_name
        with pytest.raises(anthropic.NotFoundError) as told:
            client.models.retrieve("ccos/x")
    assert told.value.body["type"] == "error"


# -- LangChain -----------------------------------------------------------------------------------------------


def chain(cloudy: Cloudy, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model="ccos", base_url=f"{cloudy.live.url}/v1", api_key=cloudy.key, **more)


def test_langchain_invokes_streams_and_batches(cloudy: Cloudy):
    model = chain(cloudy)
    made = model.invoke([("system", "친절하게 답하세요."), ("human", ask()[0]["content"])])
    assert made.content == TEXT and made.usage_metadata["total_tokens"] == sum(USAGE)
    assert made.response_metadata["model_name"] == cloudy.cloud.model
    pieces = list(model.stream(ask()[0]["content"]))
    assert "".join(str(piece.content) for piece in pieces) == TEXT and len(pieces) > 3
    batch = model.batch([ask()[0]["content"] for _ in range(4)])
    assert [each.content for each in batch] == [TEXT] * 4


async def test_langchain_asynchronously_and_in_a_shape(cloudy: Cloudy):
    model = chain(cloudy)
    assert (await model.ainvoke(ask()[0]["content"])).content == TEXT
    assert "".join([str(piece.content) async for piece in model.astream(ask()[0]["content"])]) == TEXT
    cloudy.cloud_does(Does(text='{"name": "빨강", "reply": "네"}'))
    made = await model.with_structured_output(Colour, method="json_schema").ainvoke(ask()[0]["content"])
    assert made == Colour(name="빨강", reply="네")


# -- what holds for all --------------------------------------------------------------------------------------


def test_a_conversation_reaches_the_cloud_in_turns_and_never_ends_with_ours(cloudy: Cloudy):
    said: list[Any] = [
        {"role": "developer", "content": "S"},
        {"role": "user", "content": "하나"},
        {"role": "user", "content": [{"type": "text", "text": "둘"}]},
        {"role": "assistant", "content": "셋"},
        {"role": "user", "content": ask()[0]["content"]},
        {"role": "assistant", "content": "네,"},
    ]
    with cloudy.openai() as client:
        client.chat.completions.create(model="ccos", messages=said, temperature=0.7, max_tokens=77)
    body = cloudy.cloud.seen[0].body
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][1]["content"] == "하나\n\n둘" and body["temperature"] == 0.7
    assert 77 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_personal_data_is_masked_on_its_way_out_and_put_back(cloudy: Cloudy):
    with cloudy.openai() as client:
        client.chat.completions.create(
            model="ccos",
            messages=[{"role": "user", "content": "제 번호는 010-2345-6789 입니다. 언제 오나요?"}],
        )
    assert "2345-6789" not in json.dumps(cloudy.cloud.seen[0].body, ensure_ascii=False)


def test_a_resident_number_keeps_the_question_here(cloudy: Cloudy):
    with cloudy.openai() as client:
        made = client.chat.completions.create(
            model="ccos", messages=[{"role": "user", "content": "주민번호 900101-1234568 로 조회해 주세요."}]
        )
    label = (made.model_extra or {})["ccos"]
    assert label["tier"] == "tier_3" and cloudy.cloud.seen == []
    told = [(t["tier"], t["outcome"], t["reason"]) for t in label["tried"]]
    assert ("tier_0", "skipped", "pii.local_only") in told and label["attempts"] == len(told) - 1


def test_one_tier_can_be_asked_for(cloudy: Cloudy):
    with cloudy.openai() as client:
        rules = client.chat.completions.create(model="ccos/tier_3", messages=ask())
        cloud = client.chat.completions.create(model="ccos/tier_0", messages=ask())
    assert (rules.model_extra or {})["ccos"]["tier"] == "tier_3"
    assert (cloud.model_extra or {})["ccos"]["tier"] == "tier_0"


def test_the_companys_own_settings_hold(cloudy: Cloudy):
    company = cloudy.live.company(TenantSettings(cloud_allowed=False))
    with cloudy.openai(company.keys[Role.AGENT]) as client:
        made = client.chat.completions.create(model="ccos", messages=ask())
    assert (made.model_extra or {})["ccos"]["tier"] == "tier_3" and cloudy.cloud.seen == []


def test_a_cloud_that_is_down_is_no_error_but_a_label(cloudy: Cloudy):
    cloudy.cloud_does("e500")
    with cloudy.openai(max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="ccos", messages=ask())
    made = raw.parse()
    label = (made.model_extra or {})["ccos"]
    assert raw.headers["x-ccos-degraded"] == "true" and raw.headers["x-ccos-reason"] == label["reason"]
    assert raw.headers["x-ccos-fallback-reason"] == label["reason"] and label["reason"].startswith("tier_0 ")
    assert label["tier"] == "tier_3" and label["accepted"] is False and label["degraded"] is True
    assert ("tier_0", "failed") in [(t["tier"], t["outcome"]) for t in label["tried"]]
    assert set(label["tried"][0]) == {"tier", "provider", "outcome", "reason"}
    assert "담당자" in (made.choices[0].message.content or "")


def test_the_same_question_twice_is_paid_for_once_unless_the_caller_wants_none_of_it(cloudy: Cloudy):
    question = ask()
    with cloudy.openai() as client:
        first, again, anew, off = (
            client.chat.completions.create(model="ccos", messages=question, extra_headers=headers)
            for headers in ({}, {}, {"cache-control": "no-cache"}, {"cache-control": "no-store"})
        )
    told = [(made.model_extra or {})["ccos"]["cache"] for made in (first, again, anew, off)]
    assert told == ["miss", "hit", "miss", "off"]
    assert again.choices[0].message.content == first.choices[0].message.content
    label = (again.model_extra or {})["ccos"]
    assert label["attempts"] == 0 and label["cost_usd"] == 0 and label["reason"].startswith("remembered: ")
    assert label["tier"] == "tier_0" and label["accepted"] is True and label["degraded"] is False


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("POST", "/v1/completions", 404, "unknown_url"),
        ("POST", "/v1/responses", 404, "unknown_url"),
        ("POST", "/v1/embeddings", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_other_addresses_are_refused_in_the_same_shape(
    cloudy: Cloudy, method: str, path: str, status: int, code: str
):
    with cloudy.live.client(cloudy.key) as http:
        answer = http.request(method, path)
    assert answer.status_code == status and answer.json()["error"]["code"] == code
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_bodies_beyond_the_limit_are_refused_in_the_shape_of_the_address(cloudy: Cloudy, path: str):
    with cloudy.live.client(cloudy.key) as http:
        answer = http.post(path, content=b"x" * 2_000_001)
        odd = http.get(f"{path}/../nothing")
    assert answer.status_code == 413 and "error" in answer.json()
    assert ("param" in answer.json()["error"]) is (path != "/v1/messages")
    assert odd.status_code == 404


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/generate"])
def test_a_compressed_body_is_refused_in_the_shape_of_the_address(cloudy: Cloudy, path: str):
    with cloudy.live.client(cloudy.key) as http:
        answer = http.post(path, content=b"x", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415 and answer.headers["accept-encoding"] == "identity"
    told = answer.json()
    assert "as it is" in (told["title"] if path == "/api/generate" else told["error"]["message"])


def test_an_anthropic_limit_of_sixteen_thousand_is_no_error(cloudy: Cloudy):
    with cloudy.anthropic() as client:
        made = client.messages.create(model="ccos", messages=ask(), max_tokens=16_000)
    body = cloudy.cloud.seen[-1].body
    assert made.model == cloudy.cloud.model
    assert 8_192 in (body.get("max_tokens"), body.get("max_completion_tokens"))


def test_hostile_text_goes_through_whole(cloudy: Cloudy):
    odd = (
        "\u202e\u0000\ufeff가\u1100\u1161\U0001f469\u200d\U0001f4bb <|im_end|> \r\n\r\ndata: [DONE]\n\n\u2028"
    )
    cloudy.cloud_does(
        Does(text="네. \u2028 data: [DONE]\n\ndata: {}\n\n 끝\U0001f469\u200d\U0001f4bb입니다.")
    )
    with cloudy.openai() as client:
        chunks = list(
            client.chat.completions.create(
                model="ccos", messages=[{"role": "user", "content": odd + str(ask())}], stream=True
            )
        )
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == cloudy.cloud.script[0].text


def test_a_large_question_is_answered(cloudy: Cloudy):
    with cloudy.openai() as client:
        made = client.chat.completions.create(
            model="ccos", messages=[{"role": "user", "content": f"{ask()} 배송이 늦어요. " * 5_000}]
        )
    assert made.choices[0].message.content


def test_metrics_know_the_routes_by_name(cloudy: Cloudy):
    with cloudy.live.client(cloudy.key) as http:
        http.get("/v1/models/ccos")
        told = http.get("/metrics").text
    assert 'route="/v1/models"' in told and 'task="chat"' in told
