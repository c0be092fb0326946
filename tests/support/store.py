"""A migrated database for store tests, and tenants that no other test knows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from uuid import uuid4

import pytest

from ccos.domain.draft import Attempt, Draft, DraftState, Outcome
from ccos.domain.evidence import EvidenceKind
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import Role, Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import decisions, drafts, keys, knowledge, ledger, spend, tenants, tickets
from ccos.store.database import Database
from ccos.store.embedded import EmbeddedServer, ServerUrls
from ccos.store.migrate import migrate
from support.postgres import fresh_database


@pytest.fixture(scope="session")
def store_urls(embedded_server: EmbeddedServer) -> Iterator[ServerUrls]:
    """One migrated database for the session; tests keep apart by tenant."""
    with fresh_database(embedded_server, "store_tests") as urls:
        migrate(urls.owner)
        yield urls


@pytest.fixture
async def database(store_urls: ServerUrls) -> AsyncIterator[Database]:
    """As the application sees it: the role that cannot bypass row-level security."""
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database: Database, request: pytest.FixtureRequest) -> Tenant:
    return await new_tenant(database, request.node.name)


async def new_tenant(database: Database, name: str = "other") -> Tenant:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    async with database.unbound() as tx:
        return await tenants.create(tx, f"{slug}-{uuid4().hex[:8]}", name)


class opened:
    """`async with opened(Database(url)) as database:`"""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Database:
        await self._database.open()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def fill_every_table(database: Database, owner: Tenant) -> None:
    """At least one row of the tenant in every tenant table, put there through the repositories."""
    async with database.tenant(owner.id) as tx:
        await keys.create(tx, Role.AGENT, "desk")
        ticket = (await tickets.put(tx, Ticket(external_id="T-1", subject="Hello"))).ticket
        assert ticket.id is not None
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        await drafts.finish(tx, finished(draft), run=run)
        await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        item = knowledge.Item(EvidenceKind.KB, "kb-1", "Refunds", "How refunds work.")
        await knowledge.put(tx, item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
        held = await spend.reserve(tx, MicroUsd(10), cap=MicroUsd(100), day=date(2026, 11, 22))
        assert held is not None
        line = ledger.Line(owner.id, date(2026, 11, 22), "draft", "solution_draft", "tier_0", "openai", "gpt")
        assert await ledger.add(tx, uuid4(), 1, [(line, ledger.Sums(calls=1))])


def finished(draft: Draft, state: DraftState = DraftState.READY, **changes: object) -> Draft:
    """The draft as work on it would leave it, with two attempts behind it."""
    tried = Attempt(
        task=Task.SOLUTION_DRAFT,
        tier=Tier.CLOUD_PREMIUM,
        provider="openai",
        model="gpt",
        outcome=Outcome.FAILED,
        reason="provider.timeout",
        latency_seconds=2.5,
    )
    used = tried.model_copy(
        update={
            "tier": Tier.LOCAL_TINYLLAMA,
            "provider": "local",
            "model": "tiny",
            "outcome": Outcome.ACCEPTED,
            "reason": "accepted",
            "tokens_in": 120,
            "tokens_out": 40,
            "cost_usd": 0.000_123,
            "quality": 0.81,
            "cached": True,
        }
    )
    return draft.model_copy(
        update={"state": state, "reply": "안녕하세요.", "quality": 0.81, "attempts": (tried, used)} | changes
    )
