from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.importing import import_path
from ccos.knowledge.memory import MemoryShelf

TENANT = uuid4()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "refund.md").write_text("# 환불\n\n3일 걸립니다.")
    (tmp_path / "delivery.md").write_text("# 배송\n\n2일 걸립니다.")
    return tmp_path


async def found(shelf: MemoryShelf, tenant: UUID = TENANT) -> dict[str, bool]:
    ids = [change.item_id for change in await shelf.changes(tenant, 0, 1_000)]
    return {each.item.external_id: each.archived for each in await shelf.load(tenant, ids)}


async def test_importing_again_changes_nothing(folder):
    shelf = MemoryShelf()
    first = await import_path(folder, shelf, TENANT)
    last = await shelf.last_change(TENANT)
    again = await import_path(folder, shelf, TENANT)
    assert (first.added, first.changed, first.unchanged) == (2, 0, 0)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    assert await shelf.last_change(TENANT) == last


async def test_only_what_changed_is_changed(folder):
    shelf = MemoryShelf()
    await import_path(folder, shelf, TENANT)
    (folder / "refund.md").write_text("# 환불\n\n5일 걸립니다.")
    report = await import_path(folder, shelf, TENANT)
    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)


async def test_what_the_folder_no_longer_has_is_archived_when_asked(folder):
    shelf = MemoryShelf()
    await import_path(folder, shelf, TENANT)
    (folder / "refund.md").unlink()
    assert (await import_path(folder, shelf, TENANT)).archived == 0
    assert (await import_path(folder, shelf, TENANT, archive_missing=True)).archived == 1
    assert await found(shelf) == {"refund": True, "delivery": False}


async def test_an_unreadable_file_is_not_taken_for_a_deleted_one(folder):
    shelf = MemoryShelf()
    await import_path(folder, shelf, TENANT)
    (folder / "refund.md").write_bytes(b"\xff\xfe\xff")
    report = await import_path(folder, shelf, TENANT, archive_missing=True)
    assert report.archived == 0
    assert str(report.problems[-1]).endswith("Nothing was archived, because not everything could be read.")
    assert await found(shelf) == {"refund": False, "delivery": False}


async def test_archiving_stays_within_the_kind_imported(folder, tmp_path_factory):
    shelf = MemoryShelf()
    cases = tmp_path_factory.mktemp("cases") / "cases.jsonl"
    cases.write_text(
        '{"kind": "case", "id": "T-1", "subject": "환불", "description": "언제?", "resolution": "3일"}\n'
    )
    await import_path(cases, shelf, TENANT)
    await import_path(folder, shelf, TENANT, archive_missing=True)
    assert await found(shelf) == {"T-1": False, "refund": False, "delivery": False}
    loaded = await shelf.load(TENANT, [c.item_id for c in await shelf.changes(TENANT, 0, 1)])
    assert loaded[0].item.kind is EvidenceKind.CASE


async def test_progress_reads_then_stores(folder):
    seen = []
    await import_path(folder, MemoryShelf(), TENANT, progress=lambda *step: seen.append(step))
    assert seen == [("reading", 1, 2), ("reading", 2, 2), ("storing", 2, 2)]


async def test_a_wrong_path_is_one_sentence(tmp_path):
    with pytest.raises(BadKnowledge) as raised:
        await import_path(tmp_path / "nowhere", MemoryShelf(), TENANT)
    assert raised.value.code == "kb.invalid"
    assert str(raised.value).startswith("There is no file or folder")
