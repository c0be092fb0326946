"""What became of drafts, counted from the rows of a tenant."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import decisions, drafts, kpis, tickets
from ccos.store.database import Database
from support.store import finished, new_tenant, opened

SEOUL = "Asia/Seoul"
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


@pytest.fixture
async def database(store_urls):
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


async def draft(tx, *, at="2026-11-10T00:00:00+00:00", state=DraftState.READY, channel="email", **body):
    ticket = (await tickets.put(tx, Ticket(subject="환불", channel=channel))).ticket
    queued = await drafts.queue(tx, ticket.id)
    run = await drafts.start(tx, queued.id)
    values = {"tier": Tier.LOCAL_MINIMAX, "latency_seconds": 1.0} | body
    await drafts.finish(tx, finished(queued, state).model_copy(update=values), run=run)
    await tx.run(
        "UPDATE draft SET created_at = %(at)s WHERE id = %(id)s", at=datetime.fromisoformat(at), id=queued.id
    )
    return queued.id


async def decide(tx, draft_id, verdict="approved", *, at="2026-11-10T00:00:00+00:00", seconds=None, **more):
    await decisions.decide(tx, draft_id, verdict, decided_by="hana", **more)
    await tx.run(
        "UPDATE decision SET decided_at = %(at)s, seconds = %(seconds)s WHERE draft_id = %(id)s",
        at=datetime.fromisoformat(at),
        seconds=seconds,
        id=draft_id,
    )


async def test_decisions_are_counted_by_what_they_were(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for verdict, more in [
            ("approved", {"seconds": 10.0, "csat": 4}),
            ("approved", {"seconds": 20.0}),
            ("edited", {"fields": {"priority": "high"}}),  # the reply went out as it was
            ("edited", {"text": "교환만 가능합니다. 번거로우시겠지만 새로 신청해 주세요."}),
            ("rejected", {"reason": "policy"}),
        ]:
            await decide(tx, await draft(tx), verdict, **more)
        rows = await kpis.decided(tx, FIRST, LAST, zone=SEOUL)
    counted = {(row.use, row.reason): (row.n, row.timed, row.seconds, row.rated, row.csat) for row in rows}
    assert counted == {
        ("as_is", ""): (3, 2, 30.0, 1, 4),
        ("edited", ""): (1, 0, 0.0, 0, 0),
        ("rejected", "policy"): (1, 0, 0.0, 0, 0),
    }
    assert {(r.tier, r.channel, r.agent, r.made_as) for r in rows} == {("tier_1", "email", "hana", "ready")}


async def test_a_day_begins_at_midnight_in_the_zone(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for at in ("2026-10-31T14:59:59+00:00", "2026-10-31T15:00:00+00:00", "2026-11-30T14:59:59+00:00",
                   "2026-11-30T15:00:00+00:00"):  # fmt: skip
            await decide(tx, await draft(tx, at=at), at=at)
        for find in (kpis.decided, kpis.made):
            assert [row.day for row in await find(tx, FIRST, LAST, zone=SEOUL)] == [FIRST, LAST]
            assert [(row.day, row.n) for row in await find(tx, FIRST, LAST, zone="UTC")] == [(LAST, 2)]


async def test_a_customer_who_comes_back_after_a_week_came_with_something_else(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for back in (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC)):
            draft_id = await draft(tx)
            await decide(tx, draft_id)
            ticket_id = (await drafts.get(tx, draft_id)).ticket_id
            await decisions.note_outcome(tx, ticket_id, reopened_at=back)
        (row,) = await kpis.decided(tx, FIRST, LAST, zone=SEOUL)
    assert (row.n, row.reopened) == (2, 1)


async def test_drafts_are_counted_by_how_they_ended_and_what_became_of_them(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await decide(tx, await draft(tx, cost_usd=0.002, degraded=True))
        await draft(tx, fallback_used=True, quality=0.8, cost_usd=0.001)
        failed = await draft(tx, state=DraftState.FAILED)
        rows = await kpis.made(tx, FIRST, LAST, zone=SEOUL)
        assert (await drafts.get(tx, failed)).state is DraftState.FAILED
    found = {row.state: row for row in rows}
    assert {state: (row.made_as, row.n) for state, row in found.items()} == {
        "approved": ("ready", 1), "ready": ("ready", 1), "failed": ("failed", 1)
    }  # fmt: skip
    assert (found["approved"].degraded, found["approved"].cost_micro_usd) == (1, 2_000)
    ready = found["ready"]
    assert (ready.fallback, ready.fallback_scored, ready.fallback_quality) == (1, 1, 0.8)
    assert (ready.seconds, ready.cost_micro_usd) == (1.0, 1_000)


async def test_seconds_are_told_by_the_tier_that_answered(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for seconds in (1.0, 2.0, 3.0):
            await draft(tx, latency_seconds=seconds)
        await draft(tx, tier=Tier.RULE_BASED, latency_seconds=0.01)
        found = await kpis.seconds_by_tier(tx, FIRST, LAST, zone=SEOUL)
        assert {name: (each.n, each.p50) for name, each in found.items()} == {
            "tier_1": (3, 2.0), "tier_3": (1, 0.01), "all": (4, 1.5)
        }  # fmt: skip
        assert await kpis.seconds_to_decide(tx, FIRST, LAST, zone=SEOUL) is None
        await decide(tx, await draft(tx), seconds=30.0)
        waited = await kpis.seconds_to_decide(tx, FIRST, LAST, zone=SEOUL)
        assert waited is not None and (waited.n, waited.p50) == (1, 30.0)


async def test_the_time_of_drafts_is_told_by_stage(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n in (1.0, 2.0, 3.0):
            await draft(tx, stages={"queue": n, "retrieve": n / 10})
        await draft(tx)  # of an earlier release
        found = await kpis.seconds_by_stage(tx, FIRST, LAST, zone=SEOUL)
    told = {name: (each.n, each.p50) for name, each in found.items()}
    assert told == {"queue": (3, 2.0), "retrieve": (3, 0.2)}


async def test_other_tenants_are_not_counted(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        await decide(tx, await draft(tx))
    async with database.tenant(tenant.id) as tx:
        assert not await kpis.decided(tx, FIRST, LAST, zone=SEOUL)
        assert not await kpis.made(tx, FIRST, LAST, zone=SEOUL)
        assert not await kpis.seconds_by_tier(tx, FIRST, LAST, zone=SEOUL)
