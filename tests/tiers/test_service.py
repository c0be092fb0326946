import asyncio

import pytest

from ccos.domain.draft import Outcome
from ccos.domain.errors import (
    ContentFiltered,
    DatabaseUnavailable,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict, Veto
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider

PROMPT = Prompt(Task.SOLUTION_DRAFT, "system", (Turn("user", "환불은 언제 되나요?"),))
CLOUD, LOCAL, TINY, RULES = Tier


class WordGate:
    """Quality is read from the answer itself: "q0.8", with "veto:kind:remedy" for a veto."""

    def judge(self, prompt, answer, **_who):
        quality, vetoes = 0.0, []
        for word in answer.text.split():
            if word.startswith("q"):
                quality = float(word[1:])
            if word.startswith("veto:"):
                _, kind, remedy = word.split(":")
                vetoes.append(Veto(kind, f"{kind} is wrong.", remedy))
        return Verdict(quality, "words", answer.text, tuple(vetoes))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def rules(text="q0.4 rules"):
    return ScriptedProvider(RULES, [text], name="rules")


def service(*providers, budget=None, clock=None, **kwargs):
    extra = {"clock": clock} if clock else {}
    return MultiTierLLMService(
        providers, WordGate(), budget or MemoryBudget(MicroUsd(10**9)), **extra, **kwargs
    )


def reasons(generation):
    return [(a.provider, a.reason) for a in generation.attempts]


async def test_cost_first_answers_locally_and_never_calls_the_cloud():
    cloud, local = ScriptedProvider(CLOUD, ["q1 cloud"]), ScriptedProvider(LOCAL, ["q0.9 local"])
    made = await service(cloud, local, rules()).generate_with_fallback(PROMPT)
    assert (made.tier, made.response, made.accepted) == (LOCAL, "q0.9 local", True)
    assert not made.fallback_used and not made.degraded and cloud.calls == []


async def test_a_poor_local_answer_goes_up_to_the_cloud():
    cloud, local = ScriptedProvider(CLOUD, ["q1 cloud"]), ScriptedProvider(LOCAL, ["q0.2 local"])
    made = await service(cloud, local, rules()).generate_with_fallback(PROMPT)
    assert made.tier is CLOUD and made.fallback_used and not made.degraded
    assert made.reason == "tier_1 quality.low"
    assert reasons(made) == [("scripted-tier_1", "quality.low"), ("scripted-tier_0", "accepted")]


@pytest.mark.parametrize("fault", [ProviderDown(), ProviderBusy(), ProviderRefused(status=401)])
async def test_a_failing_cloud_gives_way_first_sideways_then_down(fault):
    openai = ScriptedProvider(CLOUD, [fault], name="openai")
    anthropic = ScriptedProvider(CLOUD, [fault], name="anthropic")
    local = ScriptedProvider(LOCAL, ["q0.9 local"])
    made = await service(openai, anthropic, local, rules()).generate_with_fallback(
        PROMPT, Context(mode=Mode.QUALITY_FIRST)
    )
    assert [a.provider for a in made.attempts] == ["openai", "anthropic", "scripted-tier_1"]
    assert made.tier is LOCAL and made.fallback_used and made.degraded


async def test_a_timeout_is_not_tried_again_in_the_same_tier():
    openai = ScriptedProvider(CLOUD, [ProviderTimeout()], name="openai")
    anthropic = ScriptedProvider(CLOUD, ["q1"], name="anthropic")
    made = await service(openai, anthropic, rules("q0.9")).generate_with_fallback(PROMPT)
    assert made.tier is RULES and anthropic.calls == []


async def test_when_everything_is_gone_the_rules_answer():
    gone = [ScriptedProvider(t, [ProviderDown()]) for t in (CLOUD, LOCAL, TINY)]
    made = await service(*gone, rules()).generate_with_fallback(PROMPT)
    assert made.tier is RULES and made.response == "q0.4 rules"
    assert not made.accepted and made.degraded


async def test_nothing_accepted_keeps_the_best_evaluated_answer():
    cloud = ScriptedProvider(CLOUD, ["q0.6 cloud"])
    local = ScriptedProvider(LOCAL, ["q0.65 veto:pii:stay_local local"])
    made = await service(cloud, local, rules("q0.1")).generate_with_fallback(PROMPT)
    assert (made.response, made.accepted) == ("q0.6 cloud", False)


async def test_a_form_error_gets_one_repair_that_says_what_was_wrong():
    local = ScriptedProvider(LOCAL, ["q0.9 veto:schema:repair", "q0.9 fixed"])
    made = await service(local, rules()).generate_with_fallback(PROMPT)
    assert made.accepted and made.response == "q0.9 fixed" and made.tier is LOCAL
    assert "schema is wrong." in local.calls[1].turns[-1].text


async def test_one_repair_is_all_there_is():
    local = ScriptedProvider(LOCAL, ["q0.9 veto:schema:repair"])
    made = await service(local, rules("q0.9 rules")).generate_with_fallback(PROMPT)
    assert len(local.calls) == 2 and made.tier is RULES


async def test_rules_are_not_asked_to_repair_what_they_would_say_again():
    only = rules("q0.9 veto:unsupported:repair")
    made = await service(only).generate_with_fallback(PROMPT)
    assert len(only.calls) == 1 and not made.accepted


async def test_a_local_model_may_use_a_batchs_time_and_a_remote_one_may_not():
    waits = []

    class Patient(ScriptedProvider):
        async def answer(self, prompt, *, seconds):
            waits.append((self.card.tier, round(seconds)))
            return await super().answer(prompt, seconds=seconds)

    chain = service(Patient(CLOUD, ["q0.1"]), Patient(LOCAL, ["q0.1"]), rules())
    await chain.generate_with_fallback(PROMPT, Context(mode=Mode.QUALITY_FIRST, seconds=600))
    assert waits == [(CLOUD, 30), (LOCAL, 600)]


async def test_missing_evidence_never_goes_up_to_a_bigger_model():
    cloud = ScriptedProvider(CLOUD, ["q1"])
    local = ScriptedProvider(LOCAL, ["q0.9 veto:no_evidence:search_again"])
    made = await service(cloud, local, rules("q0.9 ask")).generate_with_fallback(PROMPT)
    assert made.tier is RULES and cloud.calls == []


async def test_retries_bound_the_model_calls_and_zero_means_rules():
    cloud, local = ScriptedProvider(CLOUD, ["q0.1"]), ScriptedProvider(LOCAL, ["q0.1"])
    chain = service(cloud, local, rules())
    made = await chain.generate_with_fallback(PROMPT, max_retries=1)
    assert len(cloud.calls) + len(local.calls) == 1 and made.attempts[-1].provider == "rules"
    assert (await chain.generate_with_fallback(PROMPT, max_retries=0)).tier is RULES


async def test_a_resident_number_keeps_the_task_on_this_machine():
    cloud, local = ScriptedProvider(CLOUD, ["q1"]), ScriptedProvider(LOCAL, ["q0.1"])
    made = await service(cloud, local, rules()).generate_with_fallback(PROMPT, Context(pii="local_only"))
    assert cloud.calls == [] and ("scripted-tier_0", "pii.local_only") in reasons(made)
    assert not made.degraded, "privacy is a rule, not an outage"


async def test_outage_mode_stays_local_and_does_not_lower_the_bar():
    cloud, local = ScriptedProvider(CLOUD, ["q1"]), ScriptedProvider(LOCAL, ["q0.6"])
    made = await service(cloud, local, rules("q0.2")).generate_with_fallback(
        PROMPT, Context(mode=Mode.OUTAGE)
    )
    assert cloud.calls == [] and made.tier is LOCAL
    assert not made.accepted and made.degraded


async def test_the_breaker_opens_and_lets_one_probe_through_after_its_rest():
    clock = Clock()
    cloud = ScriptedProvider(CLOUD, [ProviderDown()])
    chain = service(cloud, rules("q0.9"), clock=clock)
    for _ in range(5):
        await chain.generate_with_fallback(PROMPT)
    made = await chain.generate_with_fallback(PROMPT)
    assert len(cloud.calls) == 5 and ("scripted-tier_0", "breaker.open") in reasons(made)
    assert made.degraded
    clock.now = 30.0
    await asyncio.gather(*(chain.generate_with_fallback(PROMPT) for _ in range(20)))
    assert len(cloud.calls) == 6


async def test_a_refused_key_disables_the_provider_and_is_not_asked_again():
    cloud = ScriptedProvider(CLOUD, [ProviderRefused(status=401)])
    chain = service(cloud, rules("q0.9"))
    await chain.generate_with_fallback(PROMPT)
    made = await chain.generate_with_fallback(PROMPT)
    assert len(cloud.calls) == 1 and ("scripted-tier_0", "key.refused") in reasons(made)


async def test_a_hung_provider_is_left_in_time_for_the_tiers_below():
    cloud = ScriptedProvider(CLOUD, ["q0.9", 60.0])
    chain = service(cloud, rules("q0.9"))
    assert (await chain.generate_with_fallback(PROMPT)).tier is CLOUD
    made = await chain.generate_with_fallback(PROMPT, Context(seconds=0.6))
    assert made.tier is RULES and made.latency < 5
    assert reasons(made)[0] == ("scripted-tier_0", "provider.timeout")


async def test_a_spent_budget_means_lower_tiers_never_an_error():
    cloud = ScriptedProvider(CLOUD, ["q1"], cost=MicroUsd(600))
    chain = service(cloud, rules("q0.9"), budget=MemoryBudget(MicroUsd(1_000)))
    first, second = [await chain.generate_with_fallback(PROMPT) for _ in range(2)]
    assert first.tier is CLOUD and first.cost == 0.0006
    assert second.tier is RULES and ("scripted-tier_0", "budget.exhausted") in reasons(second)
    assert second.degraded


FREE_FAULTS = [
    ProviderBusy(),
    ProviderRefused(status=400),
    ProviderDown(status=503, cause="upstream_error"),
    ProviderDown(cause="connect"),
    ProviderDown(cause="dns"),
    ProviderTimeout(phase="connect"),
]
DEAR_FAULTS = [
    ProviderDown(cause="truncated"),
    ProviderDown(cause="reset"),
    ProviderTimeout(phase="stall"),
    ProviderTimeout(phase="first_token"),
    ProviderTimeout(),
    ContentFiltered(),
]


@pytest.mark.parametrize("fault", FREE_FAULTS, ids=lambda f: f"{f.code} {f.facts}")
async def test_a_call_the_provider_never_worked_on_costs_nothing(fault):
    budget = MemoryBudget(MicroUsd(1_000))
    failing = ScriptedProvider(CLOUD, [fault], cost=MicroUsd(1_000))
    made = await service(failing, rules(), budget=budget).generate_with_fallback(PROMPT)
    assert (budget.spent, made.cost) == (0, 0)
    assert await budget.reserve(None, MicroUsd(1_000)) is not None


@pytest.mark.parametrize("fault", DEAR_FAULTS, ids=lambda f: f"{f.code} {f.facts}")
async def test_a_failed_call_that_may_be_billed_is_charged_with_what_was_held(fault):
    budget = MemoryBudget(MicroUsd(1_500))
    failing = ScriptedProvider(CLOUD, [fault], cost=MicroUsd(1_000))
    made = await service(failing, rules(), budget=budget).generate_with_fallback(PROMPT)
    assert budget.spent == 1_000 and made.cost == made.attempts[0].cost_usd == 0.001
    assert await budget.reserve(None, MicroUsd(1_000)) is None, "the day's limit does not leak"


async def test_a_cancelled_call_is_cancelled_upstream_charged_and_holds_nothing():
    budget = MemoryBudget(MicroUsd(1_500))
    hanging = ScriptedProvider(CLOUD, [60.0], cost=MicroUsd(1_000))
    task = asyncio.create_task(service(hanging, rules(), budget=budget).generate_with_fallback(PROMPT))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hanging.cancelled == 1 and budget.spent == 1_000
    assert await budget.reserve(None, MicroUsd(500)) is not None


async def test_of_many_tasks_at_half_open_one_goes_through_even_when_money_is_waited_for():
    class Slow(MemoryBudget):
        async def reserve(self, tenant_id, amount):
            await asyncio.sleep(0.01)
            return await super().reserve(tenant_id, amount)

    clock, budget = Clock(), Slow(MicroUsd(10**9))
    cloud = ScriptedProvider(CLOUD, [ProviderDown(cause="connect")], cost=MicroUsd(10))
    chain = service(cloud, rules("q0.9"), clock=clock, budget=budget)
    for _ in range(5):
        await chain.generate_with_fallback(PROMPT)
    clock.now = 30.0
    await asyncio.gather(*(chain.generate_with_fallback(PROMPT) for _ in range(20)))
    assert len(cloud.calls) == 6
    assert await budget.reserve(None, MicroUsd(10**9 - budget.spent)) is not None, "no hold was left behind"


async def test_a_breaker_that_opened_while_a_lower_tier_worked_holds_the_cloud_back():
    entered = asyncio.Event()

    class Waiting(ScriptedProvider):
        async def answer(self, prompt, *, seconds):
            await entered.wait()
            return await super().answer(prompt, seconds=seconds)

    cloud = ScriptedProvider(CLOUD, [ProviderDown()])
    chain = service(cloud, Waiting(LOCAL, ["q0.1"]), rules("q0.9"))
    tasks = [asyncio.create_task(chain.generate_with_fallback(PROMPT)) for _ in range(20)]
    await asyncio.sleep(0.01)
    for _ in range(5):
        await chain.generate_with_fallback(PROMPT, Context(mode=Mode.QUALITY_FIRST), max_retries=1)
    entered.set()
    await asyncio.gather(*tasks)
    assert len(cloud.calls) == 5


async def test_a_provider_that_asks_to_slow_down_is_left_alone_for_as_long_as_it_says():
    clock = Clock()
    cloud = ScriptedProvider(CLOUD, [ProviderBusy(retry_after_seconds=7), "q0.9"])
    chain = service(cloud, rules("q0.9"), clock=clock)
    await chain.generate_with_fallback(PROMPT)
    made = await chain.generate_with_fallback(PROMPT)
    assert len(cloud.calls) == 1 and ("scripted-tier_0", "provider.busy") in reasons(made) and made.degraded
    clock.now = 7.0
    assert (await chain.generate_with_fallback(PROMPT)).tier is CLOUD


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("retries", [0, 1, 2, 3])
async def test_no_plan_in_an_outage_ends_in_an_error(mode, retries):
    cloud = ScriptedProvider(CLOUD, [ProviderRefused(status=401)])
    local, tiny = ScriptedProvider(LOCAL, ["q0.9"]), ScriptedProvider(TINY, ["q0.9"])
    for one_tier in (False, True):
        chain = service(cloud, local, tiny, rules(), one_tier=one_tier)
        await chain.generate_with_fallback(PROMPT, Context(mode=Mode.QUALITY_FIRST))
        made = await chain.generate_with_fallback(PROMPT, Context(mode=mode), max_retries=retries)
        assert made.response
        assert made.degraded or mode in (Mode.COST_FIRST, Mode.LATENCY_FIRST) or retries == 0


async def test_waiting_for_the_ledger_counts_against_the_deadline():
    class Stuck(MemoryBudget):
        async def reserve(self, tenant_id, amount):
            await asyncio.sleep(60 if self.spent else 0)
            return await super().reserve(tenant_id, amount)

    cloud = ScriptedProvider(CLOUD, ["q0.9"], cost=MicroUsd(5))
    chain = service(cloud, rules("q0.9"), budget=Stuck(MicroUsd(100)))
    assert (await chain.generate_with_fallback(PROMPT)).tier is CLOUD
    made = await chain.generate_with_fallback(PROMPT, Context(seconds=0.8))
    assert made.tier is RULES and made.latency < 5
    assert ("scripted-tier_0", "budget.unavailable") in reasons(made)


async def test_without_its_ledger_a_paid_tier_is_not_called():
    class Gone(MemoryBudget):
        async def reserve(self, tenant_id, amount):
            raise DatabaseUnavailable

    cloud = ScriptedProvider(CLOUD, ["q1"], cost=MicroUsd(5))
    made = await service(cloud, rules("q0.9"), budget=Gone(MicroUsd(100))).generate_with_fallback(PROMPT)
    assert made.tier is RULES and cloud.calls == []
    assert ("scripted-tier_0", "budget.unavailable") in reasons(made)


async def test_every_attempt_is_recorded_with_what_it_cost():
    cloud = ScriptedProvider(CLOUD, ["q0.1"], cost=MicroUsd(250))
    made = await service(cloud, rules("q0.9")).generate_with_fallback(PROMPT)
    refused, accepted = made.attempts
    assert (refused.outcome, refused.cost_usd, refused.tokens_in, refused.quality) == (
        Outcome.REFUSED_BY_GATE, 0.00025, 100, 0.1,
    )  # fmt: skip
    assert accepted.outcome is Outcome.ACCEPTED and made.cost == 0.00025, "refused attempts are paid too"


def test_a_chain_without_rules_is_refused_at_once():
    with pytest.raises(ValueError, match="rule tier"):
        service(ScriptedProvider(CLOUD, ["q1"]))
