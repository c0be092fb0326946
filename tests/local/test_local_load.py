"""More requests than slots, a worker that dies under them, and a model that cannot be loaded: through the service."""

import asyncio
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ccos.agents.prompts import solution_prompt
from ccos.domain.draft import Outcome
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import Verdict
from ccos.local.supervisor import State
from ccos.providers.rules import RuleBased
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context, Generation, Priority
from ccos.tiers.service import MultiTierLLMService
from support.local_models import QUICK, busy_slots, is_state, provider_of, running, until
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "slow.gguf", width=256, layers=6)


class Gate:
    """Takes whatever was said: what is looked at here is who says it, and when."""

    def judge(self, prompt, answer, *, tenant_id=None, tier=None):
        return Verdict(0.9, "test", answer.text)


def question(n: int, characters: int = 150) -> Prompt:
    ticket = Ticket(subject=f"문의 {n}", description="환불은 언제 되나요?")
    built = solution_prompt(ticket, Grounds(ticket=ticket), [])
    shape = {"type": "string", "minLength": characters, "maxLength": characters + 50}
    return Prompt(built.task, built.system, built.turns, built.grounds, shape, max_tokens=400)


class Counting:
    """The provider, and which questions reached it."""

    def __init__(self, inner) -> None:
        self._inner, self.asked = inner, Counter()

    def __getattr__(self, name):
        return getattr(self._inner, name)

    async def answer(self, prompt, *, seconds, hear=None):
        self.asked[prompt.turns[-1].text] += 1
        return await self._inner.answer(prompt, seconds=seconds, hear=hear)


def service_of(provider) -> MultiTierLLMService:
    return MultiTierLLMService([provider, RuleBased()], Gate(), MemoryBudget(MicroUsd(0)))


def check_each_answered_once(made: list[Generation], asked: Counter) -> None:
    assert all(one.response and one.accepted for one in made)
    assert all(sum(a.outcome is Outcome.ACCEPTED for a in one.attempts) == 1 for one in made)
    calls = sum(
        a.outcome is not Outcome.SKIPPED for one in made for a in one.attempts if a.provider == "local"
    )
    assert calls == sum(asked.values()) and max(asked.values()) == 1


async def test_two_hundred_requests_on_two_slots_queue_and_are_then_shed(tiny, tmp_path):
    async with running(tiny, tmp_path) as model, provider_of(model) as inner:
        await model.endpoint(seconds=30)
        provider = Counting(inner)
        service = service_of(provider)
        context = Context(mode=Mode.QUALITY_FIRST, seconds=6)
        made = await asyncio.gather(
            *(service.generate_with_fallback(question(n), context) for n in range(200))
        )
        check_each_answered_once(made, provider.asked)
        tiers = Counter(one.tier for one in made)
        assert tiers[Tier.LOCAL_TINYLLAMA] > 2 and tiers[Tier.RULE_BASED] > 100
        shed = [one for one in made if one.tier is Tier.RULE_BASED]
        assert {a.reason for one in shed for a in one.attempts if a.outcome is Outcome.SKIPPED} <= {
            "provider.saturated"
        }
        assert await busy_slots(model) == 0 and model.status.restarts == 0


async def test_who_would_wait_too_long_is_sent_on_at_once_when_the_pace_is_known(slow, tmp_path):
    async with running(slow, tmp_path) as model, provider_of(model) as inner:
        await model.endpoint(seconds=30)
        service = service_of(inner)
        await service.generate_with_fallback(question(0), Context(mode=Mode.QUALITY_FIRST, seconds=60))
        pace = service.pulses()[0][1].seconds
        assert pace is not None
        waiting = [
            asyncio.create_task(
                service.generate_with_fallback(
                    question(n, 1500), Context(mode=Mode.QUALITY_FIRST, seconds=600)
                )
            )
            for n in range(40)
        ]
        await until(lambda: service.load()[inner.card.deployment][2] >= 38)
        late = await service.generate_with_fallback(
            question(99), Context(mode=Mode.QUALITY_FIRST, seconds=40 * pace)
        )
        assert late.tier is Tier.RULE_BASED
        assert sum(task.done() for task in waiting) < 20, "it did not wait for its turn to come in vain"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_agent_who_waits_goes_before_a_batch(tiny, tmp_path):
    async with running(tiny, tmp_path) as model, provider_of(model) as inner:
        await model.endpoint(seconds=30)
        service, order = service_of(inner), []

        async def ask(n: int, priority: Priority) -> None:
            await service.generate_with_fallback(
                question(n), Context(mode=Mode.QUALITY_FIRST, seconds=600, priority=priority)
            )
            order.append(priority)

        lowest = max(Priority)
        batch = [asyncio.create_task(ask(n, lowest)) for n in range(8)]
        await until(lambda: service.load()[inner.card.deployment][2] == 6)
        await ask(99, Priority.AGENT_WAITING)
        assert len(order) <= 5
        await asyncio.gather(*batch)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
async def test_a_worker_that_goes_under_load_costs_no_answer(tiny, tmp_path, how):
    patience = replace(QUICK, health_seconds=0.5)
    async with running(tiny, tmp_path, patience=patience) as model, provider_of(model) as inner:
        await model.endpoint(seconds=30)
        provider = Counting(inner)
        service, made = service_of(provider), []

        async def client(number: int) -> None:
            for n in range(12):
                one = await service.generate_with_fallback(
                    question(100 * number + n), Context(mode=Mode.QUALITY_FIRST, seconds=6)
                )
                made.append(one)

        clients = [asyncio.create_task(client(number)) for number in range(4)]
        await until(lambda: len(made) > 4)
        assert model.status.pid is not None
        psutil.Process(model.status.pid).send_signal(how)
        await asyncio.gather(*clients)
        assert len(made) == 48
        assert all(one.response for one in made) and max(provider.asked.values()) <= 2
        await until(lambda: model.status.restarts == 1)
        await until(is_state(model, State.UP))


async def test_a_model_that_cannot_be_loaded_says_why_in_health_and_the_rules_answer(tmp_path):
    (tmp_path / "m.gguf").write_text("no model")
    async with running(tmp_path / "m.gguf", tmp_path) as model, provider_of(model) as provider:
        await until(is_state(model, State.BROKEN))
        service = service_of(provider)
        ready, words = service.notices()[provider.card.deployment]
        assert not ready and "not a GGUF file" in words
        made = await service.generate_with_fallback(question(1), Context(mode=Mode.QUALITY_FIRST, seconds=5))
        assert made.tier is Tier.RULE_BASED
        assert [a.reason for a in made.attempts if a.outcome is Outcome.SKIPPED] == ["model.not_loaded"]
