"""One suite of behaviour for both engines. With CCOS_TEST_OPENSEARCH_URL set it runs against that cluster,
in indexes of its own that it removes; else against the small server of `support.opensearch_server`."""

import os
from uuid import uuid4

import aiohttp
import pytest

from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher
from support.opensearch_searchers import cluster_searchers
from support.opensearch_server import opensearch_server
from support.search_contract import SearchContract


@pytest.fixture
def shelf():
    return MemoryShelf()


class TestTantivy(SearchContract):
    @pytest.fixture
    async def searchers(self, shelf, tmp_path):
        opened = []

        async def another():
            opened.append(Searcher(shelf, tmp_path, patience_seconds=30))
            return opened[-1]

        yield another
        for each in opened:
            await each.aclose()


class TestOpenSearch(SearchContract):
    shards = 1

    @pytest.fixture
    async def searchers(self, shelf, tmp_path):
        real, prefix = os.environ.get("CCOS_TEST_OPENSEARCH_URL"), f"ccos-test-{uuid4().hex[:8]}"
        if real:
            async with cluster_searchers(real, prefix, shelf, tmp_path, shards=self.shards) as another:
                yield another
            async with aiohttp.ClientSession() as session:
                await session.delete(f"{real}/{prefix}-*")
            return
        with opensearch_server() as fake:
            async with cluster_searchers(fake.url, prefix, shelf, tmp_path, shards=self.shards) as another:
                yield another


class TestOpenSearchOfThreeShards(TestOpenSearch):
    shards = 3
