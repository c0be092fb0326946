from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from ccos.domain.draft import DraftState
from ccos.domain.errors import StoreError
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import counts, decisions, drafts, plans, tickets
from ccos.store.counts import Cell
from support.store import finished, new_tenant, planned

REPLY = "환불은 상품을 회수한 뒤 3영업일 안에 처리됩니다. 카드사에 따라 며칠이 더 걸릴 수 있습니다."


async def add(database, rows=(), answers=None, writer=None, batch=1):
    async with database.unbound() as tx:
        return await plans.add(tx, writer or uuid4(), batch, list(rows), answers or {})


async def of(database, tenant):
    async with database.tenant(tenant.id) as tx:
        return {c.cell[1:]: c for c in await counts.of_tenant(tx)}


async def draft(database, tenant, state=DraftState.READY, **changes):
    made = {
        "reply": REPLY,
        "tier": Tier.LOCAL_TINYLLAMA,
        "triage": {"intent": "refund_status", "language": "ko"},
    }
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="환불"))).ticket
        queued = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, queued.id)
        await drafts.finish(tx, finished(queued, state, **made | changes), run=run)
    return queued


async def decide(database, tenant, one, verdict, **more):
    async with database.tenant(tenant.id) as tx:
        await decisions.decide(tx, one.id, verdict, **more)


# --- decisions ---


async def test_a_decision_comes_back_as_it_was_written(database, tenant):
    told = planned(tenant, draft_id=uuid4(), seed=2**63 - 1, tier=None, quality=None, scorer=None)
    assert await add(database, [told])
    async with database.tenant(tenant.id) as tx:
        assert await plans.of_draft(tx, told.draft_id) == [told]


async def test_a_batch_that_is_sent_again_counts_once(database, tenant):
    writer, cell = uuid4(), Cell(tenant.id, "solution_draft", "coupon", "ko", "tier_1", "m")
    assert await add(database, [planned(tenant)], {cell: (2, 1)}, writer)
    assert not await add(database, [planned(tenant)], {cell: (2, 1)}, writer)
    assert await add(database, [], {cell: (1, 0)}, writer, 2)
    found = (await of(database, tenant))[cell[1:]]
    assert (found.accepted, found.refused) == (3, 1)


async def test_what_was_decided_is_not_changed(database, tenant):
    await add(database, [planned(tenant)])
    with pytest.raises(StoreError):
        async with database.tenant(tenant.id) as tx:
            await tx.run("UPDATE plan_decision SET outcome = 'accepted', explored = true")


@pytest.mark.parametrize("wrong", [{"propensity": 0.0}, {"propensity": 1.1}, {"outcome": "perfect"}])
async def test_a_decision_that_cannot_be_is_refused(database, tenant, wrong):
    with pytest.raises((StoreError, psycopg.Error)):
        await add(database, [planned(tenant, **wrong)])


async def test_decisions_go_after_ninety_days_and_those_of_others_stay(database, tenant):
    other, both = await new_tenant(database), uuid4()
    old = datetime.now(UTC) - timedelta(days=91)
    young = datetime.now(UTC) - timedelta(days=89)
    rows = [planned(t, draft_id=both, at=at) for t in (tenant, other) for at in (old, old, young)]
    await add(database, rows)
    async with database.tenant(tenant.id) as tx:
        assert await plans.prune(tx, batch=1) == 1
        assert await plans.prune(tx) == 1 and await plans.prune(tx) == 0
        assert len(await plans.of_draft(tx, both)) == 1
    async with database.tenant(other.id) as tx:
        assert len(await plans.of_draft(tx, both)) == 3


# --- counts ---


