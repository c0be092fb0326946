"""The day's money over a real database: strict, shared, and kept through everything that breaks."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.domain.money import Level, MicroUsd
from ccos.domain.tenant import TenantSettings
from ccos.store import spend, tenants
from ccos.store.database import Database
from ccos.store.spend import Holding
from ccos.tiers.daily_budget import DailyBudget
from support.database_away import Door
from support.store import new_tenant, opened

SEOUL = ZoneInfo("Asia/Seoul")
PLENTY = MicroUsd(10**12)


class Calendar:
    """A wall clock and a monotonic one, set by hand. Each test has a day no other test spends on."""

    used = 0

    def __init__(self):
        Calendar.used += 1
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC) + timedelta(days=10 * Calendar.used)
        self.seconds = 0.0

    def __call__(self):
        return self.now

    def clock(self):
        return self.seconds


@pytest.fixture
def calendar():
    return Calendar()


@asynccontextmanager
async def budget_of(database, limit, calendar, **more):
    budget = DailyBudget(database, MicroUsd(limit), SEOUL, now=calendar, clock=calendar.clock, **more)
    try:
        yield budget
    finally:
        await budget.close()


async def spent(database, tenant, budget):
    async with database.tenant(tenant.id) as tx:
        day = await spend.of_day(tx, budget.today)
    return day.reserved, day.spent


async def total(database, budget):
    async with database.unbound() as tx:
        day = await spend.total_of_day(tx, budget.today)
    return day.reserved, day.spent


async def limited(database, usd, name="limited"):
    made = await new_tenant(database, name)
    async with database.tenant(made.id) as tx:
        await tenants.update_settings(tx, TenantSettings(daily_cost_limit_usd=Decimal(usd)))
    return made


async def test_the_total_over_all_tenants_is_never_passed(database, calendar):
    three = [await new_tenant(database) for _ in range(3)]
    async with budget_of(database, 100, calendar) as one, budget_of(database, 100, calendar) as other:
        held = await asyncio.gather(
            *((one, other)[n % 2].reserve(three[n % 3].id, MicroUsd(7)) for n in range(200))
        )
        assert sum(each is not None for each in held) == 14  # 14 * 7 = 98
        assert await total(database, one) == (98, 0)
        for n, each in enumerate(held):
            if each is not None:
                (one, other)[n % 2].settle(three[n % 3].id, each, MicroUsd(2))
        await one.written()
        await other.written()
        assert await total(database, one) == (0, 28)
        of_each = [await spent(database, each, one) for each in three]
        assert sum(each[1] for each in of_each) == 28


async def test_a_tenants_own_limit_holds_below_the_total_and_a_change_counts_at_once(database, calendar):
    small, free = await limited(database, "0.00005"), await new_tenant(database)
    async with budget_of(database, 1_000, calendar) as budget:
        held = await asyncio.gather(*(budget.reserve(small.id, MicroUsd(20)) for _ in range(10)))
        assert sum(each is not None for each in held) == 2
        assert await budget.reserve(free.id, MicroUsd(500)) is not None
        async with database.tenant(small.id) as tx:
            await tenants.update_settings(tx, TenantSettings(daily_cost_limit_usd=Decimal("0.00006")))
        assert await budget.reserve(small.id, MicroUsd(20)) is not None
        assert await budget.reserve(small.id, MicroUsd(1)) is None


async def test_a_limit_of_zero_holds_everything_back_but_what_is_free(database, calendar):
    none = await limited(database, "0")
    async with budget_of(database, 1_000, calendar) as budget:
        assert await budget.reserve(none.id, MicroUsd(1)) is None
        assert await budget.reserve(none.id, MicroUsd(0)) is not None
    async with budget_of(database, 0, calendar) as budget:
        assert budget.level(None) is Level.EXHAUSTED, "known before anything was heard"


async def test_without_enforcement_all_is_recorded_and_nothing_refused(database, calendar):
    none = await limited(database, "0")
    async with budget_of(database, 10, calendar, enforced=False) as budget:
        held = await budget.reserve(none.id, MicroUsd(5_000))
        budget.settle(none.id, held, MicroUsd(4_000))
        await budget.written()
        assert await spent(database, none, budget) == (0, 4_000)
        assert budget.level(none.id) is Level.OK


async def test_nobody_to_pay_and_a_tenant_that_is_not_there_get_no_hold(database, tenant, calendar):
    async with budget_of(database, 100, calendar) as budget:
        nobody, unknown, known = await asyncio.gather(
            budget.reserve(None, MicroUsd(1)),
            budget.reserve(uuid4(), MicroUsd(1)),
            budget.reserve(tenant.id, MicroUsd(1)),
        )
    assert nobody is None and unknown is None and known is not None


async def test_what_comes_at_one_moment_goes_in_few_statements(database, tenant, calendar, monkeypatch):
    sent = []
    whole = spend.apply

    async def counted(where, elements, **more):
        sent.append(len(elements))
        return await whole(where, elements, **more)

    monkeypatch.setattr(spend, "apply", counted)
    async with budget_of(database, PLENTY, calendar) as budget:

        async def one():
            held = await budget.reserve(tenant.id, MicroUsd(10))
            budget.settle(tenant.id, held, MicroUsd(3))
            await budget.written()

        await asyncio.gather(*(one() for _ in range(200)))
        assert sum(sent) == 400 and len(sent) <= 8
        assert await spent(database, tenant, budget) == (0, 600)


async def test_a_caller_who_leaves_while_waiting_leaves_no_hold(database, tenant, calendar):
    async with budget_of(database, 100, calendar) as budget:
        waiting = asyncio.create_task(budget.reserve(tenant.id, MicroUsd(60)))
        for _ in range(20):  # until the statement is under way
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await budget.reserve(tenant.id, MicroUsd(0)) is not None
    assert await total(database, budget) == (0, 0)


async def holds(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return {row["id"] for row in await tx.rows("SELECT id FROM reservation WHERE state = 'held'")}


async def test_a_caller_who_leaves_in_the_moment_the_hold_comes_leaves_no_hold(
    database, tenant, calendar, monkeypatch
):
    whole = spend.apply
    caller = None

    async def applied_as_the_caller_leaves(*args, **more):
        applied = await whole(*args, **more)
        asyncio.get_running_loop().call_soon(caller.cancel)
        return applied

    async with budget_of(database, 100, calendar) as budget:
        monkeypatch.setattr(spend, "apply", applied_as_the_caller_leaves)
        caller = asyncio.create_task(budget.reserve(tenant.id, MicroUsd(60)))
        with pytest.raises(asyncio.CancelledError):
            await caller
        monkeypatch.undo()
        await budget.written()
        assert await holds(database, tenant) == set()
        assert await total(database, budget) == (0, 0)


async def test_whoever_leaves_whenever_the_holds_are_those_that_callers_have(database, tenant, calendar):
    chance = random.Random(7)
    owned = set()

    async def caller():
        with suppress(TimeoutError):
            async with asyncio.timeout(chance.uniform(0, 0.02)):
                owned.add(await budget.reserve(tenant.id, MicroUsd(5)))

    async with budget_of(database, PLENTY, calendar) as budget:
        for _ in range(30):
            await asyncio.gather(*(caller() for _ in range(20)))
        await budget.written()
        assert await holds(database, tenant) == owned
        assert len(owned) < 600, "some have left"
        assert await total(database, budget) == (5 * len(owned), 0)


async def test_a_hold_that_was_lost_on_its_way_makes_nothing_when_it_still_comes(
    database, tenant, calendar, monkeypatch
):
    whole = spend.apply
    lost = []

    async def loses_the_first(where, elements, **more):
        if not lost:
            lost.extend(elements)
            raise DatabaseUnavailable
        return await whole(where, elements, **more)

    monkeypatch.setattr(spend, "apply", loses_the_first)
    async with budget_of(database, 100, calendar) as budget:
        with pytest.raises(DatabaseUnavailable):
            await budget.reserve(tenant.id, MicroUsd(60))
        await back(budget, tenant)
        async with database.tenant(tenant.id) as tx:
            await whole(tx, lost, limits=budget.limits, today=budget.today)
        assert await total(database, budget) == (0, 0) and await holds(database, tenant) == set()


@pytest.mark.parametrize("amount", [-1, 10**15 + 1, 2**63])
async def test_an_amount_no_call_can_cost_is_charged_whole(database, tenant, calendar, amount):
    async with budget_of(database, 100, calendar, hold_seconds=0.0) as budget:
        bad, good = [await budget.reserve(tenant.id, MicroUsd(n)) for n in (60, 30)]
        with capture_logs() as logs:
            budget.settle(tenant.id, bad, MicroUsd(amount))
        budget.settle(tenant.id, good, MicroUsd(5))
        await budget.written()
        assert [(e["event"], e["log_level"]) for e in logs] == [("budget.charged_whole", "error")]
        assert await total(database, budget) == (60, 5)
        await swept(database, tenant)
        assert await total(database, budget) == (0, 65)


async def test_a_mistake_of_ours_loses_no_closing_and_stops_nothing(database, tenant, calendar, monkeypatch):
    whole = spend.apply
    spoilt = set()

    async def mistaken(where, elements, **more):
        if spoilt & {element.id for element in elements} or len(elements) > 2:
            raise RuntimeError
        return await whole(where, elements, **more)

    async with budget_of(database, 1_000, calendar) as budget:
        held = [await budget.reserve(tenant.id, MicroUsd(10)) for _ in range(6)]
        monkeypatch.setattr(spend, "apply", mistaken)
        spoilt.add(held[0])
        with capture_logs() as logs:
            for each in held:
                budget.settle(tenant.id, each, MicroUsd(1))
            await budget.written()
        assert await total(database, budget) == (10, 5), "all but the one that cannot be closed"
        assert [e["reason"] for e in logs if e["event"] == "budget.not_closed"] == ["store.error"]


async def test_a_caller_hears_of_a_mistake_as_a_fault_of_the_store_and_its_hold_goes(
    database, tenant, calendar, monkeypatch
):
    whole = spend.apply

    async def stands_and_breaks(where, elements, **more):
        applied = await whole(where, elements, **more)
        if any(isinstance(element, Holding) for element in elements):
            raise RuntimeError
        return applied

    monkeypatch.setattr(spend, "apply", stands_and_breaks)
    async with budget_of(database, 1_000, calendar) as budget:
        with pytest.raises(StoreError) as told:
            await budget.reserve(tenant.id, MicroUsd(10))
        assert told.value.facts == {"cause": "RuntimeError"}
        await budget.written()
        assert await total(database, budget) == (0, 0)


async def test_what_was_under_way_at_the_end_is_told_too(store_urls, tenant, calendar):
    with capture_logs() as logs:
        async with Door(store_urls.app) as door, opened(Database(door.url)) as far:
            budget = DailyBudget(
                far, MicroUsd(100), SEOUL, now=calendar, clock=calendar.clock, wait_seconds=0.5
            )
            held = [await budget.reserve(tenant.id, MicroUsd(10)) for _ in range(3)]
            door.become("hung")
            for each in held:
                budget.settle(tenant.id, each, MicroUsd(1))
            waiting = asyncio.create_task(budget.reserve(tenant.id, MicroUsd(10)))
            await asyncio.sleep(0)
            await budget.close(seconds=0.05)
            with pytest.raises(DatabaseUnavailable):
                await waiting
    assert [e["holds"] >= 3 for e in logs if e["event"] == "budget.holds_left"] == [True]


async def test_a_hold_belongs_to_the_day_it_was_made(database, tenant, calendar):
    calendar.now = calendar.now.replace(hour=14, minute=59)  # 23:59 in Seoul
    async with budget_of(database, 100, calendar) as budget:
        first = budget.today
        held = await budget.reserve(tenant.id, MicroUsd(100))
        assert budget.level(tenant.id) is Level.EXHAUSTED
        calendar.now += timedelta(minutes=2)
        assert budget.today == first + timedelta(days=1)
        assert budget.level(tenant.id) is Level.OK, "a new day owes nothing"
        assert await budget.reserve(tenant.id, MicroUsd(100)) is not None
        budget.settle(tenant.id, held, MicroUsd(40))
        await budget.written()
        async with database.tenant(tenant.id) as tx:
            days = await spend.of_days(tx, first, budget.today)
        assert [(day.reserved, day.spent) for day in days] == [(0, 40), (100, 0)]


async def test_a_clock_that_jumps_back_settles_what_it_held(database, tenant, calendar):
    async with budget_of(database, 100, calendar) as budget:
        held = await budget.reserve(tenant.id, MicroUsd(60))
        calendar.now -= timedelta(days=3)
        budget.settle(tenant.id, held, MicroUsd(50))
        await budget.written()
        calendar.now += timedelta(days=3)
        assert await spent(database, tenant, budget) == (0, 50)


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (69, Level.OK),
        (70, Level.WARNING),
        (85, Level.COST_FIRST),
        (99, Level.COST_FIRST),
        (100, Level.EXHAUSTED),
    ],
)
async def test_the_level_follows_what_is_spent_and_held(database, tenant, calendar, used, expected):
    async with budget_of(database, 100, calendar) as budget:
        held = await budget.reserve(tenant.id, MicroUsd(used))
        assert budget.level(tenant.id) is expected
        budget.release(tenant.id, held)
        await budget.written()
        assert budget.level(tenant.id) is Level.OK


async def test_the_level_is_the_worse_of_the_tenants_and_the_totals(database, calendar):
    small, other = await limited(database, "0.0001"), await new_tenant(database)
    async with budget_of(database, 1_000, calendar) as budget:
        await budget.reserve(small.id, MicroUsd(90))
        await budget.reserve(other.id, MicroUsd(10))
        assert budget.level(small.id) is Level.COST_FIRST and budget.level(other.id) is Level.OK
        await budget.reserve(other.id, MicroUsd(900))
        assert budget.level(other.id) is Level.EXHAUSTED is budget.level(small.id)


async def heard(budget, tenant, expected):
    """The level comes to be what is expected without any further hold or settling."""
    async with asyncio.timeout(5):
        while budget.level(tenant.id) is not expected:
            await asyncio.sleep(0.005)


async def test_what_another_process_spent_is_heard_of_and_an_old_exhausted_ends(database, tenant, calendar):
    async with budget_of(database, 100, calendar) as ours, budget_of(database, 100, calendar) as theirs:
        held = await theirs.reserve(tenant.id, MicroUsd(100))
        assert ours.level(tenant.id) is Level.OK, "from memory, without waiting"
        await heard(ours, tenant, Level.EXHAUSTED)
        theirs.release(tenant.id, held)
        await theirs.written()
        assert ours.level(tenant.id) is Level.EXHAUSTED
        calendar.seconds += 6
        await heard(ours, tenant, Level.OK)


async def test_each_level_is_told_once_a_day_with_amounts_only(database, tenant, calendar):
    other = await new_tenant(database)
    with capture_logs() as logs:
        async with budget_of(database, 1_000, calendar) as budget:
            await budget.reserve(other.id, MicroUsd(5))
            for amount in (705, 10, 150, 125):
                await budget.reserve(tenant.id, MicroUsd(amount))
            await budget.reserve(other.id, MicroUsd(5))
            calendar.now += timedelta(days=1)
            await budget.reserve(tenant.id, MicroUsd(1_000))
            await budget.reserve(tenant.id, MicroUsd(1))
    told = [(e["reached"], e["of"]) for e in logs if e["event"] == "budget.level"]
    of_a_day = ["warning", "cost_first", "exhausted"]
    assert [reached for reached, of in told if of == "total"] == [*of_a_day, "exhausted"], "the higher of two"
    assert [reached for reached, of in told if of == str(tenant.id)] == of_a_day[:2], "alone it is the total"
    assert logs[0]["used_usd"] == 0.000705 and logs[0]["limit_usd"] == 0.001 and "level" not in logs[0]


async def test_the_way_back_tells_how_many_holds_were_refused(store_urls, tenant, calendar):
    async with (
        Door(store_urls.app) as door,
        opened(Database(door.url, wait_seconds=0.5)) as far,
        budget_of(far, 1_000, calendar, wait_seconds=0.2) as budget,
    ):
        assert await budget.reserve(tenant.id, MicroUsd(1))
        with capture_logs() as logs:
            for n in (3, 2):
                door.become("hung")
                for _ in range(n):
                    with pytest.raises(DatabaseUnavailable):
                        await budget.reserve(tenant.id, MicroUsd(1))
                door.become("open")
                await back(budget, tenant)
    told = [(e["event"], e.get("refused")) for e in logs if e["event"].startswith("budget.")]
    assert [event for event, _ in told] == ["budget.away", "budget.back"] * 2
    assert told[1][1] >= 3 and told[3][1] >= 2


async def test_a_hung_database_costs_one_wait_and_then_none(store_urls, database, tenant, calendar):
    async with (
        Door(store_urls.app) as door,
        opened(Database(door.url, wait_seconds=1.0)) as far,
        budget_of(far, 1_000, calendar, wait_seconds=0.2) as budget,
    ):
        held = await budget.reserve(tenant.id, MicroUsd(100))
        other = await budget.reserve(tenant.id, MicroUsd(100))
        door.become("hung")
        with pytest.raises(DatabaseUnavailable):
            await budget.reserve(tenant.id, MicroUsd(50))
        loop = asyncio.get_running_loop()
        before = loop.time()
        for _ in range(100):
            with pytest.raises(DatabaseUnavailable):
                await budget.reserve(tenant.id, MicroUsd(50))
        budget.settle(tenant.id, held, MicroUsd(30))
        budget.release(tenant.id, other)
        assert loop.time() - before < 5, (
            "a hundred times 0.2 s would be 20: nobody waits for what is known to be away"
        )
        assert await spent(database, tenant, budget) in {(200, 0), (250, 0)}
        door.become("open")
        await back(budget, tenant)
    assert await spent(database, tenant, budget) == (0, 30), "closed later, and the lost hold given back"


async def back(budget, tenant):
    """Waits until money can be held again, and gives that hold back."""
    async with asyncio.timeout(20):
        while True:
            try:
                held = await budget.reserve(tenant.id, MicroUsd(1))
            except DatabaseUnavailable:
                await asyncio.sleep(0.02)
                continue
            budget.release(tenant.id, held)
            await budget.written()
            return


async def test_a_connection_that_died_while_idle_is_no_outage(store_urls, tenant, calendar):
    async with (
        Door(store_urls.app) as door,
        opened(Database(door.url)) as far,
        budget_of(far, 1_000, calendar) as budget,
    ):
        await budget.reserve(tenant.id, MicroUsd(1))
        door.become("closed")
        door.become("open")
        assert await budget.reserve(tenant.id, MicroUsd(1)) is not None


async def test_closings_wait_for_a_database_that_is_gone(store_urls, database, tenant, calendar):
    async with (
        Door(store_urls.app) as door,
        opened(Database(door.url)) as far,
        budget_of(far, 10_000, calendar) as budget,
    ):
        held = [await budget.reserve(tenant.id, MicroUsd(10)) for _ in range(20)]
        door.become("closed")
        for each in held:
            budget.settle(tenant.id, each, MicroUsd(4))
        with pytest.raises(DatabaseUnavailable):
            await budget.reserve(tenant.id, MicroUsd(10))
        door.become("open")
        # Closing the budget writes down what was left.
    assert await spent(database, tenant, budget) == (0, 80)


async def test_one_bad_element_does_not_spoil_the_others(database, tenant, calendar):
    """A tenant whose own settings nobody can read: its statement fails, and only its own."""
    broken = await new_tenant(database)
    async with database.tenant(broken.id) as tx:
        await tx.run(
            """UPDATE tenant SET settings = '{"daily_cost_limit_usd": "many"}' WHERE id = %(tenant)s"""
        )
    async with budget_of(database, 1_000, calendar) as budget:
        bad, good = await asyncio.gather(
            budget.reserve(broken.id, MicroUsd(10)),
            budget.reserve(tenant.id, MicroUsd(10)),
            return_exceptions=True,
        )
        assert good is not None and not isinstance(good, BaseException)
        assert getattr(bad, "code", None) == "store.error"
        assert await budget.reserve(tenant.id, MicroUsd(10)) is not None, "the database was never away"


HOLDER = """
import asyncio, sys
from datetime import datetime, UTC
from uuid import UUID
from zoneinfo import ZoneInfo
from ccos.domain.money import MicroUsd
from ccos.store.database import Database
from ccos.tiers.daily_budget import DailyBudget

