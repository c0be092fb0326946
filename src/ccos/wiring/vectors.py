"""Search by vectors, where the settings want it: over the one embedding model there is."""

from __future__ import annotations

from dataclasses import dataclass

from ccos.domain.errors import BadSetting
from ccos.knowledge.dense import Dense
from ccos.knowledge.dense_filling import Filler
from ccos.knowledge.shelf import Shelf
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.tiers.embedder import Embedder
from ccos.wiring.embedding import embedding_model


@dataclass(frozen=True, slots=True)
class Vectors:
    """`dense` finds by them, `filler` makes those that are missing."""

    dense: Dense
    filler: Filler


def vectors_model(settings: Settings) -> str | None:
    """The model whose vectors are searched; None where search is by words alone."""
    return embedding_model(settings) if settings.search_vectors == "on" else None


def make_vectors(settings: Settings, database: Database, shelf: Shelf, embedder: Embedder) -> Vectors:
    """Whoever made them closes `dense`, before the embedder."""
    model = embedding_model(settings)
    if model is None:
        raise BadSetting(
            "CCOS_SEARCH_VECTORS is on, and there is no embedding model; set one up or turn it off."
        )
    return Vectors(Dense(database, shelf, embedder, model), Filler(database, embedder, model))
