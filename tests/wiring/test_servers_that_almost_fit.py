"""Servers of a tier as they are wired: what one of them does wrong, and what its tier makes of it."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from ccos.domain.errors import ProviderError
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task, Tier
from ccos.providers.rules import RuleBased
from ccos.settings import Settings
from ccos.tiers.board import Board
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.providers import open_providers
from support.fake_upstream import Does, FakeUpstream
from support.wire_faults import OpenGate

PROMPT = Prompt(Task.SOLUTION_DRAFT, "Reply.", (Turn("user", "환불은 언제 되나요?"),))
WORDS = "고객이 쓴 비밀 말 7731"
WRONG = (
    "html",
    "redirected",
    "null",
    "empty",
    "error_document",
    "tool_call",
    "tool_call_in_stream",
    "wrong_shape",
    "not_an_object",
    "malformed",
    "gzipped",
    "lying_chunks",
    "long_header",
    "endless_headers",
    "endless",
    "padded_document",
    "huge",
    "keep_alive_only",
    "silent",
    "not_found",
    "e500",
)


@asynccontextmanager
async def tier_of(tmp_path, monkeypatch, *upstreams):
    """The provider of tier 1 that those servers are."""
    monkeypatch.chdir(tmp_path)
    urls = ",".join(f"{each.origin}/v1" for each in upstreams)
    settings = Settings(CCOS_HOME=tmp_path / "home", minimax_base_url=urls, minimax_model="m")
    async with AsyncExitStack() as stack:
        yield (await open_providers(settings, stack))[0][0]


@pytest.mark.parametrize("does", WRONG)
async def test_a_server_that_almost_fits_is_followed_by_the_other_and_its_words_are_kept_to_itself(
    does, tmp_path, monkeypatch, capfd, caplog
):
    async with (
        FakeUpstream(Does(does, text=WORDS)) as bad,
        FakeUpstream() as well,
        tier_of(tmp_path, monkeypatch, bad, well) as provider,
        asyncio.timeout(30),
    ):
        answer = await provider.answer(PROMPT, seconds=8)
        assert answer.provider == "minimax-2" and bad.answers_asked >= 1
    said = capfd.readouterr()
    logged = said.out + said.err + caplog.text
    assert "7731" not in logged and "<html" not in logged.lower() and PROMPT.turns[0].text not in logged
    assert "pool.server_failed" in logged


@pytest.mark.parametrize("does", [*WRONG, "stall"])
async def test_such_a_server_alone_is_a_providers_error_within_its_time(does, tmp_path, monkeypatch):
    async with (
        FakeUpstream(Does(does, text=WORDS)) as bad,
        tier_of(tmp_path, monkeypatch, bad) as provider,
        asyncio.timeout(30),
    ):
        with pytest.raises(ProviderError) as caught:
            await provider.answer(PROMPT, seconds=2)
    assert "7731" not in f"{caught.value!r}{caught.value.facts}"


@pytest.mark.parametrize("does", ["no_usage", "not_streamed", "no_done", "byte_by_byte"])
async def test_what_is_only_unusual_is_an_answer(does, tmp_path, monkeypatch):
    async with (
        FakeUpstream(Does(does, text=WORDS), model="another-name") as odd,
        FakeUpstream() as well,
        tier_of(tmp_path, monkeypatch, odd, well) as provider,
    ):
        answer = await provider.answer(PROMPT, seconds=20)
    assert (answer.text, answer.provider, well.answers_asked) == (WORDS, "minimax-1", 0)


class Clock:
    """Goes on as told, so that nobody waits for a rest to be over."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return asyncio.get_running_loop().time() + self.ahead


async def test_the_tiers_breaker_opens_only_when_every_server_is_dead_and_one_that_is_back_is_used(
    tmp_path, monkeypatch
):
    async with (
        FakeUpstream(down_does="hangs_up") as a,
        FakeUpstream(down_does="hangs_up") as b,
        tier_of(tmp_path, monkeypatch, a, b) as provider,
    ):
        clock = Clock()
        providers = [provider, RuleBased()]
        board = Board(each.card.deployment for each in providers)
        service = MultiTierLLMService(
            providers, OpenGate(), MemoryBudget(MicroUsd(1)), board=board, clock=clock,
            thresholds={Tier.LOCAL_MINIMAX: 0.99},
        )  # fmt: skip

        async def tier() -> Tier:
            context = Context(seconds=30, cache="off")
            return (await service.generate_with_fallback(PROMPT, context)).tier

        def is_open() -> bool:
            return board.pulse(provider.card.deployment).breaker.opened_at is not None

        a.go_down(3600)
        assert {await tier() for _ in range(12)} == {Tier.LOCAL_MINIMAX} and not is_open()
        b.go_down(3600)
        for _ in range(12):
            assert await tier() is Tier.RULE_BASED
        assert is_open()
        asked = a.answers_asked + b.answers_asked
        assert await tier() is Tier.RULE_BASED and a.answers_asked + b.answers_asked == asked
        b.go_down(0)
        clock.ahead += 31
        found = [await tier() for _ in range(3)]
        assert found == [Tier.LOCAL_MINIMAX] * 3 and not is_open()
