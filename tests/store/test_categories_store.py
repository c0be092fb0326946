"""Categories with counts, switched off with all that is below them."""

from __future__ import annotations

import pytest

from ccos.domain.errors import BadInput, NotFound
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage, category_path
from ccos.store import categories, knowledge
from support.store import new_tenant

PATHS = ("배송 > 지연 > 택배사", "배송 > 지연", "배송", "배송비", None)


@pytest.fixture
async def filled(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n, path in enumerate(PATHS):
            item = Item(EvidenceKind.KB, f"kb-{n}", "제목", "본문", category=path)
            await knowledge.put(tx, item, [Passage("", "본문")])
    return tenant


async def hidden(tx) -> set[str]:
    ids = [change.item_id for change in await knowledge.changes_since(tx, 0)]
    return {each.item.external_id for each in await knowledge.shelved(tx, ids) if each.archived}


async def test_every_level_is_counted_with_what_is_below_it(database, filled):
    async with database.tenant(filled.id) as tx:
        await knowledge.archive(tx, EvidenceKind.KB, "kb-2")
        found = await categories.every(tx)
    assert [(each.path, each.items, each.active) for each in found] == [
        ("배송", 2, True),
        ("배송 > 지연", 2, True),
        ("배송 > 지연 > 택배사", 1, True),
        ("배송비", 1, True),
    ]


async def test_switched_off_it_hides_what_is_below_it_and_nothing_that_only_begins_alike(database, filled):
    async with database.tenant(filled.id) as tx:
        before = await knowledge.last_change(tx)
        told = await categories.switch(tx, "배송>지연", active=False)
        assert (told.path, told.active, told.switched_off) == ("배송 > 지연", False, True)
        assert len(await knowledge.changes_since(tx, before)) == 2
        assert await hidden(tx) == {"kb-0", "kb-1"}
        states = {each.path: (each.active, each.switched_off) for each in await categories.every(tx)}
        assert states["배송 > 지연 > 택배사"] == (False, False) and states["배송"] == (True, False)
        await categories.switch(tx, "배송", active=False)
        assert await hidden(tx) == {"kb-0", "kb-1", "kb-2"}
        await categories.switch(tx, "배송", active=True)
        assert await hidden(tx) == {"kb-0", "kb-1"}, "the one below is still off by itself"
        await categories.switch(tx, "배송 > 지연", active=True)
        assert await hidden(tx) == set()


async def test_what_comes_into_it_later_is_hidden_too(database, filled):
    async with database.tenant(filled.id) as tx:
        await categories.switch(tx, "배송비", active=False)
        late = Item(EvidenceKind.CASE, "late", "제목", "본문", category="배송비 > 제주")
        await knowledge.put(tx, late, [Passage("", "본문")])
        assert "late" in await hidden(tx)


async def test_switching_again_changes_nothing(database, filled):
    async with database.tenant(filled.id) as tx:
        await categories.switch(tx, "배송", active=False)
        before = await knowledge.last_change(tx)
        await categories.switch(tx, "배송", active=False)
        await categories.switch(tx, "배송비", active=True)
        assert await knowledge.last_change(tx) == before


async def test_a_category_nobody_has_and_one_too_deep_are_refused(database, filled):
    other = await new_tenant(database)
    async with database.tenant(filled.id) as tx:
        for active in (True, False):
            with pytest.raises(NotFound):
                await categories.switch(tx, "반품", active=active)
        for path in ("", " > ", "a > b > c > d"):
            with pytest.raises(BadInput):
                await categories.switch(tx, path, active=False)
    async with database.tenant(other.id) as tx:
        assert await categories.every(tx) == []
        with pytest.raises(NotFound):
            await categories.switch(tx, "배송", active=False)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("배송>지연 > 택배사", "배송 > 지연 > 택배사"),
        (["배송", " 지연 "], "배송 > 지연"),
        (["배송 > 지연", "택배사"], "배송 > 지연 > 택배사"),
        ("a > > b", "a > b"),
        ("교환/반품", "교환/반품"),
        ("a > b > c > d", "a > b > c"),
        ("  ", None),
        ([], None),
        (None, None),
    ],
)
def test_a_category_has_one_spelling(given, path):
    assert category_path(given) == path
