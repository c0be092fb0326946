"""Words are heard as they come: never thinking, never JSON, and in the end exactly the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccos.domain.errors import ContentFiltered, ProviderDown, ProviderError
from ccos.domain.prompt import Prompt, ProviderCard, Turn
from ccos.domain.tier import Task, Tier
from ccos.providers.answering import spoken
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.anthropic_wire.from_wire import MessageReader
from ccos.providers.http import open_session
from ccos.providers.local import LocalProvider
from ccos.providers.openai_wire import OpenAIChat, ServedChat
from ccos.providers.openai_wire.from_wire import ChatReader
from ccos.providers.prices import Prices
from ccos.providers.sse import EventStream
from ccos.providers.tokens import likely_prompt_tokens, likely_tokens
from ccos.providers.voice import Voice
from support.fake_formats import ANTHROPIC, OPENAI, USAGE
from support.fake_upstream import SIXTY, TEXT, Does, FakeUpstream

HELLO = Prompt(Task.SOLUTION_DRAFT, "짧게 답하세요.", (Turn("user", "언제 도착하나요?"),))
SHAPED = replace(HELLO, schema={"type": "object", "properties": {"reply": {"type": "string"}}})

Make = Callable[..., Any]
CLIENTS: dict[str, Make] = {
    "openai": lambda session, origin, **more: OpenAIChat(
        session=session, base_url=origin, **{"model": "gpt-4o", **more}
    ),
    "anthropic": lambda session, origin, **more: AnthropicMessages(
        session=session, base_url=origin, **{"model": "claude-sonnet-4-5", **more}
    ),
}


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Make:
    return CLIENTS[request.param]


pieces_of_text = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", "<", ">", "네", " ", "\n", "\0", "a think"]),
    max_size=12,
)


def in_chunks(text: str, cuts: list[int]) -> list[str]:
    chunks, rest = [], text
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    return [*chunks, rest]


@settings(deadline=None, max_examples=300)
@given(pieces_of_text, st.lists(st.integers(1, 9), max_size=12), st.booleans())
@example(["<think>", "네", "</think>", "a think"], [3, 3, 3], False)
@example(["네", "<think>", "네", "</think>", "네"], [1], True)
def test_what_is_heard_is_the_answer_wherever_chunks_fall(
    parts: list[str], cuts: list[int], doubt: bool
) -> None:
    text, heard = "".join(parts), []
    voice = Voice(heard.append, doubt=doubt)
    try:
        for chunk in in_chunks(text, cuts):
            voice.say(chunk)
        voice.end()
    except ProviderDown as fault:
        assert fault.facts["cause"] == "thought_aloud" and voice.thought_aloud and "</think>" in text
    else:
        assert "".join(heard).strip() == spoken(text)


def test_only_what_may_be_a_tag_is_held_back() -> None:
    heard: list[str] = []
    voice = Voice(heard.append)
    for piece in ("1 <", " 2 </th", "e", " <think>몰래", "</thi", "nk>끝"):
        voice.say(piece)
    assert heard == ["1 ", "< 2 ", "</the", " ", "끝"]


def test_what_was_thought_aloud_cannot_be_taken_back() -> None:
    heard: list[str] = []
    voice = Voice(heard.append)
    voice.say("고객이 배송을 묻는다. ")
    with pytest.raises(ProviderDown) as caught:
        voice.say("</think>네.")
    assert caught.value.facts["cause"] == "thought_aloud" and voice.thought_aloud


def test_in_doubt_words_wait_until_a_tag_or_the_end_says_what_they_are() -> None:
    heard: list[str] = []
    voice = Voice(heard.append, doubt=True)
    voice.say("고객이 묻는다.")
    assert heard == []
    voice.say("</think>네.")
    assert heard == ["네."]
    plain = Voice(heard.append, doubt=True)
    plain.say("생각 없이.")
    plain.end()
    assert heard == ["네.", "생각 없이."]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.text(st.sampled_from("가나 a<>/think\n"), max_size=12), min_size=1, max_size=8),
    st.lists(st.integers(1, 60), max_size=30),
    st.sampled_from([(OPENAI, ChatReader), (ANTHROPIC, MessageReader)]),
)
def test_heard_pieces_are_the_answer_wherever_the_wire_is_cut(
    pieces: list[str], cuts: list[int], kind: tuple[Any, Any]
) -> None:
    form, reader_of = kind
    wire, heard = b"".join(form.events({}, pieces, "m", None, USAGE)), []
    voice = Voice(heard.append)
    reader, stream = reader_of(voice.say), EventStream()
    try:
        for cut in [*cuts, len(wire)]:
            chunk, wire = wire[:cut], wire[cut:]
            for data in stream.feed(chunk):
                reader.event(data)
        voice.end()
    except ProviderDown as fault:
        assert fault.facts["cause"] == "thought_aloud"
        return
    assert reader.reply().text == "".join(pieces)
    assert "".join(heard).strip() == spoken("".join(pieces))


@pytest.mark.parametrize("does", ["ok", "not_streamed", "no_done", "byte_by_byte", "malformed_after_finish"])
async def test_a_client_lets_its_words_be_heard(make: Make, does: str) -> None:
    heard: list[str] = []
    async with FakeUpstream(does) as upstream, open_session() as session:
        answer = await make(session, upstream.origin).answer(HELLO, seconds=5, hear=heard.append)
    assert "".join(heard).strip() == answer.text == TEXT
    assert len(heard) == (1 if does == "not_streamed" else len(TEXT.split()))


async def test_json_is_not_heard_early(make: Make) -> None:
    heard: list[str] = []
    async with FakeUpstream() as upstream, open_session() as session:
        answer = await make(session, upstream.origin).answer(SHAPED, seconds=5, hear=heard.append)
    assert answer.text.startswith("{") and heard == []


@pytest.mark.parametrize("does", [Does("cut", after=2), Does("stall", after=2), Does("malformed", after=2)])
async def test_words_before_a_failure_were_heard_and_the_failure_says_so(make: Make, does: Does) -> None:
    heard: list[str] = []
    async with FakeUpstream(does) as upstream, open_session() as session:
        client = make(session, upstream.origin, stall_seconds=0.2)
        with pytest.raises(ProviderError) as caught:
            await client.answer(HELLO, seconds=5, hear=heard.append)
    assert "".join(heard) == "안녕하세요, 고객님. " and caught.value.facts["begun"]


@pytest.mark.parametrize(
    ("does", "begun"),
    [
        ("reset", False), ("e500", False), ("silent", False), ("keep_alive_only", False), ("html", False),
        (Does("slow_first_token", delay=9), False), ("busy_event", False), ("empty_body", False),
        ("context_too_long", False), ("rate_limited", False),
        (Does("cut", after=1), True), ("stall", True), ("error_event", True), ("truncated_body", True),
        ("empty", True), ("null", True), ("filtered_finish", True), ("ends_early", True), ("huge", True),
    ],
)  # fmt: skip
async def test_a_failure_says_whether_the_answer_had_begun(make: Make, does: Any, begun: bool) -> None:
    async with FakeUpstream(does) as upstream, open_session() as session:
        client = make(session, upstream.origin, first_token_seconds=0.2, stall_seconds=0.2)
        with pytest.raises(ProviderError) as caught:
            await client.answer(HELLO, seconds=5)
    assert caught.value.facts["begun"] is begun


async def test_what_was_never_sent_has_not_begun(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        with pytest.raises(ProviderError) as caught:
            await make(session, upstream.origin).answer(replace(HELLO, turns=()), seconds=5)
    assert caught.value.facts["begun"] is False


async def test_a_filtered_document_is_not_heard() -> None:
    heard: list[str] = []
    chat, message = ChatReader(heard.append), MessageReader(heard.append)
    chat.document(
        b'{"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "content_filter"}]}'
    )
    message.document(b'{"content": [{"type": "text", "text": "x"}], "stop_reason": "refusal"}')
    assert heard == [] and chat.reply().finish_reason == message.reply().finish_reason == "content_filter"


async def test_a_filter_that_speaks_late_is_an_error_after_the_words(make: Make) -> None:
    heard: list[str] = []
    async with FakeUpstream("filtered_finish") as upstream, open_session() as session:
        with pytest.raises(ContentFiltered) as caught:
            await make(session, upstream.origin).answer(HELLO, seconds=5, hear=heard.append)
    assert heard and caught.value.facts["begun"]


async def test_a_model_that_thinks_aloud_is_doubted_from_then_on(make: Make) -> None:
    said = Does(text="고객이 묻는다.</think>내일 도착합니다.")
    first: list[str] = []
    second: list[str] = []
    async with FakeUpstream(said) as upstream, open_session() as session:
        client = make(session, upstream.origin)
        assert (await client.answer(HELLO, seconds=5)).text == "내일 도착합니다."
        with pytest.raises(ProviderDown) as caught:
            await client.answer(HELLO, seconds=5, hear=first.append)
        assert caught.value.facts["cause"] == "thought_aloud" and caught.value.facts["begun"]
        answer = await client.answer(HELLO, seconds=5, hear=second.append)
    assert "".join(second) == answer.text == "내일 도착합니다."


async def test_an_answer_says_when_its_first_words_came(make: Make) -> None:
    slow = Does("slow_first_token", delay=0.15)
    async with FakeUpstream(slow, Does(text=SIXTY, pace=0.002)) as upstream, open_session() as session:
        client = make(session, upstream.origin)
        late = await client.answer(HELLO, seconds=5)
        early = await client.answer(HELLO, seconds=5)
    assert late.first_token_seconds is not None and late.first_token_seconds >= 0.15
    assert early.first_token_seconds is not None and early.first_token_seconds >= 0.002
    assert early.text == SIXTY


async def test_our_own_estimate_stands_beside_what_the_provider_reports(make: Make) -> None:
    async with FakeUpstream(model=None, usage=(1_000, 500)) as upstream, open_session() as session:
        client = make(session, upstream.origin)
        answer = await client.answer(HELLO, seconds=5)
        model = client.card.model
    ours = Prices().price(None, model, likely_prompt_tokens(HELLO), likely_tokens(TEXT))
    assert answer.cost == Prices().price(None, model, 1_000, 500) > answer.estimated_cost == ours > 0


async def test_without_reported_usage_both_are_our_estimate(make: Make) -> None:
    async with FakeUpstream("no_usage", model=None) as upstream, open_session() as session:
        answer = await make(session, upstream.origin).answer(HELLO, seconds=5)
    assert answer.cost == answer.estimated_cost > 0 and not answer.usage_reported


async def test_a_free_answer_is_estimated_free(make: Make) -> None:
    async with FakeUpstream() as upstream, open_session() as session:
        answer = await make(session, upstream.origin, paid=False).answer(HELLO, seconds=5)
    assert answer.cost == answer.estimated_cost == 0


def test_a_schema_counts_in_our_estimate() -> None:
    assert likely_prompt_tokens(SHAPED) > likely_prompt_tokens(HELLO) + 10


async def test_what_was_held_back_to_the_end_is_heard_too(make: Make) -> None:
    heard: list[str] = []
    async with FakeUpstream(Does(text="배송비 < 삼천원 <t")) as upstream, open_session() as session:
        answer = await make(session, upstream.origin).answer(HELLO, seconds=5, hear=heard.append)
    assert "".join(heard) == answer.text == "배송비 < 삼천원 <t"


@dataclass(frozen=True)
class Running:
    """A local model that is up at an address."""

    base_url: str
    api_key: str = "k"
    control_tokens: tuple[str, ...] = ()
    context_tokens: int = 8192
    reason: str = ""
    state: str = "up"

    async def endpoint(self, *, seconds: float) -> Running:
        return self

    def adapter_of(self, prompt: Prompt) -> str:
        return ""


async def test_a_local_model_and_a_server_let_their_words_be_heard() -> None:
    heard: list[str] = []
    free = {"paid": False, "leaves_machine": False}
    async with FakeUpstream(model="local-7b", serves=("local-7b",)) as upstream, open_session() as session:

        def connect(model: str) -> OpenAIChat:
            return OpenAIChat(session=session, base_url=upstream.origin, model=model, **free)

        card = ProviderCard(Tier.LOCAL_MINIMAX, "minimax", "local-7b")
        local = LocalProvider(Running(upstream.origin), lambda endpoint: connect("local-7b"), card)
        served = ServedChat(
            session=session, base_url=upstream.origin, card=card, connect=connect, setting="MINIMAX_MODEL"
        )
        for provider in (local, served):
            heard.clear()
            answer = await provider.answer(HELLO, seconds=5, hear=heard.append)
            assert "".join(heard) == answer.text == TEXT and len(heard) > 5
