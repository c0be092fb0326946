"""What every shelf keeps to. A test class inherits `ShelfContract` and gives the fixture `shelf`."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage

REFUND = Item(EvidenceKind.KB, "refund", "환불 안내", "환불은 3일 걸립니다.")
CASE = Item(EvidenceKind.CASE, "refund", "환불이 늦어요", "카드사 확인 뒤 안내했습니다.")
DELIVERY = Item(EvidenceKind.KB, "delivery", "배송 안내", "배송은 2일 걸립니다.")


def entry(item: Item) -> tuple[Item, list[Passage]]:
    return item, [Passage("", item.body)]


class ShelfContract:
    @pytest.fixture
    def tenants(self) -> tuple[UUID, UUID]:
        return uuid4(), uuid4()

    async def test_new_changed_and_unchanged_are_told_apart(self, shelf, tenants):
        first = await shelf.put(tenants[0], [entry(REFUND), entry(DELIVERY)])
        changed = replace(REFUND, body="환불은 5일 걸립니다.")
        again = await shelf.put(tenants[0], [entry(changed), entry(DELIVERY)])
        assert [put.outcome for put in first] == ["created", "created"]
        assert [put.outcome for put in again] == ["changed", "unchanged"]
        assert [put.id for put in first] == [put.id for put in again]

    async def test_other_passages_of_the_same_text_are_a_change(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(REFUND)])
        [put] = await shelf.put(tenants[0], [(REFUND, [Passage("환불", REFUND.body)])])
        assert put.outcome == "changed"

    async def test_what_was_put_is_loaded_with_its_passages_in_order(self, shelf, tenants):
        pieces = [Passage("가", "하나"), Passage("나", "둘"), Passage("나", "셋")]
        [put] = await shelf.put(tenants[0], [(REFUND, pieces)])
        [loaded] = await shelf.load(tenants[0], [put.id, uuid4()])
        assert (loaded.id, loaded.item, loaded.passages, loaded.archived) == (
            put.id,
            REFUND,
            tuple(pieces),
            False,
        )

    async def test_a_procedure_and_a_case_may_share_an_id(self, shelf, tenants):
        puts = await shelf.put(tenants[0], [entry(REFUND), entry(CASE)])
        assert puts[0].id != puts[1].id

    async def test_the_feed_names_each_item_once_at_its_last_change(self, shelf, tenants):
        [refund, delivery] = await shelf.put(tenants[0], [entry(REFUND), entry(DELIVERY)])
        before = await shelf.changes(tenants[0], 0, 10)
        await shelf.put(tenants[0], [entry(replace(REFUND, title="환불 규정"))])
        after = await shelf.changes(tenants[0], 0, 10)
        assert [change.item_id for change in before] == [refund.id, delivery.id]
        assert [change.item_id for change in after] == [delivery.id, refund.id]
        assert await shelf.changes(tenants[0], before[-1].seq, 10) == after[-1:]
        assert await shelf.last_change(tenants[0]) == after[-1].seq
        assert await shelf.changes(tenants[0], after[-1].seq, 10) == []

    async def test_the_feed_can_be_read_in_pieces(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(replace(REFUND, external_id=str(n))) for n in range(5)])
        seen, at = [], 0
        while batch := await shelf.changes(tenants[0], at, 2):
            assert len(batch) <= 2
            seen += [change.item_id for change in batch]
            at = batch[-1].seq
        assert len(set(seen)) == len(seen) == 5

    async def test_unchanged_content_is_no_change(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(REFUND)])
        before = await shelf.last_change(tenants[0])
        await shelf.put(tenants[0], [entry(REFUND)])
        assert await shelf.last_change(tenants[0]) == before

    async def test_what_is_missing_is_archived_within_its_kind_only_and_once(self, shelf, tenants):
        [refund, _, delivery] = await shelf.put(tenants[0], [entry(REFUND), entry(CASE), entry(DELIVERY)])
        before = await shelf.last_change(tenants[0])
        assert await shelf.archive_missing(tenants[0], EvidenceKind.KB, {"delivery"}) == 1
        assert await shelf.archive_missing(tenants[0], EvidenceKind.KB, {"delivery"}) == 0
        assert [change.item_id for change in await shelf.changes(tenants[0], before, 10)] == [refund.id]
        loaded = await shelf.load(tenants[0], [refund.id, delivery.id])
        assert {each.id: each.archived for each in loaded} == {refund.id: True, delivery.id: False}

    async def test_an_archived_item_comes_back_with_the_same_content(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(REFUND)])
        await shelf.archive_missing(tenants[0], EvidenceKind.KB, set())
        [put] = await shelf.put(tenants[0], [entry(REFUND)])
        [loaded] = await shelf.load(tenants[0], [put.id])
        assert (put.outcome, loaded.archived) == ("changed", False)

    async def test_tenants_do_not_see_each_other(self, shelf, tenants):
        [put] = await shelf.put(tenants[0], [entry(REFUND)])
        assert await shelf.changes(tenants[1], 0, 10) == []
        assert await shelf.load(tenants[1], [put.id]) == []
        assert await shelf.last_change(tenants[1]) == 0
        assert await shelf.archive_missing(tenants[1], EvidenceKind.KB, set()) == 0
        assert len(await shelf.load(tenants[0], [put.id])) == 1

    async def test_what_waits_is_counted(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(REFUND), entry(DELIVERY), entry(CASE)])
        [first, *_] = await shelf.changes(tenants[0], 0, 1)
        assert await shelf.waiting(tenants[0], 0) == 3
        assert await shelf.waiting(tenants[0], first.seq) == 2
        assert await shelf.waiting(tenants[1], 0) == 0

    async def test_a_scan_finds_the_passages_with_most_terms_of_its_pool_and_tenant(self, shelf, tenants):
        pieces = [
            Passage("가", "교환은 5일 걸립니다."),
            Passage("나", "환불은 3일, Order A-1 은 5일 걸립니다."),
        ]
        await shelf.put(tenants[0], [(REFUND, pieces), entry(DELIVERY), entry(CASE)])
        await shelf.put(tenants[1], [entry(REFUND)])

        async def scanned(*terms: str, most: int = 10) -> list[tuple[str, int, int]]:
            found = await shelf.scan(tenants[0], EvidenceKind.KB, terms, most=most, seconds=10)
            return [(each.shelved.item.external_id, each.ordinal, each.matches) for each in found]

        assert await scanned("환불", "5일", "order") == [("refund", 2, 3), ("refund", 1, 2)]
        assert await scanned("환불", "5일", "order", most=1) == [("refund", 2, 3)]
        assert await scanned("배송", "걸립") == [("delivery", 1, 2), ("refund", 1, 1), ("refund", 2, 1)]
        assert await scanned("없는", "낱말", "%", "_") == []
        assert await scanned() == []

    async def test_a_scan_leaves_out_what_is_archived_and_tells_the_version(self, shelf, tenants):
        await shelf.put(tenants[0], [entry(REFUND), entry(DELIVERY)])
        await shelf.put(tenants[0], [entry(replace(REFUND, title="환불 규정"))])
        await shelf.archive_missing(tenants[0], EvidenceKind.KB, {"refund"})
        [found] = await shelf.scan(tenants[0], EvidenceKind.KB, ["걸립"], most=9, seconds=10)
        assert (found.shelved.item.title, found.shelved.version) == ("환불 규정", 2)

    async def test_a_rebuild_is_asked_for_by_tenant(self, shelf, tenants):
        assert await shelf.generation(tenants[0]) == 0
        assert [await shelf.rebuild(tenants[0]) for _ in range(2)] == [1, 2]
        assert await shelf.generation(tenants[0]) == 2
        assert await shelf.generation(tenants[1]) == 0
