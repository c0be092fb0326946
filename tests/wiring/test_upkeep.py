"""Upkeep goes only where there is something to do, and no tenant's fault stops it for the others."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date

import pytest
from structlog.testing import capture_logs

from ccos import worker
from ccos.agents.recovery import Recovery
from ccos.domain.draft import DraftState
from ccos.domain.errors import StoreError
from ccos.domain.money import Level, MicroUsd
from ccos.domain.ticket import Ticket
from ccos.store import drafts, jobs, remakes, spend, tenants, tickets
from ccos.store.database import Database
from ccos.store.migrate import migrate
from support.postgres import fresh_database
from support.store import finished, new_tenant, opened

DAY = date(2032, 3, 1)


@pytest.fixture(scope="module")
def url(embedded_server):
    """A database of this file's own: upkeep goes through every tenant there is."""
    with fresh_database(embedded_server, "upkeep_tests") as urls:
        migrate(urls.owner)
        yield urls.app


class Watched:
    """The database, that knows which tenants were bound and breaks for some."""

    def __init__(self, database, *broken):
        self.database = database
        self.broken = {tenant.id for tenant in broken}
        self.bound = []

    @asynccontextmanager
    async def tenant(self, tenant_id, **patience):
        self.bound.append(tenant_id)
        if tenant_id in self.broken:
            raise StoreError
        async with self.database.tenant(tenant_id, **patience) as tx:
            yield tx

    def unbound(self):
        return self.database.unbound()


@pytest.fixture
async def database(url):
    async with opened(Database(url)) as database:
        yield database
        async with database.unbound() as tx:
            await tx.run("DELETE FROM procrastinate_jobs")
            known = await tenants.ids(tx)
        for tenant_id in known:
            async with database.tenant(tenant_id) as tx:
                await tx.run("DELETE FROM ticket")
                await tx.run("DELETE FROM spend_day")


@pytest.fixture
async def three(database):
    return [await new_tenant(database, name) for name in ("one", "two", "three")]


async def hold(database, tenant, hold_seconds):
    async with database.tenant(tenant.id) as tx:
        cap = MicroUsd(100)
        assert await spend.reserve(tx, MicroUsd(10), cap=cap, day=DAY, hold_seconds=hold_seconds)


async def unfinished(database, tenant, state, seconds):
    """A draft that has been so for so long, with no job."""
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        if state is DraftState.RUNNING:
            await drafts.start(tx, draft.id)
        await tx.run("UPDATE draft SET updated_at = now() - make_interval(secs => %(n)s::float8)", n=seconds)
        return draft


async def degraded(database, tenant, **changes):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        made = finished(draft, DraftState.NEEDS_REVIEW, **{"degraded": True, **changes})
        await drafts.finish(tx, made, run=await drafts.start(tx, draft.id))
        return draft


async def spent(database, tenant):
    async with database.tenant(tenant.id) as tx:
        day = await spend.of_day(tx, DAY)
    return day.reserved, day.spent


async def state(database, tenant, draft):
    async with database.tenant(tenant.id) as tx:
        return (await drafts.get(tx, draft.id)).state


async def test_where_nothing_is_to_do_no_tenant_is_gone_to(database, three):
    one, two, _ = three
    await hold(database, one, 60)
    await unfinished(database, two, DraftState.RUNNING, worker.ABANDONED_SECONDS - 60)
    await unfinished(database, one, DraftState.QUEUED, worker.ORPHANED_SECONDS - 60)
    await degraded(database, two)
    watched = Watched(database)
    await worker._mend(watched)
    assert watched.bound == []


async def test_each_thing_to_do_brings_upkeep_to_its_tenant_only(database, three):
    one, two, last = three
    await hold(database, one, -1)
    ran = await unfinished(database, two, DraftState.RUNNING, worker.ABANDONED_SECONDS + 60)
    waited = await unfinished(database, last, DraftState.QUEUED, worker.ORPHANED_SECONDS + 60)
    await new_tenant(database, "idle")
    watched = Watched(database)
    await worker._mend(watched)
    assert set(watched.bound) == {one.id, two.id, last.id}
    assert await spent(database, one) == (0, 10)
    assert await state(database, two, ran) is DraftState.FAILED
    assert await state(database, last, waited) is DraftState.FAILED
    again = Watched(database)
    await worker._mend(again)
    assert again.bound == []


async def test_a_tenant_whose_holds_cannot_be_ended_stops_neither_the_others_nor_its_drafts(database, three):
    broken, *others = three
    for each in three:
        await hold(database, each, -1)
    abandoned = await unfinished(database, broken, DraftState.QUEUED, worker.ORPHANED_SECONDS + 60)
    async with database.tenant(broken.id) as tx:  # sums that do not add up: ending the hold is refused
        await tx.run("UPDATE spend_day SET reserved_micro_usd = 0")
    with capture_logs() as logs:
        await worker._mend(database)
    assert [await spent(database, each) for each in others] == [(0, 10), (0, 10)]
    assert await state(database, broken, abandoned) is DraftState.FAILED
    told = [(e["event"], e["tenant_id"]) for e in logs if e["log_level"] == "warning"]
    assert told == [("upkeep.failed", str(broken.id))]


async def test_tidying_goes_on_past_a_tenant_that_fails(database, three):
    broken, *others = three
    watched = Watched(database, broken)
    await worker._tidy(watched)
    assert {each.id for each in others} <= set(watched.bound[watched.bound.index(broken.id) :])


def recovery(database, **more):
    return Recovery(database, lambda: True, lambda tenant_id: Level.OK, **more)


async def test_recovery_goes_to_no_tenant_and_takes_no_lock_when_all_is_well(database, three):
    await degraded(database, three[0], degraded=False)
    opened_one = await degraded(database, three[1])
    async with database.tenant(three[1].id) as tx:
        await drafts.mark_opened(tx, opened_one.id)
    watched = Watched(database)
    statements = []
    whole = database.unbound

    @asynccontextmanager
    async def unbound():
        async with whole() as tx:
            row = tx.row

            async def told(query, **values):
                statements.append(query)
                return await row(query, **values)

            tx.row = told
            yield tx

    watched.unbound = unbound
    assert await recovery(watched).look() == 0
    assert watched.bound == [] and len(statements) == 1


async def test_recovery_goes_only_where_drafts_wait_and_past_a_tenant_that_fails(database, three):
    _, broken, last = three  # in its first round, recovery begins with the second that waits
    for each in three:
        await degraded(database, each)
    await new_tenant(database, "idle")
    watched = Watched(database, broken)
    assert await recovery(watched).look() == 1
    assert watched.bound == [broken.id, last.id]
    async with database.unbound() as tx:
        assert await jobs.remaking(tx) == 1


async def test_the_questions_leave_a_transaction_bound_as_it_was(database, three):
    await hold(database, three[0], -1)
    await degraded(database, three[1])
    async with database.tenant(three[2].id) as tx:
        assert await tenants.to_mend(tx, running_seconds=0, queued_seconds=0) == [three[0].id]
        assert (await remakes.tenants_waiting(tx))[1] == [three[1].id]
        bound = await tx.row("SELECT current_setting('ccos.tenant') AS tenant")
        assert bound["tenant"] == str(three[2].id)
        assert (await tx.row("SELECT count(*) AS n FROM draft"))["n"] == 0
