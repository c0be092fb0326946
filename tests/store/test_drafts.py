import asyncio
from uuid import uuid4

import pytest

from ccos.domain.draft import Check, DraftState, FieldChange
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, tickets
from support.store import finished, new_tenant


@pytest.fixture
async def ticket(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return (await tickets.put(tx, Ticket(subject="환불"))).ticket


async def made(database, tenant, ticket, state=DraftState.READY, **changes):
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.queue(tx, ticket.id)
        draft = finished(draft, state, **changes)
        await drafts.finish(tx, draft, run=await drafts.start(tx, draft.id))
        return draft


async def test_a_draft_goes_from_queued_to_ready_and_comes_back_whole(database, tenant, ticket):
    async with database.tenant(tenant.id) as tx:
        queued = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, queued.id)
        running = await drafts.get(tx, queued.id)
    assert (queued.state, running.state, queued.ticket_id) == (
        DraftState.QUEUED,
        DraftState.RUNNING,
        ticket.id,
    )
    done = finished(
        queued,
        fields=(FieldChange(name="category", old="etc", new="refund", confidence=0.9),),
        checks=(Check(name="language", passed=True, span=(0, 3)),),
        triage={"intent": "refund", "한글": [1, None]},
    )
    async with database.tenant(tenant.id) as tx:
        await drafts.finish(tx, done, run=run)
    async with database.tenant(tenant.id) as tx:
        assert await drafts.get(tx, queued.id) == done
        assert await drafts.latest(tx, ticket.id) == done
        assert await drafts.attempts(tx, queued.id) == list(done.attempts)


async def test_money_of_an_attempt_is_stored_in_whole_micro_usd_and_rounded_up(database, tenant, ticket):
    draft = await made(database, tenant, ticket)
    async with database.tenant(tenant.id) as tx:
        rows = await tx.rows(
            "SELECT cost_micro_usd FROM attempt WHERE draft_id = %(id)s ORDER BY ordinal", id=draft.id
        )
    assert [row["cost_micro_usd"] for row in rows] == [0, 123]


async def test_a_new_draft_supersedes_the_open_one_whose_worker_is_then_refused(database, tenant, ticket):
    async with database.tenant(tenant.id) as tx:
        older = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, older.id)
    async with database.tenant(tenant.id) as tx:
        newer = await drafts.queue(tx, ticket.id)
    with pytest.raises(Conflict, match="superseded"):
        async with database.tenant(tenant.id) as tx:
            await drafts.finish(tx, finished(older), run=run)
    async with database.tenant(tenant.id) as tx:
        assert (await drafts.get(tx, older.id)).state == DraftState.SUPERSEDED
        assert await drafts.attempts(tx, older.id) == []
        assert (await drafts.latest(tx, ticket.id)).id == newer.id


async def test_only_the_last_run_may_finish(database, tenant, ticket):
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.queue(tx, ticket.id)
        lost = await drafts.start(tx, draft.id)
        again = await drafts.start(tx, draft.id)
    with pytest.raises(Conflict, match="begun again"):
        async with database.tenant(tenant.id) as tx:
            await drafts.finish(tx, finished(draft, reply="from the dead"), run=lost)
    async with database.tenant(tenant.id) as tx:
        await drafts.finish(tx, finished(draft, reply="from the living"), run=again)
    with pytest.raises(Conflict, match="ready"):
        async with database.tenant(tenant.id) as tx:
            await drafts.finish(tx, finished(draft, reply="twice"), run=again)
    async with database.tenant(tenant.id) as tx:
        assert (await drafts.get(tx, draft.id)).reply == "from the living"
        assert len(await drafts.attempts(tx, draft.id)) == 2


