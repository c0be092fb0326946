"""The service plans by what was counted, plans anew after each answer, and tells what it decided."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from ccos.domain.errors import ProviderDown, ProviderTimeout
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.money import Level, MicroUsd
from ccos.domain.prompt import Grounds, Prompt, Turn
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict, Veto
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.cache import AnswerCache
from ccos.tiers.predicting import Cell, Counted, Counts, Tally
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import Says, ScriptedProvider

CLOUD, LOCAL, TINY, RULES = Tier
TENANT = UUID(int=7)
TICKET = Ticket(description="환불은 언제 되나요?")
EVIDENCE = (
    Evidence(n=1, kind=EvidenceKind.KB, id="k", title="환불", snippet="환불은 언제 되나요? 3일.", score=1.0),
)
GROUNDS = Grounds(ticket=TICKET, evidence=EVIDENCE, intent="refund_status")
PROMPT = Prompt(Task.SOLUTION_DRAFT, "system", (Turn("user", "환불은 언제 되나요?"),), GROUNDS)
CONTEXT = Context(tenant_id=TENANT)
NONE = Tally()


class WordGate:
    """Quality is read from the answer itself, as is a veto: "q0.8", "veto:kind:remedy"."""

    def judge(self, prompt, answer, **_who):
        quality, vetoes = 0.0, []
        for word in answer.text.split():
            if word.startswith("q"):
                quality = float(word[1:])
            if word.startswith("veto:"):
                _, kind, remedy = word.split(":")
                vetoes.append(Veto(kind, f"{kind} is wrong.", remedy))
        return Verdict(quality, "words", answer.text, tuple(vetoes))


class Heard:
    def __init__(self):
        self.decisions, self.answers = [], []

    def note(self, decision, answers):
        self.decisions.append(decision)
        self.answers += answers


def tier(which, *script, **more):
    return ScriptedProvider(which, script or ["q0.9"], **more)


def service(*providers, **more):
    rules = ScriptedProvider(RULES, ["q0.1 rules"], name="rules")
    budget = more.pop("budget", None) or MemoryBudget(MicroUsd(10**9))
    return MultiTierLLMService((*providers, rules), WordGate(), budget, dice=random.Random(1), **more)


def order(made):
    return [a.tier.rank for a in made.attempts if a.outcome.value != "skipped"]


def known(which, gate=NONE, people=NONE):
    cell = Cell(TENANT, Task.SOLUTION_DRAFT, "refund_status", "ko", which)
    return cell, Counted(gate, people)


# --- planned by what was counted ---


async def test_a_tier_the_gate_keeps_refusing_is_no_longer_asked_first():
    counts = Counts([known(LOCAL, gate=Tally(40, 2))])
    made = await service(tier(CLOUD), tier(LOCAL), predictor=counts).generate_with_fallback(PROMPT, CONTEXT)
    assert order(made) == [0]
    stranger = Context(tenant_id=uuid4())
    prompt = Prompt(Task.CHAT, "system", PROMPT.turns)
    made = await service(tier(CLOUD), tier(LOCAL), predictor=counts).generate_with_fallback(prompt, stranger)
    assert order(made) == [1]


async def test_a_tier_whose_answers_people_reject_is_no_longer_asked_first():
    counts = Counts([known(LOCAL, gate=Tally(40, 40), people=Tally(30, 3))])
    made = await service(tier(CLOUD), tier(LOCAL), predictor=counts).generate_with_fallback(PROMPT, CONTEXT)
    assert order(made) == [0]


async def test_a_tiny_model_that_does_well_is_asked_first():
    counts = Counts([known(TINY, gate=Tally(60, 58), people=Tally(60, 57))])
    made = await service(tier(LOCAL), tier(TINY), predictor=counts).generate_with_fallback(PROMPT, CONTEXT)
    assert order(made) == [2]


@pytest.mark.parametrize(("approved", "first"), [(0, 1), (13, 1), (14, 3)])
async def test_the_rules_go_first_only_once_people_approve_them(approved, first):
    counts = Counts([known(RULES, gate=Tally(500, 500), people=Tally(approved, approved))])
    priced = service(tier(LOCAL), predictor=counts)
    made = await priced.generate_with_fallback(PROMPT, CONTEXT)
    assert order(made)[0] == first


# --- planned anew ---


async def test_at_most_three_calls_of_models_are_made_and_a_repair_is_one():
    providers = [
        tier(LOCAL, "q0.2 veto:form:repair"),
        tier(CLOUD, "q0.2"),
        tier(TINY, "q0.2"),
    ]
    made = await service(*providers).generate_with_fallback(PROMPT, CONTEXT)
    assert order(made) == [1, 1, 0, 3]
    assert [len(p.calls) for p in providers] == [2, 1, 0]


async def test_a_call_that_failed_at_once_costs_no_answer():
    providers = [tier(LOCAL, ProviderDown()), tier(CLOUD, ProviderDown()), tier(TINY, "q0.9")]
    made = await service(*providers).generate_with_fallback(PROMPT, CONTEXT)
    assert made.tier is TINY and made.accepted


async def test_missing_evidence_goes_to_the_rules_whatever_was_planned():
    cloud = tier(CLOUD)
    made = await service(tier(LOCAL, "q0.9 veto:unsupported:ask_customer"), cloud).generate_with_fallback(
        PROMPT, CONTEXT
    )
    assert order(made) == [1, 3] and cloud.calls == []


async def test_a_tier_with_no_time_left_for_it_is_left_out():
    clock = Clock()
    cloud, local, tiny = tier(CLOUD, slow(clock, 14.0)), tier(LOCAL), tier(TINY)
    context = Context(tenant_id=TENANT, mode=Mode.QUALITY_FIRST, seconds=19.0)
    made = await service(cloud, local, tiny, clock=clock).generate_with_fallback(PROMPT, context)
    assert order(made) == [0, 2]  # a local answer takes six seconds, and five are left


async def test_the_money_that_went_meanwhile_counts():
    levels = iter([Level.OK, Level.OK])  # asked by filter and plan

    class Draining(MemoryBudget):
        def level(self, tenant_id):
            return next(levels, Level.COST_FIRST)

    cloud = tier(CLOUD, cost=MicroUsd(300_000))
    made = await service(cloud, tier(LOCAL, "q0.2"), budget=Draining(MicroUsd(10**9))).generate_with_fallback(
        PROMPT, CONTEXT
    )
    assert order(made) == [1, 3] and cloud.calls == []
    cloud = tier(CLOUD, cost=MicroUsd(300_000))
    made = await service(cloud, tier(LOCAL, "q0.6")).generate_with_fallback(PROMPT, CONTEXT)
    assert order(made) == [1, 0]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def slow(clock, seconds):
    def answer(_prompt):
        clock.now += seconds
        return "q0.2"

    return answer


# --- told ---


async def test_a_decision_is_told_with_its_chances_and_what_came_of_it():
    heard, draft = Heard(), uuid4()
    context = Context(tenant_id=TENANT, request_id=str(draft))
    made = await service(tier(CLOUD), tier(LOCAL, "q0.25"), decisions=heard).generate_with_fallback(
        PROMPT, context
    )
    (told,) = heard.decisions
    assert (told.tenant_id, told.draft_id, told.task, told.intent) == (
        TENANT,
        draft,
        "solution_draft",
        "refund_status",
    )
    assert (told.planned, told.first_tier) == (("tier_1", "tier_0", "tier_3"), "tier_1")
    assert (told.propensity, told.explored) == (1.0, False)
    assert (told.outcome, told.tier, told.quality, told.scorer) == ("accepted", "tier_0", 0.9, "words")
    assert (told.calls, told.cost_micro_usd) == (2, made.spent)
    assert told.eligible["tier_1"]["propensity"] == 1.0 and told.eligible["tier_0"]["propensity"] == 0.0
    assert told.eligible["tier_0"]["accept"] > told.eligible["tier_1"]["accept"]
    assert [(cell.tier, accepted) for cell, accepted in heard.answers] == [
        ("tier_1", False),
        ("tier_0", True),
    ]
    assert "환불" not in repr(told)


async def test_an_answer_nobody_accepted_and_one_that_was_cancelled_are_told_as_such():
    heard = Heard()
    await service(tier(LOCAL, "q0.2"), decisions=heard).generate_with_fallback(PROMPT, CONTEXT)
    assert (heard.decisions[0].outcome, heard.decisions[0].tier) == ("needs_review", "tier_1")
    waiting = asyncio.create_task(
        service(tier(LOCAL, Says("q0.9", after_seconds=5)), decisions=heard).generate_with_fallback(
            PROMPT, CONTEXT
        )
    )
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (heard.decisions[1].outcome, heard.decisions[1].quality) == ("cancelled", None)


async def test_a_failure_says_nothing_of_a_tiers_answers_and_a_remembered_one_is_counted_once():
    heard = Heard()
    chain = service(tier(CLOUD), tier(LOCAL, ProviderTimeout()), decisions=heard, cache=AnswerCache())
    await chain.generate_with_fallback(PROMPT, CONTEXT)
    await chain.generate_with_fallback(PROMPT, CONTEXT)
    assert [(cell.tier, accepted) for cell, accepted in heard.answers] == [("tier_0", True)]
    assert [told.cached for told in heard.decisions] == [False, True]


async def test_what_programs_ask_is_counted_and_not_logged_and_nobodys_is_neither():
    heard = Heard()
    chain = service(tier(LOCAL), decisions=heard)
    await chain.generate_with_fallback(PROMPT, Context(tenant_id=TENANT, source="api"))
    await chain.generate_with_fallback(PROMPT, Context())
    assert heard.decisions == [None, None] and len(heard.answers) == 1


async def test_a_log_that_breaks_costs_no_answer():
    class Broken:
        def note(self, decision, answers):
            raise RuntimeError

    made = await service(tier(LOCAL), decisions=Broken()).generate_with_fallback(PROMPT, CONTEXT)
    assert made.accepted


# --- tried out ---


@pytest.mark.parametrize("labels", [29, 30])
async def test_only_for_tenants_whose_people_decide_another_model_goes_first_now_and_then(labels):
    heard = Heard()
    counts = Counts([known(LOCAL, people=Tally(labels, labels))])
    chain = service(tier(CLOUD), tier(LOCAL), tier(TINY), decisions=heard, predictor=counts, explore=0.6)
    made = [await chain.generate_with_fallback(PROMPT, CONTEXT) for _ in range(60)]
    firsts = {each.tier for each in made}
    assert firsts == ({LOCAL} if labels < 30 else {CLOUD, LOCAL, TINY})
    for each, told in zip(made, heard.decisions, strict=True):
        assert told.first_tier == each.tier.value
        assert told.propensity == pytest.approx(1.0 if labels < 30 else 0.6 if each.tier is LOCAL else 0.2)
        assert told.explored is (each.tier is not LOCAL)
        assert not each.fallback_used and not each.degraded
        assert ("to learn of" in each.reason) is told.explored
