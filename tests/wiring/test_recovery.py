"""After an outage: what was drafted without the cloud is made again, a little at a time and never for ever."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from ccos.agents.drafting import Drafting
from ccos.agents.recovery import Recovery, better, cloud_is_back
from ccos.domain.draft import Attempt, Draft, DraftState, Outcome
from ccos.domain.errors import Conflict, NotFound, ProviderBusy, ProviderDown
from ccos.domain.money import Level
from ccos.domain.prompt import ProviderCard
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.store import decisions, drafts, jobs, remakes, tickets
from ccos.store.database import Database
from ccos.store.jobs import defer_draft
from ccos.store.migrate import migrate
from ccos.tiers.pulse import Pulse
from ccos.tiers.request import Priority
from support.postgres import fresh_database
from support.store import new_tenant, opened

CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "openai", "gpt", paid=True)
RULES = ProviderCard(Tier.RULE_BASED, "rules", "rules")


@pytest.fixture(scope="module")
def url(embedded_server):
    """A database of this file's own: recovery looks at every tenant there is."""
    with fresh_database(embedded_server, "recovery_tests") as urls:
        migrate(urls.owner)
        yield urls.app


@pytest.fixture
async def database(url):
    async with opened(Database(url)) as database:
        yield database
        async with database.unbound() as tx:
            await tx.run("DELETE FROM procrastinate_jobs")


@pytest.fixture
async def tenant(database, request):
    tenant = await new_tenant(database, request.node.name)
    yield tenant
    async with database.tenant(tenant.id) as tx:
        await tx.run("DELETE FROM ticket WHERE tenant_id = %(tenant)s")


def missed(reason="provider.timeout"):
    return Attempt(
        task=Task.SOLUTION_DRAFT,
        tier=Tier.CLOUD_PREMIUM,
        provider="openai",
        model="gpt",
        outcome=Outcome.FAILED,
        reason=reason,
    )


async def drafted(database, tenant, *, state=DraftState.NEEDS_REVIEW, reason="provider.timeout", **changes):
    """A ticket's draft as the rules left it while the cloud was away."""
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="환불"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        made = draft.model_copy(
            update={
                "state": state,
                "tier": Tier.RULE_BASED,
                "reply": "확인 후 안내해 드리겠습니다.",
                "degraded": True,
                "attempts": (missed(reason),),
            }
            | changes
        )
        await drafts.finish(tx, made, run=await drafts.start(tx, draft.id))
        return await drafts.get(tx, draft.id)


class Drafter:
    """Drafts by the cloud, or as it is told."""

    def __init__(self, **changes):
        self.changes = changes
        self.jobs = []
        self.before = None

    async def draft(self, job, on_stage=None):
        self.jobs.append(job)
        if self.before is not None:
            await self.before(job)
        made = Draft(
            id=job.draft_id,
            ticket_id=job.ticket_id,
            state=DraftState.READY,
            tier=Tier.CLOUD_PREMIUM,
            reply="3일 안에 환불됩니다.",
            attempts=(missed().model_copy(update={"outcome": Outcome.ACCEPTED, "cost_usd": 0.01}),),
        )
        return made.model_copy(update=self.changes)


STILL_AWAY = {
    "state": DraftState.NEEDS_REVIEW,
    "tier": Tier.RULE_BASED,
    "degraded": True,
    "attempts": (missed(),),
}


class House:
    """One process: its recovery, and a worker that is run by hand. The cloud is back until it is said not."""

    def __init__(self, database, drafter=None, *, level=lambda tenant_id: Level.OK, batch=20):
        self.back = True
        self.database = database
        self.drafter = drafter or Drafter()
        self.drafting = Drafting(database, self.drafter, defer_draft, mode=Mode.COST_FIRST)
        self.recovery = Recovery(database, lambda: self.back, level, batch=batch)

    async def look(self):
        return await self.recovery.look()

    async def in_line(self):
        async with self.database.unbound() as tx:
            return await jobs.remaking(tx)

    async def work_off(self):
        async def remake(tenant_id, draft_id, last):
            await self.drafting.remake(tenant_id, draft_id, last=last)

        async def draft(tenant_id, draft_id, last):
            await self.drafting.work(tenant_id, draft_id, last=last)

        app = jobs.queue_app(self.database.url)
        jobs.register_remake(app, remake, wait_seconds=0)
        jobs.register_draft(app, draft, wait_seconds=0)
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def latest(database, tenant, older):
    async with database.tenant(tenant.id) as tx:
        return await drafts.latest(tx, older.ticket_id)


