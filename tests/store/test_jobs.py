import asyncio
import json

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.errors import Conflict
from ccos.domain.ticket import Ticket
from ccos.store import drafts, jobs, tickets
from support.store import finished


@pytest.fixture
async def app(store_urls):
    async with jobs.queue_app(store_urls.app).open_async() as app:
        yield app


@pytest.fixture(autouse=True)
async def empty_queue(database):
    async with database.unbound() as tx:
        await tx.run("DELETE FROM procrastinate_jobs")
        await tx.run("DELETE FROM procrastinate_workers")


async def queued(database, tenant, subject="환불"):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject=subject))).ticket
        draft = await drafts.queue(tx, ticket.id)
        await jobs.defer_draft(tx, tenant.id, draft.id)
    return draft


async def work_off(app):
    """What is due is done; then the worker ends."""
    async with asyncio.timeout(20):
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def statuses(database):
    async with database.unbound() as tx:
        return [row["status"] for row in await tx.rows("SELECT status FROM procrastinate_jobs ORDER BY id")]


async def test_a_worker_drafts_what_was_deferred(database, tenant, app):
    async def work(tenant_id, draft_id, last):
        async with database.tenant(tenant_id) as tx:
            run = await drafts.start(tx, draft_id)
            draft = await drafts.get(tx, draft_id)
        async with database.tenant(tenant_id) as tx:
            await drafts.finish(tx, finished(draft), run=run)

    jobs.register_draft(app, work)
    draft = await queued(database, tenant)
    assert await jobs.waiting(database) == 1
    await work_off(app)
    async with database.tenant(tenant.id) as tx:
        assert (await drafts.get(tx, draft.id)).state == DraftState.READY
    assert await statuses(database) == ["succeeded"]
    assert await jobs.waiting(database) == 0


async def test_a_listening_worker_is_woken_by_the_commit(database, tenant, app):
    done = asyncio.Event()

    async def work(tenant_id, draft_id, last):
        done.set()

    jobs.register_draft(app, work)
    worker = asyncio.create_task(
        app.run_worker_async(install_signal_handlers=False, fetch_job_polling_interval=3600)
    )
    try:
        async with asyncio.timeout(10):
            while not await listeners(database):
                await asyncio.sleep(0.02)
            await queued(database, tenant)
            await done.wait()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def listeners(database):
    async with database.unbound() as tx:
        row = await tx.row("SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'")
    return row["n"]


async def test_a_transaction_that_fails_leaves_neither_draft_nor_job(database, tenant):
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant.id) as tx:
            ticket = (await tickets.put(tx, Ticket(subject="Hi"))).ticket
            draft = await drafts.queue(tx, ticket.id)
            await jobs.defer_draft(tx, tenant.id, draft.id)
            raise RuntimeError
    assert await statuses(database) == []


async def test_a_job_holds_ids_and_no_words(database, tenant):
    draft = await queued(database, tenant, subject="아주 사적인 이야기")
    async with database.unbound() as tx:
        row = await tx.row("SELECT args, to_jsonb(j)::text AS everything FROM procrastinate_jobs j")
    assert row["args"] == {"tenant_id": str(tenant.id), "draft_id": draft.id}
    assert "사적인" not in json.dumps(row["everything"], ensure_ascii=False)


async def test_the_job_of_a_dead_worker_is_done_by_another(database, tenant, app):
    draft = await queued(database, tenant)
    async with database.unbound() as tx:  # a worker that fetched the job and was heard of an hour ago
        await tx.run(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 hour') RETURNING id)"
            " SELECT procrastinate_fetch_job_v2(NULL, dead.id) FROM dead"
        )
    seen = []

    async def work(tenant_id, draft_id, last):
        seen.append((tenant_id, str(draft_id)))

    jobs.register_draft(app, work)
    await work_off(app)
    assert seen == []
    stalled = await jobs.retry_stalled(database)
    assert [str(job.draft_id) for job in stalled.retried] == [draft.id] and stalled.given_up == ()
    await work_off(app)
    assert seen == [(tenant.id, draft.id)]


async def test_a_job_of_a_living_worker_is_left_alone(database, tenant):
    await queued(database, tenant)
    async with database.unbound() as tx:
        await tx.run(
            "WITH alive AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id)"
            " SELECT procrastinate_fetch_job_v2(NULL, alive.id) FROM alive"
        )
    assert await jobs.retry_stalled(database) == jobs.Stalled((), ())
    assert await statuses(database) == ["doing"]


async def test_many_at_once_retry_a_stalled_job_once(database, tenant):
    await queued(database, tenant)
    async with database.unbound() as tx:
        await tx.run("UPDATE procrastinate_jobs SET status = 'doing'")
    found = await asyncio.gather(*(jobs.retry_stalled(database) for _ in range(8)))
    assert sum(len(each.retried) for each in found) == 1


