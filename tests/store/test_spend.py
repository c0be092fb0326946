import asyncio
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from ccos.domain.errors import StoreError
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import TenantSettings
from ccos.store import migrate as migrating
from ccos.store import spend, tenants
from ccos.store.database import Database
from ccos.store.lane import Lane
from ccos.store.spend import Closing, Holding, Limits
from ccos.store.values import new_id
from support.postgres import fresh_database
from support.store import new_tenant, opened

TODAY = date(2026, 11, 22)


async def reserve(database, tenant, amount, cap, **more):
    async with database.tenant(tenant.id) as tx:
        return await spend.reserve(tx, MicroUsd(amount), cap=MicroUsd(cap), day=TODAY, **more)


async def day(database, tenant):
    async with database.tenant(tenant.id) as tx:
        found = await spend.of_day(tx, TODAY)
    return found.reserved, found.spent


async def test_two_hundred_holds_at_once_never_pass_the_cap(database, tenant):
    held = await asyncio.gather(*(reserve(database, tenant, 7, 500) for _ in range(200)))
    assert sum(each is not None for each in held) == 71  # 71 * 7 = 497
    assert await day(database, tenant) == (497, 0)


async def test_holds_settled_and_released_at_once_leave_exact_sums(database, tenant):
    held = [
        each
        for each in await asyncio.gather(*(reserve(database, tenant, 10, 400) for _ in range(40)))
        if each
    ]
    assert len(held) == 40

    async def close(n, reservation):
        async with database.tenant(tenant.id) as tx:
            return await (
                spend.settle(tx, reservation, MicroUsd(n)) if n % 2 else spend.release(tx, reservation)
            )

    assert all(await asyncio.gather(*(close(n, each) for n, each in enumerate(held))))
    assert await day(database, tenant) == (0, sum(range(1, 40, 2)))


@pytest.mark.parametrize(
    ("amount", "cap", "fits"), [(100, 100, True), (101, 100, False), (0, 0, True), (1, 0, False)]
)
async def test_the_first_hold_of_a_day_obeys_the_cap(database, tenant, amount, cap, fits):
    assert (await reserve(database, tenant, amount, cap) is not None) == fits
    assert await day(database, tenant) == (amount if fits else 0, 0)


async def test_what_was_spent_counts_against_the_cap(database, tenant):
    held = await reserve(database, tenant, 60, 100)
    async with database.tenant(tenant.id) as tx:
        await spend.settle(tx, held, MicroUsd(50))
    assert await reserve(database, tenant, 51, 100) is None
    assert await reserve(database, tenant, 50, 100) is not None
    assert await day(database, tenant) == (50, 50)


async def test_a_hold_is_closed_once(database, tenant):
    held = await reserve(database, tenant, 60, 100)
    async with database.tenant(tenant.id) as tx:
        done = [await spend.settle(tx, held, MicroUsd(40)) for _ in range(2)]
        done += [await spend.release(tx, held), await spend.release(tx, uuid4())]
    assert done == [True, False, False, False]
    assert await day(database, tenant) == (0, 40)


async def test_a_hold_whose_maker_vanished_is_charged_whole_and_corrected_later(database, tenant):
    lost = await reserve(database, tenant, 60, 100, hold_seconds=-1)
    kept = await reserve(database, tenant, 10, 100)
    async with database.tenant(tenant.id) as tx:
        assert [await spend.sweep(tx), await spend.sweep(tx)] == [1, 0]
    assert await day(database, tenant) == (10, 60)
    async with database.tenant(tenant.id) as tx:
        assert await spend.settle(tx, lost, MicroUsd(25))
        assert not await spend.settle(tx, lost, MicroUsd(25))
        assert await spend.release(tx, kept)
    assert await day(database, tenant) == (0, 25)


