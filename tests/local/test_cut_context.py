"""Prompts that are too long for the model, with the real engine: cut by policy, or refused; never in the middle."""

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from ccos.agents.prompts import solution_prompt
from ccos.agents.resolution import resolve_citations
from ccos.domain.errors import ContextTooLong
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.ticket import Message, Ticket
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.providers.local import reading_room
from ccos.providers.rules import RuleBased
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from support.local_models import asking, provider_of, running
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@asynccontextmanager
async def model_of(file: Path, folder: Path, context: int):
    async with running(file, folder, context_tokens=context) as model, provider_of(model) as provider:
        await model.endpoint(seconds=30)
        yield provider


def prompt_of(passages: int, messages: int, words: str) -> Prompt:
    ticket = Ticket(
        subject="문의",
        description=words * 5,
        conversation_history=tuple(Message(role="customer", text=words * 8) for _ in range(messages)),
    )
    evidence = tuple(
        Evidence(n=n, kind=EvidenceKind.KB, id=str(n), title="안내", snippet=words * 10, score=1 / n)
        for n in range(1, passages + 1)
    )
    built = solution_prompt(ticket, Grounds(ticket=ticket, evidence=evidence), [])
    return replace(built, max_tokens=60, schema={"const": "ok"})


KOREAN, ENGLISH = "환불은 며칠 걸리나요? ", "When does the refund come? "


@pytest.mark.parametrize("words", [KOREAN, ENGLISH], ids=["ko", "en"])
async def test_a_long_prompt_is_answered_and_says_what_was_left_out(tiny, tmp_path, words):
    prompt = prompt_of(6, 6, words)
    async with model_of(tiny, tmp_path, 2048) as provider:
        with structlog.testing.capture_logs() as logs:
            answer = await provider.answer(prompt, seconds=30)
        assert answer.text == '"ok"' and answer.tokens_in < 2048
        assert answer.left_out[0] == "history 6" and answer.left_out[1].startswith("evidence ")
        assert answer.unseen and set(answer.unseen) == set(range(min(answer.unseen), 7))
        told = next(log for log in logs if log["event"] == "prompt.cut")
        assert told["left_out"] == answer.left_out and words.strip() not in str(logs)


async def test_a_prompt_that_fits_loses_nothing(tiny, tmp_path):
    async with model_of(tiny, tmp_path, 4096) as provider:
        answer = await provider.answer(prompt_of(1, 1, ENGLISH), seconds=30)
        assert answer.left_out == () and answer.unseen == ()


async def test_after_one_count_of_the_model_the_estimate_is_right_at_once(tiny, tmp_path):
    """The tiny tokenizer needs more tokens than ours says: the first prompt is refused by the engine."""
    prompt, sent = prompt_of(6, 6, ENGLISH), []
    async with model_of(tiny, tmp_path, 2048) as provider:
        connect = provider._connect

        def counting(endpoint):
            client = connect(endpoint)
            answer = client.answer

            async def counted(*args, **options):
                sent.append(args)
                return await answer(*args, **options)

            client.answer = counted
            return client

        provider._connect = counting
        first = await provider.answer(prompt, seconds=30)
        tries = len(sent)
        again = await provider.answer(prompt, seconds=30)
        assert len(sent) == tries + 1 and again.left_out == first.left_out


@pytest.mark.parametrize("context", [1, 64])
async def test_a_context_that_holds_no_ticket_refuses_so_that_another_tier_answers(tiny, tmp_path, context):
    async with model_of(tiny, tmp_path, context) as provider:
        with pytest.raises(ContextTooLong):
            await provider.answer(prompt_of(2, 2, KOREAN), seconds=30)
        with pytest.raises(ContextTooLong):
            await provider.answer(asking("길어요 " * 5000), seconds=30)


async def test_a_small_question_fits_a_small_context(tiny, tmp_path):
    async with model_of(tiny, tmp_path, 256) as provider:
        answer = await provider.answer(asking("hi", schema={"const": 1}, max_tokens=20), seconds=30)
        assert answer.text == "1" and answer.left_out == ()


def test_the_room_for_reading_leaves_some_for_the_answer():
    assert reading_room(8192, 800) == 7392
    assert reading_room(8192, 100_000) == 8192 - 1024
    assert reading_room(64, 800) == 32 and reading_room(1, 800) == 0


async def test_what_was_left_out_stands_in_the_attempt_and_cannot_be_cited(tiny, tmp_path):
    prompt = replace(prompt_of(6, 6, ENGLISH), schema={"const": {"reply": "See the rule [6]. Thank you."}})
    judged: list[tuple[int, ...]] = []

    class Gate:
        def judge(self, prompt, answer, *, tenant_id=None, tier=None):
            judged.append(tuple(e.n for e in prompt.grounds.evidence))
            return Verdict(0.9, "test", answer.text)

    async with model_of(tiny, tmp_path, 2048) as provider:
        service = MultiTierLLMService([provider, RuleBased()], Gate(), MemoryBudget(MicroUsd(0)))
        made = await service.generate_with_fallback(prompt, Context(seconds=60))
    assert made.tier is Tier.LOCAL_TINYLLAMA and 6 in made.unseen
    assert made.attempts[-1].reason.startswith("accepted (left out: history 6; evidence ")
    assert judged == [tuple(n for n in range(1, 7) if n not in made.unseen)]
    seen = [e for e in prompt.grounds.evidence if e.n not in made.unseen]
    assert resolve_citations("See the rule [6].", seen) == ("See the rule.", ())
