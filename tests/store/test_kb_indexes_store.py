"""What machines tell of their indexes, and reading passages without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge.postgres import PostgresShelf
from ccos.store import categories, kb_indexes, kb_scan, knowledge
from ccos.store.kb_indexes import Standing


def item(n: int, **more) -> Item:
    return Item(EvidenceKind.KB, f"item-{n}", f"제목 {n}", f"본문 {n}", **more)


async def test_a_machine_is_as_far_behind_as_there_are_changes_it_has_not_taken_in(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await knowledge.put(tx, item(1), [Passage("", "하나")])
        seq = await knowledge.last_change(tx)
        await kb_indexes.report(tx, "web-1", Standing("building", 0, done=1, total=2))
        await kb_indexes.report(tx, "web-1", Standing("ready", 3, seq, bytes=7))
        await kb_indexes.report(tx, "web-2", Standing("failed", 0))
        await knowledge.put(tx, item(2), [Passage("", "둘")])
    async with database.tenant(tenant.id) as tx:
        first, second = await kb_indexes.nodes(tx)
    assert (first.name, first.standing, first.behind) == ("web-1", Standing("ready", 3, seq, bytes=7), 1)
    assert (second.standing.state, second.behind) == ("failed", 2)
    assert second.lag_seconds >= first.lag_seconds > 0 <= first.seconds_ago < 60


async def test_a_machine_that_was_not_heard_of_for_a_day_is_forgotten(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await kb_indexes.report(tx, "web-1", Standing("ready", 0))
        await kb_indexes.report(tx, "web-2", Standing("ready", 0))
        await tx.run(
            "UPDATE kb_node SET seen_at = now() - interval '25 hours'"
            " WHERE tenant_id = %(tenant)s AND node = 'web-1'"
        )
        assert [node.name for node in await kb_indexes.nodes(tx)] == ["web-2"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
async def test_a_scan_goes_through_all_passages_in_chunks(database, tenant, monkeypatch, size):
    monkeypatch.setattr(kb_scan, "CHUNK", size)
    shelf = PostgresShelf(database)
    await shelf.put(tenant.id, [(item(n), [Passage("", "같은 말"), Passage("", "다른")]) for n in range(3)])
    found = await shelf.scan(tenant.id, EvidenceKind.KB, ["같은"], most=9, seconds=10)
    assert sorted(each.shelved.item.external_id for each in found) == ["item-0", "item-1", "item-2"]


async def test_a_scan_leaves_out_categories_that_are_switched_off(database, tenant):
    shelf = PostgresShelf(database)
    hidden = replace(item(1), category="배송 > 지연")
    await shelf.put(tenant.id, [(each, [Passage("", "같은 말")]) for each in (hidden, item(2))])
    async with database.tenant(tenant.id) as tx:
        await categories.switch(tx, "배송", active=False)
    found = await shelf.scan(tenant.id, EvidenceKind.KB, ["같은"], most=9, seconds=10)
    assert [each.shelved.item.external_id for each in found] == ["item-2"]


async def test_a_scan_without_time_finds_nothing_and_ends(database, tenant):
    shelf = PostgresShelf(database)
    await shelf.put(tenant.id, [(item(1), [Passage("", "같은 말")])])
    assert await shelf.scan(tenant.id, EvidenceKind.KB, ["같은"], most=9, seconds=0) == []
