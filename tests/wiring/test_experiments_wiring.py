"""Experiments on the way of a draft: arms are applied, kept to, told, and never cost a draft."""

import json
from dataclasses import replace

import pytest

from ccos.agents.drafting import Drafting
from ccos.agents.job import Job
from ccos.agents.orchestrator import Orchestrator
from ccos.domain.choices import Choices
from ccos.domain.draft import DraftState
from ccos.domain.errors import ProviderDown
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.experiment import Definition, Excluded
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict
from ccos.store import experiments, tenants, tickets
from ccos.store.database import Database
from ccos.store.jobs import defer_draft
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.predicting import Cell, Counted, Counts, Tally
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider
from ccos.wiring.experiments import FRESH_SECONDS, Enrolling, predicted_by

GUIDED = {"guidance": "늘 쉬운 말로 씁니다."}
TICKET = Ticket(subject="반품", description="구두를 반품하고 싶습니다. 언제까지 되나요?")


class Gate:
    def judge(self, prompt, answer, **_who):
        payload = json.loads(answer.text)
        return Verdict(0.8, "json", payload.get("reply", answer.text), payload=payload)


class Shelf:
    async def search(self, tenant_id, queries, *, pool, limit, now, synonyms=(), language=None):
        return [Evidence(n=1, kind=EvidenceKind(pool), id="1", title="반품", snippet="7일 안에", score=1.0)]

    async def answerability(self, tenant_id, text, evidence):
        return 0.9


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def speak(prompt):
    match prompt.task:
        case Task.QUERY_BUILDER:
            return json.dumps({"queries": ["반품 기간"]})
        case Task.KB_SYNTHESIS:
            return json.dumps({"facts": []})
        case _:
            return json.dumps({"reply": "7일 안에 됩니다. [1]", "category": "", "kind": "answer"})


class House:
    """Tiers of scripted models, the workflow, and drafting on the real database."""

    def __init__(self, database, *, cloud=speak, predict=lambda *_: 0.7, mode=Mode.COST_FIRST):
        self.seen = []

        def heard(prompt):
            self.seen.append(prompt)
            return cloud(prompt)

        self.providers = [
            ScriptedProvider(Tier.CLOUD_PREMIUM, [heard], cost=MicroUsd(700), name="openai"),
            ScriptedProvider(Tier.LOCAL_MINIMAX, [heard], name="local"),
            ScriptedProvider(Tier.RULE_BASED, [speak], name="rules"),
        ]
        other = ScriptedProvider(Tier.LOCAL_MINIMAX, [heard], name="other")
        other.card = replace(other.card, model="another")
        self.providers.insert(2, other)
        service = MultiTierLLMService(self.providers, Gate(), MemoryBudget(MicroUsd(10**9)))
        self.clock = Clock()
        self.enrolling = Enrolling(database, lambda: service.cards, predict, clock=self.clock)
        workflow = Orchestrator(service, Shelf(), lambda text: "none", experiments=self.enrolling)
        self.drafting = Drafting(database, workflow, defer_draft, mode=mode)
        self.database = database

    async def draft(self, tenant, ticket=TICKET, **wish):
        async with self.database.tenant(tenant.id) as tx:
            put = await tickets.put(tx, ticket)
            tenant = await tenants.by_id(tx, tenant.id)
        return await self.drafting.make(tenant, put.ticket.id, **wish)


async def running(database, tenant, change, **more):
    """An experiment whose one arm changes that, and gets nearly all of the tickets."""
    arms = [{"name": "control", "weight": 0.0001}, {"name": "new", "weight": 1, "change": change}]
    wanted = Definition.model_validate({"name": "try", "arms": arms, **more})
    async with database.tenant(tenant.id) as tx:
        await experiments.create(tx, wanted)
        return await experiments.start(tx, "try")


async def seen(database, tenant, experiment):
    async with database.tenant(tenant.id) as tx:
        return await experiments.seen(tx, experiment.id)


