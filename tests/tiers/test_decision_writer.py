"""The decision log over a real database: nobody waits for it, and nothing in it counts twice."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from structlog.testing import capture_logs

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store import counts, plans
from ccos.store.counts import Cell
from ccos.store.database import Database
from ccos.tiers import decision_writer
from ccos.tiers.decision_writer import DecisionWriter
from support.database_away import Door
from support.store import new_tenant, opened, planned


def writer(database, **more):
    return DecisionWriter(database, **{"flush_seconds": 0.01, **more})


def cell(tenant, tier="tier_1"):
    return Cell(tenant.id, "solution_draft", "coupon", "ko", tier, "m")


async def written(database, tenant, draft):
    async with database.tenant(tenant.id) as tx:
        found = await counts.of_tenant(tx)
        return await plans.of_draft(tx, draft), {c.cell.tier: (c.accepted, c.refused) for c in found}


async def test_what_is_noted_is_written_in_the_background(database, tenant):
    log, draft = writer(database), uuid4()
    log.note(planned(tenant, draft_id=draft), [(cell(tenant), False), (cell(tenant, "tier_0"), True)])
    log.note(None, [(cell(tenant), True)])
    async with asyncio.timeout(60):
        while not (await written(database, tenant, draft))[0]:
            await asyncio.sleep(0.01)
    decisions, answers = await written(database, tenant, draft)
    assert [each.draft_id for each in decisions] == [draft]
    assert answers == {"tier_1": (1, 1), "tier_0": (1, 0)}
    await log.close()


async def test_closing_writes_what_there_is_of_every_tenant(database, tenant):
    other, draft = await new_tenant(database), uuid4()
    log = writer(database, flush_seconds=60)
    for whose in (tenant, other):
        for _ in range(3):
            log.note(planned(whose, draft_id=draft), [(cell(whose), True)])
    await log.close()
    for whose in (tenant, other):
        decisions, answers = await written(database, whose, draft)
        assert len(decisions) == 3 and answers == {"tier_1": (3, 0)}


async def test_an_answer_of_the_database_that_is_lost_counts_nothing_twice(database, tenant):
    class Deaf:
        lost = 0

        @asynccontextmanager
        async def unbound(self):
            async with database.unbound() as tx:
                yield tx
            if not self.lost:
                self.lost += 1
                raise DatabaseUnavailable

    log, draft = writer(Deaf(), flush_seconds=60), uuid4()
    log.note(planned(tenant, draft_id=draft), [(cell(tenant), True)])
    with suppress(StoreError):
        await log.flush()
    log.note(None, [(cell(tenant), True)])
    await log.close()
    decisions, answers = await written(database, tenant, draft)
    assert len(decisions) == 1 and answers == {"tier_1": (2, 0)}


async def test_while_the_database_is_away_drafts_go_on_and_all_is_written_later(store_urls, database, tenant):
    draft = uuid4()
    async with Door(store_urls.app) as door, opened(Database(door.url, wait_seconds=0.5)) as behind:
        log = writer(behind)
        door.become("closed")
        with capture_logs() as logs:
            log.note(planned(tenant, draft_id=draft), [(cell(tenant), True)])
            async with asyncio.timeout(60):
                while "decisions.not_written" not in {each["event"] for each in logs}:
                    await asyncio.sleep(0.01)
        assert await written(database, tenant, draft) == ([], {})
        door.become("open")
        async with asyncio.timeout(60):  # it goes on trying, as the pool does: closing tries once more only
            while not (await written(database, tenant, draft))[0]:
                await asyncio.sleep(0.01)
        await log.close()
    decisions, answers = await written(database, tenant, draft)
    assert len(decisions) == 1 and answers == {"tier_1": (1, 0)}


async def test_beyond_the_bound_decisions_are_dropped_counted_and_told_of_once(database, tenant, monkeypatch):
    monkeypatch.setattr(decision_writer, "MOST_DECISIONS", 2)
    log, draft = writer(database, flush_seconds=60), uuid4()
    with capture_logs() as logs:
        for _ in range(5):
            log.note(planned(tenant, draft_id=draft), [(cell(tenant), True)])
    assert log.dropped == 3 and [each["event"] for each in logs] == ["decisions.dropped"]
    await log.close()
    decisions, answers = await written(database, tenant, draft)
    assert len(decisions) == 2 and answers == {"tier_1": (5, 0)}


async def test_a_row_the_database_refuses_is_dropped_and_the_others_are_written(database, tenant):
    log, draft = writer(database, flush_seconds=60), uuid4()
    for n in range(5):
        log.note(planned(tenant, draft_id=draft, propensity=7.0 if n == 2 else 0.5), [(cell(tenant), True)])
    with capture_logs() as logs:
        await log.flush()
    assert [each["event"] for each in logs] == ["decisions.row_dropped"] and log.dropped == 1
    decisions, answers = await written(database, tenant, draft)
    assert len(decisions) == 4 and answers == {"tier_1": (5, 0)}
    await log.close()


async def test_a_tenant_that_is_gone_harms_nobody_else(database, tenant):
    log, draft = writer(database, flush_seconds=60), uuid4()
    gone = tenant.model_copy(update={"id": uuid4()})
    log.note(planned(gone, draft_id=draft), [(cell(gone), True)])
    log.note(planned(tenant, draft_id=draft), [])
    await log.close()
    assert len((await written(database, tenant, draft))[0]) == 1 and log.dropped == 0


def test_a_note_outside_of_a_loop_raises_nothing():
    with capture_logs() as logs:
        DecisionWriter(None).note(None, [(Cell(uuid4(), "t", "i", "ko", "tier_1", "m"), True)])
    assert [each["event"] for each in logs] == ["decisions.not_noted"]
