"""Each fault is what the wire makes of it, and leaves the right reason behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ccos.agents.prompts import query_prompt, solution_prompt, synthesis_prompt
from ccos.domain.draft import Outcome
from ccos.domain.errors import ProviderError, ProviderTimeout
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.drill.faults import FAULTS, Fault
from ccos.drill.faulty import Faulty
from ccos.drill.simulated import SimulatedCloud
from ccos.drill.spoiled import spoiled
from ccos.providers.http import open_session
from ccos.providers.openai_wire import OpenAIChat
from ccos.providers.rules import RuleBased
from ccos.quality.gate import Gate
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider
from support.fake_upstream import NO_SUCH_HOST, Does, FakeUpstream

TICKET = Ticket(subject="환불", description="반품한 셔츠 환불은 언제 되나요?")
EVIDENCE = Evidence(
    n=1,
    kind=EvidenceKind.KB,
    id="refund",
    title="환불 기간",
    snippet="반품 상품이 도착하면 영업일 3일 안에 결제하신 수단으로 환불해 드립니다.",
    score=1.0,
)
GROUNDS = Grounds(ticket=TICKET, evidence=(EVIDENCE,), intent="refund_request", intent_confidence=0.9)
PROMPTS = {
    Task.QUERY_BUILDER: query_prompt(TICKET, GROUNDS),
    Task.KB_SYNTHESIS: synthesis_prompt(TICKET, GROUNDS),
    Task.SOLUTION_DRAFT: solution_prompt(TICKET, GROUNDS, ()),
}
SOLUTION = PROMPTS[Task.SOLUTION_DRAFT]

ON_THE_WIRE: dict[str, Does | str] = {
    "rate_limited_once": Does("rate_limited", retry_after="1"),
    "rate_limited": "rate_limited",
    "error_500_once": "e500",
    "unavailable": "e503",
    "reset": "reset",
    "no_response": "silent",
    "slow_first_token": Does("slow_first_token", delay=30),
    "stream_cut": "cut",
    "stream_stalls": "stall",
    "malformed": "malformed",
    "no_done": "ends_early",
    "context_too_long": "context_too_long",
    "content_filtered": "content_filtered",
    "wrong_key": "unauthorized",
    "overloaded": "overloaded",
    "html_instead": "html",
    "empty": "empty",
}
FACTS = ("status", "cause", "phase", "retry_after_seconds", "begun", "finish_reason")


def faulty(name: str | None, inner: Any = None) -> Faulty:
    made = Faulty(inner or SimulatedCloud(), asyncio.get_running_loop().time)
    made.fault = FAULTS[name] if name else None
    return made


async def failure(provider: Any, prompt: Prompt = SOLUTION, seconds: float = 1.0) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.answer(prompt, seconds=seconds)
    return caught.value


async def on_the_wire(does: Does | str) -> ProviderError:
    async with FakeUpstream(does) as upstream, open_session() as session:
        client = OpenAIChat(
            session=session, base_url=f"{upstream.origin}/v1", model="gpt-4o", api_key="sk-x",
            first_token_seconds=0.2, stall_seconds=0.2,
        )  # fmt: skip
        return await failure(client, seconds=5.0)


@pytest.mark.parametrize("name", ON_THE_WIRE)
async def test_a_fault_says_what_the_wire_client_says(name: str) -> None:
    injected, real = await failure(faulty(name)), await on_the_wire(ON_THE_WIRE[name])
    assert type(injected) is type(real)
    # Whether words were read before the malformed ones depends on where the server's packets end.
    told = [fact for fact in FACTS if (name, fact) != ("malformed", "begun")]
    assert {f: injected.facts.get(f) for f in told} == {f: real.facts.get(f) for f in told}
    assert injected.facts["provider"] == "simulated"


async def test_a_name_that_is_not_found_is_told_as_the_wire_client_tells_it() -> None:
    async with open_session() as session:
        client = OpenAIChat(session=session, base_url=NO_SUCH_HOST, model="gpt-4o", api_key="sk-x")
        real = await failure(client)
    injected = await failure(faulty("dns"))
    assert type(injected) is type(real)
    assert injected.facts["cause"] == real.facts["cause"] == "dns"
    assert injected.facts["begun"] == real.facts["begun"]


def service(cloud: Faulty) -> MultiTierLLMService:
    return MultiTierLLMService([cloud, RuleBased()], Gate(), MemoryBudget(MicroUsd(10_000_000)))


@pytest.mark.parametrize("fault", [f for f in FAULTS.values() if f.name != "slow"], ids=lambda f: f.name)
async def test_each_fault_leaves_its_reason_and_an_answer_in_time(fault: Fault) -> None:
    cloud = faulty(None)
    tiers = service(cloud)
    await tiers.generate_with_fallback(
        SOLUTION
    )  # from now on the cloud is known to be quick enough to be planned
    cloud.fault, cloud.calls = fault, []
    made = await tiers.generate_with_fallback(SOLUTION, Context(seconds=1.5))
    bad = [a for a in made.attempts if a.tier is Tier.CLOUD_PREMIUM and a.outcome is not Outcome.ACCEPTED]
    assert bad and bad[0].outcome in (Outcome.FAILED, Outcome.REFUSED_BY_GATE)
    assert bad[0].reason.startswith(fault.reasons)
    assert made.response.strip() and made.latency <= 1.5
    assert not cloud.calls[0].sent


async def test_once_is_once_and_every_other_is_every_other() -> None:
    once, flapping = faulty("error_500_once"), faulty("flapping")
    await failure(once)
    await failure(flapping)
    for provider in (once, flapping):
        assert (await provider.answer(SOLUTION, seconds=1)).provider == "simulated"
    assert (await once.answer(SOLUTION, seconds=1)).text
    await failure(flapping)
    assert [call.answered for call in flapping.calls] == [False, True, False]


async def test_an_outage_starts_its_count_anew_and_ends_with_the_fault() -> None:
    provider = faulty("error_500_once")
    await failure(provider)
    provider.fault = FAULTS["error_500_once"]
    await failure(provider)
    provider.fault = None
    assert (await provider.answer(SOLUTION, seconds=1)).text
    assert [call.sent for call in provider.calls] == [False, False, True]


async def test_slow_is_five_times_the_provider_and_ends_at_the_seconds_given() -> None:
    quick = faulty("slow", ScriptedProvider(Tier.CLOUD_PREMIUM, ["안녕하세요"]))
    assert (await quick.answer(SOLUTION, seconds=5)).text == "안녕하세요"
    late = await failure(faulty("slow"), seconds=0.3)  # the simulated cloud takes longer than 0.06 s
    assert isinstance(late, ProviderTimeout) and late.facts["phase"] == "total"


async def test_a_first_word_that_comes_within_the_patience_is_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccos.drill.faulty.FIRST_TOKEN_SECONDS", 0.05)
    assert (await faulty("slow_first_token").answer(SOLUTION, seconds=1)).text


async def test_what_the_provider_is_and_has_is_passed_on() -> None:
    inner = ScriptedProvider(Tier.LOCAL_MINIMAX, ["x"], cost=MicroUsd(7))
    provider = faulty("unavailable", inner)
    assert provider.card is inner.card and provider.estimate(SOLUTION) == 7
    assert provider.calls == [] and provider.cancelled == 0
    assert getattr(provider, "ready", True) is True
    assert await provider.alive(seconds=1) is False
    provider.fault = None
    assert await provider.alive(seconds=1) is True


async def test_cancelling_ends_the_wait_at_once() -> None:
    provider = faulty("no_response")
    asked = asyncio.create_task(provider.answer(SOLUTION, seconds=600))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert provider.calls[0].ended is not None and not provider.calls[0].answered


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("task", PROMPTS)
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_spoiled_answer_is_refused_by_the_gate_whatever_the_task(
    number: int, task: Task, language: str
) -> None:
    text = (
        "반품한 셔츠 환불은 언제 되나요?" if language == "ko" else "When will my refund for the shirt arrive?"
    )
    ticket = Ticket(description=text)
    grounds = Grounds(ticket=ticket, evidence=(EVIDENCE,), language=language)  # type: ignore[arg-type]
    make = {
        Task.QUERY_BUILDER: lambda: query_prompt(ticket, grounds),
        Task.KB_SYNTHESIS: lambda: synthesis_prompt(ticket, grounds),
        Task.SOLUTION_DRAFT: lambda: solution_prompt(ticket, grounds, ()),
    }
    prompt = make[task]()
    answer = await SimulatedCloud().answer(prompt, seconds=1)
    bad = type(answer)(spoiled(prompt, number), "simulated", "m")
    assert Gate().judge(prompt, answer).accepts(0.6)
    assert not Gate().judge(prompt, bad).accepts(0.6)


async def test_the_simulated_cloud_quotes_its_evidence_and_asks_for_play_money() -> None:
    cloud = SimulatedCloud()
    answer = await cloud.answer(SOLUTION, seconds=1)
    assert "영업일 3일" in answer.text and "[1]" in answer.text
    assert 0 < answer.cost <= cloud.estimate(SOLUTION)
    free = SimulatedCloud(Tier.LOCAL_MINIMAX, paid=False)
    assert free.estimate(SOLUTION) == 0 and (await free.answer(SOLUTION, seconds=1)).cost == 0
