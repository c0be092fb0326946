import asyncio
from uuid import uuid4

import psycopg
import pytest

from ccos.store import breakers

LONGEST, PROBE = 30.0, 45.0


@pytest.fixture
def name():
    return f"tier_0/openai/gpt/{uuid4().hex[:8]}"


async def put(database, name, *, open=True, trips=1, rest=20.0):
    async with database.unbound() as tx:
        return await breakers.put(tx, name, open=open, trips=trips, rest_seconds=rest)


async def claim(database, name, holder):
    async with database.unbound() as tx:
        return await breakers.claim(tx, name, holder=holder, probe_seconds=PROBE, longest_seconds=LONGEST)


async def renew(database, name, holder):
    async with database.unbound() as tx:
        await breakers.renew(tx, [name], holder=holder, probe_seconds=PROBE)


async def found(database, *names):
    async with database.unbound() as tx:
        return {each.deployment: each for each in await breakers.of(tx, names, longest_seconds=LONGEST)}


def shift(store_urls, name, interval):
    """As if the database's clock had been set by so much after the row was written."""
    with psycopg.connect(store_urls.owner) as owner:
        owner.execute(
            "UPDATE ccos.breaker_state SET resting_until = resting_until + %(by)s::interval,"
            " probe_until = probe_until + %(by)s::interval WHERE deployment = %(name)s",
            {"by": interval, "name": name},
        )


async def test_what_is_told_is_read_with_the_seconds_that_are_left(database, name):
    change = await put(database, name, trips=3)
    state = (await found(database, name, "tier_0/nobody/told/"))[name]
    assert (state.change, state.open, state.trips) == (change, True, 3)
    assert 19 < state.seconds_left <= 20


async def test_each_change_is_a_new_one(database, name):
    changes = [await put(database, name), await put(database, name), await put(database, name, open=False)]
    state = (await found(database, name))[name]
    assert len(set(changes)) == 3 and state.change == changes[-1] and not state.open


async def test_a_rest_that_is_over_has_nothing_left(database, name, store_urls):
    await put(database, name)
    shift(store_urls, name, "-21 seconds")
    assert (await found(database, name))[name].seconds_left == 0


async def test_of_many_that_ask_at_once_one_may_send_the_probe(database, name):
    await put(database, name, rest=0)
    won = await asyncio.gather(*(claim(database, name, uuid4()) for _ in range(32)))
    assert sum(won) == 1


async def test_also_where_nobody_has_told_of_the_deployment(database, name):
    won = await asyncio.gather(*(claim(database, name, uuid4()) for _ in range(32)))
    assert sum(won) == 1 and (await found(database, name))[name].open


async def test_the_holder_may_ask_again(database, name):
    me = uuid4()
    assert await claim(database, name, me) and await claim(database, name, me)


async def test_nobody_probes_while_it_rests_or_is_closed(database, name):
    await put(database, name, rest=20)
    assert not await claim(database, name, uuid4())
    await put(database, name, open=False, rest=0)
    assert not await claim(database, name, uuid4())


async def test_a_claim_given_back_is_free_and_only_by_its_holder(database, name):
    first, second = uuid4(), uuid4()
    assert await claim(database, name, first)
    async with database.unbound() as tx:
        await breakers.give_back(tx, name, holder=second)
    assert not await claim(database, name, second)
    async with database.unbound() as tx:
        await breakers.give_back(tx, name, holder=first)
    assert await claim(database, name, second)


async def test_the_claim_of_a_process_that_vanished_ends(database, name, store_urls):
    assert await claim(database, name, uuid4())
    shift(store_urls, name, "-46 seconds")
    assert await claim(database, name, uuid4())


async def test_a_claim_is_renewed_by_its_holder_alone(database, name, store_urls):
    first, second = uuid4(), uuid4()
    assert await claim(database, name, first)
    shift(store_urls, name, "-40 seconds")
    await renew(database, name, second)
    await renew(database, name, first)
    shift(store_urls, name, "-40 seconds")
    assert not await claim(database, name, second)
    await renew(database, name, second)
    shift(store_urls, name, "-6 seconds")
    assert await claim(database, name, second)


async def test_nothing_is_claimed_by_renewing(database, name):
    await put(database, name, rest=0)
    await renew(database, name, uuid4())
    assert await claim(database, name, uuid4())


async def test_a_new_rest_ends_the_claim_before_it(database, name):
    assert await claim(database, name, uuid4())
    await put(database, name, trips=2, rest=0)
    assert await claim(database, name, uuid4())


async def test_a_database_clock_set_back_by_an_hour_keeps_nothing_shut(database, name, store_urls):
    await put(database, name, rest=20)
    shift(store_urls, name, "1 hour")
    assert (await found(database, name))[name].seconds_left == 0
    assert await claim(database, name, uuid4())
    shift(store_urls, name, "1 hour")
    assert await claim(database, name, uuid4())
