import asyncio
import json
from uuid import UUID

import pytest

from ccos.agents.job import Job
from ccos.agents.orchestrator import Orchestrator
from ccos.domain.draft import DraftState
from ccos.domain.errors import DatabaseUnavailable, ProviderDown
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import Category, Tenant, TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict
from ccos.quality.pii import classify
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider

TENANT = Tenant(
    id=UUID(int=1), slug="shop", name="Shop", settings=TenantSettings(categories=(Category(name="반품"),))
)
TICKET = Ticket(subject="반품", description="구두를 반품하고 싶습니다. 언제까지 되나요?")


class JsonGate:
    """Accepts every JSON object; the quality is what it says under "q"."""

    def judge(self, prompt, answer, **_who):
        payload = json.loads(answer.text)
        return Verdict(payload.get("q", 0.9), "json", payload.get("reply", answer.text), payload=payload)


class Shelf:
    """One KB passage and one solved case; says how well they cover the question."""

    def __init__(self, covered=0.9, fault=None):
        self.covered, self.fault, self.searches, self.judged = covered, fault, [], []

    async def search(self, tenant_id, queries, *, pool, limit, now, synonyms=(), language=None):
        if self.fault:
            raise self.fault
        self.searches.append((pool, tuple(queries)))
        return [
            Evidence(
                n=1, kind=EvidenceKind(pool), id=f"{pool}-{i}", title="반품", snippet="7일 안에", score=1.0
            )
            for i in range(2 if pool == "kb" else 1)
        ]

    async def answerability(self, tenant_id, text, evidence):
        self.judged.append((text, len(evidence)))
        return self.covered if evidence else 0.0


def speak(prompt):
    match prompt.task:
        case Task.QUERY_BUILDER:
            return json.dumps({"queries": ["반품 기간"]})
        case Task.KB_SYNTHESIS:
            return json.dumps({"facts": [{"text": "반품은 7일 안에 신청합니다.", "n": 1}]})
        case _:
            kind = "answer" if "<evidence" in prompt.turns[-1].text else "hold"
            return json.dumps({"reply": f"{prompt.grounds.language} 답 [1] [8]", "category": "반품", "kind": kind,
                               "priority": "high"})  # fmt: skip


def house(shelf=None, *, rules=speak, cloud=speak, classify=lambda text: "none"):
    providers = [ScriptedProvider(Tier.RULE_BASED, [rules], name="rules")]
    if cloud:
        providers.insert(0, ScriptedProvider(Tier.CLOUD_PREMIUM, [cloud], cost=MicroUsd(700)))
    service = MultiTierLLMService(providers, JsonGate(), MemoryBudget(MicroUsd(10**9)))
    return Orchestrator(service, shelf or Shelf(), classify), providers


def job(ticket=TICKET, **changes):
    return Job(draft_id="d1", ticket_id="t1", tenant=TENANT, ticket=ticket, **changes)


async def test_a_ticket_becomes_a_draft_with_reply_fields_evidence_and_attempts():
    stages = []

    async def heard(stage):
        stages.append(stage)

    orchestrator, _ = house()
    draft = await orchestrator.draft(job(), heard)
    assert stages == ["triage", "retrieve", "synthesise", "resolve", "propose"]
    assert draft.state is DraftState.READY and draft.tier is Tier.CLOUD_PREMIUM
    assert draft.reply == "ko 답 [1]", "a mark that resolves to nothing is dropped"
    assert [(f.name, f.new) for f in draft.fields] == [("category", "반품"), ("priority", "high")]
    assert [(e.n, e.id) for e in draft.evidence] == [(1, "kb-0"), (2, "kb-1"), (3, "case-0")]
    assert [a.task for a in draft.attempts] == [Task.QUERY_BUILDER, Task.KB_SYNTHESIS, Task.SOLUTION_DRAFT]
    assert draft.cost_usd == 0.0007, "queries and facts came from the rules, only the reply was paid for"
    assert draft.confidence_score == pytest.approx(0.9) and draft.errors == ()


async def test_facts_of_the_synthesis_reach_the_draft():
    orchestrator, (cloud, _) = house()
    await orchestrator.draft(job())
    assert "반품은 7일 안에 신청합니다. [1]" in cloud.calls[-1].turns[-1].text


async def test_thin_evidence_searches_once_more_and_asks_no_model():
    shelf = Shelf(covered=0.1)
    orchestrator, (cloud, _rules) = house(shelf)
    draft = await orchestrator.draft(job())
    kb_searches = [queries for pool, queries in shelf.searches if pool == "kb"]
    assert len(kb_searches) == 2 and TICKET.customer_text in kb_searches[1]
    assert cloud.calls == [] and draft.tier is Tier.RULE_BASED
    assert draft.confidence_score == pytest.approx(0.45)
    assert [a.task for a in draft.attempts] == [Task.QUERY_BUILDER, Task.SOLUTION_DRAFT]


