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
from support.fake_upstream import FakeUpstream

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
