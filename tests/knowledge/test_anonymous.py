"""Solved cases hold nobody: neither in the store nor in what is found."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from ccos import sample
from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge import anonymous as module
from ccos.knowledge.anonymous import anonymous
from ccos.knowledge.formats import Options, read
from ccos.knowledge.importing import import_path
from ccos.knowledge.memory import MemoryShelf
from ccos.quality.pii import find

SHOP = UUID(int=1)
CASE = {
    "id": "c-1",
    "title": "김보라 고객님 환불",
    "question": "010-2345-6789로 전화 주세요. 계좌는 국민은행 110-123-456789 김보라입니다.",
    "answer": "김보라 고객님, bora@example.com으로 영수증을 보냈습니다. 문의는 1588-1234입니다.",
    "kind": "case",
}


async def stored(tmp_path, *records):
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records), "utf-8")
    shelf = MemoryShelf()
    report = await import_path(path, shelf, SHOP)
    ids = [change.item_id for change in await shelf.changes(SHOP, 0, 10)]
    return report, await shelf.load(SHOP, ids)


async def test_a_case_is_stored_and_cut_into_passages_without_its_people(tmp_path):
    _, (case,) = await stored(tmp_path, CASE)
    whole = "\n".join((case.item.title, case.item.body, *(p.body for p in case.passages)))
    assert case.item.title == "[이름] 고객님 환불"
    assert "[전화번호]로 전화 주세요" in whole and "[계좌번호]" in whole and "1588-1234" in whole
    assert not any(word in whole for word in ("김보라", "2345", "110-123", "bora@"))


async def test_a_procedure_keeps_the_companys_own_data(tmp_path):
    procedure = {"id": "p-1", "title": "환불", "body": "tax@example.com으로 보내 주세요."}
    _, (kb,) = await stored(tmp_path, procedure)
    assert kb.item.body == procedure["body"]


async def test_a_case_nobody_could_search_is_reported_and_not_stored(tmp_path, monkeypatch):
    def broken(text):
        if "2345" in text:
            raise RuntimeError(text)
        return text

    monkeypatch.setattr(module, "without_people", broken)
    other = {
        "id": "c-2",
        "title": "교환",
        "question": "사이즈를 바꾸고 싶어요",
        "answer": "됩니다.",
        "kind": "case",
    }
    report, kept = await stored(tmp_path, CASE, other)
    assert [case.item.external_id for case in kept] == ["c-2"]
    assert "could not be searched" in str(report.problems[0]) and "2345" not in str(report.problems[0])


def test_a_case_that_is_put_one_by_one_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(module, "without_people", lambda text: 1 / 0)
    with pytest.raises(BadKnowledge, match="is not stored"):
        anonymous(Item(EvidenceKind.CASE, "c", "t", "b"))


def test_the_sample_cases_hold_nobody_once_imported():
    with sample.cases_path() as path:
        items = read(path, Options(kind=EvidenceKind.CASE), lambda _done, _all: None).items.values()
    assert len(items) > 50
    kinds = {span.kind for item in items for span in find(anonymous(item).body)}
    assert kinds == set()
