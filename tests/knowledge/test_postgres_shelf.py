from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from ccos.knowledge.importing import import_path
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.store.database import Database
from support.shelf_contract import ShelfContract
from support.store import new_tenant

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class TestPostgresShelf(ShelfContract):
    @pytest.fixture
    def shelf(self, database: Database) -> PostgresShelf:
        return PostgresShelf(database)

    @pytest.fixture
    async def tenants(self, database: Database) -> tuple[UUID, UUID]:
        return (await new_tenant(database)).id, (await new_tenant(database)).id

    async def test_what_is_imported_is_found(self, shelf, tenants, tmp_path: Path):
        (tmp_path / "kb").mkdir()
        (tmp_path / "kb" / "refund.md").write_text(
            "---\ncategory: 환불\ntags: [카드]\n---\n# 환불 안내\n\n3일 걸립니다."
        )
        report = await import_path(tmp_path / "kb", shelf, tenants[0])
        again = await import_path(tmp_path / "kb", shelf, tenants[0])
        searcher = Searcher(shelf, tmp_path, patience_seconds=30)
        found = await searcher.search(tenants[0], ["환불은 언제 되나요"], pool="kb", now=NOW)
        foreign = await searcher.search(tenants[1], ["환불은 언제 되나요"], pool="kb", now=NOW)
        await searcher.aclose()
        assert (report.added, again.unchanged) == (1, 1)
        assert [(e.id, e.snippet) for e in found] == [("refund", "3일 걸립니다.")]
        assert foreign == []
