from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.knowledge import Item
from ccos.knowledge import chunking
from ccos.knowledge.gathering import once, preferring
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LONG = "교환 신청은 상품을 받은 날부터 7일 안에 마이페이지의 교환 메뉴에서 하실 수 있습니다. 배송비는 3~5일 뒤에 돌려 드립니다."


def found(id: str, snippet: str = LONG, *, title: str = "교환 안내", score: float = 1.0, **more) -> Evidence:
    return Evidence(n=1, kind=EvidenceKind.KB, id=id, title=title, snippet=snippet, score=score, **more)


def test_the_same_text_of_two_sources_is_one_evidence():
    spelt = f"**{LONG.replace('. ', '.  ').replace('마이페이지', '마이 페이지')}**"
    one, other = once(
        [found("a"), found("b", spelt, title="Exchange", score=0.9), found("c", "다른 글", score=0.5)]
    )
    assert (one.id, one.also, one.score) == ("a", ("b",), 1.0)
    assert (other.id, other.also) == ("c", ())


def test_the_newer_public_one_is_shown_where_the_first_stood():
    old, new = NOW - timedelta(days=90), NOW
    inner = found("inner", updated_at=new, visibility=Visibility.INTERNAL)
    hint = found("hint", updated_at=new, use=Use.HINT)
    (shown, rest) = once(
        [
            inner,
            found("rest", "다른 글", score=0.9),
            found("old", updated_at=old, score=0.8),
            hint,
            found("new", updated_at=new, score=0.7),
            found("timeless", score=0.6),
        ]
    )
    assert shown.id == "new" and shown.score == 1.0 and rest.id == "rest"
    assert set(shown.also) == {"inner", "old", "hint", "timeless"}
    assert once([found("timeless"), found("old", updated_at=old)])[0].id == "old"


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace("7일", "14일"),
        LONG.replace("3~5일", "35일"),
        LONG.replace("하실 수 있습니다", "하실 수 없습니다"),
        LONG + " 할인 상품은 빼고요.",
        LONG.replace("교환", "반품"),
    ],
)
def test_another_figure_or_word_is_another_evidence(other):
    assert [each.also for each in once([found("a"), found("b", other)])] == [(), ()]


def test_short_passages_are_the_same_only_under_the_same_title():
    see = "아래 표를 봐 주세요."
    assert len(once([found("a", see), found("b", see, title="수선 비용")])) == 2
    assert len(once([found("a", see), found("b", see)])) == 1
    assert len(once([found("a", "!!"), found("b", "**")])) == 2


def test_the_language_asked_for_comes_first_of_what_answers_alike():
    near = [found("en", score=1.0, locale="en-GB"), found("ko", score=0.98, locale="ko")]
    assert [each.id for each in preferring("ko", near)] == ["ko", "en"]
    assert [each.id for each in preferring("en", near)] == ["en", "ko"]
    assert [each.id for each in preferring(None, near)] == ["en", "ko"]


def test_the_preference_is_mild_and_drops_nothing():
    better = [found("en", score=1.0, locale="en"), found("ko", score=0.7, locale="ko")]
    assert [each.id for each in preferring("ko", better)] == ["en", "ko"]
    assert [each.id for each in preferring("ko", [found("en", locale="en")])] == ["en"]
    untold = [found("plain", score=1.0), found("ko", score=0.99, locale="ko")]
    assert [each.id for each in preferring("ko", untold)] == ["plain", "ko"]


EDITIONS = [
    ("warranty", "품질 보증", "제품 코드 {code} 조명의 품질 보증 기간은 구입일부터 24개월입니다.",
     "Warranty", "The lamp with product code {code} has a warranty of 24 months from the day of purchase."),
    ("reset", "초기화", "{code} 램프는 전원 단추를 10초 동안 눌러 초기화합니다.",
     "Factory reset", "Reset the {code} lamp by holding its power button for 10 seconds."),
    ("battery", "건전지", "리모컨 {code}에는 CR2032 건전지가 들어갑니다.",
     "Batteries", "The remote control {code} takes a CR2032 battery."),
    ("error", "오류 표시", "화면에 {code}이 보이면 전원을 껐다 켜 주세요.",
     "Error display", "If the display shows {code}, switch the power off and on."),
    ("wifi", "무선 연결", "{code} 허브는 2.4GHz WiFi에만 연결됩니다.",
     "Wireless", "The {code} hub connects to 2.4GHz WiFi only."),
]  # fmt: skip
CODES = ("LX-210", "MB-7741", "RC-88", "ER-0451", "HB-3300")
ASKED = [
    ("ko", "{code}"),
    ("en", "{code}"),
    ("ko", "{code} 문의"),
    ("en", "{code} please"),
    ("ko", "{code} 이거 CR2032 WiFi 24 10 맞나요"),
    ("en", "{code}: CR2032, WiFi, 24, 10?"),
]
"""Codes and figures, which both editions have: nothing else tells them apart."""


async def test_both_languages_find_their_edition_and_the_only_answer(tmp_path):
    shelf, tenant = MemoryShelf(), uuid4()
    items = [Item(EvidenceKind.KB, "only", "Overseas customs", "Parcel code ZZ-9 pays customs.", locale="en")]
    for (name, title, body, titled, text), code in zip(EDITIONS, CODES, strict=True):
        items.append(Item(EvidenceKind.KB, f"{name}-ko", title, body.format(code=code), locale="ko"))
        items.append(Item(EvidenceKind.KB, f"{name}-en", titled, text.format(code=code), locale="en"))
    await shelf.put(tenant, [(each, chunking.passages(each.title, each.body)) for each in items])
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)

    async def first(query: str, language: str | None) -> str:
        hits = await searcher.search(tenant, [query], pool="kb", now=NOW, language=language)
        return hits[0].id

    right, without, of = 0, 0, 0
    for (name, *_), code in zip(EDITIONS, CODES, strict=True):
        for language, asked in ASKED:
            query, of = asked.format(code=code), of + 1
            right += await first(query, language) == f"{name}-{language}"
            without += await first(query, None) == f"{name}-{language}"
    assert await first("ZZ-9", "ko") == "only"
    await searcher.aclose()
    assert (right, without, of) == (30, 15, 30)
