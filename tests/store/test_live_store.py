"""What becomes of drafts is heard as it is committed, and by whom it concerns."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from uuid import uuid4

import pytest
from psycopg import AsyncConnection

from ccos.domain.draft import DraftState
from ccos.domain.errors import DatabaseUnavailable
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, live, tickets
from ccos.store.live import Change, listen, tell
from support.store import finished


@asynccontextmanager
async def ear(url):
    """A function that waits for the next change."""
    async with aclosing(listen(url)) as changes:
        assert await anext(changes) is None

        async def heard():
            async with asyncio.timeout(10):
                return await anext(changes)

        yield heard


async def test_every_state_of_a_draft_is_heard_once_and_in_order(store_urls, database, tenant):
    async with ear(store_urls.app) as heard:
        async with database.tenant(tenant.id) as tx:
            ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
            draft = await drafts.queue(tx, ticket.id)
        async with database.tenant(tenant.id) as tx:
            run = await drafts.start(tx, draft.id)
        async with database.tenant(tenant.id) as tx:
            await drafts.finish(tx, finished(draft, DraftState.READY), run=run)
        async with database.tenant(tenant.id) as tx:
            await drafts.mark_opened(tx, draft.id)  # no change of its state
            await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        states = [await heard() for _ in range(4)]
    wanted = (DraftState.QUEUED, DraftState.RUNNING, DraftState.READY, DraftState.APPROVED)
    assert states == [Change(tenant.id, ticket.id, draft.id, state) for state in wanted]


async def test_what_is_rolled_back_is_never_heard(store_urls, database, tenant):
    async with ear(store_urls.app) as heard:
        with pytest.raises(RuntimeError):
            async with database.tenant(tenant.id) as tx:
                ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
                await drafts.queue(tx, ticket.id)
                raise RuntimeError
        async with database.unbound() as tx:
            await tell(tx, [Change(tenant.id, ticket.id, str(uuid4()), stage="retrieve")])
        assert (await heard()).stage == "retrieve"


async def test_strange_words_on_the_channel_are_passed_over(store_urls, database, tenant):
    told = Change(tenant.id, str(uuid4()), str(uuid4()), stage="triage")
    async with ear(store_urls.app) as heard:
        for word in ("", "{", "[]", "null", '{"tenant": 1}', '{"tenant":"x","ticket":"y","draft":"z"}'):
            async with database.unbound() as tx:
                await tx.run("SELECT pg_notify(%(channel)s, %(word)s)", channel=live.CHANNEL, word=word)
        async with database.unbound() as tx:
            await tell(tx, [told])
        assert await heard() == told


async def test_a_quiet_hour_loses_nothing(store_urls, database, tenant, monkeypatch):
    """Between two looks at the server what is said is kept."""
    monkeypatch.setattr(live, "SILENT_SECONDS", 0.02)
    told = [Change(tenant.id, str(uuid4()), str(uuid4()), stage="triage") for _ in range(30)]
    async with ear(store_urls.app) as heard:
        for change in told:
            async with database.unbound() as tx:
                await tell(tx, [change])
            await asyncio.sleep(0.01)
        assert [await heard() for _ in told] == told


async def test_a_server_that_goes_is_told_in_our_own_words(store_urls):
    async with ear(store_urls.app) as heard:
        waiting = asyncio.create_task(heard())
        await asyncio.sleep(0.1)
        async with await AsyncConnection.connect(store_urls.superuser, autocommit=True) as other:
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        with pytest.raises(DatabaseUnavailable):
            await waiting
