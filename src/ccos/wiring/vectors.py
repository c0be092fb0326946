"""Search by vectors, where the settings want it: over the one embedding model there is."""

from __future__ import annotations

from dataclasses import dataclass

from ccos.domain.errors import BadSetting
from ccos.knowledge.dense import SECONDS, Dense
from ccos.knowledge.dense_filling import Filler
from ccos.knowledge.prefixes import Prefixes, prefixes_of
from ccos.knowledge.shelf import Shelf
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.tiers.embedder import Embedder
from ccos.wiring.embedding import embedding_model


@dataclass(frozen=True, slots=True)
class Vectors:
    """`dense` finds by them, `filler` makes those that are missing; `embedder` reads for both."""

    dense: Dense
    filler: Filler
    embedder: Embedder


def vectors_model(settings: Settings) -> str | None:
    """The name that vectors are kept under and searched by; None where search is by words alone."""
    model = embedding_model(settings) if settings.search_vectors == "on" else None
    return None if model is None else _prefixes(settings, model).identity(model)


def make_vectors(
    settings: Settings, database: Database, shelf: Shelf, embedder: Embedder, *, seconds: float = SECONDS
) -> Vectors:
    """Whoever made them closes `dense`, before the embedder. A search waits so many `seconds` for vectors."""
    model = embedding_model(settings)
    if model is None:
        raise BadSetting(
            "CCOS_SEARCH_VECTORS is on, and there is no embedding model; set one up or turn it off."
        )
    words = _prefixes(settings, model)
    name = words.identity(model)
    return Vectors(
        Dense(
            database,
            shelf,
            embedder,
            name,
            query_prefix=words.query,
            seconds=seconds,
            most_passages=settings.search_vectors_most,
        ),
        Filler(database, embedder, name, prefix=words.passage),
        embedder,
    )


def _prefixes(settings: Settings, model: str) -> Prefixes:
    return prefixes_of(
        model, query=settings.embedding_query_prefix, passage=settings.embedding_passage_prefix
    )
