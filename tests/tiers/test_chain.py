"""How a chain moves: quick retries, waits, races, early words, crowds, and what each call leaves in the books."""

import asyncio
import random
from dataclasses import replace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from ccos.domain.draft import Outcome
from ccos.domain.errors import (
    Conflict,
    ContentFiltered,
    ContextTooLong,
    DatabaseUnavailable,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.money import Level, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict, Veto
from ccos.tiers.board import Board
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.cache import AnswerCache
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context, Priority
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider

PROMPT = Prompt(Task.SOLUTION_DRAFT, "system", (Turn("user", "환불은 언제 되나요?"),))
CLOUD, LOCAL, TINY, RULES = Tier
STUMBLE = ProviderDown(status=500)


class LengthGate:
    """Accepts what begins with "good"."""

    def judge(self, prompt, answer, **_who):
        return Verdict(0.9 if answer.text.startswith("good") else 0.1, "length", answer.text)


class Books:
    def __init__(self):
        self.entries = []

    def note(self, entry):
        self.entries.append(entry)


class Paced:
    """Answers after a while, piece by piece; `gone` counts cancelled calls."""

    def __init__(self, tier, *, seconds, pieces=("good answer",), fails=None, slots=None, paid=False):
        self.card = ProviderCard(tier, f"paced-{tier.value}", "m", paid, tier is CLOUD, 100_000, slots=slots)
        self.seconds, self.pieces, self.fails = seconds, pieces, fails
        self.calls = self.at_once = self.most_at_once = self.gone = 0

    async def answer(self, prompt, *, seconds, hear=None):
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            for piece in self.pieces:
                if hear is not None:
                    hear(piece)
            if self.fails is not None:
                raise self.fails
            return Answer(
                "".join(self.pieces), self.card.name, "m", cost=MicroUsd(7 if self.card.paid else 0)
            )
        except asyncio.CancelledError:
            self.gone += 1
            raise
        finally:
            self.at_once -= 1

    async def alive(self, *, seconds):
        return True

    def estimate(self, prompt):
        return MicroUsd(20 if self.card.paid else 0)


def rules():
    return ScriptedProvider(RULES, ["rules"], name="rules")


def chain(*providers, budget=None, **kwargs):
    budget = budget or MemoryBudget(MicroUsd(10**9))
    return MultiTierLLMService(providers, LengthGate(), budget, dice=random.Random(1), **kwargs)


def told(made):
    return [(a.provider, a.outcome.value, a.reason) for a in made.attempts]


QUALITY = Context(mode=Mode.QUALITY_FIRST)


# --- the same provider again, sideways, down ---


@pytest.mark.parametrize(
    "stumble",
    [
        ProviderDown(status=500),
        ProviderDown(status=502),
        ProviderDown(status=503),
        ProviderDown(cause="reset"),
    ],
)
async def test_a_stumble_is_tried_once_more_at_the_same_provider(stumble):
    cloud = ScriptedProvider(CLOUD, [stumble, "good"], name="openai")
    made = await chain(cloud, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert told(made) == [("openai", "failed", "provider.down"), ("openai", "accepted", "accepted")]
    assert made.tier is CLOUD and not made.degraded


async def test_a_second_stumble_goes_sideways_and_then_down():
    openai = ScriptedProvider(CLOUD, [STUMBLE], name="openai")
    anthropic = ScriptedProvider(CLOUD, [STUMBLE], name="anthropic")
    local = ScriptedProvider(LOCAL, ["good"], name="minimax")
    made = await chain(openai, anthropic, local, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert [a.provider for a in made.attempts] == ["openai", "openai", "anthropic", "anthropic", "minimax"]
    assert made.tier is LOCAL and made.degraded


@pytest.mark.parametrize(
    "fault",
    [
        ProviderDown(status=500, begun=True),
        ProviderDown(cause="truncated"),
        ProviderDown(cause="dns"),
        ProviderDown(status=529),
        ProviderDown(cause="empty"),
    ],
)
async def test_what_had_begun_or_will_not_pass_is_not_tried_again(fault):
    openai = ScriptedProvider(CLOUD, [fault], name="openai")
    anthropic = ScriptedProvider(CLOUD, ["good"], name="anthropic")
    made = await chain(openai, anthropic, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert [a.provider for a in made.attempts] == ["openai", "anthropic"]


@pytest.mark.parametrize(
    "fault", [ContextTooLong(status=400), ContentFiltered(), ProviderRefused(status=400)]
)
async def test_what_the_text_itself_caused_is_not_sent_to_another_cloud(fault):
    openai = ScriptedProvider(CLOUD, [fault], name="openai")
    anthropic = ScriptedProvider(CLOUD, ["good"], name="anthropic")
    local = ScriptedProvider(LOCAL, ["good"], name="minimax")
    made = await chain(openai, anthropic, local, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert [a.provider for a in made.attempts] == ["openai", "minimax"]
    assert anthropic.calls == [] and made.reason == f"tier_0 {fault.code}"


async def test_of_a_thousand_failing_calls_few_are_tried_again():
    cloud = ScriptedProvider(CLOUD, [ProviderRefused(status=400)] * 3 + [STUMBLE], name="openai")

    class NeverOpens(Board):
        def note(self, deployment, change):
            pass

    board = NeverOpens([cloud.card.deployment, rules().card.deployment])
    service = chain(cloud, rules(), board=board)
    await asyncio.gather(*(service.generate_with_fallback(PROMPT, QUALITY) for _ in range(300)))
    assert 300 <= len(cloud.calls) <= 300 * 1.1 + 10


async def test_a_short_retry_after_is_waited_for_and_a_long_one_is_not():
    cloud = ScriptedProvider(CLOUD, [ProviderBusy(retry_after_seconds=0.2), "good"], name="openai")
    made = await chain(cloud, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert made.tier is CLOUD and made.latency >= 0.2
    assert told(made)[0] == ("openai", "failed", "provider.busy")

    slow = ScriptedProvider(CLOUD, [ProviderBusy(retry_after_seconds=30), "good"], name="openai")
    made = await chain(slow, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert made.tier is RULES and len(slow.calls) == 1 and made.degraded

    silent = ScriptedProvider(CLOUD, [ProviderBusy(), "good"], name="openai")
    assert (await chain(silent, rules()).generate_with_fallback(PROMPT, QUALITY)).tier is RULES


async def test_those_who_come_while_it_rests_wait_for_the_named_moment_too():
    cloud = ScriptedProvider(CLOUD, [ProviderBusy(retry_after_seconds=0.5), "good"], name="openai")
    service = chain(cloud, rules())

    async def later(seconds):
        await asyncio.sleep(seconds)
        return await service.generate_with_fallback(PROMPT, QUALITY)

    made = await asyncio.gather(*(later(0.05 * n) for n in range(6)))
    assert [m.tier for m in made] == [CLOUD] * 6 and len(cloud.calls) == 7


async def test_a_rate_limit_goes_to_the_other_provider_of_the_tier_before_anyone_waits():
    openai = ScriptedProvider(CLOUD, [ProviderBusy(retry_after_seconds=0.2), "good"], name="openai")
    anthropic = ScriptedProvider(CLOUD, ["good"], name="anthropic")
    made = await chain(openai, anthropic, rules()).generate_with_fallback(PROMPT, QUALITY)
    assert made.provider == "anthropic" and len(openai.calls) == 1


# --- one tier, and means ---


async def test_one_tier_can_be_asked_for_and_the_rules_still_stand_behind_it():
    cloud, local = ScriptedProvider(CLOUD, ["good"]), ScriptedProvider(LOCAL, [ProviderDown(cause="dns")])
    made = await chain(cloud, local, rules()).generate_with_fallback(PROMPT, Context(only=LOCAL))
    assert made.tier is RULES and cloud.calls == [] and not made.degraded
    assert ("scripted-tier_0", "skipped", "tier.not_asked") in told(made)


class Rich(MemoryBudget):
    def __init__(self, level):
        super().__init__(MicroUsd(10**9))
        self.now = level

    def level(self, tenant_id):
        return self.now


async def test_with_most_of_the_money_gone_quality_first_turns_to_cost_first():
    cloud, local = ScriptedProvider(CLOUD, ["good"], cost=MicroUsd(9_000)), ScriptedProvider(LOCAL, ["good"])
    budget = Rich(Level.WARNING)
    service = chain(cloud, local, rules(), budget=budget)
    assert (await service.generate_with_fallback(PROMPT, QUALITY)).tier is CLOUD
    budget.now = Level.COST_FIRST
    made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert made.tier is LOCAL and not made.degraded


async def test_with_all_of_it_gone_paid_tiers_are_left_out_of_the_plan():
    cloud, local = ScriptedProvider(CLOUD, ["good"], cost=MicroUsd(9)), ScriptedProvider(LOCAL, ["bad"])
    made = await chain(cloud, local, rules(), budget=Rich(Level.EXHAUSTED)).generate_with_fallback(
        PROMPT, QUALITY
    )
    assert cloud.calls == [] and made.tier in (LOCAL, RULES)
    assert ("scripted-tier_0", "skipped", "budget.exhausted") in told(made)


async def test_a_high_limit_on_the_answer_keeps_no_small_model_from_a_short_question():
    local = ScriptedProvider(LOCAL, ["good"], context_tokens=8_192)
    asked = replace(PROMPT, max_tokens=8_192)
    assert (await chain(local, rules()).generate_with_fallback(asked)).tier is LOCAL
    long = replace(asked, turns=(Turn("user", "가" * 10_000),))
    assert (await chain(local, rules()).generate_with_fallback(long)).tier is RULES


# --- crowds ---


async def test_a_model_with_two_slots_never_gets_a_third_call_and_the_crowd_is_sent_on():
    local = Paced(LOCAL, seconds=0.1, slots=2)
    service = chain(local, rules())
    context = Context(seconds=8.0)
    made = await asyncio.gather(*(service.generate_with_fallback(PROMPT, context) for _ in range(100)))
    assert local.most_at_once == 2
    tiers = [m.tier for m in made]
    assert tiers.count(LOCAL) >= 2 and tiers.count(RULES) >= 1
    shed = [m for m in made if m.tier is RULES]
    assert all(told(m)[0][1:] == ("skipped", "provider.saturated") for m in shed)
    assert service.load()[local.card.deployment] == (0, 2, 0)


async def test_who_waits_for_an_agent_goes_before_batch_work():
    local = Paced(LOCAL, seconds=0.05, slots=1)
    service, order = chain(local, rules()), []

    async def ask(name, priority):
        await service.generate_with_fallback(PROMPT, Context(seconds=20.0, priority=priority))
        order.append(name)

    first = asyncio.create_task(ask("first", Priority.BATCH))
    await asyncio.sleep(0.01)
    batch = asyncio.create_task(ask("batch", Priority.BATCH))
    await asyncio.sleep(0.01)
    agent = asyncio.create_task(ask("agent", Priority.AGENT_WAITING))
    await asyncio.gather(first, batch, agent)
    assert order == ["first", "agent", "batch"]


async def test_a_request_that_is_cancelled_frees_its_slot_and_its_money_at_once():
    cloud, books = Paced(CLOUD, seconds=60, paid=True, slots=1), Books()
    budget = MemoryBudget(MicroUsd(100))
    service = chain(cloud, rules(), budget=budget, ledger=books)
    task = asyncio.create_task(service.generate_with_fallback(PROMPT, QUALITY))
    await asyncio.sleep(0.05)
    assert service.load()[cloud.card.deployment][0] == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cloud.gone == 1 and service.load()[cloud.card.deployment][0] == 0
    assert budget.spent == 20  # what may be on the bill counts as spent
    (entry,) = books.entries
    assert (entry.outcome, entry.spent) == (Outcome.CANCELLED, 20)


# --- two tiers at once ---

LATENCY = Context(mode=Mode.LATENCY_FIRST, seconds=8.0)


def expecting(seconds):
    """A board on which the cloud has answered often, always after so many seconds."""

    def filled(*cards):
        board = Board(card.deployment for card in cards)
        for _ in range(10):
            board.note(cards[0].deployment, lambda p: p.after_success(seconds, 0.0, at=0.0, admitted_at=0.0))
        return board

    return filled


async def test_a_cloud_slower_than_its_own_p95_is_raced_by_the_local_model_and_cancelled():
    cloud, local, third = Paced(CLOUD, seconds=60, paid=True), Paced(LOCAL, seconds=0.01, slots=2), rules()
    board, books = expecting(0.1)(cloud.card, local.card, third.card), Books()
    budget = MemoryBudget(MicroUsd(1000))
    made = await chain(cloud, local, third, board=board, budget=budget, ledger=books).generate_with_fallback(
        PROMPT, LATENCY
    )
    assert made.tier is LOCAL and made.latency < 5 and not made.degraded
    assert (cloud.calls, cloud.gone) == (1, 1)
    assert ("paced-tier_0", "cancelled", "cancelled") in told(made)
    assert budget.spent == made.spent == 20
    assert sorted(e.spent for e in books.entries) == [0, 20]


async def test_a_cloud_in_time_is_not_raced():
    cloud, local, third = Paced(CLOUD, seconds=0.01), Paced(LOCAL, seconds=0.01, slots=2), rules()
    board = expecting(2.0)(cloud.card, local.card, third.card)
    made = await chain(cloud, local, third, board=board).generate_with_fallback(PROMPT, LATENCY)
    assert made.tier is CLOUD and local.calls == 0


async def test_when_the_rival_is_refused_the_cloud_may_still_win():
    cloud = Paced(CLOUD, seconds=0.5)
    local, third = Paced(LOCAL, seconds=0.01, pieces=("bad",), slots=2), rules()
    board = expecting(0.1)(cloud.card, local.card, third.card)
    made = await chain(cloud, local, third, board=board).generate_with_fallback(PROMPT, LATENCY)
    assert made.tier is CLOUD and local.calls == 1 and not made.fallback_used


async def test_a_busy_local_model_is_not_asked_as_a_rival():
    cloud, local, third = Paced(CLOUD, seconds=0.4), Paced(LOCAL, seconds=1.0, slots=1), rules()
    board = expecting(0.1)(cloud.card, local.card, third.card)
    service = chain(cloud, local, third, board=board)
    busy = asyncio.create_task(service.generate_with_fallback(PROMPT, Context(only=LOCAL)))
    await asyncio.sleep(0.05)
    made = await service.generate_with_fallback(PROMPT, LATENCY)
    assert made.tier is CLOUD and local.calls == 1
    await busy


# --- words before they are judged ---


def relayed(**kwargs):
    heard = []
    return heard, Context(mode=Mode.QUALITY_FIRST, relay=Relay(heard.append, **kwargs))


async def test_words_are_passed_on_once_enough_of_them_are_there():
    cloud = Paced(CLOUD, seconds=0.0, pieces=("good ", "morning, ", "dear customer of ours"))
    heard, context = relayed(hold_characters=10)
    made = await chain(cloud, rules()).generate_with_fallback(PROMPT, context)
    assert "".join(heard) == made.response == "good morning, dear customer of ours"
    assert heard[0] == "good morning, " and made.accepted and not made.cut


async def test_an_upstream_that_dies_before_that_costs_the_listener_nothing():
    dying = Paced(CLOUD, seconds=0.0, pieces=("go",), fails=ProviderDown(cause="truncated", begun=True))
    local = Paced(LOCAL, seconds=0.0, pieces=("good from here",))
    heard, context = relayed(hold_characters=10)
    made = await chain(dying, local, rules()).generate_with_fallback(PROMPT, context)
    assert "".join(heard) == "good from here" and made.tier is LOCAL


async def test_an_upstream_that_dies_after_it_ends_in_a_cut_and_no_other_voice():
    dying = Paced(CLOUD, seconds=0.0, pieces=("good so far, and",), fails=ProviderDown(cause="truncated"))
    local = Paced(LOCAL, seconds=0.0)
    heard, context = relayed(hold_characters=10)
    made = await chain(dying, local, rules()).generate_with_fallback(PROMPT, context)
    assert made.cut and not made.accepted and made.response == "".join(heard) == "good so far, and"
    assert local.calls == 0 and made.reason == "tier_0 provider.down"


async def test_an_answer_that_was_heard_and_refused_is_the_answer_and_says_so():
    cloud = Paced(CLOUD, seconds=0.0, pieces=("bad from the beginning",))
    local = Paced(LOCAL, seconds=0.0)
    heard, context = relayed(hold_characters=10)
    made = await chain(cloud, local, rules()).generate_with_fallback(PROMPT, context)
    assert not made.accepted and not made.cut and local.calls == 0
    assert made.response == "".join(heard) == "bad from the beginning"


async def test_a_short_answer_is_heard_at_the_end():
    heard, context = relayed()
    made = await chain(rules()).generate_with_fallback(PROMPT, context)
    assert heard == [made.response] == ["rules"]


# --- the books ---


async def test_every_call_is_in_the_books_and_the_used_one_with_its_premium_price():
    openai = ScriptedProvider(CLOUD, [ProviderDown(cause="truncated")], name="openai", cost=MicroUsd(30))
    anthropic = ScriptedProvider(CLOUD, ["good"], name="anthropic", cost=MicroUsd(40))
    books = Books()
    service = chain(
        openai, anthropic, rules(), ledger=books, premium=lambda prompt, text: MicroUsd(len(text))
    )
    made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert [(e.provider, e.outcome.value, e.spent, e.premium) for e in books.entries] == [
        ("openai", "failed", 30, 0),
        ("anthropic", "accepted", 40, 4),
    ]
    assert made.spent == 70 == sum(e.spent for e in books.entries)


# --- one probe, of all processes ---


class Elsewhere(Board):
    """Another process sends the probe."""

    async def claim_probe(self, deployment, *, seconds):
        return False


async def test_a_probe_that_another_process_sends_is_not_sent_here():
    now = [0.0]
    cloud = ScriptedProvider(CLOUD, [ProviderDown(cause="dns")], name="openai", cost=MicroUsd(30))
    board, budget = Elsewhere([cloud.card.deployment, rules().card.deployment]), MemoryBudget(MicroUsd(1000))
    service = chain(cloud, rules(), board=board, budget=budget, clock=lambda: now[0])
    for _ in range(5):
        await service.generate_with_fallback(PROMPT, QUALITY)
    assert len(cloud.calls) == 5
    now[0] = 100.0
    made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert len(cloud.calls) == 5 and told(made)[0] == ("openai", "skipped", "breaker.open")
    assert budget.spent == 0 and budget.level(None) is Level.OK


# --- the same question again ---

TENANT = UUID(int=7)
ASKING = Context(tenant_id=TENANT, mode=Mode.QUALITY_FIRST)


def remembering(*providers, **kwargs):
    return chain(*providers, cache=AnswerCache(), **kwargs)


async def test_the_same_question_is_paid_for_once_and_the_answer_says_that_it_was_kept():
    cloud, books = ScriptedProvider(CLOUD, ["good"], cost=MicroUsd(40)), Books()
    budget = MemoryBudget(MicroUsd(1000))
    service = remembering(cloud, rules(), ledger=books, budget=budget, premium=lambda p, t: MicroUsd(9))
    first = await service.generate_with_fallback(PROMPT, ASKING)
    again = await service.generate_with_fallback(PROMPT, ASKING)
    assert (first.cached, again.cached, again.response, again.spent) == (False, True, "good", 0)
    assert again.tier is CLOUD and again.attempts[0].cached and again.attempts[0].cost_usd == 0
    assert len(cloud.calls) == 1 and budget.spent == 40
    assert [(e.cached, e.spent, e.premium) for e in books.entries] == [(False, 40, 9), (True, 0, 9)]


async def test_equal_questions_at_the_same_moment_share_one_call():
    cloud = Paced(CLOUD, seconds=0.1, paid=True)
    service = remembering(cloud, rules())
    made = await asyncio.gather(*(service.generate_with_fallback(PROMPT, ASKING) for _ in range(20)))
    assert cloud.calls == 1 and sum(m.cached for m in made) == 19
    assert sum(m.spent for m in made) == 7


async def test_another_tenant_a_refused_answer_and_a_caller_who_wants_a_new_one_share_nothing():
    cloud = ScriptedProvider(CLOUD, ["good", "good", "good", "bad"])
    service = remembering(cloud, rules())
    await service.generate_with_fallback(PROMPT, ASKING)
    await service.generate_with_fallback(PROMPT, replace(ASKING, tenant_id=UUID(int=8)))
    assert len(cloud.calls) == 2
    await service.generate_with_fallback(PROMPT, replace(ASKING, cache="refresh"))
    assert len(cloud.calls) == 3
    other = replace(PROMPT, turns=(Turn("user", "환불은 안 되나요?"),))
    for _ in range(2):
        assert not (await service.generate_with_fallback(other, ASKING)).accepted
    assert len(cloud.calls) == 5


async def test_when_the_leader_is_cancelled_another_takes_over_and_all_are_answered():
    cloud = Paced(CLOUD, seconds=0.3)
    service = remembering(cloud, rules())
    tasks = [asyncio.create_task(service.generate_with_fallback(PROMPT, ASKING)) for _ in range(5)]
    await asyncio.sleep(0.05)
    tasks[0].cancel()
    made = await asyncio.gather(*tasks[1:])
    assert all(m.tier is CLOUD and m.accepted for m in made) and cloud.calls == 2


async def test_while_the_cloud_is_away_its_own_earlier_answer_is_better_than_another_tiers():
    cloud = ScriptedProvider(CLOUD, ["good", ProviderDown(cause="dns")], name="openai")
    service = remembering(cloud, rules())
    await service.generate_with_fallback(PROMPT, ASKING)
    other = replace(PROMPT, turns=(Turn("user", "배송은 언제 되나요?"),))
    for _ in range(5):
        assert (await service.generate_with_fallback(other, ASKING)).degraded
    made = await service.generate_with_fallback(PROMPT, ASKING)
    assert made.tier is CLOUD and made.cached and made.accepted and not made.degraded
    assert told(made)[0] == ("openai", "skipped", "breaker.open")
    anew = await service.generate_with_fallback(PROMPT, replace(ASKING, cache="refresh"))
    assert anew.tier is RULES
    forbidden = await service.generate_with_fallback(PROMPT, replace(ASKING, cloud_allowed=False))
    assert forbidden.tier is RULES and not forbidden.cached


# --- parts that break their promises ---


class Breaking(Paced):
    def __init__(self, tier, fault, **kwargs):
        super().__init__(tier, seconds=0.0, **kwargs)
        self.fault = fault

    async def answer(self, prompt, *, seconds, hear=None):
        self.calls += 1
        raise self.fault

    async def alive(self, *, seconds):
        raise self.fault


async def test_a_provider_that_breaks_is_out_of_order_and_the_chain_goes_on():
    cloud, books = Breaking(CLOUD, RuntimeError("Session is closed"), paid=True), Books()
    budget = MemoryBudget(MicroUsd(1000))
    service = chain(cloud, rules(), budget=budget, ledger=books)
    made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert told(made)[0] == ("paced-tier_0", "failed", "provider.down") and made.tier is RULES
    assert budget.spent == made.spent == books.entries[0].spent == 20
    for _ in range(4):
        await service.generate_with_fallback(PROMPT, QUALITY)
    made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert told(made)[0] == ("paced-tier_0", "skipped", "breaker.open")


async def test_a_provider_that_breaks_its_probe_is_unreachable_and_the_others_are_probed():
    cloud, local = Breaking(CLOUD, RuntimeError("no")), Paced(LOCAL, seconds=0.0)
    service = chain(cloud, local, rules())
    await service.probe()
    assert [pulse.reachable for _, pulse in service.pulses()] == [False, True, True]


async def test_books_that_fail_in_an_unforeseen_way_cost_the_paid_tier_and_not_the_answer():
    class Torn(MemoryBudget):
        async def reserve(self, tenant_id, amount):
            raise Conflict

    cloud = ScriptedProvider(CLOUD, ["good"], cost=MicroUsd(9))
    made = await chain(cloud, rules(), budget=Torn(MicroUsd(100))).generate_with_fallback(PROMPT, QUALITY)
    assert told(made)[0] == ("scripted-tier_0", "skipped", "budget.unavailable") and cloud.calls == []


async def test_an_outage_of_the_cloud_or_the_books_is_no_flood_of_lines():
    class Away(MemoryBudget):
        async def reserve(self, tenant_id, amount):
            raise DatabaseUnavailable

    down = chain(
        ScriptedProvider(CLOUD, [ProviderTimeout()] * 4), rules(), budget=MemoryBudget(MicroUsd(100))
    )
    away = chain(ScriptedProvider(CLOUD, ["good"]), rules(), budget=Away(MicroUsd(100)))
    with capture_logs() as logs:
        for _ in range(4):
            await down.generate_with_fallback(PROMPT, QUALITY)
            await away.generate_with_fallback(PROMPT, QUALITY)
    loud = [(line["event"], line["reason"]) for line in logs if line["log_level"] != "debug"]
    assert loud == [("attempt.failed", "provider.timeout")]


async def test_a_gate_that_breaks_leaves_an_answer_nobody_accepted():
    class Torn:
        def judge(self, prompt, answer, **_who):
            raise ZeroDivisionError

    service = MultiTierLLMService([rules()], Torn(), MemoryBudget(MicroUsd(1)))
    made = await service.generate_with_fallback(PROMPT)
    assert (made.response, made.accepted) == ("rules", False)
    assert told(made) == [("rules", "refused_by_gate", "veto.unjudged")]


async def test_a_text_no_model_can_read_is_still_answered_by_the_rules():
    cloud = ScriptedProvider(CLOUD, ["good"])
    endless = replace(PROMPT, turns=(Turn("user", "가" * 1_300_000),))
    made = await chain(cloud, rules()).generate_with_fallback(endless, QUALITY)
    assert made.tier is RULES and told(made)[0] == ("scripted-tier_0", "skipped", "context.too_long")


# --- what each leg of a race may do, and what it comes to ---


class FormGate(LengthGate):
    """Also finds fault with the form of what begins with "form", and misses evidence in "thin"."""

    def judge(self, prompt, answer, **_who):
        if answer.text.startswith("form"):
            return Verdict(0.9, "form", answer.text, (Veto("schema", "It is no JSON.", "repair"),))
        if answer.text.startswith("thin"):
            return Verdict(
                0.9, "form", answer.text, (Veto("no_evidence", "Nothing says so.", "ask_customer"),)
            )
        return super().judge(prompt, answer)


def racing(*providers, seconds=0.1, **kwargs):
    board = expecting(seconds)(*(p.card for p in providers))
    budget = MemoryBudget(MicroUsd(10**9))
    return MultiTierLLMService(providers, FormGate(), budget, board=board, dice=random.Random(1), **kwargs)


async def test_each_leg_of_a_race_may_repair_its_own_form():
    cloud = Paced(CLOUD, seconds=0.3, pieces=("form",))
    local = ScriptedProvider(LOCAL, ["form", "good"], name="minimax")
    made = await racing(cloud, local, rules()).generate_with_fallback(PROMPT, LATENCY)
    assert made.accepted and made.provider == "minimax" and len(local.calls) == 2


async def test_evidence_that_is_missing_in_one_leg_ends_the_race():
    cloud = Paced(CLOUD, seconds=0.6)
    local = Paced(LOCAL, seconds=0.01, pieces=("thin",), slots=2)
    tiny = ScriptedProvider(TINY, ["good"])
    made = await racing(cloud, local, tiny, rules()).generate_with_fallback(PROMPT, LATENCY)
    assert cloud.gone == 1 and tiny.calls == []
    assert made.attempts[-1].tier is RULES


async def test_a_cloud_that_is_outrun_again_and_again_ends_behind_its_breaker():
    cloud, local, third = Paced(CLOUD, seconds=60, paid=True), Paced(LOCAL, seconds=0.1, slots=4), rules()
    service = racing(cloud, local, third, seconds=0.05)
    for n in range(5):
        made = await service.generate_with_fallback(PROMPT, LATENCY)
        assert made.tier is LOCAL and not made.fallback_used and not made.degraded, n
    made = await service.generate_with_fallback(PROMPT, LATENCY)
    assert ("paced-tier_0", "skipped", "breaker.open") in told(made) and made.degraded
    assert cloud.calls == 5


# --- what counts as saved ---


async def test_an_answer_nobody_accepted_saves_nothing_and_a_remembered_one_reads_no_tokens():
    books = Books()
    service = remembering(rules(), ledger=books, premium=lambda p, t: MicroUsd(9))
    assert not (await service.generate_with_fallback(PROMPT, ASKING)).accepted
    cloud = ScriptedProvider(CLOUD, ["good"])
    service = remembering(cloud, rules(), ledger=books, premium=lambda p, t: MicroUsd(9))
    for _ in range(2):
        made = await service.generate_with_fallback(PROMPT, ASKING)
    assert [(e.used, e.premium, e.tokens_in) for e in books.entries] == [
        (True, 0, 100),
        (True, 9, 100),
        (True, 9, 0),
    ]
    assert made.cached and not made.fallback_used and made.reason.startswith("remembered: tier_0")


# --- why ---


@pytest.mark.parametrize(
    ("context", "level", "reason"),
    [
        (Context(pii="local_only"), Level.OK, "tier_0 pii.local_only"),
        (Context(cloud_allowed=False), Level.OK, "tier_0 policy.cloud_not_allowed"),
        (Context(), Level.EXHAUSTED, "tier_0 budget.exhausted"),
        (Context(mode=Mode.OUTAGE), Level.OK, "tier_0 mode.outage"),
    ],
)
async def test_a_poor_answer_says_what_kept_a_better_one_away(context, level, reason):
    cloud = ScriptedProvider(CLOUD, ["good"], cost=MicroUsd(9))
    made = await chain(cloud, rules(), budget=Rich(level)).generate_with_fallback(PROMPT, context)
    assert (made.tier, made.accepted, made.reason) == (RULES, False, reason)


async def test_an_accepted_answer_of_a_lower_tier_in_an_outage_names_the_outage():
    cloud, local = ScriptedProvider(CLOUD, [ProviderDown(cause="dns")]), ScriptedProvider(LOCAL, ["good"])
    service = chain(cloud, local, rules())
    for _ in range(6):
        made = await service.generate_with_fallback(PROMPT, QUALITY)
    assert made.accepted and made.degraded and made.reason == "tier_0 breaker.open"


# --- the cloud could not be had, or was only not turned to ---


@pytest.mark.parametrize(
    ("local", "retries"),
    [(("thin",), 3), (("form",), 2)],
    ids=["evidence is missing", "a repair took the last call"],
)
async def test_a_healthy_cloud_that_was_not_turned_to_is_no_outage(local, retries):
    cloud = ScriptedProvider(CLOUD, ["good"])
    service = racing(cloud, ScriptedProvider(LOCAL, local), rules())
    made = await service.generate_with_fallback(PROMPT, max_retries=retries)
    assert made.tier is RULES and cloud.calls == [] and not made.degraded


@pytest.mark.parametrize(("fine_is_up", "degraded"), [(True, False), (False, True)])
async def test_of_two_clouds_one_that_is_down_is_no_outage_when_another_tier_begins(fine_is_up, degraded):
    dead, fine = (ScriptedProvider(CLOUD, ["good"], name=name, model=name) for name in ("dead", "fine"))
    service = racing(fine, dead, ScriptedProvider(LOCAL, ["thin"]), rules())
    for provider in (dead,) if fine_is_up else (dead, fine):
        opened = provider.card.deployment
        for _ in range(12):
            service._board.note(
                opened,
                lambda pulse: pulse.after_failure(
                    STUMBLE, now=service._clock(), at=0.0, admitted_at=service._clock(), jitter=0.0
                ),
            )
    made = await service.generate_with_fallback(PROMPT)
    assert fine.calls == [] and dead.calls == []
    assert made.tier is RULES and made.degraded is degraded


async def test_a_cloud_of_which_every_provider_fails_is_an_outage():
    clouds = [ScriptedProvider(CLOUD, [STUMBLE], name=name, model=name) for name in ("one", "two")]
    made = await racing(*clouds, rules()).generate_with_fallback(PROMPT)
    assert all(cloud.calls for cloud in clouds) and made.tier is not CLOUD and made.degraded
