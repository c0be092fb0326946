"""Which tenants' indexes are in OpenSearch, by the settings."""

from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from ccos.domain.errors import BadSetting
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher
from ccos.settings import Settings, is_secret
from ccos.store.database import Database
from ccos.wiring.opensearch import open_elsewhere
from support.opensearch_server import opensearch_server
from support.postgres import embedded_server  # noqa: F401
from support.search_contract import ids, stocked
from support.store import database, store_urls  # noqa: F401


async def followers(stack: AsyncExitStack, shelf, database: Database, **values):  # noqa: F811
    return await open_elsewhere(Settings(**values), shelf, database, stack)


async def test_the_tenants_that_are_named_have_their_index_there(database, tmp_path):  # noqa: F811
    shelf, large, small = MemoryShelf(), uuid4(), uuid4()
    for tenant in (large, small):
        await stocked(shelf, tenant)
    with opensearch_server() as fake:
        async with AsyncExitStack() as stack:
            elsewhere = await followers(
                stack,
                shelf,
                database,
                CCOS_OPENSEARCH_URL=fake.url,
                CCOS_OPENSEARCH_INDEX="desk",
                CCOS_OPENSEARCH_TENANTS=f" {large} ,",
                CCOS_OPENSEARCH_SHARDS=2,
            )
            searcher = Searcher(shelf, tmp_path, patience_seconds=20, elsewhere=elsewhere)
            stack.push_async_callback(searcher.aclose)
            for tenant in (large, small):
                assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
        assert set(fake.indexes) == {f"desk-{large.hex}-1-kb", f"desk-{large.hex}-1-case"}
        assert {index.shards for index in fake.indexes.values()} == {2}


async def test_without_a_list_all_have_and_without_a_url_none(database):  # noqa: F811
    async with AsyncExitStack() as stack:
        url = {"CCOS_OPENSEARCH_URL": "http://search.example.com:9200"}
        assert (await followers(stack, MemoryShelf(), database, **url))(uuid4()) is not None
        assert (await followers(stack, MemoryShelf(), database))(uuid4()) is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"CCOS_OPENSEARCH_URL": "search:9200/secret"}, "CCOS_OPENSEARCH_URL must look like"),
        (
            {"CCOS_OPENSEARCH_URL": "http://search", "CCOS_OPENSEARCH_TENANTS": "shop"},
            "CCOS_OPENSEARCH_TENANTS must list",
        ),
    ],
)
async def test_what_cannot_be_read_is_told_without_the_secret(database, values, sentence):  # noqa: F811
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match=sentence) as told:
            await followers(stack, MemoryShelf(), database, **values)
    assert "secret" not in str(told.value)


def test_the_url_may_hold_a_password_and_is_never_shown():
    assert is_secret("opensearch_url")


@pytest.mark.parametrize("prefix", ["CCOS", "a-b", "_a", "", "a" * 41])
def test_a_prefix_that_no_index_may_have_is_refused(prefix):
    with pytest.raises(ValueError, match="CCOS_OPENSEARCH_INDEX"):
        Settings(CCOS_OPENSEARCH_INDEX=prefix)