@pytest.mark.parametrize(
    ("verdict", "more", "counted"),
    [
        ("approved", {}, "approved"),
        ("rejected", {}, "rejected"),
        ("edited", {"text": REPLY.replace("3영업일", "5영업일")}, "lightly_edited"),
        ("edited", {"text": "이 상품은 환불 대신 교환만 가능합니다."}, "rewritten"),
        ("edited", {"fields": {"priority": "high"}}, "approved"),
    ],
)
async def test_what_a_person_decides_is_counted_in_its_cell_once(database, tenant, verdict, more, counted):
    one = await draft(database, tenant)
    await decide(database, tenant, one, verdict, **more)
    await decide(database, tenant, one, verdict, **more)  # a double click
    found = (await of(database, tenant))["solution_draft", "refund_status", "ko", "tier_2", "tiny"]
    kinds = ("approved", "lightly_edited", "rewritten", "rejected")
    assert {kind: getattr(found, kind) for kind in kinds} == dict.fromkeys(kinds, 0) | {counted: 1}
    assert (found.accepted, found.refused) == (0, 0)


async def test_what_the_gate_had_not_accepted_or_was_no_answer_is_not_counted(database, tenant):
    refused = await draft(database, tenant, DraftState.NEEDS_REVIEW, attempts=())
    asked = await draft(database, tenant, DraftState.ABSTAINED)
    for one in (refused, asked):
        await decide(database, tenant, one, "approved")
    assert await of(database, tenant) == {}


async def test_two_long_intents_that_begin_alike_are_two_cells(database, tenant):
    """Counted by the gate and by people under the same name, however long."""
    names = [f"{'긴' * 60}{end}" for end in ("환불", "교환")]
    cells = [Cell(tenant.id, "solution_draft", name, "ko", "tier_2", "tiny") for name in names]
    await add(database, answers=dict(zip(cells, [(1, 0), (0, 2)], strict=True)))
    for name, verdict in zip(names, ["approved", "rejected"], strict=True):
        one = await draft(database, tenant, triage={"intent": name, "language": "ko"})
        await decide(database, tenant, one, verdict)
    found = {name: each for (_, name, *_), each in (await of(database, tenant)).items()}
    first, second = (found[counts.kept_name(name)] for name in names)
    assert (first.accepted, first.refused, first.approved, first.rejected) == (1, 0, 1, 0)
    assert (second.accepted, second.refused, second.approved, second.rejected) == (0, 2, 0, 1)
    assert len(found) == 2 and {len(name) for name in found} == {counts.LONGEST_NAME}
    assert counts.kept_name("긴" * 60) == "긴" * 60


async def test_a_draft_without_triage_is_counted_as_other(database, tenant):
    one = await draft(database, tenant, triage={})
    await decide(database, tenant, one, "approved")
    assert list(await of(database, tenant)) == [("solution_draft", "other", "ko", "tier_2", "tiny")]


async def test_everybodys_changes_are_read_at_once_and_only_those_since(database, tenant):
    other = await new_tenant(database)
    cells = [Cell(each.id, "solution_draft", "coupon", "ko", "tier_1", "m") for each in (tenant, other)]
    await add(database, answers=dict.fromkeys(cells, (1, 0)))
    async with database.unbound() as tx:
        now, found = await counts.since(tx, None)
        assert {each.cell for each in found} >= set(cells)
    await add(database, answers={cells[0]: (0, 1)})
    async with database.tenant(other.id) as tx:
        _, later = await counts.since(tx, now)
        assert [(each.cell, each.refused) for each in later if each.cell in cells] == [(cells[0], 1)]
        bound = await tx.row("SELECT current_setting('ccos.tenant') AS tenant")
        assert bound["tenant"] == str(other.id)


async def test_what_was_counted_long_ago_fades(database, tenant):
    cell = Cell(tenant.id, "solution_draft", "coupon", "ko", "tier_1", "m")
    await add(database, answers={cell: (900, 100)})
    await add(database, answers={cell: (0, 1)})
    found = (await of(database, tenant))[cell[1:]]
    assert (found.accepted, found.refused) == (450, 50)
    await add(database, answers={cell: (0, 400)})
    found = (await of(database, tenant))[cell[1:]]
    assert (found.accepted, found.refused) == (450, 450)
