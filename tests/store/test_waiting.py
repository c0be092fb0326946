"""Tickets that wait for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.ticket import Priority, Ticket
from ccos.store import decisions, drafts, tickets, waiting
from ccos.store.database import Database
from support.store import finished, new_tenant, opened


@pytest.fixture
async def database(store_urls):
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


async def ticket(tx, subject="환불", state=None, triage=None, **more):
    stored = (await tickets.put(tx, Ticket.model_validate({"subject": subject, **more}))).ticket
    if state is None:
        return stored.id
    draft = await drafts.queue(tx, stored.id)
    if state is not DraftState.QUEUED:
        run = await drafts.start(tx, draft.id)
        made = finished(draft, state).model_copy(update={"triage": triage or {}})
        await drafts.finish(tx, made, run=run)
    return stored.id


async def found(tx, **more):
    return {str(each.ticket_id): each for each in await waiting.find(tx, **more)}


async def test_what_nobody_has_decided_about_waits(database, tenant):
    async with database.tenant(tenant.id) as tx:
        kept = {state: await ticket(tx, state=state) for state in
                (DraftState.READY, DraftState.NEEDS_REVIEW, DraftState.ABSTAINED, DraftState.FAILED, DraftState.QUEUED)}  # fmt: skip
        await ticket(tx)  # nobody asked for a draft
        decided = await ticket(tx, state=DraftState.READY)
        await decisions.decide(tx, (await drafts.latest(tx, decided)).id, "rejected")
        answered = await ticket(tx, state=DraftState.READY)
        await drafts.expire(tx, answered)
        closed = await ticket(tx, state=DraftState.READY)
        await tickets.set_status(tx, closed, "closed")
        assert {key: each.state for key, each in (await found(tx)).items()} == {
            ticket_id: state for state, ticket_id in kept.items()
        }


async def test_a_failed_draft_waits_until_another_one_comes(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket_id = await ticket(tx, state=DraftState.FAILED)
        await drafts.queue(tx, ticket_id)
        assert (await found(tx))[ticket_id].state is DraftState.QUEUED
        assert len(await waiting.find(tx)) == 1


async def test_a_customer_waits_since_their_last_message(database, tenant):
    begun, asked = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
    messages = {
        "customer": [{"role": "agent", "text": "네"}, {"role": "customer", "text": "아직요?", "at": asked}],
        "undated": [{"role": "customer", "text": "아직요?"}],
        "agent": [
            {"role": "customer", "text": "아직요?", "at": asked},
            {"role": "agent", "text": "네", "at": asked},
        ],
        "none": [],
    }
    async with database.tenant(tenant.id) as tx:
        ids = {
            name: await ticket(tx, state=DraftState.READY, created_at=begun, conversation_history=said)
            for name, said in messages.items()
        }
        waits = await found(tx)
    first, second = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    assert {name: waits[ticket_id].since for name, ticket_id in ids.items()} == {
        "customer": second, "undated": first, "agent": first, "none": first
    }  # fmt: skip


async def test_the_tickets_own_priority_goes_before_the_one_that_was_read(database, tenant):
    async with database.tenant(tenant.id) as tx:
        read = {"priority": "urgent"}
        ids = [
            await ticket(tx, state=DraftState.READY, priority="low", triage=read),
            await ticket(tx, state=DraftState.READY, triage=read),
            await ticket(tx, state=DraftState.READY, triage={"priority": ["?"]}),
        ]
        waits = await found(tx)
    assert [waits[each].priority for each in ids] == [Priority.LOW, Priority.URGENT, None]


@pytest.mark.parametrize("words", ["배송", "T-1", "도착", "100%_"])
async def test_words_are_looked_for_as_they_are(database, tenant, words):
    async with database.tenant(tenant.id) as tx:
        wanted = await ticket(
            tx, "배송 100%_", state=DraftState.READY, external_id="T-1", description="언제 도착하나요?"
        )
        await ticket(tx, "환불 1000원", state=DraftState.READY)
        assert list(await found(tx, text=words)) == [wanted]


async def test_another_tenants_tickets_wait_elsewhere(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        ticket_id = await ticket(tx, state=DraftState.READY)
    async with database.tenant(tenant.id) as tx:
        assert not await waiting.find(tx)
        assert not await waiting.tickets_of(tx, [UUID(ticket_id)])
