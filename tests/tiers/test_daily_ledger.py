"""The ledger over a real database: nothing lost, nothing twice, and nobody waits for it."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from ccos.domain.draft import Outcome
from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.domain.money import MicroUsd
from ccos.domain.tier import Task, Tier
from ccos.store import ledger
from ccos.store.database import Database
from ccos.tiers.daily_ledger import DailyLedger
from ccos.tiers.ledger import Entry
from support.database_away import Door
from support.store import new_tenant, opened

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2031, 5, 1, 3, tzinfo=UTC)


def entry(tenant, **changes):
    return Entry(
        **{
            "tenant_id": tenant and tenant.id,
            "source": "draft",
            "task": Task.SOLUTION_DRAFT,
            "tier": Tier.CLOUD_PREMIUM,
            "provider": "openai",
            "model": "gpt-4o",
            "outcome": Outcome.ACCEPTED,
            "tokens_in": 100,
            "tokens_out": 20,
            "spent": MicroUsd(500),
            "estimated": MicroUsd(400),
            "reported": MicroUsd(500),
            "premium": MicroUsd(500),
            "used": True,
            **changes,
        }
    )


def kept_by(database, **more):
    return DailyLedger(database, SEOUL, **{"flush_seconds": 0.01, "now": lambda: NOON, **more})


async def rows(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return await ledger.of_days(tx, date(2031, 1, 1), date(2031, 12, 31))


async def test_entries_of_one_kind_become_one_row(database, tenant):
    book = kept_by(database)
    for _ in range(3):
        book.note(entry(tenant))
    book.note(
        entry(tenant, outcome=Outcome.FAILED, reported=None, premium=MicroUsd(0), tokens_out=0, used=False)
    )
    book.note(entry(tenant, cached=True, spent=MicroUsd(0), estimated=MicroUsd(0), reported=None))
    book.note(entry(tenant, tier=Tier.RULE_BASED, provider="rules", model="rules", spent=MicroUsd(0)))
    await book.close()
    cloud, rules = await rows(database, tenant)
    line, sums = cloud
    assert (line.day, line.source, line.task, line.tier) == (
        date(2031, 5, 1),
        "draft",
        "solution_draft",
        "tier_0",
    )
    assert (sums.calls, sums.answers, sums.cached, sums.failed) == (4, 4, 1, 1)
    assert (sums.tokens_in, sums.tokens_out, sums.spent_micro_usd) == (500, 80, 2_000)
    assert (sums.estimated_micro_usd, sums.reported_micro_usd, sums.premium_micro_usd) == (
        1_600,
        1_500,
        2_000,
    )
    assert (sums.reported_calls, sums.estimated_of_reported_micro_usd) == (3, 1_200)
    assert rules[0].provider == "rules"


async def test_a_used_answer_counts_though_the_gate_refused_it(database, tenant):
    book = kept_by(database)
    book.note(entry(tenant, outcome=Outcome.REFUSED_BY_GATE, premium=MicroUsd(0)))
    book.note(entry(tenant, outcome=Outcome.REFUSED_BY_GATE, premium=MicroUsd(0), used=False))
    await book.close()
    ((_, sums),) = await rows(database, tenant)
    assert (sums.calls, sums.answers) == (2, 1)


async def test_an_answer_counts_whatever_is_known_of_the_premium_price(database, tenant):
    book = kept_by(database)
    book.note(entry(tenant, premium=MicroUsd(0)))
    book.note(entry(tenant, premium=MicroUsd(0), used=False))
    await book.close()
    ((_, sums),) = await rows(database, tenant)
    assert (sums.calls, sums.answers) == (2, 1)


class Forgetful:
    """A database that commits, and every other time is gone before it can say so."""

    def __init__(self, database):
        self.database = database
        self.times = 0

    @asynccontextmanager
    async def unbound(self):
        async with self.database.unbound() as tx:
            yield tx
        self.times += 1
        if self.times % 2:
            raise DatabaseUnavailable


@pytest.mark.parametrize("unwritable", [2**63, 2**70])
async def test_a_line_that_cannot_be_written_spoils_no_other_and_each_counts_once(
    database, tenant, unwritable
):
    other = await new_tenant(database)
    book = kept_by(Forgetful(database), flush_seconds=60)
    for n in range(9):
        book.note(entry(tenant, model=f"m{n}"))
        book.note(entry(other, model=f"m{n}"))
    book.note(entry(tenant, model="고객의 말", tokens_in=unwritable))
    with capture_logs() as logs:
        for n in range(60):
            with suppress(DatabaseUnavailable):
                await book.flush()
            if n == 3:  # as the calls go on
                book.note(entry(other, model="m0"))
    assert [sums.calls for _, sums in await rows(database, tenant)] == [1] * 9
    assert [sums.calls for _, sums in await rows(database, other)] == [2] + [1] * 8
    (told,) = logs
    assert told["event"] == "ledger.line_dropped" and "고객" not in str(told)
    await book.close()


async def test_a_database_that_takes_nothing_drops_nothing(store_urls, database, tenant):
    read_only = f"{store_urls.app}&options=-c%20default_transaction_read_only%3Don"
    async with opened(Database(read_only)) as standby:
        book = kept_by(standby, flush_seconds=60)
        for n in range(3):
            book.note(entry(tenant, model=f"m{n}"))
        with pytest.raises(StoreError) as told:
            await book.flush()
        assert told.value.facts["sqlstate"] == "25006"
        book._database = database
        await book.close()
    assert [sums.calls for _, sums in await rows(database, tenant)] == [1, 1, 1]


async def test_it_is_written_down_by_itself_and_each_tenant_sees_its_own(database, tenant):
    other = await new_tenant(database)
    book = kept_by(database)
    book.note(entry(tenant))
    book.note(entry(other, spent=MicroUsd(7)))
    book.note(entry(None))
    async with asyncio.timeout(5):
        while not await rows(database, tenant) or not await rows(database, other):
            await asyncio.sleep(0.01)
    assert [sums.spent_micro_usd for _, sums in await rows(database, other)] == [7]
    await book.close()


async def test_a_day_begins_at_midnight_where_the_company_is(database, tenant):
    times = iter([datetime(2031, 5, 1, 14, 59, tzinfo=UTC), datetime(2031, 5, 1, 15, tzinfo=UTC)])
    book = kept_by(database, now=lambda: next(times))
    book.note(entry(tenant))
    book.note(entry(tenant))
    await book.close()
    assert [line.day.day for line, _ in await rows(database, tenant)] == [1, 2]


async def test_nothing_is_lost_while_the_database_is_away(store_urls, database, tenant):
    async with Door(store_urls.app) as door, opened(Database(door.url, wait_seconds=0.3)) as far:
        book = kept_by(far)
        door.become("closed")
        for _ in range(5):
            book.note(entry(tenant))
        with pytest.raises(StoreError):
            await book.flush()
        book.note(entry(tenant))
        door.become("open")
        async with asyncio.timeout(20):
            while sum(sums.calls for _, sums in await rows(database, tenant)) < 6:
                await asyncio.sleep(0.02)
        await book.close()
    ((_, sums),) = await rows(database, tenant)
    assert sums.calls == 6


async def test_a_tenant_that_is_gone_does_not_spoil_the_batch(database, tenant):
    book = kept_by(database)
    book.note(entry(tenant))
    book._add(entry(tenant, tenant_id=uuid4()))
    await book.close()
    assert len(await rows(database, tenant)) == 1


async def test_model_names_without_end_stay_bounded(database, tenant, monkeypatch):
    monkeypatch.setattr("ccos.tiers.daily_ledger.MOST_LINES", 10)
    book = kept_by(database)
    for n in range(50):
        book.note(entry(tenant, model=f"m{n}" * 500))
    await book.close()
    found = await rows(database, tenant)
    assert len(found) == 11 and sum(sums.calls for _, sums in found) == 50
    assert max(len(line.model) for line, _ in found) <= 120 and ("other", 40) in {
        (line.model, sums.calls) for line, sums in found
    }


async def test_many_writers_at_once_add_up(database, tenant):
    others = [await new_tenant(database) for _ in range(3)]
    books = [kept_by(database) for _ in range(6)]
    for book in books:
        for whose in (*others, tenant):
            for day in range(4):
                book._now = lambda day=day: NOON + timedelta(days=day)
                book.note(entry(whose))
    await asyncio.gather(*(book.close() for book in books))
    for whose in (*others, tenant):
        assert [sums.calls for _, sums in await rows(database, whose)] == [6, 6, 6, 6]


def test_noting_outside_a_loop_does_not_raise(store_urls, tenant_free):
    kept_by(Database(store_urls.app)).note(tenant_free)


@pytest.fixture
def tenant_free():
    return entry(None, tenant_id=uuid4())
