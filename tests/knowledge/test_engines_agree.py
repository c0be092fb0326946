"""Both engines score by the same formula over the same terms: what one finds, the other finds in that order."""

from uuid import uuid4

import pytest

from ccos import sample
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge import chunking
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.querying import question
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.search import Searcher
from support.opensearch_searchers import cluster_searchers
from support.opensearch_server import opensearch_server
from support.sample_kb import articles
from support.search_contract import NOW

PLAIN = Recipe(reranking=False)


@pytest.fixture
async def tenant_and_shelf():
    shelf, tenant = MemoryShelf(), uuid4()
    entries = []
    for name, article in articles().items():
        title = article.fields["title"]
        entries.append(
            (Item(EvidenceKind.KB, name, title, article.body), chunking.passages(title, article.body))
        )
    await shelf.put(tenant, entries)
    return tenant, shelf


@pytest.mark.parametrize("shards", [1, 3])
async def test_tickets_of_the_sample_find_the_same_passages_with_the_same_scores(
    tenant_and_shelf, tmp_path, shards
):
    tenant, shelf = tenant_and_shelf
    asked = [question(f"{each.subject}\n{each.description}") for each in sample.tickets()[:8]]
    local = Searcher(shelf, tmp_path, patience_seconds=60)
    with opensearch_server() as fake:
        async with cluster_searchers(
            fake.url, "t", shelf, tmp_path, shards=shards, ask_seconds=60
        ) as another:
            distant = await another()
            found = []
            for searcher in (local, distant):
                await searcher.search(tenant, ["환불"], pool="kb", now=NOW)
                index = searcher._followed[tenant].serving.index
                found.append(
                    [
                        await index.ranked(EvidenceKind.KB, asked, 20, NOW, recipe)
                        for recipe in (PLAIN, Recipe())
                    ]
                )
    await local.aclose()
    for ours, theirs in zip(*found, strict=True):
        assert all(len(hits) >= 10 for hits in ours)
        for one, two in zip(ours, theirs, strict=True):
            scores = [{(hit.external_id, hit.ordinal): hit.score for hit in hits[:10]} for hits in (one, two)]
            assert scores[1] == pytest.approx(scores[0], rel=1e-4)
            assert list(scores[0]) == list(scores[1])
