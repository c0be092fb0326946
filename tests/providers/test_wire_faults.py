"""Every way an upstream can fail, against both wire formats, over a real socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.http import open_session
from ccos.providers.openai_wire import OpenAIChat
from support.fake_upstream import NO_SUCH_HOST, TEXT, USAGE, Does, FakeUpstream

KEY = "sk-secret-0123456789"
HELLO = Prompt(Task.SOLUTION_DRAFT, "짧게 답하세요.", (Turn("user", "언제 도착하나요?"),))

Client = OpenAIChat | AnthropicMessages
Make = Callable[..., Client]


def openai(session: Any, upstream: FakeUpstream, **more: Any) -> OpenAIChat:
    return OpenAIChat(
        session=session, base_url=f"{upstream.origin}/v1", api_key=KEY, **{"model": "gpt-4o", **more}
    )


def anthropic(session: Any, upstream: FakeUpstream, **more: Any) -> AnthropicMessages:
    return AnthropicMessages(
        session=session, base_url=upstream.origin, api_key=KEY, **{"model": "claude-sonnet-4-5", **more}
    )


@pytest.fixture(params=[openai, anthropic], ids=["openai", "anthropic"])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


async def ask(
    make: Make, does: Does | str, *, seconds: float = 5.0, prompt: Prompt = HELLO, **more: Any
) -> Any:
    async with FakeUpstream(does) as upstream, open_session() as session:
        return await make(session, upstream, **more).answer(prompt, seconds=seconds)


CLASSES: dict[str, tuple[type[ProviderError], dict[str, object]]] = {
    "bad_request": (ProviderRefused, {"status": 400}),
    "unauthorized": (ProviderRefused, {"status": 401}),
    "forbidden": (ProviderRefused, {"status": 403}),
    "not_found": (ProviderRefused, {"status": 404}),
    "context_too_long": (ContextTooLong, {"status": 400}),
    "content_filtered": (ContentFiltered, {"status": 400}),
    "filtered_finish": (ContentFiltered, {}),
    "request_timeout": (ProviderTimeout, {"status": 408, "phase": "upstream"}),
    "rate_limited": (ProviderBusy, {"status": 429}),
    "busy_event": (ProviderBusy, {"status": 429}),
    "e500": (ProviderDown, {"status": 500}),
    "e502": (ProviderDown, {"status": 502}),
    "e503": (ProviderDown, {"status": 503}),
    "overloaded": (ProviderDown, {"status": 529}),
    "redirected": (ProviderDown, {"status": 302}),
    "error_event": (ProviderDown, {"status": 529}),
    "html": (ProviderDown, {"cause": "not_a_model_answer"}),
    "empty_body": (ProviderDown, {"cause": "truncated"}),
    "wrong_shape": (ProviderDown, {"cause": "malformed"}),
    "wrong_shape_in_stream": (ProviderDown, {"cause": "malformed"}),
    "not_an_object": (ProviderDown, {"cause": "malformed"}),
    "malformed": (ProviderDown, {"cause": "malformed"}),
    "reset": (ProviderDown, {"cause": "reset", "begun": False}),
    "hangs_up": (ProviderDown, {"cause": "reset", "begun": False}),
    "reset_midway": (ProviderDown, {"cause": "truncated", "begun": True}),
    "cut": (ProviderDown, {"cause": "truncated"}),
    "ends_early": (ProviderDown, {"cause": "truncated"}),
    "done_without_finish": (ProviderDown, {"cause": "truncated"}),
    "truncated_body": (ProviderDown, {"cause": "truncated"}),
    "short_length": (ProviderDown, {"cause": "malformed"}),
    "empty": (ProviderDown, {"cause": "empty"}),
    "null": (ProviderDown, {"cause": "empty"}),
    "huge": (ProviderDown, {"cause": "answer_too_large"}),
    "huge_document": (ProviderDown, {"cause": "answer_too_large"}),
    "padded_document": (ProviderDown, {"cause": "answer_too_large"}),
    "endless": (ProviderDown, {"cause": "answer_too_large"}),
}


@pytest.mark.parametrize("what", CLASSES)
async def test_each_fault_has_its_class(make: Make, what: str) -> None:
    expected, facts = CLASSES[what]
    with pytest.raises(ProviderError) as caught:
        await ask(make, what)
    assert type(caught.value) is expected
    assert {key: caught.value.facts.get(key) for key in facts} == facts
    assert caught.value.facts["provider"] in ("openai", "anthropic")


@pytest.mark.parametrize("what", CLASSES)
async def test_no_fault_shows_the_key_the_address_or_the_body(make: Make, what: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await ask(make, what)
    shown = f"{caught.value!r} {caught.value} {caught.value.facts} {caught.value.__cause__!r}"
    assert "sk-secret" not in shown and "127.0.0.1" not in shown
    assert "boom" not in shown and "Incorrect" not in shown and "도착" not in shown
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("what", ["ok", "not_streamed", "no_done", "lingers", "byte_by_byte"])
async def test_a_whole_answer_is_given_however_it_comes(make: Make, what: str) -> None:
    answer = await ask(make, what)
    assert answer.text == TEXT
    assert answer.finish_reason == "stop"
    assert answer.model == "gpt-4o-2024-08-06"


async def test_a_whole_answer_is_not_held_up_by_a_connection_left_open(make: Make) -> None:
    async with asyncio.timeout(20):
        assert (await ask(make, "lingers", seconds=120, stall_seconds=100)).text == TEXT


async def test_usage_is_the_providers_own(make: Make) -> None:
    answer = await ask(make, "ok")
    assert (answer.tokens_in, answer.tokens_out) == USAGE
    assert answer.usage_reported


async def test_usage_that_is_missing_is_estimated_and_says_so(make: Make) -> None:
    answer = await ask(make, "no_usage")
    assert not answer.usage_reported
    assert 15 <= answer.tokens_in <= 60 and 25 <= answer.tokens_out <= 60
    assert answer.cost > 0


async def test_an_answer_cut_by_its_token_limit_says_so(make: Make) -> None:
    assert (await ask(make, "long_finish")).finish_reason == "length"


@pytest.mark.parametrize(("header", "low", "high"), [("7", 7, 7), ("0.5", 0.5, 0.5), ("soon", None, None)])
async def test_retry_after_in_seconds(make: Make, header: str, low: float | None, high: float | None) -> None:
    with pytest.raises(ProviderBusy) as caught:
        await ask(make, Does("rate_limited", retry_after=header))
    assert caught.value.facts.get("retry_after_seconds") == low == high


async def test_a_refusal_whose_body_never_comes_is_still_understood(make: Make) -> None:
    with pytest.raises(ProviderBusy) as caught:
        await ask(make, "refuses_without_end", seconds=10)
    assert caught.value.facts["retry_after_seconds"] == 3


@pytest.mark.parametrize(
    ("does", "phase"),
    [
        ("silent", "first_token"),
        (Does("slow_first_token", delay=30), "first_token"),
        ("keep_alive_only", "first_token"),
        ("stall", "stall"),
    ],
)
async def test_silence_ends_at_its_limit(make: Make, does: Does | str, phase: str) -> None:
    with pytest.raises(ProviderTimeout) as caught:
        await ask(make, does, seconds=30, first_token_seconds=0.2, stall_seconds=0.2)
    assert caught.value.facts["phase"] == phase


@pytest.mark.parametrize("what", ["silent", "stall", "keep_alive_only"])
async def test_nothing_outlasts_the_seconds_of_the_call(make: Make, what: str) -> None:
    started = time.monotonic()
    with pytest.raises(ProviderTimeout) as caught:
        await ask(make, what, seconds=0.3, first_token_seconds=60, stall_seconds=60)
    assert time.monotonic() - started < 3  # far below any other limit, however busy the machine is
    assert caught.value.facts["phase"] == "total"


async def test_no_time_left_means_nothing_is_sent(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = make(session, upstream)
        with pytest.raises(ProviderTimeout):
            await client.answer(HELLO, seconds=0)
        assert upstream.seen == []


async def test_cancelling_hangs_up_at_once(make: Make) -> None:
    async with FakeUpstream("stall") as upstream, open_session() as session:
        asked = asyncio.create_task(make(session, upstream).answer(HELLO, seconds=60))
        while not upstream.answers_asked:
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        async with asyncio.timeout(5):
            await upstream.hung_up.wait()


@pytest.mark.parametrize("what", ["e500", "rate_limited", "reset", "cut", "malformed"])
async def test_nothing_is_tried_twice(make: Make, what: str) -> None:
    async with FakeUpstream(what) as upstream, open_session() as session:
        with pytest.raises(ProviderError):
            await make(session, upstream).answer(HELLO, seconds=5)
        assert upstream.answers_asked == 1


async def test_one_connection_serves_answer_after_answer(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = make(session, upstream)
        for _ in range(3):
            await client.answer(HELLO, seconds=5)
        assert upstream.connections == 1


async def test_an_answer_after_a_cut_one_is_whole(make: Make) -> None:
    async with FakeUpstream("cut", "ok") as upstream, open_session() as session:
        client = make(session, upstream)
        with pytest.raises(ProviderDown):
            await client.answer(HELLO, seconds=5)
        assert (await client.answer(HELLO, seconds=5)).text == TEXT


async def test_a_closed_port_is_down(make: Make) -> None:
    async with FakeUpstream() as upstream:
        pass
    async with open_session() as session:
        with pytest.raises(ProviderDown) as caught:
            await make(session, upstream).answer(HELLO, seconds=5)
        assert caught.value.facts["cause"] == "connect"
        assert not await make(session, upstream).alive(seconds=1)


async def test_a_server_without_tls_is_down_for_https(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        upstream.origin = upstream.without_tls
        with pytest.raises(ProviderDown) as caught:
            await make(session, upstream).answer(HELLO, seconds=5)
        assert caught.value.facts["cause"] == "tls" and not caught.value.facts["begun"]


async def test_a_host_nobody_knows_is_down(make: Make) -> None:
    upstream = FakeUpstream()
    upstream.origin = NO_SUCH_HOST
    async with open_session() as session:
        with pytest.raises(ProviderDown) as caught:
            await make(session, upstream).answer(HELLO, seconds=5)
    assert caught.value.facts["cause"] == "dns" and not caught.value.facts["begun"]


async def test_a_handshake_that_never_ends_has_a_limit_of_its_own(make: Make) -> None:
    left = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    upstream = FakeUpstream()
    async with (
        await asyncio.start_server(never_answer, "127.0.0.1", 0) as server,
        open_session() as session,
    ):
        upstream.origin = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ProviderTimeout) as caught:
            await make(session, upstream, connect_seconds=0.2).answer(HELLO, seconds=30)
        assert caught.value.facts["phase"] == "connect" and not caught.value.facts["begun"]
        await left.wait()


@pytest.mark.parametrize("what", ["malformed_after_finish", "error_after_finish"])
async def test_what_fails_after_the_last_word_changes_nothing(make: Make, what: str) -> None:
    answer = await ask(make, what)
    assert answer.text == TEXT and answer.finish_reason == "stop"


async def test_thinking_is_not_part_of_the_answer(make: Make) -> None:
    answer = await ask(make, Does(text="<think>고객이 배송을 묻는다.</think>\n\n내일 도착합니다."))
    assert answer.text == "내일 도착합니다."


async def test_an_answer_that_is_only_thinking_is_no_answer(make: Make) -> None:
    with pytest.raises(ProviderDown) as caught:
        await ask(make, Does(text="<think>고객이 배송을 묻는다. 그러니까"))
    assert caught.value.facts["cause"] == "empty"


async def test_text_no_json_can_carry_is_refused_and_breaks_nothing(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        with pytest.raises(ProviderRefused) as caught:
            await make(session, upstream).answer(replace(HELLO, turns=(Turn("user", "\ud83d"),)), seconds=5)
        assert caught.value.facts["cause"] == "unsendable_text" and upstream.seen == []


async def test_a_prompt_without_words_is_refused_before_it_is_sent(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        with pytest.raises(ProviderRefused):
            await make(session, upstream).answer(replace(HELLO, turns=(Turn("user", " "),)), seconds=5)
        assert upstream.seen == []


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ("ok", True),
        ("not_found", True),
        ("unauthorized", False),
        ("e503", False),
        ("silent", False),
        ("reset", False),
    ],
)
async def test_alive_asks_for_the_models_and_never_for_words(make: Make, models: str, expected: bool) -> None:
    async with FakeUpstream(models=models) as upstream, open_session() as session:
        assert await make(session, upstream).alive(seconds=0.5) is expected
        assert {(r.method, r.path) for r in upstream.seen} == {("GET", "/v1/models")}
        assert upstream.answers_asked == 0


async def test_a_client_shows_neither_key_nor_address(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = make(session, upstream)
        assert KEY not in repr(client) and "127" not in repr(client)
        assert KEY not in repr(client._upstream) and KEY not in repr(client.card)