async def test_a_job_that_stalls_again_and_again_is_given_up(database, tenant):
    draft = await queued(database, tenant)
    for attempt in range(3):
        async with database.unbound() as tx:
            await tx.run("UPDATE procrastinate_jobs SET status = 'doing'")
        stalled = await jobs.retry_stalled(database, max_attempts=3)
        assert len(stalled.retried) == (attempt < 2)
    assert [(job.tenant_id, str(job.draft_id)) for job in stalled.given_up] == [(tenant.id, draft.id)]
    assert await statuses(database) == ["failed"]


async def test_a_draft_whose_job_ended_without_it_fails_and_one_with_a_job_waits(database, tenant):
    lost, kept = await queued(database, tenant), await queued(database, tenant, subject="교환")
    begun = await queued(database, tenant, subject="배송")
    async with database.tenant(tenant.id) as tx:
        await drafts.start(tx, begun.id)
    async with database.unbound() as tx:
        await tx.run(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock <> %(k)s", k=f"draft {kept.id}"
        )
    await jobs.retry_stalled(database, max_attempts=1)  # and the process dies before it marks the drafts
    async with database.tenant(tenant.id) as tx:
        assert await drafts.give_up_abandoned(tx, silent_seconds=60, queued_seconds=60) == 0
        assert await drafts.give_up_abandoned(tx, silent_seconds=60, queued_seconds=0) == 1
        assert await drafts.give_up_abandoned(tx, silent_seconds=0) == 1
        states = [(await drafts.get(tx, each.id)).state for each in (lost, kept, begun)]
    assert states == [DraftState.FAILED, DraftState.QUEUED, DraftState.FAILED]


async def test_work_that_raises_is_tried_again_and_then_failed(database, tenant, app):
    tries = []

    async def work(tenant_id, draft_id, last):
        tries.append(last)
        raise RuntimeError("no luck")

    jobs.register_draft(app, work, attempts=3, wait_seconds=0)
    await queued(database, tenant)
    for _ in range(4):
        await work_off(app)
    assert tries == [False, False, True]
    assert await statuses(database) == ["failed"]


async def test_two_jobs_of_one_draft_do_not_run_at_the_same_time(database, tenant, app):
    draft = await queued(database, tenant)
    async with database.tenant(tenant.id) as tx:
        await jobs.defer_draft(tx, tenant.id, draft.id)
    running = most = 0

    async def work(tenant_id, draft_id, last):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    jobs.register_draft(app, work)
    for _ in range(2):
        async with asyncio.timeout(20):
            await app.run_worker_async(
                wait=False, concurrency=4, install_signal_handlers=False, listen_notify=False
            )
    assert (most, await statuses(database)) == (1, ["succeeded", "succeeded"])


async def again(database, tenant, draft):
    async with database.tenant(tenant.id) as tx:
        return await jobs.defer_remake(tx, tenant.id, draft.id)


async def test_tickets_go_before_batches_and_what_is_made_again(database, tenant, app):
    order = []

    async def work(tenant_id, draft_id, last):
        order.append(str(draft_id))

    async def remake(tenant_id, draft_id, last):
        order.append(f"again {draft_id}")

    jobs.register_draft(app, work)
    jobs.register_remake(app, remake)
    old = await queued(database, tenant)
    await work_off(app)
    order.clear()
    await again(database, tenant, old)
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="batch"))).ticket
        batch = await drafts.queue(tx, ticket.id)
        await jobs.defer_draft(tx, tenant.id, batch.id, priority=jobs.BATCH_PRIORITY)
    new = await queued(database, tenant, subject="new")
    await work_off(app)
    assert order == [new.id, f"again {old.id}", batch.id]


async def test_a_draft_is_in_line_to_be_made_again_once(database, tenant):
    draft = await queued(database, tenant)
    await again(database, tenant, draft)
    with pytest.raises(Conflict):
        await again(database, tenant, draft)
    async with database.unbound() as tx:
        assert await jobs.remaking(tx) == 1


async def test_only_so_many_are_made_again_at_once(database, tenant, app):
    running = most = done = 0

    async def remake(tenant_id, draft_id, last):
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        done += 1

    jobs.register_remake(app, remake)
    for n in range(8):
        draft = await queued(database, tenant, subject=str(n))
        await again(database, tenant, draft)
    async with database.unbound() as tx:
        await tx.run("DELETE FROM procrastinate_jobs WHERE task_name = %(draft)s", draft=jobs.DRAFT_TASK)
    async with asyncio.timeout(20):
        while done < 8:
            await app.run_worker_async(
                wait=False, concurrency=8, install_signal_handlers=False, listen_notify=False
            )
    assert most == jobs.REMAKE_LANES


async def test_a_stalled_remake_is_known_as_one(database, tenant):
    draft = await queued(database, tenant)
    await again(database, tenant, draft)
    async with database.unbound() as tx:
        await tx.run("UPDATE procrastinate_jobs SET status = 'doing'")
    retried = (await jobs.retry_stalled(database)).retried
    assert sorted(job.remake for job in retried) == [False, True]
    assert {str(job.draft_id) for job in retried} == {draft.id}
