"""A migrated database for store tests, and tenants that no other test knows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from ccos.domain.tenant import Tenant
from ccos.store import tenants
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
