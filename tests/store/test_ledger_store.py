from datetime import date
from uuid import uuid4

from ccos.store import ledger
from ccos.store.ledger import Line, Sums
from support.store import new_tenant

DAY = date(2031, 5, 1)


def line(tenant, *, day=DAY, model="gpt"):
    return Line(tenant.id, day, "api", "chat", "tier_0", "openai", model)


async def add(database, *rows, writer=None, batch=1):
    async with database.unbound() as tx:
        return await ledger.add(tx, writer or uuid4(), batch, rows)


async def rows(database, tenant, first=DAY, last=DAY):
    async with database.tenant(tenant.id) as tx:
        return await ledger.of_days(tx, first, last)


async def test_a_batch_whose_answer_was_lost_counts_once(database, tenant):
    writer = uuid4()
    said = [
        await add(database, (line(tenant), Sums(calls=1)), writer=writer, batch=n) for n in (1, 1, 2, 1, 2, 3)
    ]
    assert said == [True, False, True, False, False, True]
    ((_, sums),) = await rows(database, tenant)
    assert sums.calls == 3


async def test_every_count_adds_up_under_its_own_name(database, tenant):
    counts = {name: n for n, name in enumerate(Sums.__slots__, start=1)}
    for _ in range(3):
        await add(database, (line(tenant), Sums(**counts)))
    ((_, sums),) = await rows(database, tenant)
    assert sums == Sums(**{name: 3 * n for name, n in counts.items()})
    assert Sums(**counts) + Sums(**counts) + Sums(**counts) == sums


async def test_the_rows_of_two_tenants_in_one_batch_stay_apart(database, tenant):
    other = await new_tenant(database)
    await add(database, (line(tenant), Sums(calls=1)), (line(other), Sums(calls=2)))
    assert [s.calls for _, s in await rows(database, tenant)] == [1]
    assert [s.calls for _, s in await rows(database, other)] == [2]


async def test_days_are_read_with_both_ends_in_order(database, tenant):
    days = [date(2031, 5, n) for n in (3, 1, 2, 4)]
    await add(database, *((line(tenant, day=day), Sums(calls=day.day)) for day in days))
    found = await rows(database, tenant, date(2031, 5, 1), date(2031, 5, 3))
    assert [(each.day.day, sums.calls) for each, sums in found] == [(1, 1), (2, 2), (3, 3)]


async def test_a_name_the_database_cannot_store_is_cleaned(database, tenant):
    await add(database, (line(tenant, model="a\0b\ud800"), Sums(calls=1)))
    ((found, _),) = await rows(database, tenant)
    assert found.model == "ab"
