"""A night of the loop over a real database: labels in, a version or a reason out."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest

from ccos import worker
from ccos.domain.draft import DraftState, Outcome
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.quality.recalibration import Recalibration
from ccos.store import approved_answers, decisions, drafts, quality_models, tickets
from ccos.store.database import Database
from ccos.store.ending import end
from ccos.store.migrate import migrate
from ccos.wiring.loop import learn, learn_due
from support.postgres import fresh_database
from support.store import finished, new_tenant, opened

SCORER = "learned-1"


@pytest.fixture(scope="module")
def urls(embedded_server):
    with fresh_database(embedded_server, "loop_tests") as urls:
        migrate(urls.owner)
        yield urls


@pytest.fixture
async def database(urls):
    async with opened(Database(urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


async def decide(database, tenant, verdicts, reply="Your order 12 comes within 3 working days as a rule."):
    """A ticket with a draft for each (verdict, quality)."""
    async with database.tenant(tenant.id) as tx:
        for verdict, quality in verdicts:
            ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="Where?"))).ticket
            queued = await drafts.queue(tx, ticket.id)
            made = finished(queued, DraftState.READY, tier=Tier.LOCAL_TINYLLAMA, scorer=SCORER, reply=reply)
            used = made.attempts[1].model_copy(
                update={"quality": quality, "tier": Tier.LOCAL_TINYLLAMA, "outcome": Outcome.ACCEPTED}
            )
            made = made.model_copy(update={"attempts": (used,)})
            await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
            await decisions.decide(tx, queued.id, verdict)


def overrated(count):
    """The gate said 0.9 and 0.6, and people approved half and a tenth of them."""
    return [
        ("approved" if n % 2 == 0 else "rejected", 0.9)
        if n % 20 < 10
        else ("approved" if n % 20 == 10 else "rejected", 0.6)
        for n in range(count)
    ]


async def kept(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return await quality_models.every(tx), await quality_models.active(tx)


async def test_a_gate_that_overrates_is_corrected_and_the_version_says_why(database, tenant):
    await decide(database, tenant, overrated(240))
    night = await learn(database, tenant.id, SCORER)
    assert night.labels == 240 and night.promoted and night.version == 1
    (version,), active = await kept(database, tenant)
    assert active == version and "better by at least" in version.reason and version.held_back == 60
    learned = Recalibration.model_validate(version.content)
    assert abs(learned.quality(0.9) - 0.5) < 0.1 and learned.quality(0.6) < 0.25
    assert {each["name"] for each in version.figures} >= {"log_loss", "brier"}


async def test_the_same_labels_again_promote_nothing_more(database, tenant):
    await decide(database, tenant, overrated(240))
    await learn(database, tenant.id, SCORER)
    again = await learn(database, tenant.id, SCORER)
    assert not again.promoted and again.version is None and "no other calibration" in again.reason


async def test_a_dry_run_keeps_nothing(database, tenant):
    await decide(database, tenant, overrated(240))
    night = await learn(database, tenant.id, SCORER, dry_run=True)
    assert night.figures and night.proposed and not night.promoted and night.version is None
    assert await kept(database, tenant) == ([], None)
    async with database.tenant(tenant.id) as tx:
        assert await quality_models.last_run(tx) is None and not await approved_answers.every(tx)


async def test_after_a_person_went_back_a_person_must_promote(database, tenant):
    await decide(database, tenant, overrated(240))
    await learn(database, tenant.id, SCORER)
    async with database.tenant(tenant.id) as tx:
        assert await quality_models.roll_back(tx, by="kim") is None
    night = await learn(database, tenant.id, SCORER)
    assert night.version == 2 and not night.promoted and "waits for a person" in night.reason
    async with database.tenant(tenant.id) as tx:
        newest = (await quality_models.every(tx))[0]
        assert (await quality_models.promote(tx, newest.id, by="kim")).state == "active"


async def test_few_labels_make_no_version_and_other_scores_labels_do_not_count(database, tenant):
    await decide(database, tenant, overrated(40))
    night = await learn(database, tenant.id, SCORER)
    assert (night.labels, night.version) == (40, None)
    assert (await learn(database, tenant.id, "another")).decisions == 0


async def test_answers_that_went_out_often_are_proposed_once(database, tenant):
    await decide(database, tenant, [("approved", 0.8)] * 4)
    assert (await learn(database, tenant.id, SCORER)).proposed == 1
    assert (await learn(database, tenant.id, SCORER)).proposed == 0
    async with database.tenant(tenant.id) as tx:
        (answer,) = await approved_answers.every(tx)
    assert answer.state == "proposed" and answer.tickets == 4


async def test_rejected_replies_are_proposed_to_nobody(database, tenant):
    await decide(database, tenant, [("rejected", 0.8)] * 4)
    assert (await learn(database, tenant.id, SCORER)).proposed == 0


async def test_every_tenant_with_enough_decisions_has_its_night_once(database, tenant):
    await decide(database, tenant, overrated(60))
    await learn_due(database, SCORER)
    async with database.tenant(tenant.id) as tx:
        ran_at, found = await quality_models.last_run(tx)
    assert found["labels"] == 60
    assert await learn_due(database, SCORER) == 0
    async with database.tenant(tenant.id) as tx:
        assert (await quality_models.last_run(tx))[0] == ran_at


async def test_a_worker_learns_by_itself_and_ends_when_it_is_told(database, tenant):
    await decide(database, tenant, overrated(60))
    house = SimpleNamespace(database=database, learning=SimpleNamespace(scorer=SCORER))
    job = asyncio.create_task(worker.learn_nightly(house))
    try:
        async with asyncio.timeout(30):
            while True:
                async with database.tenant(tenant.id) as tx:
                    if await quality_models.last_run(tx) is not None:
                        break
                await asyncio.sleep(0.05)
    finally:
        await end([job])
    assert job.cancelled()