async def main(url, tenant, now):
    database = Database(url)
    await database.open()
    budget = DailyBudget(
        database, MicroUsd(100), ZoneInfo("Asia/Seoul"), hold_seconds=2.0, now=lambda: datetime.fromisoformat(now)
    )
    held = [await budget.reserve(UUID(tenant), MicroUsd(30)) for _ in range(4)]
    print("held", sum(each is not None for each in held), flush=True)
    await asyncio.sleep(3600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_killed_with_money_on_hold_leaks_nothing(store_urls, database, tenant, calendar):
    arguments = [store_urls.app, str(tenant.id), calendar.now.isoformat()]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(holder.stdout.readline, "")
        told = await asyncio.to_thread(lambda: next(line for line in lines if line.startswith("held")))
        assert told == "held 3\n"
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    async with budget_of(database, 100, calendar) as budget:
        assert await budget.reserve(tenant.id, MicroUsd(30)) is None, "what it held still counts"
        async with asyncio.timeout(60):  # they were held one after the other, and so they end
            while (await spent(database, tenant, budget))[0]:
                await asyncio.sleep(0.1)
                await swept(database, tenant)
        assert await spent(database, tenant, budget) == (0, 90) == await total(database, budget)
        assert await budget.reserve(tenant.id, MicroUsd(30)) is None
        assert await budget.reserve(tenant.id, MicroUsd(10)) is not None


async def swept(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return await spend.sweep(tx)


async def test_a_settling_that_comes_after_the_sweep_corrects_the_charge(database, tenant, calendar):
    async with budget_of(database, 100, calendar, hold_seconds=0.0) as budget:
        held = await budget.reserve(tenant.id, MicroUsd(60))
        assert await swept(database, tenant) == 1
        assert await total(database, budget) == (0, 60)
        budget.settle(tenant.id, held, MicroUsd(25))
        await budget.written()
        assert await total(database, budget) == (0, 25) == await spent(database, tenant, budget)