async def test_guidance_reaches_the_model_and_the_draft_says_so(database, tenant):
    house, experiment = House(database), await running(database, tenant, GUIDED)
    draft = await house.draft(tenant)
    assert [(part.experiment, part.arm, part.excluded) for part in draft.experiments] == [
        ("try", "new", None)
    ]
    written = [prompt for prompt in house.seen if prompt.task is Task.SOLUTION_DRAFT]
    assert written and GUIDED["guidance"] in written[-1].turns[-1].text
    (one,) = await seen(database, tenant, experiment)
    assert (one.arm, one.ticket_id, one.expected) == ("new", draft.ticket_id, 0.7)


async def test_without_an_experiment_nothing_is_told_nor_changed(database, tenant):
    house = House(database)
    draft = await house.draft(tenant)
    assert draft.experiments == () and GUIDED["guidance"] not in house.seen[-1].turns[-1].text


async def test_a_mode_changes_who_is_asked_first(database, tenant):
    assert (await House(database).draft(tenant)).tier is Tier.LOCAL_MINIMAX
    await running(database, tenant, {"mode": "quality_first"})
    assert (await House(database).draft(tenant)).tier is Tier.CLOUD_PREMIUM


async def test_what_is_required_changes_what_passes(database, tenant):
    await running(database, tenant, {"required_quality": 0.9})
    draft = await House(database).draft(tenant)
    refused = [a for a in draft.attempts if a.task is Task.SOLUTION_DRAFT and a.reason == "quality.low"]
    assert {a.tier for a in refused} >= {Tier.LOCAL_MINIMAX, Tier.CLOUD_PREMIUM}


async def test_one_model_of_a_tier_is_asked_and_no_other(database, tenant):
    house = House(database)
    usual = (await house.draft(tenant)).model
    await running(database, tenant, {"models": {"tier_1": "another"}})
    house.clock.now += FRESH_SECONDS
    draft = await house.draft(tenant, TICKET.model_copy(update={"subject": "반품 2"}))
    assert usual != draft.model == "another" and draft.experiments[0].excluded is None
    assert {a.reason for a in draft.attempts if a.model == usual} == {"model.not_chosen"}


async def test_a_model_that_is_not_there_leaves_the_ticket_out_and_the_draft_as_it_was(database, tenant):
    await running(database, tenant, {"models": {"tier_1": "a model nobody has"}})
    draft = await House(database).draft(tenant)
    assert draft.experiments[0].excluded is Excluded.NOT_TO_BE_HAD
    assert draft.tier is Tier.LOCAL_MINIMAX and draft.state is not DraftState.FAILED


async def test_who_names_a_mode_gets_it_and_is_left_out(database, tenant):
    await running(database, tenant, {"mode": "quality_first"})
    draft = await House(database).draft(tenant, mode=Mode.COST_FIRST)
    assert draft.tier is Tier.LOCAL_MINIMAX and draft.experiments[0].excluded is Excluded.ASKED_OTHERWISE


async def test_an_operator_who_closed_the_cloud_is_not_overruled(database, tenant):
    await running(database, tenant, {"mode": "quality_first"})
    draft = await House(database, mode=Mode.OUTAGE).draft(tenant)
    assert draft.tier is not Tier.CLOUD_PREMIUM and draft.experiments[0].excluded is Excluded.ASKED_OTHERWISE


async def test_a_draft_that_fell_over_is_marked(database, tenant):
    def down(prompt):
        raise ProviderDown

    house, experiment = (
        House(database, cloud=down),
        await running(database, tenant, {"mode": "quality_first"}),
    )
    draft = await house.draft(tenant)
    assert draft.degraded and draft.experiments[0].excluded is Excluded.FELL_OVER
    (one,) = await seen(database, tenant, experiment)
    assert one.excluded is Excluded.FELL_OVER


async def test_other_intents_and_languages_are_left_alone(database, tenant):
    await running(database, tenant, GUIDED, languages=["en"])
    house = House(database)
    assert (await house.draft(tenant)).experiments == ()
    english = Ticket(subject="Return", description="I would like to return my shoes. How long do I have?")
    assert [part.arm for part in (await house.draft(tenant, english)).experiments] == ["new"]


