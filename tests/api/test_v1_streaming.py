"""Streams: whole answers by default, early words on demand, and nothing left running for who has left."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from ccos.api.v1.making import Gone, Making
from ccos.api.v1.wire import Out
from ccos.domain.errors import DatabaseUnavailable
from ccos.domain.tenant import Role, TenantSettings
from ccos.store import keys
from support.fake_upstream import TEXT, Does
from support.live import eventually
from support.v1 import Cloudy

LONG = " ".join(f"{n}번째 문장은 배송이 {n}일 걸린다는 안내입니다." for n in range(1, 21))
PASSING = {"x-ccos-stream": "pass-through"}


@pytest.fixture(autouse=True)
def _no_memory_of_faults(cloudy: Cloudy) -> Iterator[None]:
    """One good call after each test: what a breaker counted in a row does not reach the next one."""
    yield
    cloudy.cloud_does("ok")
    with cloudy.live.client(cloudy.key) as http:
        http.post("/v1/chat/completions", json=body())


def body(path: str = "/v1/chat/completions", **more: Any) -> dict[str, Any]:
    content = f"배송이 언제 오나요? {time.perf_counter_ns()}"
    return {"model": "ccos", "max_tokens": 900, "messages": [{"role": "user", "content": content}], **more}


def lines(cloudy: Cloudy, path: str = "/v1/chat/completions", **headers: str) -> tuple[Any, list[str]]:
    with (
        cloudy.live.client(cloudy.key) as http,
        http.stream("POST", path, json=body(stream=True), headers=headers) as answer,
    ):
        return answer, [line for line in answer.iter_lines() if line]


def documents(told: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in told if line.startswith("data: {")]


def words(told: list[str]) -> str:
    return "".join(c["delta"].get("content") or "" for d in documents(told) for c in d.get("choices", ()))


# -- gate, then stream ---------------------------------------------------------------------------------------


def test_an_answer_that_is_there_at_once_has_its_headers(cloudy: Cloudy):
    answer, told = lines(cloudy)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no" and answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-ccos-tier"] == "tier_0" and answer.headers["x-ccos-accepted"] == "true"
    assert words(told) == TEXT and told[-1] == "data: [DONE]" and not any(t.startswith(":") for t in told)


def test_who_waits_is_told_that_work_goes_on(cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccos.api.v1.exchange.HEADERS_SECONDS", 0.01)
    monkeypatch.setattr("ccos.api.v1.exchange.WORKING_SECONDS", 0.05)
    cloudy.cloud_does(Does("slow_first_token", delay=0.4))
    answer, told = lines(cloudy)
    assert "x-ccos-tier" not in answer.headers and answer.headers["x-ccos-requested-model"] == "ccos"
    working = [n for n, line in enumerate(told) if line == ": ccos is working"]
    assert len(working) >= 3 and working == list(range(len(working)))
    assert words(told) == TEXT and documents(told)[-1]["ccos"]["tier"] == "tier_0"


def test_comments_disturb_no_client(cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccos.api.v1.exchange.HEADERS_SECONDS", 0.01)
    monkeypatch.setattr("ccos.api.v1.exchange.WORKING_SECONDS", 0.05)
    cloudy.cloud_does(Does("slow_first_token", delay=0.3))
    with cloudy.openai() as client, cloudy.anthropic() as other:
        chunks = list(client.chat.completions.create(**body(stream=True)))
        with other.messages.stream(**body()) as stream:
            assert "".join(stream.text_stream) == TEXT
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == TEXT


@pytest.mark.parametrize("fault", ["cut", "malformed", "ends_early"])
def test_an_upstream_that_dies_in_the_middle_still_ends_in_a_whole_answer(cloudy: Cloudy, fault: str):
    cloudy.cloud_does(Does(fault, text=LONG, after=30))
    _, told = lines(cloudy)
    last = documents(told)[-1]
    assert told[-1] == "data: [DONE]" and last["choices"][0]["finish_reason"] == "stop"
    assert last["ccos"]["tier"] == "tier_3" and "담당자" in words(told) and "번째" not in words(told)
    assert (last["ccos"]["tried"][0]["tier"], last["ccos"]["tried"][0]["outcome"]) == ("tier_0", "failed")


# -- pass-through --------------------------------------------------------------------------------------------


def test_words_are_passed_on_before_the_answer_is_whole(cloudy: Cloudy):
    cloudy.cloud_does(Does("stall", text=LONG, after=40))
    with (
        cloudy.live.client(cloudy.key) as http,
        http.stream("POST", "/v1/chat/completions", json=body(stream=True), headers=PASSING) as answer,
    ):
        seen: list[str] = []
        for line in answer.iter_lines():
            seen.append(line)
            if len(words(seen)) > 50:
                break
        assert LONG.startswith(words(seen)) and documents(seen)[0]["model"] == "ccos"
    eventually(cloudy.cloud.hung_up.is_set)


def test_what_was_passed_on_is_the_whole_answer_and_is_labelled(cloudy: Cloudy):
    cloudy.cloud_does(Does(text=LONG))
    _, told = lines(cloudy, **PASSING)
    assert words(told) == LONG and told[-1] == "data: [DONE]"
    last = documents(told)[-1]
    assert last["ccos"]["accepted"] is True and last["model"] == cloudy.cloud.model


def test_the_other_format_passes_on_too(cloudy: Cloudy):
    cloudy.cloud_does(Does(text=LONG))
    with cloudy.anthropic() as client, client.messages.stream(**body(), extra_headers=PASSING) as stream:
        assert "".join(stream.text_stream) == LONG


def test_a_stream_that_is_cut_after_words_were_passed_on_never_ends_well(cloudy: Cloudy):
    cloudy.cloud_does(Does("cut", text=LONG, after=40))
    _, told = lines(cloudy, **PASSING)
    last = documents(told)[-1]
    assert last == {"error": {**last["error"], "type": "upstream_error", "code": "stream_cut"}}
    assert "data: [DONE]" not in told and not any('"finish_reason":"stop"' in line for line in told)
    assert 24 <= len(words(told)) < len(LONG) and LONG.startswith(words(told))


def test_the_clients_hear_of_a_cut_as_an_error(cloudy: Cloudy):
    cloudy.cloud_does(Does("cut", text=LONG, after=40))
    with cloudy.openai() as client, pytest.raises(openai.APIError) as told:
        list(client.chat.completions.create(**body(stream=True), extra_headers=PASSING))
    assert told.value.code == "stream_cut"
    with cloudy.anthropic() as other, pytest.raises(anthropic.APIError):
        list(other.messages.create(**body(stream=True), extra_headers=PASSING))


def test_an_upstream_that_dies_before_words_were_passed_on_is_not_noticed(cloudy: Cloudy):
    cloudy.cloud_does(Does("cut", text=LONG, after=3))
    _, told = lines(cloudy, **PASSING)
    assert told[-1] == "data: [DONE]" and "담당자" in words(told) and "번째" not in words(told)


def test_an_answer_the_gate_refuses_afterwards_is_labelled_so(cloudy: Cloudy):
    company = cloudy.live.company(TenantSettings(banned_phrases=("배송이 3일",)))
    cloudy.cloud_does(Does(text=LONG))
    with cloudy.openai(company.keys[Role.AGENT]) as client:
        chunks = list(client.chat.completions.create(**body(stream=True), extra_headers=PASSING))
    label = (chunks[-1].model_extra or {})["ccos"]
    assert label["accepted"] is False
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == LONG


def test_stops_hold_while_words_are_passed_on(cloudy: Cloudy):
    cloudy.cloud_does(Does(text=LONG))
    with cloudy.openai() as client:
        chunks = list(
            client.chat.completions.create(**body(stream=True, stop=["7번째 문장은"]), extra_headers=PASSING)
        )
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == LONG.partition("7번째 문장은")[0]
    assert chunks[-1].choices[0].finish_reason == "stop"


# -- who leaves, who reads slowly ----------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_caller_who_leaves_ends_the_upstream_call(cloudy: Cloudy, stream: bool, path: str):
    cloudy.cloud_does("silent")
    raw = _send(cloudy, path, body(stream=stream))
    eventually(lambda: cloudy.cloud.answers_asked)
    assert not cloudy.cloud.hung_up.is_set()
    raw.close()
    eventually(cloudy.cloud.hung_up.is_set)


def test_a_caller_who_leaves_a_stream_that_has_begun_ends_it_too(
    cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ccos.api.v1.exchange.HEADERS_SECONDS", 0.01)
    cloudy.cloud_does("silent")
    raw = _send(cloudy, "/v1/chat/completions", body(stream=True))
    while b"ccos is working" not in raw.recv(65_536):
        pass
    eventually(lambda: cloudy.cloud.answers_asked)  # or there was nobody to hang up on
    raw.close()
    eventually(cloudy.cloud.hung_up.is_set)


def test_one_who_does_not_read_holds_up_nobody(cloudy: Cloudy):
    huge = "\n".join(" ".join(f"{(n * 37 + k * k * 11) % 99_991}번" for k in range(9)) for n in range(1_200))
    cloudy.cloud_does(Does(text=huge), "ok")
    raw = _send(cloudy, "/v1/chat/completions", body(stream=True, model="ccos/tier_0"))
    eventually(lambda: cloudy.cloud.answers_asked)
    with cloudy.openai() as client:
        for _ in range(5):
            assert client.chat.completions.create(**body()).choices[0].message.content == TEXT
    got = b""
    while not got.endswith(b"0\r\n\r\n"):
        part = raw.recv(65_536)
        assert part, "the stream ended before its end"
        got += part
    raw.close()
    text = b"".join(_chunks(got.partition(b"\r\n\r\n")[2])).decode()
    assert words(text.split("\n\n")) == huge


async def test_a_caller_who_takes_nothing_any_more_has_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccos.api.v1.wire.SEND_SECONDS", 0.01)

    async def never(message: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Gone):
        await Out(never).write(b"x")


async def test_what_is_made_for_nobody_is_cancelled_and_waited_for():
    ended = asyncio.Event()

    async def work() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(Gone):
        async with Making().begin(work(), receive) as making:
            await making.stir()
    assert ended.is_set()


# -- faults of ours, and of the database ---------------------------------------------------------------------


async def _broken(*_: Any) -> Any:
    await asyncio.sleep(0.1)
    raise RuntimeError("a fault of ours")


def test_a_fault_of_ours_is_an_error_in_the_shape_and_never_a_good_end(
    cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cloudy.live.ccos.service, "generate_with_fallback", _broken)
    with cloudy.openai(max_retries=0) as client, pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.create(**body())
    assert told.value.code == "internal_error" and "fault of ours" not in str(told.value)
    monkeypatch.setattr("ccos.api.v1.exchange.HEADERS_SECONDS", 0.01)
    _, said = lines(cloudy)
    assert documents(said)[-1]["error"]["code"] == "internal_error" and "data: [DONE]" not in said
    _, said = lines(cloudy, "/v1/messages")
    assert "event: error" in said and "message_stop" not in "".join(said)


def test_a_revoked_key_is_refused_when_its_few_seconds_are_over(
    cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch
):
    company = cloudy.live.company()

    async def revoke(tx: Any) -> None:
        await keys.revoke(tx, next(k.id for k in await keys.find_all(tx) if k.role is Role.AGENT))

    with cloudy.openai(company.keys[Role.AGENT]) as client:
        client.models.list()
        company.within(revoke)
        monkeypatch.setattr("ccos.api.v1.wire.FRESH_SECONDS", 0.0)
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_answers_flow_on_while_the_database_is_away_for_keys_that_are_known(
    cloudy: Cloudy, monkeypatch: pytest.MonkeyPatch
):
    company = cloudy.live.company()
    with cloudy.openai(company.keys[Role.AGENT], max_retries=0) as client:
        client.chat.completions.create(**body())

        async def away(*_: Any) -> Any:
            raise DatabaseUnavailable

        monkeypatch.setattr("ccos.api.v1.wire.FRESH_SECONDS", 0.0)
        monkeypatch.setattr("ccos.api.caller.keys.find", away)
        assert client.chat.completions.create(**body()).choices[0].message.content
    with cloudy.live.client(company.keys[Role.ADMIN]) as http:
        unknown = http.post("/v1/chat/completions", json=body())
    assert unknown.status_code == 503 and unknown.headers["retry-after"]
    assert unknown.json()["error"]["code"] == "service_unavailable"


def _send(cloudy: Cloudy, path: str, wish: dict[str, Any]) -> socket.socket:
    """A request on a bare socket with a small buffer, whose answer nobody has read yet."""
    where = urlsplit(cloudy.live.url)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.settimeout(20)
    raw.connect((where.hostname, where.port))
    sent = json.dumps(wish).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {cloudy.key}\r\nContent-Length: {len(sent)}\r\n\r\n"
    raw.sendall(head.encode() + sent)
    return raw


def _chunks(raw: bytes) -> Iterator[bytes]:
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        yield raw[:length]
        raw = raw[length + 2 :]
