import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest

from ccos.domain.money import MicroUsd
from ccos.store import spend
from support.store import new_tenant

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
