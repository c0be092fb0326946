"""The knowledge base by itself: no model is loaded and no cloud is prepared to import or to search."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ccos.knowledge.dense import Dense
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.wiring.database import open_database, open_urls
from ccos.wiring.embedding import open_trial
from ccos.wiring.opensearch import open_elsewhere
from ccos.wiring.vectors import make_vectors

PATIENCE_SECONDS = 600.0
"""A person who searches from the command line waits for the whole index instead of seeing a part of it."""
LOAD_SECONDS, VECTOR_SECONDS = 120.0, 30.0
"""... and for the embedding model and its answer."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    database: Database
    shelf: PostgresShelf
    searcher: Searcher
    dense: Dense | None = None


@asynccontextmanager
async def open_knowledge(settings: Settings, *, vectors: bool = False) -> AsyncIterator[Knowledge]:
    """Shelf and search, for as long as the context lasts. Raises StoreError.

    With `vectors` the embedding model is opened and asked too, as the server does: BadInput without one,
    ModelUnusable when its file cannot be used.
    """
    async with AsyncExitStack() as stack:
        database = await open_database(await open_urls(settings, stack), stack)
        shelf = PostgresShelf(database)
        elsewhere = await open_elsewhere(settings, shelf, database, stack)
        dense = None
        if vectors:
            embedder = await stack.enter_async_context(open_trial(settings, load_seconds=LOAD_SECONDS))
            dense = make_vectors(settings, database, shelf, embedder, seconds=VECTOR_SECONDS).dense
            stack.push_async_callback(dense.aclose)
        searcher = Searcher(
            shelf, settings.folder, patience_seconds=PATIENCE_SECONDS, elsewhere=elsewhere, dense=dense
        )
        stack.push_async_callback(searcher.aclose)
        yield Knowledge(database, shelf, searcher, dense)
