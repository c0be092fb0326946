"""Vectors of passages in PostgreSQL: made once for each text, by one worker, and never another tenant's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.store import categories, knowledge, vectors
from ccos.store.vectors import Coverage
from support.store import new_tenant

ONE = b"\0\x3c" + b"\0\0"


def item(n: int, **more) -> Item:
    return Item(EvidenceKind.KB, f"item-{n}", f"제목 {n}", f"본문 {n}", **more)


async def shelve(database, tenant, *entries) -> None:
    async with database.tenant(tenant.id) as tx:
        for each, *bodies in entries:
            await knowledge.put(tx, each, [Passage("머리", body) for body in bodies])


async def claimed(database, tenant, model="m", most=10):
    async with database.tenant(tenant.id) as tx:
        return await vectors.claim(tx, model, most=most)


async def made(database, tenant, texts, model="m") -> None:
    async with database.tenant(tenant.id) as tx:
        await vectors.store(tx, model, {each.hash: ONE for each in texts})


async def test_every_text_is_claimed_once_and_made_once(database, tenant):
    await shelve(database, tenant, (item(1), "하나", "둘"), (item(2), "셋"))
    first, _ = await claimed(database, tenant)
    assert [each.body for each in first] == ["하나", "둘", "셋"]
    assert await claimed(database, tenant) == ([], None)  # another worker has them
    await made(database, tenant, first)
    await shelve(database, tenant, (replace(item(1), body="neu"), "하나", "vier"))
    again, _ = await claimed(database, tenant)
    assert [each.body for each in again] == ["vier"]  # what did not change has its vector


async def test_a_claim_goes_on_where_it_stopped_and_ends_when_it_is_given_back(database, tenant):
    await shelve(database, tenant, (item(1), *"abcde"))
    first, place = await claimed(database, tenant, most=2)
    assert [each.body for each in first] == ["a", "b"]
    assert place is not None
    async with database.tenant(tenant.id) as tx:
        rest, _ = await vectors.claim(tx, "m", after=place, most=10)
        await vectors.release(tx, "m", [first[0].hash])
        await vectors.release(tx, "m", [rest[0].hash], seconds=60)
    assert [each.body for each in rest] == ["c", "d", "e"]
    assert [each.body for each in (await claimed(database, tenant))[0]] == ["a"]


async def test_a_change_of_the_title_or_of_the_model_is_another_text(database, tenant):
    await shelve(database, tenant, (item(1), "하나"))
    texts, _ = await claimed(database, tenant)
    await made(database, tenant, texts)
    assert len((await claimed(database, tenant, model="another"))[0]) == 1
    await shelve(database, tenant, (replace(item(1), title="anders"), "하나"))
    assert [each.title for each in (await claimed(database, tenant))[0]] == ["anders"]


async def test_what_cannot_be_found_is_not_read(database, tenant):
    await shelve(database, tenant, (item(1), "weg"), (item(2, category="배송"), "aus"), (item(3), "da"))
    async with database.tenant(tenant.id) as tx:
        await knowledge.archive(tx, EvidenceKind.KB, "item-1")
        await categories.switch(tx, "배송", active=False)
    texts, _ = await claimed(database, tenant)
    assert [each.body for each in texts] == ["da"]
    await made(database, tenant, texts)
    async with database.tenant(tenant.id) as tx:
        assert await vectors.coverage(tx, "m") == Coverage(1, 1)
        assert await vectors.coverage(tx, "another") == Coverage(1, 0)


async def test_vectors_are_told_in_the_order_in_which_they_were_stored(database, tenant):
    await shelve(database, tenant, (item(1), "a", "b", "c"))
    a, b, c = (await claimed(database, tenant))[0]
    await made(database, tenant, [c])
    await made(database, tenant, [a])
    async with database.tenant(tenant.id) as tx:
        first, second = await vectors.made_since(tx, "m", 0, limit=10)
        assert (first.hash, second.hash, second.vector) == (c.hash, a.hash, ONE)
        assert await vectors.made_since(tx, "m", second.seq, limit=10) == []
    await made(database, tenant, [b])
    async with database.tenant(tenant.id) as tx:
        assert [each.hash for each in await vectors.made_since(tx, "m", second.seq, limit=10)] == [b.hash]


async def test_vectors_of_texts_that_are_gone_go_and_those_of_another_model_a_month_later(database, tenant):
    await shelve(database, tenant, (item(1), "a", "b"))
    for model in ("m", "old"):
        await made(database, tenant, (await claimed(database, tenant, model=model))[0], model=model)
    async with database.tenant(tenant.id) as tx:
        assert await vectors.prune(tx, "m") == 0
    await shelve(database, tenant, (replace(item(1), body="neu"), "a"))
    async with database.tenant(tenant.id) as tx:
        assert await vectors.prune(tx, "m") == 2  # "b" of both
        await tx.run("UPDATE kb_vector SET at = now() - interval '31 days' WHERE tenant_id = %(tenant)s")
        assert await vectors.prune(tx, None) == 0
        assert await vectors.prune(tx, "m") == 1
        assert await vectors.coverage(tx, "m") == Coverage(1, 1)


async def test_no_vector_of_one_tenant_is_told_to_another(database, tenant):
    other = await new_tenant(database)
    await shelve(database, tenant, (item(1), "same"))
    await shelve(database, other, (item(1), "same"))
    await made(database, tenant, (await claimed(database, tenant))[0])
    async with database.tenant(other.id) as tx:
        assert await vectors.made_since(tx, "m", 0, limit=10) == []
        assert await vectors.coverage(tx, "m") == Coverage(1, 0)


@pytest.mark.parametrize("vector", [b"", b"\0"])
async def test_half_a_vector_is_not_stored(database, tenant, vector):
    with pytest.raises(Exception, match="database"):
        async with database.tenant(tenant.id) as tx:
            await vectors.store(tx, "m", {b"h": vector})
