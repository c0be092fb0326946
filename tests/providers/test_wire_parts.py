"""The parts both wire clients share: error table, event stream, prices, token rules, URLs and sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccos.domain.errors import (
    BadSetting,
    ContentFiltered,
    ContextTooLong,
    NoPrice,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.money import micro_usd
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers import exchange
from ccos.providers.answering import spoken
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.exchange import Limits, Patience
from ccos.providers.faults import Complaint, refusal, retry_after_seconds
from ccos.providers.http import open_session
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.prices import Prices, provider_id_for, undated
from ccos.providers.sse import EventStream
from ccos.providers.tokens import likely_tokens, most_prompt_tokens, most_tokens
from support.fake_upstream import TEXT, FakeUpstream

PROMPT = Prompt(Task.SOLUTION_DRAFT, "짧게.", (Turn("user", "언제 오나요?"),), max_tokens=100)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, ContentFiltered),
        (400, {"error": {"message": "blocked by our content management policy"}}, ContentFiltered),
        (413, "Payload Too Large", ContextTooLong),
        (400, "prompt is too long: 9 tokens > 8 maximum", ContextTooLong),
        (500, {"error": {"type": "exceed_context_size_error"}}, ContextTooLong),
        (429, {"error": {"message": "too many tokens per minute"}}, ProviderBusy),
        (429, {"error": {"code": "insufficient_quota"}}, ProviderBusy),
        (401, {"error": {"message": "content filter"}}, ProviderRefused),
        (402, {}, ProviderRefused),
        (422, {"detail": [{"msg": "extra fields"}]}, ProviderRefused),
        (400, None, ProviderRefused),
        (504, "", ProviderTimeout),
        (503, {"error": {"message": "Loading model"}}, ProviderDown),
        (520, "<html>", ProviderDown),
        (301, "", ProviderDown),
    ],
)  # fmt: skip
def test_a_status_and_its_body_have_one_class(status: int, body: Any, expected: type[Exception]) -> None:
    assert type(refusal(status, Complaint.read(body))) is expected


@pytest.mark.parametrize("code", ["sk-proj-AbC123", "a b", "x" * 60, "", 7, None, {"a": 1}, "코드"])
def test_a_code_that_is_no_code_is_not_kept(code: Any) -> None:
    assert Complaint.read({"error": {"code": code}}).code is None


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "code", "type", "message", "innererror", "status"]), inner
            )
        ),
    )
)
def test_any_json_can_be_an_error_body(document: Any) -> None:
    assert refusal(400, Complaint.read(document)).facts["status"] == 400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("1.5", 1.5),
        ("99999999", 86_400),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 21:01:00 +0900", 60),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("-5", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOW) == seconds


def test_an_outage_that_says_how_long_keeps_it() -> None:
    assert refusal(503, Complaint(), retry_after="20").facts["retry_after_seconds"] == 20


def all_events(stream: EventStream, chunks: list[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield from stream.feed(chunk)
    yield from stream.end()


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), max_size=20), st.sampled_from([b"\n", b"\r\n"]))
def test_events_do_not_depend_on_where_chunks_fall(cuts: list[int], line_end: bytes) -> None:
    wire = 'event: x\ndata: {"말": 1}\n\n: keep-alive\n\ndata:둘\ndata: 줄\nid: 3\n\ndata: [DONE]\n'.encode()
    wire = wire.replace(b"\n", line_end)
    chunks, rest = [], wire
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    found = list(all_events(EventStream(), [*chunks, rest]))
    assert found == ['{"말": 1}'.encode(), "둘\n줄".encode(), b"[DONE]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>음</think>\n네.", "네."),
        ("템플릿이 연 생각</think>네.", "네."),
        ("<think>끝나지 않은", ""),
        ("앞 <think>중간</think>뒤", "앞 뒤"),
        ("  네\0. ", "네."),
        ("```json\n{}\n```", "```json\n{}\n```"),
    ],
)
def test_only_what_is_meant_for_a_reader_is_spoken(text: str, expected: str) -> None:
    assert spoken(text) == expected


def test_a_fence_around_json_is_taken_off_where_json_was_asked_for() -> None:
    assert spoken('```json\n{"a": 1}\n```', as_json=True) == '{"a": 1}'


@settings(deadline=None)
@given(st.text())
def test_the_upper_bound_of_tokens_holds_against_bytes(text: str) -> None:
    assert most_tokens(text) >= len(text)
    assert likely_tokens(text) <= 1.5 * len(text) + 1


def test_korean_and_english_are_counted_by_their_own_rules() -> None:
    korean = "안녕하세요, 제 이름은 GPT-4o입니다. 저는 새로운 유형의 언어 모델입니다. 만나서 반갑습니다!"
    assert 27 <= likely_tokens(korean) <= 45, "between what two published tokenizers give"
    assert likely_tokens("The quick brown fox jumps over the lazy dog.") == 11
    assert likely_tokens("") == 0 and likely_tokens("a") == 1


def test_a_dated_name_costs_what_the_undated_one_does() -> None:
    prices = Prices()
    assert prices.price("openai", "gpt-4o-2024-08-06", 1_000_000, 0) == 2_500_000
    assert prices.price("openai", "gpt-4o", 0, 1_000_000) == 10_000_000
    assert prices.price("anthropic", "claude-sonnet-4-5-20250929", 1_000, 1_000) == 18_000
    assert undated("claude-3-5-sonnet-latest") == "claude-3-5-sonnet" and undated("qwen-2507") == "qwen-2507"


def test_prices_round_up_and_cached_tokens_cost_less() -> None:
    prices = Prices()
    assert prices.price("openai", "gpt-4o", 1, 0) == 3
    whole, cached = (prices.price("openai", "gpt-4o", 2_000, 10, cached_in=n) for n in (0, 1_000))
    assert cached < whole


MODELS = ["gpt-4o", "gpt-5.2", "gpt-4", "claude-sonnet-4-5", "claude-opus-4-6", "claude-haiku-4-5", "o3"]


@settings(deadline=None)
@given(st.sampled_from(MODELS), st.integers(0, 400_000), st.integers(0, 100_000), st.sampled_from([0, 1, 2]))
@example("claude-sonnet-4-5", 199_999, 10, 0)
@example("claude-sonnet-4-5", 200_000, 10, 1)
@example("claude-sonnet-4-5", 200_001, 10, 0)
def test_our_sum_is_the_price_packages_sum(model: str, tokens_in: int, tokens_out: int, part: int) -> None:
    cached = tokens_in * part // 2
    usage = genai_prices.Usage(
        input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached or None
    )
    theirs = genai_prices.calc_price(usage, model_ref=model).total_price
    assert Prices().price(None, model, tokens_in, tokens_out, cached_in=cached) == micro_usd(theirs)


def test_a_configured_price_comes_first_for_dated_names_too() -> None:
    prices = Prices({"gpt-4o": (Decimal("0.1"), Decimal(1))})
    assert prices.price("openai", "gpt-4o-2024-08-06", 1_000_000, 1) == 100_001


def test_an_unknown_model_says_what_to_set() -> None:
    with pytest.raises(NoPrice, match="CCOS_CLOUD_PRICE_IN") as caught:
        Prices().price("openai", "solar-mini-ko", 1, 1)
    assert caught.value.facts == {"model": "solar-mini-ko"}
    assert not Prices().knows("nobody", "gpt-4o")
    assert Prices().knows(None, "gpt-4o")


def test_who_serves_a_url() -> None:
    assert provider_id_for("https://api.openai.com/v1") == "openai"
    assert provider_id_for("http://127.0.0.1:9001/v1") is None


async def test_a_paid_model_without_a_price_is_never_called() -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = OpenAIChat(session=session, base_url=f"{upstream.origin}/v1", model="solar-mini-ko")
        with pytest.raises(NoPrice):
            client.estimate(PROMPT)
        with pytest.raises(NoPrice):
            await client.answer(PROMPT, seconds=5)
        assert upstream.seen == []


async def test_a_free_model_costs_nothing_and_needs_no_price() -> None:
    async with FakeUpstream(model="local") as upstream, open_session() as session:
        client = OpenAIChat(session=session, base_url=upstream.origin, model="solar-mini-ko", paid=False)
        answer = await client.answer(PROMPT, seconds=5)
        assert answer.cost == client.estimate(PROMPT) == 0
        assert answer.model == "local"
        assert "authorization" not in upstream.seen[0].headers


async def test_an_answer_is_priced_by_the_model_that_gave_it() -> None:
    async with FakeUpstream(model="gpt-4o-mini-2024-07-18") as upstream, open_session() as session:
        client = OpenAIChat(session=session, base_url=upstream.origin, model="gpt-4o")
        answer = await client.answer(PROMPT, seconds=5)
    assert answer.cost == Prices().price("openai", "gpt-4o-mini", 120, 40) < client.estimate(PROMPT)


async def test_a_configured_price_of_the_model_asked_for_wins_over_the_table() -> None:
    prices = Prices({"our-gateway": (Decimal(1), Decimal(2))})
    async with FakeUpstream(model="gpt-4o") as upstream, open_session() as session:
        client = OpenAIChat(session=session, base_url=upstream.origin, model="our-gateway", prices=prices)
        answer = await client.answer(PROMPT, seconds=5)
    assert (answer.model, answer.cost) == ("gpt-4o", 200)


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(1, 2_000))
def test_an_estimate_bounds_what_any_answer_costs(text: str, tokens_out: int) -> None:
    prompt = Prompt(Task.SOLUTION_DRAFT, "짧게.", (Turn("user", text),), max_tokens=tokens_out)
    rate = Prices({"m": (Decimal(3), Decimal(15))})
    most = rate.price(None, "m", most_prompt_tokens(prompt), tokens_out)
    assert most >= rate.price(None, "m", len(("짧게." + text).encode("utf-8", "replace")), tokens_out)


async def test_the_room_to_think_is_part_of_the_estimate() -> None:
    prices = Prices({"m": (Decimal(0), Decimal(1))})
    async with open_session() as session:
        thinking = OpenAIChat(
            session=session,
            base_url="http://x",
            model="m",
            prices=prices,
            dialect=Dialect(reasoning_tokens=900),
        )
    assert thinking.estimate(PROMPT) == 1_000


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://x/v1",
        "http://",
        "http://[bad",
        "http://h:99999",
        "javascript:alert(1)",
    ],
)
async def test_a_base_url_that_is_none_is_refused_with_a_sentence(url: str) -> None:
    async with open_session() as session:
        with pytest.raises(BadSetting, match="must look like https"):
            OpenAIChat(session=session, base_url=url, model="m")


@pytest.mark.parametrize("key", ["sk-열쇠", "sk-a\r\nX-Evil: 1", "sk\x00"])
async def test_a_key_no_header_takes_is_refused_and_not_shown(key: str) -> None:
    async with open_session() as session:
        with pytest.raises(BadSetting) as caught:
            AnthropicMessages(session=session, base_url="http://x", model="m", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1//",
        "/v1/chat/completions",
        "/v1/chat/completions/",
        "/v1/models",
        "/v1/chat",
    ],
)
async def test_forgiving_openai_base_urls(path: str) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = OpenAIChat(
            session=session, base_url=upstream.origin + path, model="gpt-4o", api_key=" sk-1 \n"
        )
        await client.answer(PROMPT, seconds=5)
        assert upstream.seen[0].path == "/v1/chat/completions"
        assert upstream.seen[0].headers["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("path", ["", "/v1", "/v1/messages"])
async def test_forgiving_anthropic_base_urls(path: str) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        client = AnthropicMessages(
            session=session, base_url=upstream.origin + path, model="claude-sonnet-4-5", api_key="sk-1"
        )
        await client.answer(PROMPT, seconds=5)
        seen = upstream.seen[0]
        assert (seen.path, seen.headers["x-api-key"]) == ("/v1/messages", "sk-1")
        assert seen.headers["anthropic-version"] == "2023-06-01" and "authorization" not in seen.headers


async def test_a_login_in_the_base_url_becomes_a_header_and_leaves_the_url() -> None:
    async with FakeUpstream("e500") as upstream, open_session() as session:
        url = upstream.origin.replace("//", "//bot:pass%40word@")
        client = OpenAIChat(session=session, base_url=url, model="m", paid=False)
        with pytest.raises(ProviderDown) as caught:
            await client.answer(PROMPT, seconds=5)
        assert upstream.seen[0].headers["authorization"].startswith("Basic ")
        shown = f"{client!r} {client._upstream!r} {caught.value!r} {caught.value.facts}"
        assert "pass" not in shown and "bot" not in shown
        with pytest.raises(BadSetting) as both:
            OpenAIChat(session=session, base_url=url, model="m", api_key="sk-1")
        assert "pass" not in str(both.value)


async def test_a_query_in_the_base_url_is_kept(tmp_path: Path) -> None:
    async with open_session() as session:
        client = OpenAIChat(
            session=session, base_url="https://x.example/openai/v1?api-version=1", model="m", paid=False
        )
    assert str(client._upstream._url("/models")) == "https://x.example/openai/v1/models?api-version=1"


async def test_a_unix_socket_serves_as_well(tmp_path: Path) -> None:
    socket = tmp_path / "llm.sock"
    async with FakeUpstream(model="local-7b", unix_socket=socket) as upstream:
        async with open_session(unix_socket=socket) as session:
            client = OpenAIChat(session=session, base_url="http://local/v1", model="7b", paid=False)
            assert (await client.answer(PROMPT, seconds=5)).text == TEXT
            assert await client.alive(seconds=1)
        assert upstream.connections == 1


async def test_a_unix_socket_that_is_not_there_is_down(tmp_path: Path) -> None:
    async with open_session(unix_socket=tmp_path / "none.sock") as session:
        client = OpenAIChat(session=session, base_url="http://local/v1", model="7b", paid=False)
        with pytest.raises(ProviderDown) as caught:
            await client.answer(PROMPT, seconds=5)
    assert caught.value.facts["cause"] == "connect"


async def test_a_session_takes_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with FakeUpstream() as upstream, open_session() as session:
        client = OpenAIChat(session=session, base_url=upstream.origin, model="gpt-4o")
        assert (await client.answer(PROMPT, seconds=5)).text == TEXT
        assert "cookie" not in upstream.seen[0].headers


def test_limits_fit_into_the_seconds_of_the_call() -> None:
    assert Limits.within(1.0, Patience()) == Limits(1.0, 1.0, 0.75, 0.4)
    given = Patience(first_token_seconds=60, stall_seconds=2, connect_seconds=4)
    assert Limits.within(10.0, given) == Limits(10.0, 4.0, 10.0, 2.0)


def test_a_remote_server_is_left_early_however_long_the_call_may_last() -> None:
    assert Limits.within(600.0, Patience(remote=True)) == Limits(600.0, 3.0, 10.0, 8.0)
    assert Limits.within(4.0, Patience(remote=True)) == Limits(4.0, 3.0, 3.0, 1.6)
    assert Limits.within(600.0, Patience()) == Limits(600.0, 3.0, 450.0, 240.0)


@pytest.mark.parametrize("kind", [OpenAIChat, AnthropicMessages])
async def test_a_client_is_remote_when_its_words_leave_the_machine(kind: Any) -> None:
    async with open_session() as session:

        def made(**more: Any) -> Any:
            return kind(session=session, base_url="http://x", model="m", paid=False, **more)

        assert made()._patience == Patience(remote=True)
        assert made(leaves_machine=False)._patience == Patience()
        mine = made(first_token_seconds=1.0, stall_seconds=2.0, connect_seconds=0.5, credential="k1")
        assert mine._patience == Patience(1.0, 2.0, 0.5, remote=True)
        assert mine.card.credential == "k1" and mine.card.deployment.endswith("/m/k1")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, "1.5"),
        ({"retry-after-ms": "9" * 5_000, "Retry-After": "7"}, "7"),
        ({"retry-after-ms": "soon", "Retry-After": "7"}, "7"),
        ({}, None),
    ],
)
def test_milliseconds_come_before_seconds_when_they_are_a_number(headers, seconds) -> None:
    assert exchange._retry_after(headers) == seconds
