"""What the loop learnt, as it is kept: versions in force and gone back from, proposed answers, outcomes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from ccos.domain.draft import Attempt, DraftState, Outcome
from ccos.domain.errors import Conflict, NotFound
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import approved_answers, decisions, drafts, outcomes, quality_models, tickets
from ccos.store.database import Database
from support.store import finished, new_tenant, opened


@pytest.fixture
async def database(store_urls):
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


async def version(database, tenant, *, promoted=True, kind="calibration"):
    async with database.tenant(tenant.id) as tx:
        await quality_models.lock(tx)
        made = await quality_models.add(
            tx, kind=kind, scorer="s", labels=9, held_back=3, content={"a": 1}, figures=[{"name": "brier"}]
        )
    if promoted:
        async with database.tenant(tenant.id) as tx:
            made = await quality_models.promote(tx, made.id, by="hana")
    return made


async def test_versions_count_up_by_kind_and_begin_as_candidates(database, tenant):
    first, other = [await version(database, tenant, promoted=False, kind=kind) for kind in ("a", "b")]
    second = await version(database, tenant, promoted=False, kind="a")
    assert (first.version, other.version, second.version) == (1, 1, 2)
    assert {each.state for each in (first, other, second)} == {"candidate"}
    async with database.tenant(tenant.id) as tx:
        assert await quality_models.active(tx, "a") is None
        assert [each.version for each in await quality_models.every(tx, "a")] == [2, 1]


async def test_of_a_kind_one_is_in_force(database, tenant):
    first, second = await version(database, tenant), await version(database, tenant)
    async with database.tenant(tenant.id) as tx:
        now = await quality_models.active(tx)
        assert now.id == second.id and now.promoted_by == "hana" and now.content == {"a": 1}
        assert (await quality_models.get(tx, first.id)).state == "retired"
        assert await quality_models.promote(tx, second.id, by="someone") == now


async def test_going_back_ends_at_what_ships(database, tenant):
    first, second = await version(database, tenant), await version(database, tenant)
    async with database.tenant(tenant.id) as tx:
        assert (await quality_models.roll_back(tx, by="kim")).id == first.id
    async with database.tenant(tenant.id) as tx:
        assert await quality_models.roll_back(tx, by="kim") is None
        assert await quality_models.active(tx) is None
        with pytest.raises(Conflict):
            await quality_models.roll_back(tx, by="kim")
        assert (await quality_models.get(tx, second.id)).rolled_back_at is not None


async def test_a_version_that_was_gone_back_from_is_passed_over(database, tenant):
    first = await version(database, tenant)
    await version(database, tenant)
    async with database.tenant(tenant.id) as tx:
        await quality_models.roll_back(tx, by="kim")
    await version(database, tenant)
    async with database.tenant(tenant.id) as tx:
        assert (await quality_models.roll_back(tx, by="kim")).id == first.id


async def test_what_is_not_there_or_another_tenants_is_not_found(database, tenant):
    other = await new_tenant(database, "elsewhere")
    made = await version(database, other)
    async with database.tenant(tenant.id) as tx:
        for key in (uuid4(), made.id):
            with pytest.raises(NotFound):
                await quality_models.promote(tx, key, by="kim")
            with pytest.raises(NotFound):
                await approved_answers.settle(tx, key, "accepted", by="kim")


async def test_a_persons_word_about_an_answer_outlives_the_next_proposal(database, tenant):
    async with database.tenant(tenant.id) as tx:

        async def propose(tickets):
            return await approved_answers.propose(
                tx,
                intent="refund",
                language="en",
                body="In 3 days.",
                slots=["number_1"],
                tickets=tickets,
                changed=0,
            )

        assert await propose(3)
        (found,) = await approved_answers.every(tx, "proposed")
        settled = await approved_answers.settle(tx, found.id, "refused", by="kim")
        assert (settled.state, settled.decided_by) == ("refused", "kim")
        assert not await propose(8)
        (again,) = await approved_answers.every(tx)
        assert (again.state, again.tickets) == ("refused", 8)
        assert not await approved_answers.every(tx, "proposed")


async def test_outcomes_are_of_answers_that_this_score_measured(database, tenant):
    async def decided(verdict, *, scorer="s", state=DraftState.READY, reason="", quality=0.8, text=None):
        ticket = (await tickets.put(tx, Ticket(subject="Where is it?", description="My parcel"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        attempt = Attempt(
            task=Task.SOLUTION_DRAFT,
            tier=Tier.LOCAL_TINYLLAMA,
            provider="p",
            model="m",
            outcome=Outcome.ACCEPTED,
            reason=reason,
            quality=quality,
        )
        done = finished(
            draft,
            state,
            tier=Tier.LOCAL_TINYLLAMA,
            reply="It comes today.",
            attempts=(attempt,),
            scorer=scorer,
        )
        await drafts.finish(tx, done, run=run)
        await decisions.decide(tx, draft.id, verdict, text=text)

    async with database.tenant(tenant.id) as tx:
        await decided("approved")
        await decided("edited", text="It comes on Friday, I am sorry to say.")
        await decided("rejected", reason="veto.language")
        await decided("approved", scorer="other")
        await decided("rejected", state=DraftState.ABSTAINED)
        found = await outcomes.latest(tx, scorer="s")
        newest = await outcomes.latest(tx, scorer="s", limit=1)
    assert [(each.verdict, each.quality) for each in reversed(found)] == [
        ("approved", 0.8),
        ("edited", 0.8),
        ("rejected", None),
    ]
    assert found[1].sent.endswith("say.") and found[1].changed > 0.2
    assert found[0].question == "Where is it?\nMy parcel" and len(newest) == 1


async def test_the_loop_is_due_after_enough_decisions_and_enough_hours(database, tenant):
    async with database.tenant(tenant.id) as tx:
        assert (
            not await quality_models.is_due(tx, hours=20, least=1)
            and await quality_models.last_run(tx) is None
        )
        ticket = (await tickets.put(tx, Ticket(subject="Where is it?"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        await drafts.finish(tx, finished(draft), run=await drafts.start(tx, draft.id))
        await decisions.decide(tx, draft.id, "approved")
        assert await quality_models.is_due(tx, hours=20, least=1)
        assert not await quality_models.is_due(tx, hours=20, least=2)
        await quality_models.note_run(tx, {"labels": 1})
        assert not await quality_models.is_due(tx, hours=20, least=1)
        assert await quality_models.is_due(tx, hours=-1, least=1)
        assert (await quality_models.last_run(tx))[1] == {"labels": 1}
