"""Batches in the database: what their lines come to, whatever ends a draft, and what is forgotten."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from ccos.agents import batching
from ccos.agents.batching import TicketLine
from ccos.agents.drafting import Drafting
from ccos.domain.batch import BatchState, mark, named
from ccos.domain.draft import DraftState
from ccos.domain.errors import NotFound
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Tier
from ccos.store import batches, drafts, jobs, remakes, tickets
from ccos.store.values import new_id
from support.store import finished, new_tenant


@pytest.fixture(autouse=True)
async def empty_queue(database):
    async with database.unbound() as tx:
        await tx.run("DELETE FROM procrastinate_jobs")


def line(number, **ticket):
    made = named(Ticket(**({"external_id": f"B-{number}", "subject": "환불"} | ticket)), number)
    return TicketLine(number, made, mark(made))


async def sent(database, tenant, *lines, bad=()):
    async with database.tenant(tenant.id) as tx:
        return await batching.take_in(tx, tenant.id, lines, bad, jobs.defer_batch)


async def report(database, tenant, batch):
    async with database.tenant(tenant.id) as tx:
        return await batches.report(tx, batch)


async def results(database, tenant, batch, **more):
    async with database.tenant(tenant.id) as tx:
        return [each.shown for each in await batches.results(tx, batch, **more)]


async def ids(database, tenant, batch):
    """The drafts of the batch by line."""
    async with database.tenant(tenant.id) as tx:
        rows = await tx.rows(
            "SELECT draft_id FROM batch_item WHERE tenant_id = %(tenant)s AND batch_id = %(id)s ORDER BY line",
            id=batch,
        )
    return [str(row["draft_id"]) for row in rows]


async def begin(database, tenant, draft_id):
    async with database.tenant(tenant.id) as tx:
        return await drafts.start(tx, draft_id)


async def end(database, tenant, draft_id, **changes):
    run = await begin(database, tenant, draft_id)
    async with database.tenant(tenant.id) as tx:
        draft = finished(await drafts.get(tx, draft_id), **changes)
        await drafts.finish(tx, draft, run=run)


async def waiting(database):
    async with database.unbound() as tx:
        rows = await tx.rows(
            "SELECT queue_name, lock FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
        )
    return [(row["queue_name"], row["lock"].removeprefix(jobs.JOB_LOCK)) for row in rows]


async def test_drafts_of_a_batch_wait_in_a_line_of_their_own_in_the_order_of_its_lines(database, tenant):
    batch = await sent(database, tenant, *(line(n) for n in (3, 1, 2)))
    by_line = await ids(database, tenant, batch)
    assert await waiting(database) == [("batches", by_line[n]) for n in (2, 0, 1)]
    async with database.unbound() as tx:
        [row] = await tx.rows("SELECT DISTINCT priority, task_name FROM procrastinate_jobs")
        assert row == {"priority": jobs.BATCH_PRIORITY, "task_name": jobs.BATCH_TASK}
    async with database.tenant(tenant.id) as tx:
        assert await jobs.hurry_draft(tx, by_line[0])
        assert not await jobs.hurry_draft(tx, by_line[0])
    assert ("drafts", by_line[0]) in await waiting(database)
    assert await jobs.waiting(database) == 1, "the other lines are not counted among those asked for singly"


async def test_a_small_batch_does_not_wait_for_all_of_a_large_one(database, tenant):
    large = await sent(database, tenant, *(line(n) for n in range(1, 251)))
    small = await sent(database, await new_tenant(database), *(line(n) for n in range(1, 4)))
    async with database.unbound() as tx:
        rows = await tx.rows(
            "SELECT args ->> 'tenant_id' = %(ours)s AS large FROM procrastinate_jobs"
            " ORDER BY priority DESC, id",
            ours=str(tenant.id),
        )
    assert large != small
    assert [row["large"] for row in rows] == [True] * 100 + [False] * 3 + [True] * 150


async def test_a_batch_goes_from_queued_over_drafting_to_done(database, tenant):
    batch = await sent(database, tenant, line(1), line(2))
    first, second = await ids(database, tenant, batch)
    assert (await report(database, tenant, batch)).state is BatchState.QUEUED
    run = await begin(database, tenant, first)
    began = await report(database, tenant, batch)
    assert began.state is BatchState.DRAFTING and began.began_at and began.ended_at is None
    assert began.states == {"queued": 1, "running": 1}
    assert await begin(database, tenant, first) == run + 1, "begun again, as after a crash"
    assert (await report(database, tenant, batch)).began_at == began.began_at
    await end(database, tenant, first)
    await end(database, tenant, second, state=DraftState.ABSTAINED)
    done = await report(database, tenant, batch)
    assert done.state is BatchState.DONE and done.finished == 2 and done.seconds_left == 0
    assert done.states == {"ready": 1, "abstained": 1} and done.began_at < done.ended_at


async def test_tiers_and_cost_are_summed_and_what_several_lines_share_is_paid_once(database, tenant):
    batch = await sent(database, tenant, line(1), line(2), line(3, external_id="B-1"))
    first, second, third = await ids(database, tenant, batch)
    assert first == third
    await end(database, tenant, first, cost_usd=0.25, tier=Tier.CLOUD_PREMIUM)
    await end(database, tenant, second, cost_usd=0.000_001, tier=Tier.RULE_BASED)
    told = await report(database, tenant, batch)
    assert told.tiers == {"tier_0": 2, "tier_3": 1}
    assert Decimal(str(told.cost_usd)) == Decimal("0.250001")
    again = await report(database, tenant, await sent(database, tenant, line(1), line(2)))
    assert again.tiers == {"tier_0": 1, "tier_3": 1} and again.cost_usd == 0, "it had been paid before"


@pytest.mark.parametrize("how", ["given up", "expired", "superseded"])
async def test_whatever_ends_a_draft_ends_its_line(database, tenant, how):
    batch = await sent(database, tenant, line(1))
    [draft_id] = await ids(database, tenant, batch)
    async with database.tenant(tenant.id) as tx:
        ticket_id = (await drafts.get(tx, draft_id)).ticket_id
        if how == "given up":
            await drafts.give_up(tx, draft_id, "worker.stalled")
        elif how == "expired":
            await drafts.expire(tx, ticket_id)
        else:
            await drafts.queue(tx, ticket_id)
    assert (await report(database, tenant, batch)).state is BatchState.DONE
    [row] = await results(database, tenant, batch)
    assert row["state"] == {"given up": "failed"}.get(how, how)


async def test_a_draft_that_was_made_again_takes_the_place_of_the_older_one(database, tenant):
    batch = await sent(database, tenant, line(1))
    [draft_id] = await ids(database, tenant, batch)
    await end(database, tenant, draft_id, state=DraftState.NEEDS_REVIEW, tier=Tier.RULE_BASED, degraded=True)
    async with database.tenant(tenant.id) as tx:
        older = await drafts.get(tx, draft_id)
        newer = older.model_copy(
            update={"id": str(new_id()), "state": DraftState.READY, "tier": Tier.CLOUD_PREMIUM}
        )
        assert await remakes.put(tx, newer, older, better=True)
    [row] = await results(database, tenant, batch)
    assert (row["id"], row["state"], row["tier"]) == (newer.id, "ready", "tier_0")
    assert (await report(database, tenant, batch)).tiers == {"tier_0": 1}


async def test_seconds_left_are_told_once_a_handful_is_made(database, tenant):
    batch = await sent(database, tenant, *(line(n) for n in range(1, 16)))
    by_line = await ids(database, tenant, batch)
    for draft_id in by_line[:4]:
        await end(database, tenant, draft_id)
    assert (await report(database, tenant, batch)).seconds_left is None
    await end(database, tenant, by_line[4])
    async with database.tenant(tenant.id) as tx:
        await tx.run(
            "UPDATE batch_item SET began_at = now() - interval '50 seconds' WHERE began_at IS NOT NULL"
        )
    assert (await report(database, tenant, batch)).seconds_left == pytest.approx(100, abs=5)


async def test_what_another_batch_waits_for_as_well_is_left_to_it(database, tenant):
    first = await sent(database, tenant, line(1), line(2))
    second = await sent(database, tenant, line(2))
    alone, shared = await ids(database, tenant, first)
    assert await ids(database, tenant, second) == [shared]
    async with database.tenant(tenant.id) as tx:
        assert await batches.cancel(tx, first) == 1
        assert await batches.cancel(tx, first) == 0
    assert [lock for _, lock in await waiting(database)] == [shared]
    assert (await report(database, tenant, first)).states == {"failed": 1, "queued": 1}
    async with database.tenant(tenant.id) as tx:
        assert await batches.cancel(tx, second) == 1
    assert await waiting(database) == []
    for batch in (first, second):
        told = await report(database, tenant, batch)
        assert told.state is BatchState.CANCELLED and told.ended_at is not None and told.seconds_left is None
    assert await begun_by_nobody(database, tenant, alone)


async def begun_by_nobody(database, tenant, draft_id):
    async with database.tenant(tenant.id) as tx:
        return (await drafts.get(tx, draft_id)).state is DraftState.FAILED


async def test_a_draft_that_ends_while_it_is_taken_into_a_batch_is_not_waited_for(database, tenant):
    batch = await sent(database, tenant, line(1))
    [draft_id] = await ids(database, tenant, batch)
    run = await begin(database, tenant, draft_id)
    async with database.tenant(tenant.id) as tx:
        again = await batching.take_in(tx, tenant.id, [line(1)], [], jobs.defer_batch)
        assert (await batches.report(tx, again)).state is BatchState.DRAFTING
        async with database.tenant(tenant.id, seconds=0.3) as other:
            with pytest.raises(psycopg.errors.QueryCanceled):
                await other.run("UPDATE draft SET state = 'ready' WHERE id = %(id)s", id=draft_id)
            await other.connection.rollback()
    async with database.tenant(tenant.id) as tx:
        await drafts.finish(tx, finished(await drafts.get(tx, draft_id)), run=run)
    assert (await report(database, tenant, again)).state is BatchState.DONE


async def test_a_ticket_that_is_forgotten_takes_its_lines_along(database, tenant):
    batch = await sent(database, tenant, line(1), line(2), bad=[batches.BadLine(3, "ticket.invalid", "No.")])
    first, second = (await ids(database, tenant, batch))[:2]
    await end(database, tenant, first)
    async with database.tenant(tenant.id) as tx:
        await tx.run("DELETE FROM ticket WHERE tenant_id = %(tenant)s AND external_id = 'B-2'")
    told = await report(database, tenant, batch)
    assert (told.state, told.total, told.finished) == (BatchState.DONE, 3, 2)
    assert [row["line"] for row in await results(database, tenant, batch)] == [1, 3]
    async with database.tenant(tenant.id) as tx:
        with pytest.raises(NotFound):
            await drafts.get(tx, second)


async def test_a_tenant_that_goes_takes_its_batches_along(database, tenant, store_urls):
    other = await new_tenant(database)
    kept = await sent(database, other, line(1))
    await sent(database, tenant, line(1))
    with psycopg.connect(store_urls.superuser) as admin:
        admin.execute("DELETE FROM ccos.tenant WHERE id = %s", (tenant.id,))
        count = "SELECT count(*) FROM ccos.batch_item WHERE tenant_id = %s"
        assert admin.execute(count, (tenant.id,)).fetchone() == (0,)
    assert (await report(database, other, kept)).total == 1


async def test_ended_batches_of_long_ago_are_forgotten_and_their_tickets_kept(database, tenant):
    old, open_still, young = [await sent(database, tenant, line(n)) for n in (1, 2, 3)]
    for batch in (old, young):
        [draft_id] = await ids(database, tenant, batch)
        await end(database, tenant, draft_id)
    async with database.tenant(tenant.id) as tx:
        await tx.run(
            "UPDATE batch SET created_at = now() - %(age)s WHERE id = ANY(%(ids)s)",
            age=timedelta(days=batches.KEPT_DAYS + 1),
            ids=[old, open_still],
        )
        assert await batches.prune(tx) == 1
        with pytest.raises(NotFound):
            await batches.report(tx, old)
        assert {each.id for each in (await batches.page(tx)).batches} == {str(open_still), str(young)}
        assert len((await tickets.page(tx)).tickets) == 3


async def test_many_tickets_are_stored_as_each_would_be(database, tenant):
    known = Ticket(external_id="B-1", subject="환불", tags=("a",), created_at="2026-11-01T09:00:00")
    async with database.tenant(tenant.id) as tx:
        await tickets.put(tx, known)
        first = await tickets.put_all(
            tx, [known, Ticket(external_id="B-0", subject="a\0b\ud800", language="ko")]
        )
        assert {name: outcome for name, (_, outcome) in first.items()} == {
            "B-1": "unchanged",
            "B-0": "created",
        }
        newer = known.model_copy(update={"subject": "교환"})
        second = await tickets.put_all(tx, [newer])
        assert second == {"B-1": (first["B-1"][0], "changed")}
        stored = await tickets.get(tx, first["B-1"][0])
        assert stored.subject == "교환" and stored.tags == ("a",)
        assert (await tickets.get(tx, first["B-0"][0])).subject == "ab"
        assert (await tickets.put(tx, newer)).outcome == "unchanged"


async def test_a_stalled_line_is_tried_again_like_any_draft(database, tenant):
    batch = await sent(database, tenant, line(1))
    [draft_id] = await ids(database, tenant, batch)
    async with database.unbound() as tx:
        await tx.run("UPDATE procrastinate_jobs SET status = 'doing'")
    [job] = (await jobs.retry_stalled(database)).retried
    assert (str(job.draft_id), job.remake) == (draft_id, False)
    assert await waiting(database) == [("batches", draft_id)]


async def until_one_waits_for_a_lock(store_urls):
    with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
        for _ in range(2_000):
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            if admin.execute(waits).fetchone()[0]:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("singly", [False, True])
async def test_what_is_sent_again_while_its_batch_is_cancelled_is_drafted(
    database, tenant, store_urls, singly
):
    batch = await sent(database, tenant, line(1), line(2))
    drafting = Drafting(database, None, jobs.defer_draft, mode=Mode.OUTAGE, hurry=jobs.hurry_draft)

    async def again():
        if singly:
            return (await drafting.take_in(tenant.id, line(1).ticket)).draft.id
        return (await ids(database, tenant, await sent(database, tenant, line(1))))[0]

    async with database.tenant(tenant.id) as tx:
        await batches.cancel(tx, batch)
        sending = asyncio.create_task(again())
        await until_one_waits_for_a_lock(store_urls)
    draft_id = await sending
    async with database.tenant(tenant.id) as tx:
        assert (await drafts.get(tx, draft_id)).state is DraftState.QUEUED
    assert [lock for _, lock in await waiting(database)] == [draft_id]


@pytest.mark.parametrize("singly", [False, True])
async def test_what_was_just_sent_again_is_not_cancelled_with_its_batch(database, tenant, store_urls, singly):
    batch = await sent(database, tenant, line(1), line(2))
    [wanted, _] = await ids(database, tenant, batch)

    async def cancel():
        async with database.tenant(tenant.id) as tx:
            return await batches.cancel(tx, batch)

    async with database.tenant(tenant.id) as tx:
        if singly:
            await drafts.hold_queued(tx, [UUID(str((await tickets.put(tx, line(1).ticket)).ticket.id))])
            await jobs.hurry_draft(tx, wanted)
        else:
            await batching.take_in(tx, tenant.id, [line(1)], [], jobs.defer_batch)
        cancelling = asyncio.create_task(cancel())
        await until_one_waits_for_a_lock(store_urls)
    assert await cancelling == 1
    assert [lock for _, lock in await waiting(database)] == [wanted]


async def test_of_two_batches_cancelled_at_once_nothing_is_left_over(database, tenant, store_urls):
    first, second = [await sent(database, tenant, line(1)) for _ in range(2)]

    async def cancel(batch):
        async with database.tenant(tenant.id) as tx:
            return await batches.cancel(tx, batch)

    async with database.tenant(tenant.id) as tx:
        assert await batches.cancel(tx, first) == 0
        cancelling = asyncio.create_task(cancel(second))
        await until_one_waits_for_a_lock(store_urls)
    assert await cancelling == 1 and await waiting(database) == []
