"""Vectors for search through the whole product: the setting, the worker's job, and what a search finds."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import SimpleNamespace

import pytest

from ccos import worker
from ccos.api.gauges import gauges_of
from ccos.domain.errors import BadSetting
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge.postgres import PostgresShelf
from ccos.settings import load
from ccos.store import vectors
from ccos.store.ending import end
from ccos.wiring.embedding import open_embedder
from ccos.wiring.vectors import make_vectors, vectors_model
from support.fake_embeddings import fake_embeddings
from support.store import new_tenant

SERVER = {"embedding_base_url": "http://127.0.0.1:9/v1", "embedding_model": "m"}


def setting(**given):
    names = {f"CCOS_{name.upper()}": value for name, value in given.items()}
    return load({}, **names)


@pytest.mark.parametrize(
    "given", [{}, {"embedding_base_url": "http://127.0.0.1:9/v1"}, {"embedding_model": "m"}]
)
def test_vectors_need_a_model(given):
    with pytest.raises(BadSetting) as fault:
        setting(search_vectors="on", **given)
    [sentence] = fault.value.facts["problems"]
    assert sentence.startswith("CCOS_SEARCH_VECTORS: on needs an embedding model: give its file")


def test_vectors_are_off_unless_somebody_wants_them():
    assert vectors_model(setting(**SERVER)) is None
    assert vectors_model(setting(search_vectors="on", **SERVER)) == "m"
    assert vectors_model(setting(search_vectors="on", embedding_model_path="/models/bge.gguf")) == "bge"
    words = {"embedding_passage_prefix": "doc:", "embedding_model_path": "/models/bge.gguf"}
    assert vectors_model(setting(search_vectors="on", **words)) == "bge after 'doc:'"


async def test_how_many_vectors_are_searched_is_as_the_settings_say(database):
    found = setting(search_vectors="on", search_vectors_most=1_000, **SERVER)
    made = make_vectors(found, database, PostgresShelf(database), None, seconds=2.0)
    assert (made.dense._most_passages, made.dense._seconds) == (1_000, 2.0)


async def test_a_worker_without_vectors_waits_and_ends_when_it_is_told():
    class Without:
        vectors = None

    job = asyncio.create_task(worker.read_passages(Without()))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_the_worker_reads_what_has_no_vector_and_goes_on_after_an_outage(database, monkeypatch):
    monkeypatch.setattr(worker, "VECTORS_SECONDS", 0.05)
    tenant = await new_tenant(database, "vectors")
    shelf = PostgresShelf(database)
    article = Item(EvidenceKind.KB, "a", "환불", "사흘 안에 됩니다.")
    await shelf.put(tenant.id, [(article, [Passage("", article.body)])])
    async with AsyncExitStack() as stack:
        fake = stack.enter_context(fake_embeddings(fault=503))
        found = setting(search_vectors="on", embedding_base_url=fake.url, embedding_model="worked")
        embedder, _ = await open_embedder(found, None, stack) or pytest.fail()
        made = make_vectors(found, database, shelf, embedder)
        stack.push_async_callback(made.dense.aclose)
        job = asyncio.create_task(worker.read_passages(SimpleNamespace(database=database, vectors=made)))
        while not fake.calls:
            await asyncio.sleep(0.01)
        fake.fault = None
        covered = vectors.Coverage(1, 0)
        while covered.vectors < 1:
            await asyncio.sleep(0.05)
            async with database.tenant(tenant.id) as tx:
                covered = await vectors.coverage(tx, "worked")
        await end([job])
        service = SimpleNamespace(cards=(), load=dict, insights=dict)
        told = gauges_of(SimpleNamespace(service=service, models=(), vectors=made)).decode()
    assert covered == vectors.Coverage(1, 1)
    assert 'ccos_embedding_calls_total{outcome="ok"} 1.0' in told
    assert 'ccos_embedding_calls_total{outcome="provider.down"} ' in told