async def rows(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return {each.id: each for each in (await drafts.page(tx, limit=200)).drafts}


async def test_a_draft_of_an_outage_is_made_again_by_the_cloud(database, tenant):
    older = await drafted(database, tenant)
    house = House(database)
    assert await house.look() == 1
    assert (await latest(database, tenant, older)).id == older.id, "it stays while another is made"
    await house.work_off()
    newer = await latest(database, tenant, older)
    assert (newer.tier, newer.state, newer.degraded) == (Tier.CLOUD_PREMIUM, DraftState.READY, False)
    assert (await rows(database, tenant))[older.id].state is DraftState.SUPERSEDED
    job = house.drafter.jobs[0]
    assert (job.priority, job.cache, job.draft_id) == (Priority.BATCH, "refresh", newer.id)
    async with database.tenant(tenant.id) as tx:
        assert [a.cost_usd for a in await drafts.attempts(tx, newer.id)] == [0.01]
    for _ in range(3):
        assert await house.look() == 0


async def test_while_the_cloud_is_away_nothing_is_made_again(database, tenant):
    await drafted(database, tenant)
    house = House(database)
    house.back = False
    assert await house.look() == 0 and await house.in_line() == 0


async def test_one_goes_first_and_the_others_follow_in_small_batches(database, tenant):
    others = [await new_tenant(database, f"other-{n}") for n in range(2)]
    for each in (tenant, *others):
        for _ in range(3):
            await drafted(database, each)
    house = House(database, batch=4)
    assert await house.look() == 1
    assert await house.look() == 0, "the first has not come back yet"
    await house.work_off()
    assert await house.look() == 4
    assert await house.look() == 0, "never more than a batch in line"
    await house.work_off()
    assert await house.look() == 4
    await house.work_off()
    assert await house.look() == 0
    assert len(house.drafter.jobs) == 9


async def test_two_processes_never_put_a_draft_in_line_twice(database, tenant):
    for _ in range(4):
        await drafted(database, tenant)
    one, two = House(database), House(database)
    assert await one.look() == 1 and await two.look() == 0
    await one.work_off()
    assert await one.look() == 3 and await two.look() == 0
    await two.work_off()
    assert len(one.drafter.jobs) + len(two.drafter.jobs) == 4
    assert await two.look() == await one.look() == 0


async def test_a_first_draft_that_the_cloud_was_not_there_for_holds_the_others_back(database, tenant):
    older = [await drafted(database, tenant) for _ in range(3)]
    house = House(database, Drafter(**STILL_AWAY))
    assert await house.look() == 1
    await house.work_off()
    assert [await house.look() for _ in range(4)] == [0, 0, 0, 1], "another is tried after a rest"
    await house.work_off()
    assert [await house.look() for _ in range(5)] == [0, 0, 0, 0, 0], "a longer one each time"
    assert {each.id for each in older} == {(await latest(database, tenant, each)).id for each in older}


async def test_one_that_came_out_no_better_is_not_made_again_in_this_recovery(database, tenant):
    older = await drafted(database, tenant)
    house = House(database, Drafter(**STILL_AWAY))
    await house.look()
    await house.work_off()
    assert [await house.look() for _ in range(12)] == [0] * 12
    kept = await latest(database, tenant, older)
    assert kept == older and len(await rows(database, tenant)) == 2, "what was tried is on record"
    house.back = False
    await house.look()
    house.back = True
    assert await house.look() == 1, "after the next outage it is"
    await house.work_off()
    house.recovery = House(database).recovery
    assert await house.look() == 0, "but not a third time that day"
    assert len(house.drafter.jobs) == 2


async def test_without_an_outage_a_draft_that_missed_the_cloud_once_is_made_again_too(database, tenant):
    house = House(database)
    assert await house.look() == 0
    older = await drafted(database, tenant)
    assert await house.look() == 1
    await house.work_off()
    assert (await latest(database, tenant, older)).tier is Tier.CLOUD_PREMIUM


@pytest.mark.parametrize("state", sorted(drafts.DECIDABLE))
async def test_what_a_person_has_opened_or_decided_is_left(database, tenant, state):
    opened_one, decided = [await drafted(database, tenant, state=state) for _ in range(2)]
    async with database.tenant(tenant.id) as tx:
        await drafts.mark_opened(tx, opened_one.id)
        await decisions.decide(tx, decided.id, "rejected")
    house = House(database)
    assert await house.look() == 0
    for each in (opened_one, decided):
        await house.drafting.remake(tenant.id, each.id)
    assert house.drafter.jobs == []


async def opens(database, tenant, older):
    async with database.tenant(tenant.id) as tx:
        await drafts.mark_opened(tx, older.id)


async def decides(database, tenant, older):
    async with database.tenant(tenant.id) as tx:
        await decisions.decide(tx, older.id, "approved")


@pytest.mark.parametrize("act", [opens, decides])
async def test_a_person_who_comes_while_it_is_made_again_keeps_the_draft(database, tenant, act):
    older = await drafted(database, tenant)
    house = House(database)

    async def comes(job):
        await act(database, tenant, older)

    house.drafter.before = comes
    await house.look()
    await house.work_off()
    found = await rows(database, tenant)
    assert (await latest(database, tenant, older)).id == older.id
    assert sorted(each.state for each in found.values() if each.id != older.id) == [DraftState.SUPERSEDED]


async def test_a_customer_who_writes_meanwhile_gets_the_draft_of_the_new_message(database, tenant):
    older = await drafted(database, tenant)
    house = House(database)

    async def writes(job):
        async with database.tenant(tenant.id) as tx:
            await drafts.queue(tx, older.ticket_id)

    house.drafter.before = writes
    await house.look()
    await house.work_off()
    assert (await latest(database, tenant, older)).state is DraftState.QUEUED


async def test_a_page_with_the_draft_that_was_replaced_gets_a_clear_refusal(database, tenant):
    older = await drafted(database, tenant)
    house = House(database)
    await house.look()
    await house.work_off()
    with pytest.raises(Conflict, match="superseded"):
        async with database.tenant(tenant.id) as tx:
            await decisions.decide(tx, older.id, "approved")


@pytest.mark.parametrize(
    "left",
    [
        {"degraded": False},
        {"reason": "budget.exhausted"},
        {"attempts": ()},
    ],
)
async def test_only_drafts_that_missed_the_cloud_for_another_reason_than_money_are_due(
    database, tenant, left
):
    await drafted(database, tenant, **left)
    assert await House(database).look() == 0


async def test_a_cloud_that_was_asked_for_an_opinion_only_is_no_cloud_that_was_missed(database, tenant):
    opinion = missed().model_copy(update={"task": Task.JUDGEMENT})
    there = missed("budget.exhausted")
    await drafted(database, tenant, attempts=(there, opinion))
    both = await drafted(database, tenant, attempts=(missed(), opinion))
    async with database.tenant(tenant.id) as tx:
        found = await remakes.due(tx, since=both.created_at, limit=10)
    assert [each.id for each in found] == [both.id]


async def test_old_drafts_and_closed_tickets_are_left(database, tenant):
    old, closed, due = [await drafted(database, tenant) for _ in range(3)]
    async with database.tenant(tenant.id) as tx:
        await tx.run(
            "UPDATE draft SET created_at = now() - interval '25 hours' WHERE id = %(id)s::uuid", id=old.id
        )
        await tx.run("UPDATE ticket SET status = 'closed' WHERE id = %(id)s::uuid", id=closed.ticket_id)
        found = await remakes.due(tx, since=due.created_at, limit=10)
    assert [each.id for each in found] == [due.id]


@pytest.mark.parametrize("level", Level)
async def test_little_money_left_keeps_a_tenant_out(database, tenant, level):
    await drafted(database, tenant)
    house = House(database, level=lambda tenant_id: level if tenant_id == tenant.id else Level.OK)
    assert await house.look() == (level in (Level.OK, Level.WARNING))


async def test_one_that_breaks_again_and_again_is_noted_and_left(database, tenant):
    older = await drafted(database, tenant)
    house = House(database)

    async def breaks(job):
        raise RuntimeError

    house.drafter.before = breaks
    await house.look()
    for _ in range(3):
        await house.work_off()
    assert len(house.drafter.jobs) == 2 and await house.in_line() == 0
    assert [await house.look() for _ in range(12)] == [0] * 12
    assert (await latest(database, tenant, older)).id == older.id


async def test_new_tickets_are_drafted_before_old_ones_again(database, tenant):
    for _ in range(3):
        await drafted(database, tenant)
    house = House(database)
    await house.look()
    await house.work_off()
    await house.look()
    taken = await house.drafting.take_in(tenant.id, Ticket(subject="교환"))
    await house.work_off()
    assert [job.priority for job in house.drafter.jobs] == [
        Priority.BATCH,
        Priority.TICKET_DRAFT,
        Priority.BATCH,
        Priority.BATCH,
    ]
    assert house.drafter.jobs[1].draft_id == taken.draft.id


async def test_a_draft_that_is_gone_is_no_fault(database, tenant):
    house = House(database)
    await house.drafting.remake(tenant.id, uuid4())
    with pytest.raises(NotFound):
        async with database.tenant(tenant.id) as tx:
            await drafts.get(tx, uuid4())


def as_drafted(state, tier):
    return Draft(id="a", ticket_id="b", state=state, tier=tier)


@pytest.mark.parametrize(
    ("made", "older", "expected"),
    [
        (("ready", "tier_0"), ("needs_review", "tier_3"), True),
        (("ready", "tier_0"), ("ready", "tier_3"), True),
        (("ready", "tier_1"), ("needs_review", "tier_1"), True),
        (("needs_review", "tier_0"), ("abstained", "tier_3"), True),
        (("needs_review", "tier_0"), ("ready", "tier_3"), False),
        (("ready", "tier_3"), ("needs_review", "tier_1"), False),
        (("needs_review", "tier_3"), ("needs_review", "tier_3"), False),
        (("failed", None), ("needs_review", "tier_3"), False),
    ],
)
def test_better_is_no_worse_in_anything_and_better_in_something(made, older, expected):
    assert better(as_drafted(*made), as_drafted(*older)) is expected


def failed(pulse, fault, times):
    for n in range(times):
        pulse = pulse.admit(float(n)).after_failure(fault, now=float(n), at=0.0, admitted_at=float(n))
    return pulse


SEEN = Pulse().after_probe(True)


@pytest.mark.parametrize(
    ("card", "pulse", "now", "expected"),
    [
        (CLOUD, SEEN, 0.0, True),
        (RULES, SEEN, 0.0, False),
        (CLOUD, Pulse(), 0.0, False),
        (CLOUD, Pulse().after_probe(False), 0.0, False),
        (CLOUD, replace(SEEN, disabled_reason="key.refused"), 0.0, False),
        (CLOUD, failed(SEEN, ProviderDown(), 5).after_probe(True), 5.0, False),
        (CLOUD, failed(SEEN, ProviderDown(), 5).after_probe(True), 3_600.0, True),
        (CLOUD, failed(SEEN, ProviderBusy(retry_after_seconds=60), 1).after_probe(True), 30.0, False),
        (CLOUD, failed(SEEN, ProviderBusy(retry_after_seconds=60), 1).after_probe(True), 61.0, True),
    ],
)
def test_the_cloud_is_back_when_it_could_be_asked(card, pulse, now, expected):
    assert cloud_is_back([(RULES, SEEN), (card, pulse)], now) is expected