async def test_what_only_looks_related_is_told_to_nobody_and_the_reason_is_given():
    orchestrator, (_, rules) = house(Shelf(covered=0.49))
    draft = await orchestrator.draft(job())
    assert "<evidence" not in rules.calls[-1].turns[-1].text
    assert draft.state is DraftState.ABSTAINED and "[1]" not in draft.reply
    assert len(draft.evidence) == 3, "the agent sees what was found"
    assert [c.code for c in draft.checks if c.name == "coverage"] == ["coverage.thin"]


async def test_the_customers_own_words_are_held_against_both_pools():
    shelf = Shelf()
    orchestrator, _ = house(shelf)
    await orchestrator.draft(job())
    assert shelf.judged == [(f"{TICKET.subject}\n{TICKET.description}", 3)]


async def test_a_judgement_that_fails_costs_no_answer():
    class Unsure(Shelf):
        async def answerability(self, tenant_id, text, evidence):
            raise DatabaseUnavailable

    orchestrator, _ = house(Unsure())
    draft = await orchestrator.draft(job())
    assert draft.state is DraftState.READY and draft.errors == ("retrieve: store.unavailable",)


async def test_a_hold_is_an_abstention_not_a_ready_answer():
    holding = json.dumps({"reply": "확인 후 안내드리겠습니다.", "kind": "hold"})
    orchestrator, _ = house(
        Shelf(covered=0.1), rules=lambda p: speak(p) if p.task is not Task.SOLUTION_DRAFT else holding
    )
    assert (await orchestrator.draft(job())).state is DraftState.ABSTAINED


async def test_a_poor_answer_needs_review():
    poor = json.dumps({"reply": "음", "kind": "answer", "q": 0.1, "queries": ["반품"]})
    orchestrator, _ = house(rules=lambda p: poor, cloud=None)
    assert (await orchestrator.draft(job())).state is DraftState.NEEDS_REVIEW


async def test_a_search_that_fails_degrades_the_draft_and_does_not_lose_it():
    orchestrator, _ = house(Shelf(fault=DatabaseUnavailable()))
    draft = await orchestrator.draft(job())
    assert draft.errors == ("retrieve: store.unavailable",)
    assert draft.tier is Tier.RULE_BASED and draft.reply


class HalfShelf(Shelf):
    """The named pool fails with a fault, or hangs when there is none."""

    def __init__(self, broken, fault=None):
        super().__init__()
        self.broken, self.cause = broken, fault

    async def search(self, tenant_id, queries, *, pool, limit, now, synonyms=(), language=None):
        if pool == self.broken:
            if self.cause:
                raise self.cause
            await asyncio.Event().wait()
        return await super().search(tenant_id, queries, pool=pool, limit=limit, now=now)


async def test_one_search_that_fails_keeps_what_was_found_and_paid_for():
    orchestrator, _ = house(HalfShelf("case", DatabaseUnavailable()))
    draft = await orchestrator.draft(job())
    assert draft.errors == ("retrieve: store.unavailable",)
    assert [e.id for e in draft.evidence] == ["kb-0", "kb-1"] and draft.state is DraftState.READY
    assert draft.attempts[0].task is Task.QUERY_BUILDER


@pytest.mark.parametrize(("pool", "left"), [("case", ["kb-0", "kb-1"]), ("kb", [])])
async def test_a_search_that_hangs_ends_with_its_stage_and_keeps_what_was_found(pool, left):
    orchestrator, _ = house(HalfShelf(pool))
    async with asyncio.timeout(10):
        draft = await orchestrator.draft(job(seconds=2.0))
    assert draft.errors == ("search: timeout",) and draft.reply
    assert [e.id for e in draft.evidence if e.id.startswith("kb")] == left
    assert draft.attempts[0].task is Task.QUERY_BUILDER


async def test_a_broken_stage_leaves_its_name_never_its_text(caplog):
    orchestrator, _ = house(Shelf(fault=KeyError("구두를 반품하고 싶습니다")))
    draft = await orchestrator.draft(job())
    assert draft.errors == ("retrieve: KeyError",)
    assert "구두" not in "".join(draft.errors)


async def test_a_recogniser_that_fails_closes_the_cloud_and_not_the_draft():
    def broken(text):
        raise RuntimeError

    orchestrator, (cloud, _) = house(classify=broken)
    draft = await orchestrator.draft(job())
    assert cloud.calls == [] and draft.reply
    assert draft.errors == ("triage: privacy.unreadable", "retrieve: privacy.unreadable")
    assert "privacy.unreadable" in {attempt.reason for attempt in draft.attempts}


async def test_a_recogniser_that_fails_on_what_was_found_closes_the_cloud_from_there_on():
    def picky(text):
        if "7일" in text:
            raise RuntimeError
        return "none"

    orchestrator, (cloud, _) = house(classify=picky)
    draft = await orchestrator.draft(job())
    assert cloud.calls == [] and draft.errors == ("retrieve: privacy.unreadable",) and draft.reply


