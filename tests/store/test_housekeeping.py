import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.money import MicroUsd
from ccos.store import housekeeping, jobs, spend
from support.store import new_tenant


@pytest.fixture(autouse=True)
async def empty_queue(database):
    async with database.unbound() as tx:
        await tx.run("DELETE FROM procrastinate_jobs")


async def ended(database, tenant, *, days, status="succeeded", times=1):
    """Jobs that ended so long ago, or are what `status` says; their ids."""
    found = []
    for _ in range(times):
        async with database.tenant(tenant.id) as tx:
            found.append(await jobs.defer_draft(tx, tenant.id, uuid4()))
    async with database.unbound() as tx:
        await tx.run(
            "UPDATE procrastinate_jobs SET status = %(status)s::procrastinate_job_status"
            " WHERE id = ANY(%(ids)s)",
            ids=found,
            status=status,
        )
        await tx.run(
            "UPDATE procrastinate_events SET at = now() - make_interval(days => %(days)s)"
            " WHERE job_id = ANY(%(ids)s)",
            ids=found,
            days=days,
        )
    return found


async def left(database):
    async with database.unbound() as tx:
        return {row["id"] for row in await tx.rows("SELECT id FROM procrastinate_jobs")}


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "aborted"])
async def test_jobs_that_ended_long_ago_go_with_their_history(database, tenant, status):
    await ended(database, tenant, days=8, status=status)
    young = await ended(database, tenant, days=6, status=status)
    assert await housekeeping.prune_jobs(database) == 1
    assert await left(database) == set(young)
    async with database.unbound() as tx:
        rows = await tx.rows("SELECT DISTINCT job_id FROM procrastinate_events")
    assert [row["job_id"] for row in rows] == young


@pytest.mark.parametrize("status", ["todo", "doing"])
async def test_a_job_that_has_not_ended_stays_however_old(database, tenant, status):
    old = await ended(database, tenant, days=400, status=status)
    assert await housekeeping.prune_jobs(database) == 0
    assert await left(database) == set(old)


async def test_jobs_go_in_bounded_batches_whoever_else_takes_them(database, tenant):
    await ended(database, tenant, days=8, times=7)
    assert await housekeeping.prune_jobs(database, batch=3) == 3
    went = await asyncio.gather(*(housekeeping.prune_jobs(database, batch=3) for _ in range(4)))
    while (more := await housekeeping.prune_jobs(database, batch=3)) > 0:
        went.append(more)
    assert sum(went) == 4 and await left(database) == set()


async def held(database, tenant, days, close):
    day = datetime.now(UTC).date() - timedelta(days=days)
    async with database.tenant(tenant.id) as tx:
        hold = await spend.reserve(tx, MicroUsd(10), cap=MicroUsd(1_000_000), day=day)
        assert hold is not None
        if close == "settled":
            await spend.settle(tx, hold, MicroUsd(7))
        elif close == "released":
            await spend.release(tx, hold)
    return hold


async def holds(database, tenant):
    async with database.tenant(tenant.id) as tx:
        rows = await tx.rows("SELECT id FROM reservation WHERE tenant_id = %(tenant)s")
        return {row["id"] for row in rows}


async def test_closed_holds_of_long_ago_go_and_the_days_sums_stay(database, tenant):
    other = await new_tenant(database)
    for close in ("settled", "released"):
        await held(database, tenant, 37, close)
    kept = {await held(database, tenant, 33, "settled"), await held(database, tenant, 37, None)}
    theirs = await held(database, other, 37, "settled")
    day = datetime.now(UTC).date() - timedelta(days=37)
    async with database.tenant(tenant.id) as tx:
        before = await spend.of_day(tx, day)
        assert await housekeeping.prune_holds(tx, batch=1) == 1
        assert await housekeeping.prune_holds(tx) == 1
        assert await housekeeping.prune_holds(tx) == 0
        assert await spend.of_day(tx, day) == before and before.spent == 7
    assert await holds(database, tenant) == kept and await holds(database, other) == {theirs}
