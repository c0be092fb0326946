"""Second opinions on drafts: who may be asked, opened under the given stack."""

from __future__ import annotations

from contextlib import AsyncExitStack

from ccos.quality.promises import Promises
from ccos.settings import Settings
from ccos.tiers.budget import Budget
from ccos.tiers.judges import Judges
from ccos.tiers.second_opinion import Adviser, SecondOpinion
from ccos.wiring.embedding import embedding_model, open_embedder, read_embeddings
from ccos.wiring.judges import read_judges


async def open_opinion(
    settings: Settings, promises: Promises, budget: Budget, stack: AsyncExitStack
) -> SecondOpinion | None:
    """Those who proved themselves against labels, the cheapest first; None where the settings want nobody."""
    if not settings.second_opinion:
        return None
    advisers: list[Adviser] = []
    if proven_embedding(settings) and (opened := await open_embedder(settings, budget, stack)) is not None:
        advisers.append(opened[0])
    if proven_judges(settings):
        advisers.append(Judges(read_judges(settings.folder)))
    return SecondOpinion(advisers, promises)


def proven_embedding(settings: Settings) -> bool:
    """Whether labels showed that the embedding model of the settings adds to the gate."""
    model = embedding_model(settings)
    odds = None if model is None else read_embeddings(settings.folder).get(model)
    return odds is not None and odds.proven


def proven_judges(settings: Settings) -> bool:
    return any(rates.proven for rates in read_judges(settings.folder).values())