async def test_ten_requests_at_once_leave_one_open_draft(database, tenant, ticket):
    async def queue():
        async with database.tenant(tenant.id) as tx:
            await drafts.queue(tx, ticket.id)

    await asyncio.gather(*(queue() for _ in range(10)))
    async with database.tenant(tenant.id) as tx:
        assert await drafts.counts(tx) == {DraftState.QUEUED: 1, DraftState.SUPERSEDED: 9}


@pytest.mark.parametrize("state", sorted(set(DraftState) - drafts.FINISHED))
async def test_work_ends_only_in_the_states_it_can_end_in(database, tenant, ticket, state):
    with pytest.raises(BadInput):
        async with database.tenant(tenant.id) as tx:
            draft = await drafts.queue(tx, ticket.id)
            await drafts.finish(tx, finished(draft, state), run=await drafts.start(tx, draft.id))


async def test_an_agents_own_answer_expires_the_open_draft(database, tenant, ticket):
    draft = await made(database, tenant, ticket)
    async with database.tenant(tenant.id) as tx:
        assert await drafts.expire(tx, ticket.id) == 1
        assert await drafts.expire(tx, ticket.id) == 0
        assert (await drafts.get(tx, draft.id)).state == DraftState.EXPIRED


async def test_giving_up_fails_what_runs_and_refuses_its_worker(database, tenant, ticket):
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        assert await drafts.give_up(tx, draft.id, "worker.lost")
        assert not await drafts.give_up(tx, draft.id, "worker.lost")
        found = await drafts.get(tx, draft.id)
        assert (found.state, found.reason) == (DraftState.FAILED, "worker.lost")
        with pytest.raises(Conflict, match="failed"):
            await drafts.finish(tx, finished(draft), run=run)


async def test_drafts_are_listed_by_state_in_pages(database, tenant):
    for n in range(5):
        async with database.tenant(tenant.id) as tx:
            ticket = (await tickets.put(tx, Ticket(subject=f"{n}"))).ticket
        await made(database, tenant, ticket, DraftState.NEEDS_REVIEW if n % 2 else DraftState.READY)
    async with database.tenant(tenant.id) as tx:
        first = await drafts.page(tx, states={DraftState.READY}, limit=2)
        second = await drafts.page(tx, states={DraftState.READY}, limit=2, after=first.next)
        everything = await drafts.page(tx)
    assert [draft.state for draft in first.drafts + second.drafts] == [DraftState.READY] * 3
    assert second.next is None and len(everything.drafts) == 5


async def test_a_reply_with_nul_is_stored_without_it(database, tenant, ticket):
    draft = await made(database, tenant, ticket, reply="a\0b\ud800c", triage={"k\0": ["\0v"]})
    async with database.tenant(tenant.id) as tx:
        found = await drafts.get(tx, draft.id)
    assert (found.reply, found.triage) == ("abc", {"k": ["v"]})


@pytest.mark.parametrize("draft_id", [str(uuid4()), "7"])
@pytest.mark.parametrize("act", [drafts.get, drafts.start, drafts.mark_opened])
async def test_an_unknown_draft_is_not_found(database, tenant, act, draft_id):
    with pytest.raises(NotFound):
        async with database.tenant(tenant.id) as tx:
            await act(tx, draft_id)


async def test_no_draft_for_a_ticket_of_another_tenant(database, tenant, ticket):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        assert await drafts.latest(tx, ticket.id) is None
        with pytest.raises(NotFound):
            await drafts.queue(tx, ticket.id)


@pytest.mark.parametrize("state", sorted(drafts.DECIDABLE))
@pytest.mark.parametrize("verdict", ["approved", "edited", "rejected"])
async def test_a_finished_draft_is_decided(database, tenant, ticket, state, verdict):
    draft = await made(database, tenant, ticket, state)
    async with database.tenant(tenant.id) as tx:
        decided = await decisions.decide(
            tx,
            draft.id,
            verdict,
            text="다시 썼어요",
            fields={"tags": ["vip"]},
            reason="tone",
            csat=5,
            decided_by="hana",
        )
        assert (await drafts.get(tx, draft.id)).state == verdict
        assert await decisions.of_draft(tx, draft.id) == decided
    assert (decided.text, decided.fields, decided.csat, decided.decided_by) == (
        "다시 썼어요",
        {"tags": ["vip"]},
        5,
        "hana",
    )


