"""Solved cases hold nobody: neither in the store nor in what is found."""

from __future__ import annotations

import json
from importlib.resources import files
from urllib.parse import quote
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
    def broken(texts):
        if any("2345" in text for text in texts):
            raise RuntimeError(texts)
        return tuple(texts)

    monkeypatch.setattr(module, "together_without_people", broken)
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
    monkeypatch.setattr(module, "together_without_people", lambda texts: 1 / 0)
    with pytest.raises(BadKnowledge, match="is not stored"):
        anonymous(Item(EvidenceKind.CASE, "c", "t", "b"))


def test_the_sample_cases_hold_nobody_once_imported():
    with sample.cases_path() as path:
        items = read(path, Options(kind=EvidenceKind.CASE), lambda _done, _all: None).items.values()
    assert len(items) > 50
    kinds = {span.kind for item in items for span in find(anonymous(item).body)}
    assert kinds == set()


BODY = "안녕하세요 김보라입니다. 반품하고 싶어요.\n\n김보라 고객님, 반품을 접수했습니다.\n상담원 이서준 드림"
ENGLISH = "Hi, my name is Bora Kim.\nPlease refund me.\n\nBest regards,\nBora Kim"
LINK = "https://desk.example.com"


def case(body: str = BODY, **changes) -> Item:
    return anonymous(Item(EvidenceKind.CASE, "c-1", **{"title": "반품", "body": body} | changes))


def told(item: Item) -> str:
    return "\n".join((item.title, item.body, item.category or "", item.url or "", *item.tags))


@pytest.mark.parametrize(
    ("body", "changes", "names"),
    [
        (BODY, {"title": "김보라 반품"}, ["김보라", "이서준"]),
        (BODY, {"title": "Re: 반품 (김보라/VIP)"}, ["김보라"]),
        (BODY, {"tags": ("김보라", "VIP 김보라", "담당_이서준", "반품")}, ["김보라", "이서준"]),
        (BODY, {"category": "반품 > 김보라 > 단순변심"}, ["김보라"]),
        (BODY, {"url": f"{LINK}/t/김보라/3"}, ["김보라"]),
        (BODY, {"url": f"{LINK}/t?q={quote('김보라')}"}, ["김보라", quote("김보라")]),
        (BODY, {"url": f"{LINK}/t?q={quote(quote('김보라'))}"}, ["김보라", "%25EA"]),
        (BODY, {"url": f"{LINK}/?to={quote('bora@example.com')}"}, ["bora"]),
        (BODY, {"url": f"{LINK}/?to={quote(quote('bora@example.com', safe=''), safe='')}"}, ["bora"]),
        (BODY, {"url": f"{LINK}/?phone=010%2D2345%2D6789"}, ["2345"]),
        (BODY, {"tags": ("010-2345-6789", "bora@example.com")}, ["2345", "bora"]),
        (ENGLISH, {"title": "Refund - Bora Kim", "tags": ("bora kim", "Kim, Bora")}, ["Bora", "bora", "Kim"]),
        (ENGLISH, {"url": f"{LINK}/users/bora-kim/tickets/12"}, ["bora", "Bora"]),
        (ENGLISH, {"url": f"{LINK}/users/kim_bora"}, ["bora", "Bora"]),
        ("늦어요.\n--\n박지훈\n010 2222 3333\njihoon@example.com\n서울 강남구 테헤란로 12 101동 202호", {},
         ["박지훈", "2222", "jihoon", "테헤란로", "202호"]),
        ("확인했습니다.\n\n감사합니다.\n고객만족팀 최유나 올림\n직통 02-345-6789", {"title": "최유나"}, ["최유나", "345-6789"]),
    ],
)  # fmt: skip
def test_no_part_of_a_case_shows_its_people(body, changes, names):
    found = told(case(body, **changes))
    assert not [name for name in names if name in found], found


def test_what_is_nobodys_stays():
    kept = case(
        tags=("반품", "VIP", "2026-11"), category="반품 > 단순변심", url=f"{LINK}/tickets/12345?view=full"
    )
    assert kept.tags == ("반품", "VIP", "2026-11") and kept.category == "반품 > 단순변심"
    assert kept.url == f"{LINK}/tickets/12345?view=full"
    assert case(category="반품 > 김보라 > 단순변심").category == "반품"


@pytest.mark.parametrize(
    "external_id", ["kim@example.com", "010-2345-6789", "ticket/김보라", "bora%40example.com"]
)
def test_an_id_that_is_somebodys_is_refused(external_id):
    with pytest.raises(BadKnowledge, match="id of the case"):
        anonymous(Item(EvidenceKind.CASE, external_id, "반품", BODY))


@pytest.mark.parametrize(
    "external_id", ["T-1234", "20251108-75136", "desk:12345678901", "cases/2025-11.jsonl#3"]
)
def test_an_id_that_is_a_number_is_kept(external_id):
    assert anonymous(Item(EvidenceKind.CASE, external_id, "반품", BODY)).external_id == external_id


@pytest.mark.parametrize("name", ["ko-pii-dev", "ko-pii-blind", "ko-pii-blind2"])
def test_whatever_a_case_shows_of_a_person_is_in_no_other_part_of_it(name):
    """The sample's sets: each person or number that is found in the body is put into every other part."""
    text = files("ccos.sample").joinpath("pii", f"{name}.jsonl").read_text("utf-8")
    tried = 0
    for line in text.splitlines()[::7]:
        body = json.loads(line)["text"]
        for span in find(body):
            value = body[span.start : span.end]
            if span.kind == "name" and len(value) < 3:
                continue  # too short to be told from a word where nothing shows that it is a name
            tried += 1
            found = case(
                body, title=f"{value} 관련 문의", tags=(value, "문의"), url=f"{LINK}/q/{quote(value)}"
            )
            assert value not in told(found) and quote(value) not in told(found), (value, told(found))
            assert found.tags == ("문의",)
    assert tried >= 10