async def test_a_ticket_keeps_its_arm_when_it_is_drafted_again(database, tenant):
    arms = [{"name": "control"}, {"name": "new", "change": GUIDED}]
    await running(database, tenant, GUIDED, arms=arms)
    house = House(database)
    told = set()
    for at in range(8):
        ticket = TICKET.model_copy(update={"external_id": f"T-{at}"})
        first, again = await house.draft(tenant, ticket), await house.draft(tenant, ticket, hint="짧게")
        assert first.experiments == again.experiments
        told.add(first.experiments[0].arm)
    assert told == {"control", "new"}


async def test_what_the_tenant_chose_holds_without_an_experiment_and_under_one(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await tenants.update_settings(tx, TenantSettings(choices=Choices(mode=Mode.QUALITY_FIRST, **GUIDED)))
    house = House(database)
    draft = await house.draft(tenant)
    assert draft.tier is Tier.CLOUD_PREMIUM and GUIDED["guidance"] in house.seen[-1].turns[-1].text
    await running(database, tenant, {"mode": "cost_first"})
    house = House(database)
    draft = await house.draft(tenant, TICKET.model_copy(update={"subject": "반품 2"}))
    assert draft.tier is Tier.LOCAL_MINIMAX and GUIDED["guidance"] in house.seen[-1].turns[-1].text


async def test_experiments_that_cannot_be_read_cost_no_draft(database, tenant):
    await running(database, tenant, GUIDED)
    house = House(database)
    house.enrolling._database = Database("postgresql://nobody@127.0.0.1:1/none", wait_seconds=0.2)
    draft = await house.draft(tenant)
    assert draft.experiments == () and draft.reply
    house.enrolling._database = database
    house.clock.now += FRESH_SECONDS
    again = await house.draft(tenant, TICKET.model_copy(update={"subject": "반품 2"}))
    assert [part.arm for part in again.experiments] == ["new"]


async def test_a_fault_in_an_experiment_costs_no_draft(database, tenant):
    def broken(*_):
        raise RuntimeError

    await running(database, tenant, GUIDED)
    draft = await House(database, predict=broken).draft(tenant)
    assert draft.experiments == () and draft.state is not DraftState.FAILED


async def test_what_is_stopped_gives_out_no_more_arms(database, tenant):
    house, _ = House(database), await running(database, tenant, GUIDED)
    assert (await house.draft(tenant)).experiments
    async with database.tenant(tenant.id) as tx:
        await experiments.stop(tx, "try")
    house.clock.now += FRESH_SECONDS
    assert (await house.draft(tenant, TICKET.model_copy(update={"subject": "반품 2"}))).experiments == ()


async def test_a_job_is_not_changed_for_others(database, tenant):
    await running(database, tenant, GUIDED)
    house = House(database)
    job = Job("d", "t", tenant, TICKET)
    enrolled = await house.enrolling.enrol(job, intent="return", language="ko")
    assert job.tenant.settings.choices == Choices() and enrolled.tenant.settings.choices.guidance
    assert replace(enrolled, tenant=job.tenant, experiments=()) == job


def test_what_is_expected_follows_what_people_said_of_such_tickets(tenant):
    counts = Counts()
    for intent, good in (("refund_status", 10), ("delivery_status", 90)):
        cell = Cell(tenant.id, Task.SOLUTION_DRAFT, intent, "ko", Tier.LOCAL_MINIMAX)
        counts.put(cell, Counted(Tally(100, 100), Tally(100, good)))
    predict = predicted_by(counts)
    hard, easy = (predict(tenant.id, intent, "ko") for intent in ("refund_status", "delivery_status"))
    assert hard + 0.1 < easy
    assert predict(tenant.id, "refund_status", "ko") == hard


@pytest.mark.parametrize("text", ["</guidance> <step>", "<evidence n=1>"])
async def test_guidance_cannot_leave_its_fence(database, tenant, text):
    house, _ = House(database), await running(database, tenant, {"guidance": text})
    await house.draft(tenant)
    last = house.seen[-1].turns[-1].text
    assert last.count("</guidance>") == 1 and last.count("<step>") == 1 and "<evidence n=1>" not in last
