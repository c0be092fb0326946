"""What a person decided: how much they changed, how long they took, and the moment to take it back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import counts, decisions, drafts, tickets
from ccos.store.database import Database
from support.store import finished, new_tenant, opened

REPLY = "안녕하세요, 고객님.\n환불은 승인 후 3영업일 안에 카드사로 접수됩니다.\n감사합니다."


@pytest.fixture
async def database(store_urls):
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


async def made(tx, *, reply=REPLY, state=DraftState.READY, ticket_id=None, **more):
    if ticket_id is None:
        ticket_id = (await tickets.put(tx, Ticket(subject="환불", **more))).ticket.id
    draft = await drafts.queue(tx, ticket_id)
    run = await drafts.start(tx, draft.id)
    await drafts.finish(tx, finished(draft, state, tier=Tier.LOCAL_TINYLLAMA, reply=reply), run=run)
    return await drafts.get(tx, draft.id)


async def cells(tx):
    return [
        (each.approved, each.lightly_edited, each.rewritten, each.rejected)
        for each in await counts.of_tenant(tx)
    ]


@pytest.mark.parametrize(
    ("verdict", "text", "least", "most"),
    [
        ("approved", None, 0.0, 0.0),
        ("edited", REPLY.replace("고객님.", "한지우 고객님!"), 0.0, 0.0),  # a greeting is no change
        ("edited", REPLY.replace("3영업일", "5영업일"), 0.01, 0.1),
        ("edited", "교환만 가능한 상품입니다. 양해 부탁드립니다.", 0.5, 1.0),
        ("rejected", None, None, None),
    ],
)
async def test_how_much_was_changed_is_kept(database, tenant, verdict, text, least, most):
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx)
        changed = (await decisions.decide(tx, draft.id, verdict, text=text)).changed
    assert changed is None if least is None else least <= changed <= most


async def test_seconds_are_counted_from_the_first_opening(database, tenant):
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx)
        await tx.run("UPDATE draft SET opened_at = now() - interval '42 seconds'")
        await drafts.mark_opened(tx, draft.id)
        assert (await decisions.decide(tx, draft.id, "approved")).seconds == pytest.approx(42, abs=0.01)
        unseen = await made(tx)
        assert (await decisions.decide(tx, unseen.id, "approved")).seconds is None
        left = await made(tx)
        await tx.run(
            "UPDATE draft SET opened_at = now() - interval '3 days' WHERE id = %(id)s", id=left.id
        )  # and gone home
        assert (await decisions.decide(tx, left.id, "approved")).seconds is None


async def test_a_decision_is_taken_back_and_another_one_made(database, tenant):
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx, state=DraftState.NEEDS_REVIEW)
        first = await decisions.decide(
            tx, draft.id, "rejected", reason="policy", note="옛 규정", decided_by="hana"
        )
        assert await decisions.take_back(tx, draft.id, by="hana") == first
        assert (await drafts.get(tx, draft.id)).state is DraftState.NEEDS_REVIEW
        assert await decisions.of_draft(tx, draft.id) is None
        await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        kept = await tx.rows("SELECT decision, undone_by FROM decision_undone")
    assert [(row["decision"]["verdict"], row["decision"]["note"], row["undone_by"]) for row in kept] == [
        ("rejected", "옛 규정", "hana")
    ]


async def test_what_was_taken_back_is_counted_no_more(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await decisions.decide(tx, (await made(tx)).id, "approved")
        draft = await made(tx)
        await decisions.decide(tx, draft.id, "rejected", decided_by="hana")
        assert await cells(tx) == [(1, 0, 0, 1)]
        await decisions.take_back(tx, draft.id, by="hana")
        assert await cells(tx) == [(1, 0, 0, 0)]
        await decisions.decide(tx, draft.id, "edited", text=REPLY.replace("3", "5"), decided_by="hana")
        assert await cells(tx) == [(1, 1, 0, 0)]


async def test_only_whoever_decided_takes_it_back_and_only_for_a_moment(database, tenant):
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx)
        with pytest.raises(NotFound):
            await decisions.take_back(tx, draft.id, by="hana")
        await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        with pytest.raises(Conflict, match="Somebody else"):
            await decisions.take_back(tx, draft.id, by="dujin")
        await tx.run("UPDATE decision SET decided_at = now() - interval '31 seconds'")
        with pytest.raises(Conflict, match="30 seconds"):
            await decisions.take_back(tx, draft.id, by="hana")
        assert (await drafts.get(tx, draft.id)).state is DraftState.APPROVED


async def test_a_decision_stands_once_the_ticket_has_another_draft(database, tenant):
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx)
        await decisions.decide(tx, draft.id, "rejected", decided_by="hana")
        await drafts.queue(tx, draft.ticket_id)
        with pytest.raises(Conflict, match="newer draft"):
            await decisions.take_back(tx, draft.id, by="hana")


async def test_another_tenants_decision_is_not_there(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(tenant.id) as tx:
        draft = await made(tx)
        await decisions.decide(tx, draft.id, "approved", decided_by="hana")
    async with database.tenant(other.id) as tx:
        with pytest.raises(NotFound):
            await decisions.take_back(tx, draft.id, by="hana")
        with pytest.raises(NotFound):
            await decisions.note_outcome(tx, draft.ticket_id, csat=1)


async def test_what_became_of_a_ticket_is_noted_on_the_reply_that_went_out(database, tenant):
    early, late = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)

    async def seen(tx, draft):
        found = await decisions.of_draft(tx, draft.id)
        return found.csat, found.reopened_at

    async with database.tenant(tenant.id) as tx:
        first = await made(tx)
        with pytest.raises(NotFound):
            await decisions.note_outcome(tx, first.ticket_id, csat=4)
        await decisions.decide(tx, first.id, "approved")
        await decisions.note_outcome(tx, first.ticket_id, reopened_at=early)
        await decisions.note_outcome(tx, first.ticket_id, csat=2)
        await decisions.note_outcome(tx, first.ticket_id, csat=1, reopened_at=late)  # told again by the desk
        assert await seen(tx, first) == (1, early)
        second = await made(tx, ticket_id=first.ticket_id)
        await decisions.decide(tx, second.id, "rejected")
        await decisions.note_outcome(tx, first.ticket_id, csat=5)
        assert await seen(tx, second) == (None, None)  # no customer has read that one
        with pytest.raises(BadInput):
            await decisions.note_outcome(tx, first.ticket_id, csat=6)
