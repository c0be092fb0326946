"""The knowledge base by itself: no model is loaded and no cloud is prepared to import or to search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.wiring.database import open_database, open_urls
from ccos.wiring.opensearch import open_elsewhere

PATIENCE_SECONDS = 600.0
"""A person who searches from the command line waits for the whole index instead of seeing a part of it."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    database: Database
    shelf: PostgresShelf
    searcher: Searcher


@asynccontextmanager
async def open_knowledge(settings: Settings) -> AsyncIterator[Knowledge]:
    """Shelf and search, for as long as the context lasts. Raises StoreError."""
    async with AsyncExitStack() as stack:
        database = await open_database(await open_urls(settings, stack), stack)
        shelf = PostgresShelf(database)
        elsewhere = await open_elsewhere(settings, shelf, database, stack)
        searcher = Searcher(shelf, settings.folder, patience_seconds=PATIENCE_SECONDS, elsewhere=elsewhere)
        stack.push_async_callback(searcher.aclose)
        yield Knowledge(database, shelf, searcher)