async def test_sweeping_goes_over_several_days_in_one_go(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n in range(6):
            when = TODAY - timedelta(days=n % 2)
            await spend.reserve(tx, MicroUsd(5), cap=MicroUsd(100), day=when, hold_seconds=-1)
        assert await spend.sweep(tx) == 6
        days = await spend.of_days(tx, TODAY - timedelta(days=9), TODAY)
    assert [(each.reserved, each.spent) for each in days] == [(0, 15), (0, 15)]


async def test_each_tenant_has_its_own_day(database, tenant):
    other = await new_tenant(database)
    held = await reserve(database, tenant, 100, 100)
    assert await reserve(database, other, 100, 100) is not None
    async with database.tenant(other.id) as tx:
        assert not await spend.settle(tx, held, MicroUsd(1))
    assert await day(database, tenant) == (100, 0)


async def test_a_negative_hold_is_our_own_mistake(database, tenant):
    with pytest.raises(ValueError, match="negative"):
        await reserve(database, tenant, -1, 100)


def plain(limit):
    return Limits(MicroUsd(limit))


async def test_elements_of_several_tenants_go_in_one_statement_and_each_counts_for_itself(database, tenant):
    other, day = await new_tenant(database), date(2027, 1, 1)
    ours = [Holding(tenant.id, new_id(), day, MicroUsd(40)) for _ in range(2)]
    theirs = [Holding(other.id, new_id(), day, MicroUsd(n)) for n in (15, 10)]
    lane = Lane(database, seconds=5)
    made = await spend.apply(lane, [*ours, *theirs], limits=plain(100), today=day)
    assert list(made.done) == [True, True, True, False]
    assert {t: used.amount for t, used in made.tenants.items()} == {tenant.id: 80, other.id: 15}
    assert (made.total.amount, made.total.limit) == (95, 100)
    closings = [Closing(tenant.id, ours[0].id, MicroUsd(5)), Closing(other.id, theirs[0].id, None)]
    strange = Closing(other.id, ours[1].id, MicroUsd(1))
    ended = await spend.apply(lane, [*closings, strange, theirs[1]], limits=plain(100), today=day)
    assert list(ended.done) == [True, True, False, True], "nobody closes another tenant's hold"
    assert ended.total.amount == 55
    await lane.close()


async def test_what_is_said_twice_counts_once(database, tenant):
    day = date(2027, 1, 2)
    hold = Holding(tenant.id, new_id(), day, MicroUsd(60))
    closing = Closing(tenant.id, hold.id, MicroUsd(20))
    lane = Lane(database, seconds=5)
    for elements, used in (([hold], 60), ([hold, hold], 60), ([closing], 20), ([closing], 20)):
        assert (await spend.apply(lane, elements, limits=plain(100), today=day)).total.amount == used
    await lane.close()


async def test_the_total_follows_whatever_changes_a_tenants_day(database, tenant):
    day, other = date(2027, 1, 3), await new_tenant(database)
    for whose, hold_seconds in ((tenant, 60), (other, -1)):
        async with database.tenant(whose.id) as tx:
            await spend.reserve(tx, MicroUsd(30), cap=MicroUsd(100), day=day, hold_seconds=hold_seconds)
    async with database.tenant(other.id) as tx:
        await spend.sweep(tx)
        total = await spend.total_of_day(tx, day)
    assert (total.reserved, total.spent) == (30, 30)


async def test_the_lower_of_a_tenants_own_limit_and_the_total_holds(database, tenant):
    day = date(2027, 1, 4)
    lane = Lane(database, seconds=5)
    for own, limit, told in (("0.00005", 100, 50), ("0.0002", 100, 100), (None, 100, 100)):
        async with database.tenant(tenant.id) as tx:
            settings = TenantSettings(daily_cost_limit_usd=own and Decimal(own))
            await tenants.update_settings(tx, settings)
        heard = await spend.apply(lane, [], limits=plain(limit), today=day, asked=[tenant.id])
        assert heard.tenants[tenant.id].limit == told
    await lane.close()


async def test_a_lane_leaves_no_tenant_behind_and_none_of_the_rows_to_see(database, tenant):
    lane = Lane(database, seconds=5)
    day = date(2027, 1, 5)
    hold = Holding(tenant.id, new_id(), day, MicroUsd(1))
    await spend.apply(lane, [hold], limits=plain(100), today=day)
    assert (await lane.row("SELECT current_setting('ccos.tenant', true)", ()))[0] in (None, "")
    assert (await lane.row("SELECT count(*) FROM tenant", ())) == (0,)
    with pytest.raises(StoreError):
        await lane.row("SELECT count(*) FROM reservation", ())
    await lane.close()


async def test_a_connection_that_cannot_be_settled_in_is_closed(store_urls):
    lane = Lane(Database(f"{store_urls.app}&application_name=settling", role="nobody_there"), seconds=5)
    with pytest.raises(StoreError) as told:  # what is told keeps the connection from the garbage collector
        await lane.row("SELECT 1", ())
    with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
        async with asyncio.timeout(5):
            while admin.execute("SELECT FROM pg_stat_activity WHERE application_name = 'settling'").rowcount:
                await asyncio.sleep(0.01)
    assert told.value.code == "store.error"


async def test_a_closing_that_overtakes_its_hold_takes_its_place(database, tenant):
    day = date(2027, 1, 7)
    early, late, whole = [Holding(tenant.id, new_id(), day, MicroUsd(n)) for n in (60, 50, 40)]
    overtakes = Closing(tenant.id, late.id, None, day)
    lane = Lane(database, seconds=5)
    for elements, done, used in (
        ([early], [True], 60),
        ([overtakes, Closing(tenant.id, early.id, MicroUsd(20), day), whole], [True, True, True], 60),
        ([late, overtakes], [True, False], 60),
    ):
        told = await spend.apply(lane, elements, limits=plain(100), today=day)
        assert (list(told.done), told.total.amount) == (done, used)
    await lane.close()


async def test_a_bound_transaction_stays_bound_to_its_tenant(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(tenant.id) as tx:
        hold = Holding(other.id, new_id(), date(2027, 1, 6), MicroUsd(1))
        await spend.apply(tx, [hold], limits=plain(100), today=hold.day)
        bound = await tx.row("SELECT current_setting('ccos.tenant') AS tenant")
    assert bound["tenant"] == str(tenant.id)


async def test_days_from_before_the_total_was_kept_are_in_it(embedded_server, monkeypatch):
    ours = migrating._ours()
    with fresh_database(embedded_server, "before_totals") as urls:
        monkeypatch.setattr(migrating, "_ours", lambda: {n: s for n, s in ours.items() if n < "0005"})
        migrating.migrate(urls.owner)
        async with opened(Database(urls.app)) as database:
            two = [await new_tenant(database) for _ in range(2)]
        with psycopg.connect(urls.superuser, autocommit=True) as admin:
            for n, each in enumerate(two):
                admin.execute("INSERT INTO ccos.spend_day VALUES (%s, %s, %s, 100)", (each.id, TODAY, n))
        monkeypatch.undo()
        migrating.migrate(urls.owner)
        async with opened(Database(urls.app)) as database, database.unbound() as tx:
            total = await spend.total_of_day(tx, TODAY)
    assert (total.reserved, total.spent) == (1, 200)