async def test_a_double_click_decides_once(database, tenant, ticket):
    """The second click arrives while the first is still being stored: it waits, and gets the same answer."""
    draft = await made(database, tenant, ticket)

    async def click():
        async with database.tenant(tenant.id) as tx:
            return await decisions.decide(tx, draft.id, "approved", decided_by="hana")

    async with database.tenant(tenant.id) as tx:
        first = await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        second = asyncio.create_task(click())
        async with asyncio.timeout(10):
            while not second.done():
                waits = await tx.row("SELECT count(*) AS n FROM pg_locks WHERE NOT granted")
                if waits["n"]:
                    break
                await asyncio.sleep(0.01)
    assert await second == first


async def test_another_decision_about_the_same_draft_is_a_conflict(database, tenant, ticket):
    draft = await made(database, tenant, ticket)
    async with database.tenant(tenant.id) as tx:
        await decisions.decide(tx, draft.id, "edited", text="one")
        for verdict, text in (("edited", "two"), ("rejected", None), ("approved", None)):
            with pytest.raises(Conflict, match="edited"):
                await decisions.decide(tx, draft.id, verdict, text=text)


@pytest.mark.parametrize("how", ["queued", "running", "failed", "superseded", "expired"])
async def test_what_is_not_on_the_table_cannot_be_decided(database, tenant, ticket, how):
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.queue(tx, ticket.id)
        if how == "running":
            await drafts.start(tx, draft.id)
        elif how == "failed":
            await drafts.give_up(tx, draft.id, "worker.lost")
        elif how == "superseded":
            await drafts.queue(tx, ticket.id)
        elif how == "expired":
            await drafts.expire(tx, ticket.id)
        with pytest.raises(Conflict, match=how):
            await decisions.decide(tx, draft.id, "approved")


async def test_a_decided_draft_is_not_superseded(database, tenant, ticket):
    draft = await made(database, tenant, ticket)
    async with database.tenant(tenant.id) as tx:
        await decisions.decide(tx, draft.id, "approved")
        await drafts.queue(tx, ticket.id)
        assert (await drafts.get(tx, draft.id)).state == DraftState.APPROVED


async def test_the_rating_may_come_later(database, tenant, ticket):
    draft = await made(database, tenant, ticket)
    async with database.tenant(tenant.id) as tx:
        with pytest.raises(NotFound):
            await decisions.rate(tx, draft.id, 4)
        decided = await decisions.decide(tx, draft.id, "approved")
        await decisions.rate(tx, draft.id, 4)
        assert [each.csat for each in await decisions.since(tx, decided.decided_at)] == [4]


@pytest.mark.parametrize("wrong", [{"csat": 0}, {"csat": 6}, {"verdict": "edited"}])
async def test_a_decision_that_says_nothing_usable_is_refused(database, tenant, ticket, wrong):
    draft = await made(database, tenant, ticket)
    with pytest.raises(BadInput):
        async with database.tenant(tenant.id) as tx:
            await decisions.decide(tx, draft.id, **({"verdict": "approved"} | wrong))


async def test_work_that_has_been_silent_for_too_long_is_given_up(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="x"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
    async with database.tenant(tenant.id) as tx:
        assert await drafts.give_up_abandoned(tx, silent_seconds=60) == 0
        assert await drafts.give_up_abandoned(tx, silent_seconds=0) == 1
        left = await drafts.get(tx, draft.id)
        assert (left.state, left.reason) == (DraftState.FAILED, "work.abandoned")
        with pytest.raises(Conflict):
            await drafts.finish(tx, finished(draft), run=run)
