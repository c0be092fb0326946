"""A tenant for one command, gone when it ends: to measure with the real store and leave nothing behind."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from ccos.knowledge.postgres import PostgresShelf
from ccos.settings import Settings
from ccos.store import tenants
from ccos.store.database import Database
from ccos.wiring.database import open_database, open_owner, open_urls


@dataclass(frozen=True, slots=True)
class Scratch:
    tenant_id: UUID
    shelf: PostgresShelf
    database: Database


@asynccontextmanager
async def scratch_tenant(settings: Settings, purpose: str) -> AsyncIterator[Scratch]:
    """An empty tenant of the real database; it goes with all that is its own, also after Ctrl-C.

    What a killed command left is removed by the next one a day later. Raises StoreError.
    """
    async with AsyncExitStack() as stack:
        urls = await open_urls(settings, stack)
        database = await open_database(urls, stack)
        owner = await open_owner(urls, stack)
        async with owner.unbound() as tx:
            await tenants.remove_scratch(tx)
            made = await tenants.create_scratch(tx, f"scratch-{purpose}-{secrets.token_hex(4)}")
        try:
            yield Scratch(made.id, PostgresShelf(database), database)
        finally:
            async with owner.unbound() as tx:
                await tenants.remove_scratch(tx, made.id)
            index = settings.folder / "index" / str(made.id)
            await asyncio.to_thread(shutil.rmtree, index, ignore_errors=True)
