import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ccos.domain.errors import NotFound
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.knowledge import Item, Passage
from ccos.store import knowledge
from support.store import new_tenant

REFUNDS = Item(
    EvidenceKind.KB,
    "kb-1",
    "환불 절차",
    "환불은 3일 걸립니다.",
    url="https://help.example.com/refunds",
    visibility=Visibility.INTERNAL,
    locale="ko",
    updated_at=datetime(2026, 11, 1, tzinfo=UTC),
)
PIECES = [Passage("환불 > 기간", "3일"), Passage("환불 > 방법", "카드로")]


async def test_an_item_comes_back_with_its_passages_in_order(database, tenant):
    async with database.tenant(tenant.id) as tx:
        put = await knowledge.put(tx, REFUNDS, PIECES)
        found = await knowledge.get(tx, EvidenceKind.KB, "kb-1")
        stored = await knowledge.passages(tx, [put.id])
        assert await knowledge.items(tx, [put.id]) == [found]
    assert (put.outcome, found.item, found.version, found.archived_at) == ("created", REFUNDS, 1, None)
    assert [(each.ordinal, each.passage) for each in stored] == [(1, PIECES[0]), (2, PIECES[1])]


async def test_the_same_content_again_touches_nothing(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await knowledge.put(tx, REFUNDS, PIECES)
        before = await knowledge.last_change(tx)
        again = await knowledge.put(tx, REFUNDS, PIECES)
        assert again.outcome == "unchanged"
        assert await knowledge.last_change(tx) == before
        assert (await knowledge.get(tx, EvidenceKind.KB, "kb-1")).version == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x"},
        {"body": "x"},
        {"url": None},
        {"visibility": Visibility.PUBLIC},
        {"locale": "en"},
        {"updated_at": None},
        {"category": "반품"},
        {"tags": ("환불",)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_any_change_is_stored_and_announced(database, tenant, change):
    async with database.tenant(tenant.id) as tx:
        first = await knowledge.put(tx, REFUNDS, PIECES)
        before = await knowledge.last_change(tx)
        changed = await knowledge.put(tx, replace(REFUNDS, **change), PIECES)
        assert (changed.outcome, changed.id) == ("changed", first.id)
        assert [each.item_id for each in await knowledge.changes_since(tx, before)] == [first.id]
        assert (await knowledge.get(tx, EvidenceKind.KB, "kb-1")).version == 2


async def test_other_passages_replace_the_old_ones(database, tenant):
    async with database.tenant(tenant.id) as tx:
        put = await knowledge.put(tx, REFUNDS, PIECES)
        assert (await knowledge.put(tx, REFUNDS, [Passage("", "all\0 of it")])).outcome == "changed"
        assert [each.passage.body for each in await knowledge.passages(tx, [put.id])] == ["all of it"]
        assert (await knowledge.put(tx, REFUNDS, [])).outcome == "changed"
        assert await knowledge.passages(tx, [put.id]) == []


async def test_a_procedure_and_a_case_may_share_an_external_id(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await knowledge.put(tx, REFUNDS, PIECES)
        await knowledge.put(tx, replace(REFUNDS, kind=EvidenceKind.CASE), PIECES[:1])
        assert await knowledge.counts(tx) == knowledge.Counts(kb=1, cases=1, passages=3)


async def test_what_the_source_no_longer_has_is_archived_and_can_come_back(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n in range(3):
            await knowledge.put(tx, replace(REFUNDS, external_id=f"kb-{n}"), PIECES)
        await knowledge.put(tx, replace(REFUNDS, kind=EvidenceKind.CASE, external_id="case-1"), [])
        before = await knowledge.last_change(tx)
        assert await knowledge.archive_missing(tx, EvidenceKind.KB, {"kb-0", "kb-9"}) == 2
        assert await knowledge.archive_missing(tx, EvidenceKind.KB, {"kb-0"}) == 0
        assert len(await knowledge.changes_since(tx, before)) == 2
        assert await knowledge.counts(tx) == knowledge.Counts(kb=1, cases=1, passages=2)
        assert (await knowledge.get(tx, EvidenceKind.KB, "kb-1")).archived_at is not None
        back = await knowledge.put(tx, replace(REFUNDS, external_id="kb-1"), PIECES)
        assert back.outcome == "changed"
        assert (await knowledge.get(tx, EvidenceKind.KB, "kb-1")).archived_at is None


async def test_one_item_is_archived_by_name(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await knowledge.put(tx, REFUNDS, PIECES)
        await knowledge.archive(tx, EvidenceKind.KB, "kb-1")
        for missing in ("kb-1", "kb-2"):
            with pytest.raises(NotFound):
                await knowledge.archive(tx, EvidenceKind.KB, missing)


async def test_the_feed_is_read_in_steps_and_names_an_item_once(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for round_ in ("old", "new"):
            for n in range(4):
                await knowledge.put(tx, replace(REFUNDS, external_id=f"kb-{n}", title=round_), PIECES)
        first = await knowledge.changes_since(tx, 0, limit=3)
        rest = await knowledge.changes_since(tx, first[-1].seq, limit=3)
        assert len({change.item_id for change in first + rest}) == len(first + rest) == 4
        assert await knowledge.changes_since(tx, rest[-1].seq) == []


async def test_a_reader_of_the_feed_misses_no_writer_that_commits_late(database, tenant):
    """Numbers are drawn in the order of commits: the second writer waits until the first is done."""
    first_wrote, may_commit = asyncio.Event(), asyncio.Event()

    async def slow():
        async with database.tenant(tenant.id) as tx:
            await knowledge.put(tx, REFUNDS, PIECES)
            first_wrote.set()
            await may_commit.wait()

    async def quick():
        await first_wrote.wait()
        async with database.tenant(tenant.id) as tx:
            await knowledge.put(tx, replace(REFUNDS, external_id="kb-2"), PIECES)

    writers = [asyncio.create_task(slow()), asyncio.create_task(quick())]
    await first_wrote.wait()
    async with database.tenant(tenant.id) as tx:
        for _ in range(200):  # until the second writer waits for the first, or would have gone past it
            waits = await tx.row(
                "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if waits["n"] or writers[1].done():
                break
            await asyncio.sleep(0.01)
        assert await knowledge.changes_since(tx, 0) == []
    may_commit.set()
    await asyncio.gather(*writers)
    async with database.tenant(tenant.id) as tx:
        order = [change.item_id for change in await knowledge.changes_since(tx, 0)]
        names = {stored.id: stored.item.external_id for stored in await knowledge.items(tx, order)}
    assert [names[item_id] for item_id in order] == ["kb-1", "kb-2"]


async def test_many_at_once_are_what_they_would_be_one_after_another(database, tenant):
    """New, unchanged, changed, back from the archive, twice in one import, and with an id that cannot be kept."""
    other = replace(REFUNDS, external_id="kb-2", title="교환 절차", tags=("교환", 'a "b", c'))
    gone = replace(REFUNDS, external_id="kb-3", title="포인트")
    many = [replace(REFUNDS, external_id=f"n-{n}", title=f"{n}") for n in range(60)]
    entries = [
        (REFUNDS, PIECES),
        (replace(other, title="새 교환 절차"), PIECES[:1]),
        (gone, PIECES),
        *((each, [Passage("", each.title)] * (n % 3)) for n, each in enumerate(many)),
        (replace(REFUNDS, external_id="twi\0ce"), PIECES),
        (replace(REFUNDS, external_id="twice", title="더 나중"), PIECES[1:]),
    ]

    async def stored(put_all):
        fresh = await new_tenant(database)
        async with database.tenant(fresh.id) as tx:
            for item in (REFUNDS, other, gone):
                await knowledge.put(tx, item, PIECES)
            await knowledge.archive(tx, EvidenceKind.KB, "kb-3")
        async with database.tenant(fresh.id) as tx:
            puts = await put_all(tx)
            feed = [each.item_id for each in await knowledge.changes_since(tx, 0)]
            shelved = {each.id: each for each in await knowledge.shelved(tx, feed)}
            kept = await tx.rows("SELECT title, version, passages FROM kb_version ORDER BY title, version")
        return (
            [(put.outcome, put.version) for put in puts],
            [shelved[item_id].item.external_id for item_id in feed],
            [(each.item, each.passages, each.version, each.archived) for each in map(shelved.get, feed)],
            kept,
        )

    async def one_by_one(tx):
        return [await knowledge.put(tx, item, passages) for item, passages in entries]

    together = await stored(lambda tx: knowledge.put_all(tx, entries))
    assert together == await stored(one_by_one)
    outcomes = together[0]
    assert outcomes[:3] == [("unchanged", 1), ("changed", 2), ("changed", 1)]
    assert outcomes[-2:] == [("created", 1), ("changed", 2)]
    assert together[1][-1] == "twice" and [row["title"] for row in together[3]] == ["교환 절차", "환불 절차"]


async def test_another_tenant_finds_nothing_even_with_the_ids(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(tenant.id) as tx:
        put = await knowledge.put(tx, REFUNDS, PIECES)
    async with database.tenant(other.id) as tx:
        assert await knowledge.items(tx, [put.id]) == []
        assert await knowledge.passages(tx, [put.id]) == []
        assert await knowledge.counts(tx) == knowledge.Counts(0, 0, 0)
        with pytest.raises(NotFound):
            await knowledge.get(tx, EvidenceKind.KB, "kb-1")


async def test_items_that_come_together_have_ids_in_their_order(database, tenant):
    many = [replace(REFUNDS, external_id=f"kb-{n}") for n in range(60)]
    async with database.tenant(tenant.id) as tx:
        await knowledge.put(tx, many[30], PIECES)
        puts = await knowledge.put_all(tx, [(each, PIECES) for each in many])
    new = [put.id for put in puts if put.outcome == "created"]
    assert new == sorted(new) and len(new) == 59 and puts[30].outcome == "unchanged"
