"""The database as its owner: for tenants and keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ccos.domain.errors import Conflict, UnknownTenant
from ccos.domain.tenant import Tenant
from ccos.settings import Settings
from ccos.store import tenants
from ccos.store.database import Database
from ccos.wiring.database import open_database, open_owner, open_urls


@asynccontextmanager
async def open_administration(settings: Settings) -> AsyncIterator[Database]:
    """The database as its owner: for tenants and keys, which no tenant may administer."""
    async with AsyncExitStack() as stack:
        urls = await open_urls(settings, stack)
        await open_database(urls, stack)
        yield await open_owner(urls, stack)


async def ensure_tenant(owner: Database, slug: str, name: str) -> Tenant:
    """The tenant of this slug, made when it is missing."""
    try:
        async with owner.unbound() as tx:
            try:
                return await tenants.by_slug(tx, slug)
            except UnknownTenant:
                return await tenants.create(tx, slug, name)
    except Conflict:  # another process made it in the same moment
        async with owner.unbound() as tx:
            return await tenants.by_slug(tx, slug)
