"""Tickets and drafts kept in step, on the real database, whatever the work does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from ccos.agents.batching import TicketLine
from ccos.agents.drafting import Drafting
from ccos.domain.batch import mark, named
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import BadInput, Conflict, NotFound, StoreError
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import batches, drafts, tickets
from ccos.store.jobs import defer_batch, defer_draft, hurry_draft, waiting
from ccos.tiers.request import Priority

TICKET = Ticket(external_id="T-1", subject="환불", description="언제 되나요?")


class Drafter:
    """Writes a draft at once, or does what it is told first."""

    def __init__(self, before=None):
        self.before = before
        self.jobs = []

    async def draft(self, job, on_stage=None):
        self.jobs.append(job)
        if self.before is not None:
            await self.before(job)
        return Draft(id=job.draft_id, ticket_id=job.ticket_id, state=DraftState.READY, reply="네, 고객님.")


def drafting(database, before=None):
    drafter = Drafter(before)
    return Drafting(database, drafter, defer_draft, mode=Mode.COST_FIRST), drafter


async def state_of(database, tenant, draft_id):
    async with database.tenant(tenant.id) as tx:
        return (await drafts.get(tx, draft_id)).state


async def test_a_ticket_that_is_taken_in_has_a_queued_draft_and_a_job(database, tenant):
    before = await waiting(database)
    taken = await drafting(database)[0].take_in(tenant.id, TICKET)
    assert taken.draft.state is DraftState.QUEUED and await waiting(database) == before + 1


async def test_the_same_ticket_again_gets_the_draft_it_has(database, tenant):
    work, _ = drafting(database)
    first = await work.take_in(tenant.id, TICKET)
    jobs = await waiting(database)
    again = await work.take_in(tenant.id, TICKET)
    assert again.draft.id == first.draft.id and await waiting(database) == jobs


async def test_a_newer_message_supersedes_the_draft(database, tenant):
    work, _ = drafting(database)
    first = await work.take_in(tenant.id, TICKET)
    second = await work.take_in(tenant.id, TICKET.model_copy(update={"description": "아직인가요?"}))
    assert second.draft.id != first.draft.id
    assert await state_of(database, tenant, first.draft.id) is DraftState.SUPERSEDED


async def test_when_the_job_cannot_be_queued_nothing_was_taken_in(database, tenant):
    async def broken(tx, tenant_id, draft_id):
        raise StoreError

    work = Drafting(database, Drafter(), broken, mode=Mode.COST_FIRST)
    with pytest.raises(StoreError):
        await work.take_in(tenant.id, TICKET)
    async with database.tenant(tenant.id) as tx:
        assert (await drafts.page(tx)).drafts == ()


async def test_a_job_done_twice_leaves_one_result(database, tenant):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    await work.work(tenant.id, taken.draft.id)
    await work.work(tenant.id, taken.draft.id)
    assert len(drafter.jobs) == 1
    assert await state_of(database, tenant, taken.draft.id) is DraftState.READY


async def test_a_job_of_a_superseded_draft_is_left_alone(database, tenant):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    await work.make(tenant, taken.ticket.id)
    await work.work(tenant.id, taken.draft.id)
    assert len(drafter.jobs) == 1


async def test_a_draft_superseded_while_it_was_written_is_not_stored(database, tenant):
    async def customer_writes_again(job):
        async with database.tenant(tenant.id) as tx:
            await drafts.queue(tx, job.ticket_id)

    work, _ = drafting(database, customer_writes_again)
    taken = await work.take_in(tenant.id, TICKET)
    await work.work(tenant.id, taken.draft.id)
    assert await state_of(database, tenant, taken.draft.id) is DraftState.SUPERSEDED
    with pytest.raises(Conflict):
        await work.make(tenant, taken.ticket.id)


async def test_work_that_breaks_marks_its_draft_failed_with_a_code_and_no_text(database, tenant):
    async def breaks(job):
        raise KeyError("고객 이름")

    work, _ = drafting(database, breaks)
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, TICKET)).ticket
    with pytest.raises(KeyError):
        await work.make(tenant, ticket.id)
    async with database.tenant(tenant.id) as tx:
        newest = await drafts.latest(tx, ticket.id)
    assert newest.state is DraftState.FAILED and newest.reason == "KeyError"


async def cancelled(work, drafter, tenant, ticket_id):
    """A draft made now, cancelled in the middle; its id."""
    begun = asyncio.Event()

    async def hangs(job):
        begun.set()
        await asyncio.sleep(60)

    drafter.before = hangs
    task = asyncio.create_task(work.make(tenant, ticket_id))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    drafter.before = None
    return drafter.jobs[-1].draft_id


async def test_cancelled_work_on_a_tickets_first_draft_leaves_it_failed(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, TICKET)).ticket
    draft_id = await cancelled(*drafting(database), tenant, ticket.id)
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.get(tx, draft_id)
    assert (draft.state, draft.reason) == (DraftState.FAILED, "cancelled")


async def test_a_ticket_that_waited_for_its_draft_waits_again_when_the_one_made_now_is_cancelled(
    database, tenant
):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    before = await waiting(database)
    draft_id = await cancelled(work, drafter, tenant, taken.ticket.id)
    assert await waiting(database) == before + 1
    await work.work(tenant.id, draft_id)
    assert await state_of(database, tenant, draft_id) is DraftState.READY


async def test_a_finished_draft_is_back_when_another_that_was_asked_for_is_cancelled(database, tenant):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    first = await work.make(tenant, taken.ticket.id)
    draft_id = await cancelled(work, drafter, tenant, taken.ticket.id)
    async with database.tenant(tenant.id) as tx:
        assert await drafts.latest(tx, taken.ticket.id) == first
        left = await drafts.get(tx, draft_id)
    assert (left.state, left.reason) == (DraftState.SUPERSEDED, "cancelled")


async def test_a_customer_who_wrote_meanwhile_keeps_the_newer_draft(database, tenant):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    await work.make(tenant, taken.ticket.id)

    async def writes_again(job):
        await work.take_in(tenant.id, TICKET.model_copy(update={"description": "아직인가요?"}))
        raise KeyError

    drafter.before = writes_again
    with pytest.raises(KeyError):
        await work.make(tenant, taken.ticket.id)
    async with database.tenant(tenant.id) as tx:
        newest = await drafts.latest(tx, taken.ticket.id)
        assert newest.state is DraftState.QUEUED
        counted = await drafts.counts(tx)
    assert counted == {DraftState.QUEUED: 1, DraftState.SUPERSEDED: 3}


async def test_who_waits_goes_first_and_asks_anew(database, tenant):
    work, drafter = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    await work.work(tenant.id, taken.draft.id)
    await work.make(tenant, taken.ticket.id)
    await work.make(tenant, taken.ticket.id, priority=Priority.BATCH)
    assert [(job.priority, job.cache) for job in drafter.jobs] == [
        (Priority.TICKET_DRAFT, "use"),
        (Priority.AGENT_WAITING, "refresh"),
        (Priority.BATCH, "use"),
    ]


async def test_a_job_that_is_cancelled_leaves_its_draft_to_the_next_worker(database, tenant):
    begun = asyncio.Event()

    async def hangs_once(job):
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(60)

    work, drafter = drafting(database, hangs_once)
    taken = await work.take_in(tenant.id, TICKET)
    before = await waiting(database)
    task = asyncio.create_task(work.work(tenant.id, taken.draft.id))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await state_of(database, tenant, taken.draft.id) is DraftState.RUNNING
    assert await waiting(database) == before + 1
    await work.work(tenant.id, taken.draft.id)
    assert await state_of(database, tenant, taken.draft.id) is DraftState.READY and len(drafter.jobs) == 2


async def test_a_ticket_that_is_not_there_cannot_be_drafted(database, tenant):
    with pytest.raises(NotFound):
        await drafting(database)[0].make(tenant, "00000000-0000-4000-8000-000000000000")


class Unstorable(Drafter):
    """Its draft is refused by the store."""

    async def draft(self, job, on_stage=None):
        draft = await super().draft(job, on_stage)
        return draft.model_copy(update={"state": DraftState.APPROVED})


async def test_a_draft_that_cannot_be_stored_does_not_stay_running(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, TICKET)).ticket
    drafter = Unstorable()
    with pytest.raises(BadInput):
        await Drafting(database, drafter, defer_draft, mode=Mode.COST_FIRST).make(tenant, ticket.id)
    assert await state_of(database, tenant, drafter.jobs[0].draft_id) is DraftState.FAILED


async def test_a_job_that_breaks_is_tried_again_and_fails_its_draft_with_the_last_try(database, tenant):
    async def breaks(job):
        raise KeyError

    work, drafter = drafting(database, breaks)
    taken = await work.take_in(tenant.id, TICKET)
    states = []
    for last in (False, False, True):
        with pytest.raises(KeyError):
            await work.work(tenant.id, taken.draft.id, last=last)
        states.append(await state_of(database, tenant, taken.draft.id))
    assert states == [DraftState.RUNNING, DraftState.RUNNING, DraftState.FAILED] and len(drafter.jobs) == 3


async def test_a_run_that_lost_its_draft_cannot_fail_it(database, tenant):
    async def another_begins(job):
        async with database.tenant(tenant.id) as tx:
            await drafts.start(tx, job.draft_id)
        raise KeyError

    work, _ = drafting(database, another_begins)
    taken = await work.take_in(tenant.id, TICKET)
    with pytest.raises(KeyError):
        await work.work(tenant.id, taken.draft.id, last=True)
    assert await state_of(database, tenant, taken.draft.id) is DraftState.RUNNING


class Breaking:
    """The database, with something that happens around each of the first transactions, one by one."""

    def __init__(self, database, *happenings):
        self.database = database
        self.happenings = list(happenings)

    @asynccontextmanager
    async def tenant(self, tenant_id):
        happening = self.happenings.pop(0) if self.happenings else None
        if isinstance(happening, Exception):
            raise happening
        async with self.database.tenant(tenant_id) as tx:
            yield tx
        if happening is not None:
            happening()
            await asyncio.sleep(0)


def leave():
    asyncio.current_task().cancel()


@pytest.mark.parametrize("last", [False, True])
async def test_a_database_that_breaks_as_a_job_begins_leaves_no_draft_in_line_after_the_last_try(
    database, tenant, last
):
    taken = await drafting(database)[0].take_in(tenant.id, TICKET)
    work, drafter = drafting(Breaking(database, StoreError()))
    with pytest.raises(StoreError):
        await work.work(tenant.id, taken.draft.id, last=last)
    async with database.tenant(tenant.id) as tx:
        draft = await drafts.get(tx, taken.draft.id)
    assert (draft.state, draft.reason) == (
        (DraftState.FAILED, "store.error") if last else (DraftState.QUEUED, "")
    )
    assert drafter.jobs == []


async def test_a_job_that_is_cancelled_as_it_begins_is_passed_on(database, tenant):
    taken = await drafting(database)[0].take_in(tenant.id, TICKET)
    before = await waiting(database)
    work, drafter = drafting(Breaking(database, leave))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work.work(tenant.id, taken.draft.id))
    assert await waiting(database) == before + 1 and drafter.jobs == []


async def test_a_finished_draft_is_back_when_another_is_cancelled_as_it_begins(database, tenant):
    work, _ = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    first = await work.make(tenant, taken.ticket.id)
    left, drafter = drafting(Breaking(database, leave))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(left.make(tenant, taken.ticket.id))
    async with database.tenant(tenant.id) as tx:
        assert await drafts.latest(tx, taken.ticket.id) == first
        assert DraftState.RUNNING not in await drafts.counts(tx)
    assert drafter.jobs == []


async def test_making_that_never_began_changes_nothing(database, tenant):
    """The transaction breaks with its last word: it was rolled back, and there is nothing to undo."""
    work, _ = drafting(database)
    taken = await work.take_in(tenant.id, TICKET)
    first = await work.make(tenant, taken.ticket.id)

    class Unspoken(Breaking):
        @asynccontextmanager
        async def tenant(self, tenant_id):
            async with self.database.tenant(tenant_id) as tx:
                yield tx
                if self.happenings:
                    raise self.happenings.pop(0)

    with pytest.raises(StoreError):
        await drafting(Unspoken(database, StoreError()))[0].make(tenant, taken.ticket.id)
    async with database.tenant(tenant.id) as tx:
        assert await drafts.latest(tx, taken.ticket.id) == first
        assert await drafts.counts(tx) == {DraftState.READY: 1, DraftState.SUPERSEDED: 1}


def lines_of(*numbers):
    made = [
        named(Ticket(external_id=f"B-{n}", subject="배송", description=f"{n}번 주문"), n) for n in numbers
    ]
    return [TicketLine(n, ticket, mark(ticket)) for n, ticket in zip(numbers, made, strict=True)]


async def batch_of(database, tenant, work, *numbers):
    """A batch taken in; its drafts by line."""
    batch = await work.take_in_batch(tenant.id, lines_of(*numbers), [])
    async with database.tenant(tenant.id) as tx:
        query = "SELECT draft_id FROM batch_item WHERE batch_id = %(id)s ORDER BY line"
        return batch, [row["draft_id"] for row in await tx.rows(query, id=batch)]


async def line_of(database, draft_id):
    """In which lines the draft has a job to do."""
    async with database.unbound() as tx:
        query = "SELECT queue_name FROM procrastinate_jobs WHERE lock = %(lock)s AND status = 'todo'"
        return [row["queue_name"] for row in await tx.rows(query, lock=f"draft {draft_id}")]


def batching(database, before=None):
    drafter = Drafter(before)
    work = Drafting(
        database, drafter, defer_draft, mode=Mode.COST_FIRST, defer_batch=defer_batch, hurry=hurry_draft
    )
    return work, drafter


async def test_a_line_of_a_batch_stands_behind_tickets_and_stays_there_when_its_work_is_cancelled(
    database, tenant
):
    begun = asyncio.Event()

    async def hangs_once(job):
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(60)

    work, drafter = batching(database, hangs_once)
    _, [draft_id] = await batch_of(database, tenant, work, 1)
    async with database.unbound() as tx:
        await tx.run("DELETE FROM procrastinate_jobs WHERE lock = %(lock)s", lock=f"draft {draft_id}")
    task = asyncio.create_task(work.work(tenant.id, draft_id, batch=True))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await line_of(database, draft_id) == ["batches"]
    await work.work(tenant.id, draft_id, batch=True)
    assert [job.priority for job in drafter.jobs] == [Priority.BATCH, Priority.BATCH]
    assert await state_of(database, tenant, draft_id) is DraftState.READY


async def test_a_ticket_of_a_batch_that_is_sent_alone_too_goes_with_those_sent_alone(database, tenant):
    work, _ = batching(database)
    batch, [first, second] = await batch_of(database, tenant, work, 1, 2)
    taken = await work.take_in(tenant.id, lines_of(2)[0].ticket)
    assert taken.draft.id == str(second)
    assert (await line_of(database, first), await line_of(database, second)) == (["batches"], ["drafts"])
    async with database.tenant(tenant.id) as tx:
        assert await batches.cancel(tx, batch) == 1
    assert await state_of(database, tenant, second) is DraftState.QUEUED, "somebody waits for it"


async def test_what_was_cancelled_is_drafted_when_it_is_sent_again_alone_or_in_a_batch(database, tenant):
    work, _ = batching(database)
    batch, [first, second] = await batch_of(database, tenant, work, 1, 2)
    async with database.tenant(tenant.id) as tx:
        assert await batches.cancel(tx, batch) == 2
    alone = await work.take_in(tenant.id, lines_of(1)[0].ticket)
    assert alone.draft.state is DraftState.QUEUED and alone.draft.id != str(first)
    _, [again] = await batch_of(database, tenant, work, 2)
    assert again != second and await state_of(database, tenant, again) is DraftState.QUEUED
    await work.work(tenant.id, first, batch=True)
    assert await state_of(database, tenant, first) is DraftState.FAILED, "its job came too late"


async def test_a_batch_is_stored_whole_or_not_at_all(database, tenant):
    async def broken(tx, tenant_id, *draft_ids):
        raise StoreError

    work = Drafting(database, Drafter(), defer_draft, mode=Mode.COST_FIRST, defer_batch=broken)
    with pytest.raises(StoreError):
        await work.take_in_batch(tenant.id, lines_of(1, 2), [])
    async with database.tenant(tenant.id) as tx:
        assert (await tickets.page(tx)).tickets == () and (await batches.page(tx)).batches == ()
