"""The index of vectors in PostgreSQL, made with an administrator's rights."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from ccos.domain.errors import BadInput
from ccos.domain.tenant import Tenant
from ccos.settings import Settings
from ccos.store import near, vectors
from ccos.store.database import Database
from ccos.wiring.database import open_database, open_urls


async def index_vectors(
    settings: Settings,
    model: str,
    whose: Callable[[Database], Awaitable[Tenant]],
    tell: Callable[[int, int | None], None] = lambda _done, _all: None,
) -> tuple[Tenant, int]:
    """Copies a tenant's vectors and indexes them; the tenant, and how many passages that are.

    Raises BadInput where no vector is there yet, and StoreError where the server has no pgvector.
    """
    async with AsyncExitStack() as stack:
        urls = await open_urls(settings, stack)
        database = await open_database(urls, stack)
        tenant = await whose(database)
        async with database.tenant(tenant.id) as tx:
            width = await vectors.width(tx, model)
            coverage = await vectors.coverage(tx, model)
        if width is None:
            raise BadInput("No passage has a vector yet; run `ccos worker` and wait until it has made them.")
        await asyncio.to_thread(near.prepare, urls.owner, urls.superuser if urls.embedded else None)
        async with database.tenant(tenant.id) as tx:
            await near.begin(tx, model, width)
        more, done = True, 0
        while more:
            async with database.tenant(tenant.id, seconds=60) as tx:
                more = await near.follow(tx, model)
            done += near.STEP
            tell(min(done, coverage.passages), coverage.passages)
        await asyncio.to_thread(near.build, urls.owner, tenant.id, model, width)
        async with database.tenant(tenant.id, seconds=60) as tx:
            row = await tx.row("SELECT count(*) AS rows FROM kb_near WHERE model = %(model)s", model=model)
        return tenant, int(row["rows"]) if row else 0
