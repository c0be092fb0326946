"""Second opinions on drafts: who may be asked, opened under the given stack."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

from ccos.quality.promises import Promises
from ccos.settings import Settings
from ccos.tiers.budget import Budget
from ccos.tiers.embedder import Embedder
from ccos.tiers.judges import Judges
from ccos.tiers.second_opinion import Adviser, SecondOpinion
from ccos.wiring.embedding import embedding_model, open_embedder, read_embeddings
from ccos.wiring.judges import read_judges


async def open_opinion(
    settings: Settings,
    promises: Promises,
    budget: Budget,
    stack: AsyncExitStack,
    embedder: Embedder | None = None,
) -> SecondOpinion | None:
    """Those who proved themselves against labels, the cheapest first; None where the settings want nobody.

    `embedder` is the settings' own where it is open already.
    """
    if not settings.second_opinion:
        return None
    advisers: list[Adviser] = []
    if proven_embedding(settings):
        opened = None if embedder else await open_embedder(settings, budget, stack)
        embedder = opened[0] if opened else embedder
        advisers += [embedder] if embedder else []
    if proven_judges(settings):
        advisers.append(Judges(read_judges(settings.folder)))
    return SecondOpinion(advisers, promises)


def what_is_heard(settings: Settings) -> str:
    """Everything that second opinions can change of a quality, in one line; "" where nobody is heard.

    With another adviser, other numbers learned of one, or none, the same draft has another quality.
    """
    if not settings.second_opinion:
        return ""
    heard: dict[str, object] = {}
    model = embedding_model(settings)
    if model is not None and proven_embedding(settings):
        heard[f"{Embedder.name} {model}"] = read_embeddings(settings.folder)[model].model_dump(mode="json")
    for judge, rates in read_judges(settings.folder).items():
        if rates.proven:
            heard[f"{Judges.name} {judge}"] = rates.model_dump(mode="json")
    return json.dumps(heard, sort_keys=True) if heard else ""


def proven_embedding(settings: Settings) -> bool:
    """Whether labels showed that the embedding model of the settings adds to the gate."""
    model = embedding_model(settings)
    odds = None if model is None else read_embeddings(settings.folder).get(model)
    return odds is not None and odds.proven


def proven_judges(settings: Settings) -> bool:
    return any(rates.proven for rates in read_judges(settings.folder).values())
