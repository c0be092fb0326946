"""Vectors in pgvector: what the copy holds follows the knowledge, what is found is nearly what is nearest."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge.dense import text_hash
from ccos.knowledge.dense_matrix import as_bytes
from ccos.store import knowledge, near, vectors
from ccos.store.database import Database
from support.postgres import fresh_database
from support.store import new_tenant, opened

MODEL, WIDTH = "m", 16
KB, CASE = EvidenceKind.KB, EvidenceKind.CASE


@pytest.fixture(scope="module")
def near_urls(embedded_server):
    with fresh_database(embedded_server, "near_tests") as urls:
        from ccos.store.migrate import migrate

        migrate(urls.owner)
        near.prepare(urls.owner, urls.superuser)
        near.prepare(urls.owner, urls.superuser)  # again changes nothing
        yield urls


@pytest.fixture
async def database(near_urls):
    async with opened(Database(near_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database):
    tenant = await new_tenant(database)
    async with database.tenant(tenant.id) as tx:
        await near.begin(tx, MODEL, WIDTH)
    return tenant


def vector(seed: int) -> list[float]:
    return np.random.default_rng(seed).standard_normal(WIDTH).tolist()


async def put(tx, name: str, *texts: str, kind=KB):
    return (await knowledge.put(tx, Item(kind, name, name, "글"), [Passage("", each) for each in texts])).id


async def make(tx, name: str, vectors_of: dict[str, list[float]]):
    made = {text_hash(name, Passage("", text)): as_bytes(found) for text, found in vectors_of.items()}
    await vectors.store(tx, MODEL, made)


async def follow(database, tenant):
    more = True
    while more:
        async with database.tenant(tenant.id) as tx:
            more = await near.follow(tx, MODEL)


async def found(database, tenant, query, kind=KB, most=5):
    async with database.tenant(tenant.id) as tx:
        return await near.nearest(tx, MODEL, kind, query, most, dimensions=WIDTH)


async def test_passages_and_their_vectors_come_in_any_order(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await make(tx, "a", {"하나": vector(1)})  # read before it is stored, as where a text comes back
        first = await put(tx, "a", "하나", "둘")
    await follow(database, tenant)
    assert [(each.item_id, each.ordinal) for each in await found(database, tenant, vector(2))] == [(first, 1)]
    async with database.tenant(tenant.id) as tx:
        await make(tx, "a", {"둘": vector(2)})
    await follow(database, tenant)
    best, other = await found(database, tenant, vector(2))
    assert (best.item_id, best.ordinal, best.hash) == (first, 2, text_hash("a", Passage("", "둘")))
    assert best.likeness == pytest.approx(1.0, abs=0.001) and other.likeness < 0.9


async def test_what_changes_or_is_archived_goes_and_pools_stay_apart(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for name, kind in (("a", KB), ("b", KB), ("c", CASE)):
            await put(tx, name, "글", kind=kind)
            await make(tx, name, {"글": vector(1), "새 글": vector(9)})
    await follow(database, tenant)
    assert len(await found(database, tenant, vector(1))) == 2
    async with database.tenant(tenant.id) as tx:
        assert [await near.more_than(tx, MODEL, many) for many in (0, 2, 3)] == [True, True, False]
    assert len(await found(database, tenant, vector(1), CASE)) == 1
    async with database.tenant(tenant.id) as tx:
        await put(tx, "a", "새 글")
        await knowledge.archive(tx, KB, "b")
    await follow(database, tenant)
    (left,) = await found(database, tenant, vector(9))
    assert left.likeness == pytest.approx(1.0, abs=0.001)


async def test_another_tenant_is_neither_found_nor_followed(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        assert await near.width(tx, MODEL) is None and not await near.follow(tx, MODEL)
        await near.begin(tx, MODEL, WIDTH)
        await put(tx, "theirs", "글")
        await make(tx, "theirs", {"글": vector(1)})
    await follow(database, other)
    assert await found(database, tenant, vector(1)) == []
    async with database.tenant(tenant.id) as tx:
        assert await tx.rows("SELECT FROM kb_near") == [] and await near.width(tx, MODEL) == WIDTH


async def test_the_index_is_used_and_finds_nearly_all_of_the_nearest(near_urls, database, tenant):
    """Beside another tenant with as many passages, and in a pool that is a twentieth of its own."""
    count = 1_500
    other = await new_tenant(database)
    for each in (tenant, other):
        async with database.tenant(each.id) as tx:
            await near.begin(tx, MODEL, WIDTH)
            names = [(f"n{n}", CASE if n % 20 == 0 else KB) for n in range(count)]
            entries = [(Item(kind, name, name, "글"), [Passage("", "글")]) for name, kind in names]
            await knowledge.put_all(tx, entries)
            hashes = {
                text_hash(name, Passage("", "글")): as_bytes(vector(n)) for n, (name, _) in enumerate(names)
            }
            await vectors.store(tx, MODEL, hashes)
        await follow(database, each)
    near.build(near_urls.owner, tenant.id, MODEL, WIDTH)
    near.build(near_urls.owner, tenant.id, MODEL, WIDTH)  # again changes nothing
    name = near.index_name(tenant.id, MODEL)
    with psycopg.connect(near_urls.superuser, autocommit=True) as admin:  # so few are quicker sorted
        admin.execute("ALTER DATABASE near_tests SET enable_sort = off")
    async with opened(Database(near_urls.app)) as unsorted:
        async with unsorted.tenant(tenant.id) as tx:
            plan = await tx.rows("EXPLAIN " + near.asked(tx, MODEL, KB, vector(1), 10, dimensions=WIDTH))
        assert any(f"using {name}" in row["QUERY PLAN"] for row in plan), plan
        share = await recall(unsorted, tenant, count)
    assert share > 0.95


async def recall(database, tenant, count: int) -> float:
    """The share of the ten nearest that is found, in a large pool and in a twentieth beside it."""
    rows = np.array([vector(n) for n in range(count)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    hits = wanted = 0
    for kind, of_pool in ((KB, np.arange(count) % 20 != 0), (CASE, np.arange(count) % 20 == 0)):
        for seed in range(10_000, 10_020):
            exact = np.flatnonzero(of_pool)[np.argsort(-(rows[of_pool] @ np.array(vector(seed))))[:10]]
            seen = {each.hash for each in await found(database, tenant, vector(seed), kind, most=10)}
            assert len(seen) == 10
            hits += sum(text_hash(f"n{n}", Passage("", "글")) in seen for n in exact)
            wanted += 10
    return hits / wanted


async def test_a_server_without_the_extension_is_told_and_a_database_without_tables_is_no_fault(store_urls):
    async with opened(Database(store_urls.app)) as database:
        tenant = await new_tenant(database)
        async with database.tenant(tenant.id) as tx:
            assert await near.width(tx, MODEL) is None
