"""Outages as a tenant's own drafts saw them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ccos.domain.draft import Attempt, DraftState, Outcome
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import drafts, outages, tickets
from ccos.store.database import Database
from ccos.store.outages import Meanwhile, Slice
from support.store import finished, new_tenant, opened

FIRST, LAST = date(2026, 11, 10), date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 3, tzinfo=UTC)
CLOUD, LOCAL = Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX


@pytest.fixture
async def database(store_urls):
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


def attempt(tier: Tier, reason: str, outcome: Outcome = Outcome.FAILED, provider="p") -> Attempt:
    return Attempt(
        task=Task.SOLUTION_DRAFT, tier=tier, provider=provider, model="m", outcome=outcome, reason=reason
    )


OK = attempt(LOCAL, "accepted", Outcome.ACCEPTED)


async def draft(tx, at: datetime, *attempts: Attempt, tier: Tier | None = LOCAL):
    ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
    queued = await drafts.queue(tx, ticket.id)
    run = await drafts.start(tx, queued.id)
    state = DraftState.READY if tier else DraftState.FAILED
    made = finished(queued, state).model_copy(update={"tier": tier, "attempts": attempts})
    await drafts.finish(tx, made, run=run)
    for table, column in (("draft", "created_at"), ("attempt", "at")):
        name = "id" if table == "draft" else "draft_id"
        await tx.run(f"UPDATE {table} SET {column} = %(at)s WHERE {name} = %(id)s", at=at, id=queued.id)


async def seen(tx):
    return await outages.slices(tx, FIRST, LAST, zone="Asia/Seoul")


async def test_a_tier_is_silent_when_none_of_its_providers_answered(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await draft(tx, NOON, attempt(CLOUD, "provider.timeout"), attempt(CLOUD, "provider.down"), OK)
        await draft(
            tx, NOON, attempt(CLOUD, "provider.timeout"), attempt(CLOUD, "accepted", Outcome.ACCEPTED)
        )
        await draft(tx, NOON, attempt(CLOUD, "breaker.open", Outcome.SKIPPED), OK)
        assert await seen(tx) == [Slice(CLOUD, NOON, 3, 2), Slice(LOCAL, NOON, 2, 0)]


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("quality.low", Outcome.REFUSED_BY_GATE),
        ("provider.content_filtered", Outcome.FAILED),
        ("budget.exhausted", Outcome.SKIPPED),
        ("provider.saturated", Outcome.SKIPPED),
    ],
)
async def test_what_a_provider_would_say_again_tomorrow_is_no_outage(database, tenant, reason, outcome):
    async with database.tenant(tenant.id) as tx:
        await draft(tx, NOON, attempt(CLOUD, reason, outcome), OK)
        assert (await seen(tx))[0] == Slice(CLOUD, NOON, 1, 0)


async def test_slices_lie_where_the_clock_puts_them_and_days_where_the_zone_does(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for minutes in (0, 9, 10):
            await draft(tx, NOON + timedelta(minutes=minutes), OK)
        await draft(tx, NOON + timedelta(hours=12), OK)  # tomorrow in Seoul
        found = await seen(tx)
    assert [(each.at - NOON, each.asked) for each in found] == [
        (timedelta(), 2),
        (timedelta(minutes=10), 1),
    ]


async def test_what_became_of_the_drafts_meanwhile(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        await draft(tx, NOON, OK)
    hour = timedelta(hours=1)
    async with database.tenant(tenant.id) as tx:
        await draft(tx, NOON, OK)
        await draft(tx, NOON + hour / 2, attempt(LOCAL, "provider.down"), tier=None)
        await draft(tx, NOON + hour, OK)
        spans = [(NOON, NOON + hour), (NOON - hour, NOON)]
        assert await outages.meanwhile(tx, spans) == [Meanwhile(2, 1), Meanwhile(0, 0)]
        assert await outages.meanwhile(tx, []) == []


async def test_calibration_puts_what_was_expected_beside_what_people_did(database, tenant):
    from ccos.store import decisions, kpis

    async with database.tenant(tenant.id) as tx:
        for quality, verdict in ((0.62, "approved"), (0.68, "rejected"), (1.0, "edited"), (None, "approved")):
            ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
            queued = await drafts.queue(tx, ticket.id)
            run = await drafts.start(tx, queued.id)
            made = finished(queued, DraftState.READY).model_copy(update={"quality": quality})
            await drafts.finish(tx, made, run=run)
            more = {"text": "전혀 다른 답변을 보냈습니다."} if verdict == "edited" else {}
            await decisions.decide(tx, queued.id, verdict, decided_by="hana", **more)
        await tx.run("UPDATE decision SET decided_at = %(at)s", at=NOON)
        found = await kpis.calibration(tx, FIRST, LAST, zone="Asia/Seoul")
    assert [(each.n, round(each.predicted, 3), each.approved) for each in found] == [
        (2, 0.65, 1),
        (1, 1.0, 1),
    ]