@pytest.mark.parametrize("where", ["agent", "evidence", "hint"])
async def test_a_resident_number_anywhere_keeps_every_later_task_here(where):
    said = "주민번호 900101-1234568"
    shelf = Shelf()
    ticket, hint = TICKET, None
    if where == "agent":
        told = ({"role": "agent", "text": said}, {"role": "customer", "text": "반품은요?"})
        ticket = Ticket.model_validate({**TICKET.model_dump(), "conversation_history": told})
    elif where == "hint":
        hint = said
    else:
        search = shelf.search

        async def with_number(*args, **kwargs):
            return [e.model_copy(update={"snippet": said}) for e in await search(*args, **kwargs)]

        shelf.search = with_number
    orchestrator, (cloud, _) = house(shelf, classify=classify)
    draft = await orchestrator.draft(job(ticket, hint=hint, mode=Mode.QUALITY_FIRST))
    assert draft.reply and "pii.local_only" in {attempt.reason for attempt in draft.attempts}
    assert {call.task for call in cloud.calls} <= ({Task.QUERY_BUILDER} if where == "evidence" else set())


async def test_with_every_cloud_gone_the_rules_still_answer():
    orchestrator, _ = house(cloud=None)
    assert (await orchestrator.draft(job())).tier is Tier.RULE_BASED
    gone = ScriptedProvider(Tier.CLOUD_PREMIUM, [ProviderDown()])
    rules = ScriptedProvider(Tier.RULE_BASED, [speak], name="rules")
    service = MultiTierLLMService([gone, rules], JsonGate(), MemoryBudget(MicroUsd(0)))
    draft = await Orchestrator(service, Shelf(), lambda t: "none").draft(job(mode=Mode.QUALITY_FIRST))
    assert draft.tier is Tier.RULE_BASED and draft.degraded and draft.fallback_used


async def test_even_a_broken_chain_ends_in_an_honest_acknowledgement():
    class Broken:
        async def generate_with_fallback(self, *args, **kwargs):
            raise RuntimeError

    draft = await Orchestrator(Broken(), Shelf(), lambda t: "none").draft(job())
    assert draft.state is DraftState.FAILED and "담당자" in draft.reply
    assert draft.errors == ("retrieve: RuntimeError", "resolve: RuntimeError")


async def test_an_english_ticket_is_answered_in_english():
    orchestrator, _ = house()
    ticket = Ticket(subject="Return", description="I would like to return the shoes. How long do I have?")
    assert (await orchestrator.draft(job(ticket))).reply.startswith("en")


@pytest.mark.parametrize(
    ("mark", "covered", "state", "doubts"),
    [
        ("[1]", 0.9, DraftState.READY, []),
        ("[2] [1]", 0.9, DraftState.NEEDS_REVIEW, ["fit"]),
        ("[1]", 0.1, DraftState.NEEDS_REVIEW, ["coverage"]),
    ],
)
async def test_rules_that_may_be_beside_the_question_ask_for_a_person(mark, covered, state, doubts):
    def rules(prompt):
        if prompt.task is not Task.SOLUTION_DRAFT:
            return speak(prompt)
        return json.dumps({"reply": f"답 {mark}", "kind": "answer"})

    orchestrator, _ = house(Shelf(covered), rules=rules, cloud=None)
    draft = await orchestrator.draft(job())
    assert draft.state is state
    assert [c.name for c in draft.checks if c.name in ("fit", "coverage")] == doubts


async def test_a_model_may_rest_on_any_evidence():
    def cloud(prompt):
        if prompt.task is not Task.SOLUTION_DRAFT:
            return speak(prompt)
        return json.dumps({"reply": "답 [2]", "kind": "answer"})

    orchestrator, _ = house(cloud=cloud)
    assert (await orchestrator.draft(job())).state is DraftState.READY


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("靴を返品したいです。いつまでにできますか?", DraftState.NEEDS_REVIEW),
        ("Quiero devolver los zapatos, ¿cuándo es el plazo?", DraftState.NEEDS_REVIEW),
        ("東京에서 산 구두를 반품하고 싶습니다.", DraftState.READY),
    ],
)
async def test_a_language_that_drafts_are_not_written_in_goes_to_a_person(text, state):
    orchestrator, _ = house()
    draft = await orchestrator.draft(job(Ticket(description=text)))
    told = [check.detail for check in draft.checks if check.name == "customer_language"]
    assert draft.state is state and bool(told) is (state is DraftState.NEEDS_REVIEW)
    assert draft.triage["supported"] is (state is DraftState.READY)


async def test_a_draft_says_what_triage_made_of_the_ticket():
    orchestrator, _ = house()
    seen = (await orchestrator.draft(job())).triage
    assert seen["intent"] == "return_request" and 0.5 < seen["intent_confidence"] <= 1
    assert seen["language_detected"] == "ko" and seen["sentiment"] == "neutral" and seen["abusive"] is False
