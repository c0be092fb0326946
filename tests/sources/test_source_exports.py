"""Exports of the three products as files, and the odd shapes that records come in."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ccos.domain.errors import SourceUnreadable
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.source import SourceKind, SourceSpec
from ccos.knowledge.sources import chatwoot, zammad, zendesk
from ccos.knowledge.sources.cases import Said, case_record
from ccos.knowledge.sources.opening import open_source
from ccos.knowledge.sources.port import Gathered
from support.help_centres import chatwoot_article, zammad_desk, zendesk_article, zendesk_desk

KB, CASE = EvidenceKind.KB, EvidenceKind.CASE


async def read(path, kind, content=KB, **options):
    spec = SourceSpec(name="x", kind=kind, address=str(path), content=content, options=options)
    async with open_source(spec, None) as source:
        pages = [page async for page in source.pages(None, None)]
    items = {item.external_id: item for page in pages for item in page.items}
    return items, [each for page in pages for each in page.gone]


async def test_pages_of_zendesk_that_somebody_saved_are_one_export(tmp_path):
    desk = zendesk_desk(3)
    (tmp_path / "1.json").write_text(json.dumps({"articles": desk.articles[:2]}))
    (tmp_path / "2.json").write_text(json.dumps({"articles": desk.articles[2:], "sections": desk.sections}))
    (tmp_path / "categories.json").write_text(json.dumps({"categories": desk.categories}))
    (tmp_path / "readme.txt").write_text("nothing")
    items, _ = await read(tmp_path, SourceKind.ZENDESK)
    assert set(items) == {"1", "2", "3"} and items["3"].category == "결제 > 환불 > 카드"


async def test_an_export_of_tickets_is_one_to_a_line_with_its_comments(tmp_path):
    rows = [
        {
            "id": number,
            "status": status,
            "subject": "환불",
            "requester_id": 5,
            "assignee_id": 6,
            "comments": [
                {"author_id": 5, "public": True, "body": "환불되나요?"},
                {"author_id": 6, "public": False, "body": "메모"},
                {"author_id": 6, "public": True, "body": "네, 3일 걸립니다.\n> 환불되나요?"},
            ],
        }
        for number, status in ((1, "solved"), (2, "open"))
    ]
    file = tmp_path / "tickets.json"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    items, gone = await read(file, SourceKind.ZENDESK, CASE)
    assert {key: item.body for key, item in items.items()} == {"1": "환불되나요?\n\n네, 3일 걸립니다."}
    assert gone == ["2"]


async def test_the_tree_of_zammad_with_its_contents_is_an_export(tmp_path):
    desk = zammad_desk()
    file = tmp_path / "kb.json"
    file.write_text(
        json.dumps({"assets": desk.tree | {"KnowledgeBaseAnswerTranslationContent": desk.contents}})
    )
    (tmp_path / "locales.json").write_text(json.dumps([{"id": 30, "locale": "ko-kr"}]))
    items, gone = await read(tmp_path, SourceKind.ZAMMAD)
    assert set(items) == {"1/11", "1/12", "2/13", "3/14"} and gone == ["4/15"]
    assert items["1/11"].locale == "ko-kr" and items["2/13"].visibility is Visibility.INTERNAL


async def test_lists_of_chatwoot_are_an_export_in_one_language_when_asked(tmp_path):
    korean, english = chatwoot_article(1), chatwoot_article(2, locale="en")
    archived = chatwoot_article(3, "archived")
    file = tmp_path / "articles.json"
    file.write_text(json.dumps({"payload": [korean, english, archived]}))
    items, gone = await read(file, SourceKind.CHATWOOT, account=1)
    assert set(items) == {"1", "2"} and gone == ["3"]
    items, _ = await read(file, SourceKind.CHATWOOT, account=1, locale="en")
    assert set(items) == {"2"}


@pytest.mark.parametrize("content", ['{"articles": [', "[1, 2]", "{}", '{"orders": [{"id": 1}]}', "\x80"])
async def test_what_is_no_export_is_refused_in_a_sentence(tmp_path, content):
    file = tmp_path / "export.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SourceUnreadable):
        await read(file, SourceKind.ZENDESK)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": None},
        {"id": True},
        {"id": 7, "title": None, "body": 5, "label_names": "x", "section_id": []},
        {"id": 7, "title": "t", "body": "b", "updated_at": "nonsense", "html_url": "javascript:1"},
        {"id": 7, "title": "t", "body": "b", "updated_at": 10**30, "section_id": {"a": 1}},
    ],
)
def test_an_odd_record_is_passed_over_or_read_without_what_is_odd(record):
    for read_one in (
        lambda into: zendesk.article(record, zendesk.Places({}, {}), into),
        lambda into: chatwoot.article(record, into),
        lambda into: zendesk.ticket(record | {"status": "solved"}, [record], [record], into),
        lambda into: zammad.ticket(record | {"state": "closed"}, [record], into),
        lambda into: chatwoot.conversation(record | {"status": "resolved"}, [record], into),
    ):
        into = Gathered(KB)
        read_one(into)
        assert all(item.url is None and item.updated_at is None for item in into.items)


def test_sections_that_are_within_each_other_end():
    sections = [{"id": n, "name": f"s{n}", "parent_section_id": 3 - n, "category_id": 9} for n in (1, 2)]
    places = zendesk.Places.of(sections, [{"id": 9, "name": "c"}])
    assert places.path(1) == "c > s2 > s1" and places.path(99) is None


def test_what_is_not_clearly_public_is_for_agents():
    into = Gathered(KB)
    for more in ({"draft": True}, {"user_segment_id": 0}, {"user_segment_ids": [4]}, {}):
        zendesk.article(zendesk_article(1, **more), zendesk.Places({}, {}), into)
    visible = [item.visibility.value for item in into.items]
    assert visible == ["internal", "internal", "internal", "public"]
    into = Gathered(KB)
    for status in (0, 1, "published", "scheduled", None):
        chatwoot.article(chatwoot_article(1, status), into)
    assert [item.visibility.value for item in into.items] == [
        "internal",
        "public",
        "public",
        "internal",
        "internal",
    ]


def test_a_case_needs_both_sides():
    asked, answered = Said("customer", "언제 오나요?"), Said("agent", "내일 옵니다.")
    assert case_record("1", "", [asked]) is None
    assert case_record("1", "", [answered]) is None
    assert case_record("1", "", [asked, Said("agent", "> 언제 오나요?\n  ")]) is None
    made = case_record("1", "", [asked, answered])
    assert made is not None and made["title"] == "언제 오나요?"


def test_known_names_go_and_words_that_hold_them_stay():
    thread = [
        Said("customer", "Ann입니다. Annual plan의 이하나로 문의"),
        Said("agent", "하나 님, 안내합니다."),
    ]
    made = case_record("1", "Ann의 문의", thread, people=["Ann", "하나", "김", ""])
    assert made is not None and made["title"] == "[이름]의 문의"
    assert made["body"] == "[이름]입니다. Annual plan의 이하나로 문의\n\n[이름] 님, 안내합니다."


@pytest.mark.parametrize(
    ("person", "said", "kept"),
    [
        ("김하늘", "김하늘이고요, 하늘입니다. 하늘색 담요", "[이름]이고요, [이름]입니다. 하늘색 담요"),
        ("배송 안내 센터", "배송 안내를 받았어요", "배송 안내를 받았어요"),
        ("Customer Support", "your customer support", "your customer support"),
        ("Jo Park", "Jo Park here, Parking at Park", "[이름] here, Parking at [이름]"),
    ],
)
def test_a_desks_name_is_no_persons(person, said, kept):
    made = case_record("1", "문의", [Said("customer", said), Said("agent", "네.")], people=[person])
    assert made is not None and made["body"] == f"{kept}\n\n네."


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Help"},
        {"name": "-x"},
        {"address": "ftp://example.com"},
        {"address": "https://user:pass@example.com"},
        {"address": "https://"},
        {"address": " "},
        {"secret": "my-real-token"},
        {"kind": "website", "content": "case"},
        {"kind": "website", "address": "/srv/pages"},
        {"kind": "chatwoot"},
        {"every_seconds": 10},
        {"options": {"max_pages": 0}},
        {"options": {"colour": "red"}},
    ],
)
def test_a_description_that_does_not_fit_is_refused(wrong):
    good = {"name": "help", "kind": "zendesk", "address": "https://shop.zendesk.com"}
    SourceSpec.model_validate(good)
    with pytest.raises(ValidationError):
        SourceSpec.model_validate(good | wrong)
