"""What search hands on so that a citation can be looked up again, and what it must not find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ccos.domain.evidence import EvidenceKind, Use
from ccos.domain.knowledge import Item
from ccos.knowledge.chunking import passages
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.store import categories, versions
from support.store import new_tenant

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BODY = (
    "# 우산\n\n" + "우산은 접어서 보관합니다. " * 40 + "\n\n# 수선\n\n" + "우산살 수선은 14일 걸립니다. " * 40
)
UMBRELLA = Item(
    EvidenceKind.KB, "umbrella", "우산 안내", BODY, locale="ko", use=Use.HINT, category="수선 > 우산"
)


async def test_evidence_names_the_passage_and_the_version_it_was_found_in(database, tmp_path):
    tenant = await new_tenant(database)
    shelf = PostgresShelf(database)
    searcher = Searcher(shelf, tmp_path)

    async def found(question: str):
        return await searcher.search(tenant.id, [question], pool="kb", now=NOW)

    try:
        await shelf.put(tenant.id, [(UMBRELLA, passages(UMBRELLA.title, BODY))])
        (first,) = await found("우산살 수선")
        newer = replace(UMBRELLA, body=BODY.replace("14일", "30일"))
        await shelf.put(tenant.id, [(newer, passages(newer.title, newer.body))])
        (second,) = await found("우산살 수선")
        assert (first.version, second.version, first.use, first.locale) == (1, 2, Use.HINT, "ko")
        assert first.link == "/api/kb/umbrella?kind=kb&version=1"
        async with database.tenant(tenant.id) as tx:
            then = await versions.get(tx, EvidenceKind.KB, "umbrella", first.version)
            (ordinal,) = first.passages
            assert ordinal > 1 and then.passages[ordinal - 1].body.startswith(first.snippet.rstrip("…"))
            await categories.switch(tx, "수선", active=False)
        assert await found("우산살 수선") == []
        async with database.tenant(tenant.id) as tx:
            await categories.switch(tx, "수선", active=True)
        assert [each.version for each in await found("우산살 수선")] == [2]
    finally:
        await searcher.aclose()
