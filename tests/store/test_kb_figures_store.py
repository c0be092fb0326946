"""Figures of a knowledge base, and what drafts stand on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.knowledge import Item, Passage
from ccos.domain.ticket import Ticket
from ccos.knowledge.chunking import estimate_tokens
from ccos.knowledge.postgres import PostgresShelf
from ccos.store import categories, drafts, kb_figures, tickets, versions
from ccos.store.values import new_id

NOW = datetime.now(UTC)
KB = EvidenceKind.KB


def item(name: str, **more) -> Item:
    return Item(KB, name, f"제목 {name}", "본문입니다.", **more)


@pytest.fixture
async def stocked(database, tenant):
    shelf = PostgresShelf(database)
    pieces = [Passage("머리", "환불은 3일, refunds take 3 days."), Passage("", "둘째 문단")]
    await shelf.put(
        tenant.id,
        [
            (item("a", locale="ko", updated_at=NOW - timedelta(days=3)), pieces),
            (item("b", locale="ko", updated_at=NOW - timedelta(days=400), use=Use.HINT), pieces[:1]),
            (item("c", visibility=Visibility.INTERNAL), pieces[:1]),
            (item("hidden", category="배송"), pieces[:1]),
            (item("gone"), pieces[:1]),
            (replace(item("T-1"), kind=EvidenceKind.CASE), pieces[:1]),
        ],
    )
    await shelf.archive_missing(tenant.id, KB, {"a", "b", "c", "hidden"})
    async with database.tenant(tenant.id) as tx:
        await categories.switch(tx, "배송", active=False)
    return tenant


async def test_what_can_be_found_is_counted_by_pool(database, stocked):
    async with database.tenant(stocked.id) as tx:
        procedures, cases = [await kb_figures.pool(tx, kind) for kind in EvidenceKind]
    assert (procedures.items, procedures.passages) == (3, 4)
    assert (procedures.archived, procedures.hidden) == (1, 1)
    assert procedures.locales == {"ko": 2, "unknown": 1}
    assert procedures.visibility == {"public": 2, "internal": 1}
    assert procedures.use == {"draft": 2, "hint": 1}
    assert procedures.ages == {
        "up to 30 days": 1,
        "up to 90 days": 0,
        "up to a year": 0,
        "older": 1,
        "unknown": 1,
    }
    said = 3 * estimate_tokens("머리환불은 3일, refunds take 3 days.") + estimate_tokens("둘째 문단")
    assert procedures.tokens == pytest.approx(said, abs=4)
    assert (cases.items, cases.passages, cases.archived) == (1, 1, 0)


async def test_a_tenant_with_nothing_has_figures_of_nothing(database, tenant):
    async with database.tenant(tenant.id) as tx:
        empty = await kb_figures.pool(tx, KB)
        assert (empty.items, empty.passages, empty.tokens, empty.locales) == (0, 0, 0, {})
        assert await kb_figures.most_cited(tx) == []
        assert await kb_figures.uncited(tx, [new_id()], stored_before=NOW + timedelta(days=1)) == set()
        assert (await kb_figures.living(tx), await kb_figures.next_addresses(tx, None, limit=9)) == (0, [])


async def test_what_drafts_stand_on_is_counted_once_a_draft(database, stocked):
    def cited(name: str, version: int = 1) -> Evidence:
        return Evidence(n=1, kind=KB, id=name, title="", snippet="", score=1, version=version)

    async with database.tenant(stocked.id) as tx:
        for evidence in ([cited("b"), cited("a")], [cited("b"), cited("b")], []):
            ticket = (await tickets.put(tx, Ticket(subject="물음"))).ticket
            draft = await drafts.queue(tx, ticket.id)
            await versions.cite(tx, draft.id, evidence)
        most = await kb_figures.most_cited(tx)
        every = await kb_figures.next_ids(tx, None, limit=99)
        later = await kb_figures.uncited(tx, every, stored_before=NOW + timedelta(days=1))
        assert await kb_figures.uncited(tx, every, stored_before=NOW - timedelta(days=1)) == set()
        [one, *_] = later
        assert await kb_figures.uncited(tx, [one], stored_before=NOW + timedelta(days=1)) == {one}
        figures = await kb_figures.pool(tx, KB)
    assert [(each.external_id, each.drafts) for each in most] == [("b", 2), ("a", 1)]
    assert (figures.cited, figures.never_cited) == (2, 0)
    assert len(later) == 3  # c, the hidden one, and the case


async def test_items_are_walked_page_by_page(database, stocked):
    async with database.tenant(stocked.id) as tx:
        walked, after = [], None
        while page := await kb_figures.next_ids(tx, after, limit=2):
            walked += page
            after = page[-1]
        known, after = [], None
        while page := await kb_figures.next_addresses(tx, after, limit=2):
            known += page
            after = page[-1].id
        assert await kb_figures.living(tx) == 5
    assert len(set(walked)) == len(walked) == 5
    assert len({each.id for each in known}) == len(known)
    assert {each.external_id for each in known if each.archived} == {"gone"}
