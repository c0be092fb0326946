"""The stand-in the product is shown against must itself be worth showing."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ccos.domain.errors import ProviderDown
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.http import open_session
from ccos.providers.openai_wire import OpenAIChat
from support.fake_replies import compose
from support.fake_upstream import TEXT, Does, FakeUpstream

KOREAN = """<ticket>
환불이 언제 되나요?
지난주에 반품했는데 카드 환불이 아직이에요. 급해요.
</ticket>

<evidence n="1" kind="kb" visibility="internal" title="내부">
내부 한도는 50,000원입니다.
</evidence>
<evidence n="2" kind="kb" visibility="public" title="환불 시기">
# 환불 시기

| 수단 | 기간 |
|---|---|
| 카드 | 3일 |

1. **카드**로 내신 주문은 반품 확인 뒤 영업일 3.5일 안에 환불됩니다.
- 배송 조회는 마이페이지에서 하실 수 있습니다.
</evidence>"""
ENGLISH = '<ticket>\nWhere is my refund?\n</ticket>\n\n<evidence n="1" kind="kb" visibility="public" title="Refunds">\nRefunds take 3 business days.\n</evidence>'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reply": {"type": "string"},
        "category": {"type": "string", "enum": ["", "배송조회", "카드환불"]},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["환불", "적립금"]}},
        "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
        "citations": {"type": "array", "items": {"type": "integer"}},
        "kind": {"type": "string", "enum": ["answer", "clarify", "hold"]},
    },
    "required": ["reply", "category", "tags", "priority", "citations", "kind"],
}


def test_a_korean_reply_is_polite_grounded_and_cited() -> None:
    answer = json.loads(compose("고객센터 상담사", [KOREAN], SCHEMA))
    assert 60 <= len(answer["reply"]) <= 400
    assert "카드로 내신 주문은 반품 확인 뒤 영업일 3.5일 안에 환불됩니다. [2]" in answer["reply"]
    assert answer["reply"].startswith("안녕하세요") and answer["reply"].endswith("주세요.")
    assert "내부 한도" not in answer["reply"] and "|" not in answer["reply"]
    assert answer["citations"] == [2] and answer["kind"] == "answer"
    assert (answer["category"], answer["tags"], answer["priority"]) == ("카드환불", ["환불"], "high")


def test_an_english_reply_quotes_english_only() -> None:
    assert "Refunds take 3 business days. [1]" in compose("You draft replies.", [ENGLISH])
    held = json.loads(compose("You draft replies.", [KOREAN], SCHEMA))
    assert held["kind"] == "hold" and not re.search("[가-힣]", held["reply"]) and held["citations"] == []


def test_other_shapes_are_filled_too() -> None:
    facts = {
        "type": "object",
        "properties": {"facts": {"type": "array"}, "queries": {"type": "array"}, "n": {"type": "integer"}},
    }
    answer = json.loads(compose("상담사", [KOREAN], facts))
    assert answer["facts"][0]["n"] == 2 and "영업일 3.5일" in answer["facts"][0]["text"]
    assert answer["queries"][0].startswith("환불이 언제") and answer["n"] == 1


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (OpenAIChat, "gpt-4o"),
        (AnthropicMessages, "claude-sonnet-4-5"),
        (AnthropicMessages, "claude-3-haiku-20240307"),
    ],
)
async def test_a_schema_travels_there_and_an_object_comes_back(kind: Any, model: str) -> None:
    prompt = Prompt(Task.SOLUTION_DRAFT, "고객센터 상담사", (Turn("user", KOREAN),), schema=SCHEMA)
    async with FakeUpstream() as upstream, open_session() as session:
        answer = await kind(session=session, base_url=upstream.origin, model=model).answer(prompt, seconds=5)
    assert json.loads(answer.text).keys() == SCHEMA["properties"].keys()


async def test_as_a_program_it_answers_then_dies_when_told() -> None:
    program = Path(__file__).parents[1] / "support" / "fake_upstream.py"
    options = ("--port", "0", "--kill-after", "1", "--model", "demo-7b")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, str(program), *options, stdout=pipe)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            found = re.search(r"http://127\.0\.0\.1:\d+/v1", (await process.stdout.readline()).decode())
            assert found is not None
            async with open_session() as session:
                client = OpenAIChat(session=session, base_url=found[0], model="gpt-4o", paid=False)
                prompt = Prompt(Task.SOLUTION_DRAFT, "상담사", (Turn("user", KOREAN),))
                answer = await client.answer(prompt, seconds=10)
                assert answer.model == "demo-7b" and "[2]" in answer.text
                with pytest.raises(ProviderDown):
                    await client.answer(prompt, seconds=10)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


FORMS = {"/v1/chat/completions": "gpt-4o", "/v1/messages": "claude-sonnet-4-5"}


async def post(session: Any, upstream: FakeUpstream, path: str, **body: Any) -> tuple[int, bytes]:
    asked = {"model": FORMS[path], "messages": [{"role": "user", "content": "언제 와요?"}], **body}
    async with session.post(upstream.origin + path, json=asked) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("model", [None, "mine"])
@pytest.mark.parametrize(
    "body", [{}, {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}]
)
async def test_a_prepared_answer_is_the_one_that_is_thought_about(
    path: str, model: str | None, body: dict[str, Any]
) -> None:
    async with (
        FakeUpstream(model=model) as quick,
        FakeUpstream("ok", "ok", model=model) as slow,
        open_session() as session,
    ):
        assert await post(session, quick, path, **body) == await post(session, slow, path, **body)
        assert quick.answers_asked == slow.answers_asked == 1
        assert quick.seen[0].body == slow.seen[0].body and quick.seen[0].headers["content-type"]


async def test_questions_that_need_thought_are_not_answered_from_memory() -> None:
    path = "/v1/chat/completions"
    async with FakeUpstream() as upstream, open_session() as session:
        _, plain = await post(session, upstream, path)
        _, ticket = await post(
            session,
            upstream,
            path,
            messages=[{"role": "user", "content": ENGLISH}, {"role": "user", "content": "x"}],
        )
    assert TEXT in plain.decode() and "Refunds take 3 business days" in ticket.decode()


@pytest.mark.parametrize("path", FORMS)
async def test_a_request_in_two_parts_is_one_request(path: str) -> None:
    raw = f"POST {path} HTTP/1.1\r\nContent-Length: 14\r\n\r\n"
    async with FakeUpstream() as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        writer.write(raw.encode())
        await asyncio.sleep(0.01)
        writer.write(b'{"model": "a"}')
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
        assert upstream.answers_asked == 1


@pytest.mark.parametrize("path", FORMS)
async def test_prefill_is_refused_and_a_question_is_answered(path: str) -> None:
    async with FakeUpstream("refuses_prefill") as upstream, open_session() as session:
        begun = [{"role": "user", "content": "언제 와요?"}, {"role": "assistant", "content": "내일"}]
        status, body = await post(session, upstream, path, messages=begun)
        assert status == 400 and b"prefill" in body
        status, body = await post(session, upstream, path, messages=begun[:1])
        assert status == 200 and TEXT in body.decode()


async def test_down_and_up_again_by_its_own_clock() -> None:
    path = "/v1/chat/completions"
    async with FakeUpstream(down_for=0.2) as upstream, open_session() as session:
        assert (await post(session, upstream, path))[0] == 503
        async with session.get(f"{upstream.origin}/v1/models") as response:
            assert response.status == 503
        while upstream.is_down:
            await asyncio.sleep(0.02)
        assert (await post(session, upstream, path))[0] == 200
        upstream.go_down(60)
        assert (await post(session, upstream, path))[0] == 503


@pytest.mark.parametrize("path", FORMS)
async def test_a_stall_that_ends_gives_the_whole_answer(path: str) -> None:
    async with (
        FakeUpstream(Does("stall", after=2, delay=0.05)) as stalls,
        FakeUpstream() as well,
        open_session() as session,
    ):
        for body in ({}, {"stream": True}):
            assert await post(session, stalls, path, **body) == await post(session, well, path, **body)


@pytest.mark.parametrize("path", FORMS)
async def test_it_reports_its_own_model_and_usage(path: str) -> None:
    async with FakeUpstream(model="other", usage=(7, 9)) as upstream, open_session() as session:
        _, body = await post(session, upstream, path)
    document = json.loads(body)
    assert document["model"] == "other" and {7, 9} <= set(document["usage"].values())


def test_behaviours_can_be_written_in_a_line() -> None:
    assert Does.read(" e500 ") == Does("e500")
    assert Does.read("rate_limited:retry_after=1") == Does("rate_limited", retry_after="1")
    assert Does.read("stall:after=40:delay=30") == Does("stall", after=40, delay=30.0)
    for wrong in ("explodes", "_do", "serve", "stall:how=1", "stall:after=many"):
        with pytest.raises(ValueError):
            Does.read(wrong)


async def test_as_a_program_it_follows_a_script_and_counts() -> None:
    program = Path(__file__).parents[1] / "support" / "fake_upstream.py"
    options = ("--port", "0", "--does", "rate_limited:retry_after=1,e500", "--does", "ok", "--usage", "3,4")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30), open_session() as session:
            found = re.search(r":(\d+)/v1", (await process.stdout.readline()).decode())
            assert found is not None
            upstream = FakeUpstream()
            upstream.origin = f"http://127.0.0.1:{found[1]}"
            answers = [await post(session, upstream, "/v1/chat/completions") for _ in range(4)]
            assert [status for status, _ in answers] == [429, 500, 200, 200]
            assert json.loads(answers[-1][1])["usage"]["total_tokens"] == 7
            async with session.get(f"{upstream.origin}/counts") as response:
                assert await response.json() == {"answers_asked": 4}
    finally:
        process.kill()
        await process.wait()
