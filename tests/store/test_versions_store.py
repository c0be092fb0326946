"""What an old draft stands on reads as it read then, and old versions do not pile up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ccos.domain.errors import NotFound
from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.knowledge import Item, Passage
from ccos.domain.ticket import Ticket
from ccos.store import drafts, knowledge, tickets, versions
from support.store import finished, new_tenant

KB = EvidenceKind.KB
NOW = datetime(2026, 11, 23, tzinfo=UTC)
FIRST = Item(KB, "refunds/when", "환불 기간", "환불은 3일 걸립니다.", url="https://help.example.com/1")


def pieces(item: Item) -> list[Passage]:
    return [Passage("환불", item.body), Passage("", "끝")]


async def put(tx, item: Item):
    return await knowledge.put(tx, item, pieces(item))


def cited(version: int | None, external_id: str = FIRST.external_id) -> Evidence:
    return Evidence(n=1, kind=KB, id=external_id, title="t", snippet="s", score=1, version=version)


async def drafted(tx, *evidence: Evidence):
    ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
    queued = await drafts.queue(tx, ticket.id)
    run = await drafts.start(tx, queued.id)
    await drafts.finish(tx, finished(queued, evidence=evidence), run=run)
    return queued.id


async def test_a_former_version_reads_exactly_as_it_did(database, tenant):
    second = replace(FIRST, body="환불은 5일 걸립니다.", visibility=Visibility.INTERNAL, use=Use.HINT)
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        assert (await put(tx, second)).version == 2
        then, now = (
            await versions.get(tx, KB, FIRST.external_id, 1),
            await versions.get(tx, KB, FIRST.external_id),
        )
        assert await versions.kept(tx, KB, FIRST.external_id) == [2, 1]
    assert (then.item, then.version, then.newest, then.passages) == (FIRST, 1, 2, tuple(pieces(FIRST)))
    assert (now.item, now.version, now.newest, now.passages) == (second, 2, 2, tuple(pieces(second)))
    assert then.stored_at <= now.stored_at


@pytest.mark.parametrize("version", [0, -1, 3, 10**12])
async def test_a_version_there_never_was_is_not_found(database, tenant, version):
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        with pytest.raises(NotFound, match="not kept"):
            await versions.get(tx, KB, FIRST.external_id, version)


async def test_only_the_last_are_kept_and_those_that_drafts_stand_on(database, tenant):
    last = knowledge.KEPT_VERSIONS + 5
    async with database.tenant(tenant.id) as tx:
        for n in range(1, last + 1):
            await put(tx, replace(FIRST, body=f"환불은 {n}일 걸립니다."))
            if n == 2:
                await drafted(tx, cited(2))
        kept = await versions.kept(tx, KB, FIRST.external_id)
        assert kept == [*range(last, last - knowledge.KEPT_VERSIONS - 1, -1), 2]
        assert (await versions.get(tx, KB, FIRST.external_id, 2)).item.body == "환불은 2일 걸립니다."


async def test_a_version_goes_once_the_last_draft_on_it_is_gone(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        draft_id = await drafted(tx, cited(1))
        for n in range(knowledge.KEPT_VERSIONS + 2):
            await put(tx, replace(FIRST, body=str(n)))
        assert 1 in await versions.kept(tx, KB, FIRST.external_id)
        await tx.run("DELETE FROM draft WHERE id = %(id)s", id=draft_id)
        await put(tx, replace(FIRST, body="last"))
        assert 1 not in await versions.kept(tx, KB, FIRST.external_id)


async def test_archived_and_brought_back_unchanged_it_is_the_same_version(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        await knowledge.archive(tx, KB, FIRST.external_id)
        assert (await versions.get(tx, KB, FIRST.external_id, 1)).archived_at is not None
        back = await put(tx, FIRST)
        assert (back.outcome, back.version) == ("changed", 1)
        assert await versions.kept(tx, KB, FIRST.external_id) == [1]


async def test_what_became_of_evidence_is_told(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for name in ("same", "tags", "text", "off", "old", "category"):
            category = "배송 > 지연" if name == "category" else None
            await put(tx, replace(FIRST, external_id=name, category=category))
        await put(tx, replace(FIRST, external_id="tags", tags=("x",)))
        await put(tx, replace(FIRST, external_id="text", body="다른 글"))
        await knowledge.archive(tx, KB, "off")
        await put(tx, replace(FIRST, external_id="old", valid_until=datetime(2026, 11, 1, tzinfo=UTC)))
        await tx.run("INSERT INTO kb_category_off (tenant_id, path) VALUES (%(tenant)s, '배송')")
        evidence = [cited(1, name) for name in ("same", "tags", "text", "off", "old", "category", "never")]
        told = await versions.since(tx, evidence, now=NOW)
        assert told == ["current", "current", "changed", "archived", "expired", "switched_off", "gone"]
        assert await versions.since(tx, [cited(None, "text"), cited(77, "same")], now=NOW) == [
            "current",
            "changed",
        ]
        assert await versions.since(tx, [], now=NOW) == []


async def test_evidence_nobody_kept_is_cited_by_nobody(database, tenant):
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        await drafted(tx, cited(None), cited(1, "never"), cited(1), cited(1))
        rows = await tx.rows("SELECT version FROM kb_citation WHERE tenant_id = %(tenant)s")
    assert [row["version"] for row in rows] == [1]


async def test_another_tenant_reads_no_version(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(tenant.id) as tx:
        await put(tx, FIRST)
        await put(tx, replace(FIRST, body="x"))
    async with database.tenant(other.id) as tx:
        for version in (None, 1, 2):
            with pytest.raises(NotFound):
                await versions.get(tx, KB, FIRST.external_id, version)
        with pytest.raises(NotFound):
            await versions.kept(tx, KB, FIRST.external_id)
        assert await versions.since(tx, [cited(1)], now=NOW) == ["gone"]
