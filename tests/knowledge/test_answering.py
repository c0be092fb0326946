"""Whether the evidence answers: each sign by itself, and what the score makes of them."""

from __future__ import annotations

import math

import pytest

from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.ticket import Message, Ticket
from ccos.knowledge.answering import BAR, SIGNS, answerability, coverage, shipped, signs
from ccos.knowledge.asked import nouns, read, terms_of, text_of


def passage(snippet: str, *, title: str = "무드등 안내", kind: EvidenceKind = EvidenceKind.KB) -> Evidence:
    return Evidence(n=1, kind=kind, id="kb-1", title=title, snippet=snippet, score=1.0)


LAMP = passage("달빛 무드등의 소비전력은 3W이고 8시간 뒤 저절로 꺼집니다. 충전은 4시간 걸립니다.")
CASE = passage("무드등 밤새 켜 두어도 되나요? 8시간 뒤 꺼집니다.", title="무드등", kind=EvidenceKind.CASE)


def signs_of(text: str, *evidence: Evidence, indexed: object = (), usual: object = ()) -> dict[str, float]:
    return signs(read(text), evidence, frozenset(indexed), frozenset(usual))  # type: ignore[arg-type]


def counted(value: float) -> int:
    return round(math.expm1(value))


def test_the_signs_are_the_ones_the_model_weighs():
    found = signs_of("무드등 밝기가 몇 루멘인가요?", LAMP, CASE)
    assert found.keys() == set(SIGNS) == set(shipped().head.weights)


def test_a_named_thing_that_nobody_wrote_of_is_strange_until_an_article_or_usual_talk_has_it():
    text = "무드등 색온도를 캘빈으로 알려 주세요"
    [kelvin, *_] = [noun for noun in read(text).nouns if noun.stem.startswith("캘빈")]
    all_terms = read(text).terms
    without = all_terms - set(terms_of(kelvin))
    assert counted(signs_of(text, LAMP, indexed=without)["strange"]) == 1
    assert counted(signs_of(text, LAMP, indexed=all_terms)["strange"]) == 0
    assert counted(signs_of(text, LAMP, indexed=without, usual=[kelvin.stem])["strange"]) == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("근데 어제 샀는데 언제 오나요", set()),
        ("설문 링크를 뿌려주실 수 있나요", {"설문", "링크"}),
        ("do you support LDAC or something", {"support", "ldac"}),
        ("35만원 7개 3번", set()),
    ],
)
def test_nouns_are_told_from_what_tells_and_joins(text: str, named: set[str]):
    assert {noun.stem for noun in read(text).nouns} == named


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("최대 밝기가 몇 루멘인가요?", 1),
        ("몇 시간 켤 수 있나요?", 0),
        ("며칠이나 몇 개월 쓸 수 있나요?", 0),
        ("몇 루멘이고 몇 켈빈인가요?", 2),
        ("밝기가 궁금해요", 0),
    ],
)
def test_a_number_that_is_asked_for_and_not_given_is_missing(text: str, missing: int):
    assert signs_of(text, LAMP)["unit_missing"] == missing


def test_what_any_company_is_asked_lies_outside_unless_the_index_has_it():
    text = "디자인 직무 채용 일정이 궁금합니다. Are you hiring interns?"
    assert counted(signs_of(text, LAMP)["outside"]) == 3
    assert counted(signs_of(text, LAMP, indexed=["채용"])["outside"]) == 2
    assert signs_of("무드등 밤새 켜도 되나요?", LAMP)["outside"] == 0


def test_a_similar_case_speaks_for_an_answer_and_is_none_by_itself():
    text = "무드등을 밤새 켜 두어도 되나요?"
    foreign = CASE.model_copy(update={"title": "주차", "snippet": "주차장은 없습니다."})
    assert signs_of(text, LAMP, CASE)["case"] > 0.5 > signs_of(text, LAMP, foreign)["case"]
    asked = read(text)
    with_one, with_another, without = (
        answerability(asked, [LAMP, *cases], asked.terms) for cases in ([CASE], [foreign], [])
    )
    assert with_one > without > with_another, "a desk without cases is not held to have no answer"
    assert answerability(asked, [CASE], asked.terms) == 0.0


def test_covered_questions_lie_above_the_bar_and_foreign_ones_below():
    known = read("무드등 충전 시간이 얼마나 걸리나요?")
    assert answerability(known, [LAMP, CASE], known.terms) > BAR
    foreign = read("대학원 논문 설문 링크를 회원들에게 뿌려 주실 수 있나요?")
    assert answerability(foreign, [LAMP, CASE], frozenset()) < BAR / 2


@pytest.mark.parametrize("text", ["", "  \n", "안녕하세요", "?!?!", "\x00"])
def test_without_words_nothing_is_answered(text: str):
    assert answerability(read(text), [LAMP], frozenset()) == 0.0


@pytest.mark.parametrize(
    "text", ["가" * 50_000, "a b " * 20_000, "ㅋㅋㅋㅋㅠㅠ 무드등", "😀 무드등?", "\ud800 무드등 몇 [a-z"]
)
def test_any_text_gets_a_score(text: str):
    assert 0.0 <= answerability(read(text), [LAMP], frozenset()) <= 1.0


def test_what_the_customer_wrote_last_is_asked():
    ticket = Ticket(
        subject="배송",
        description="언제 오나요",
        conversation_history=(
            Message(role="agent", text="내일 도착합니다."),
            Message(role="customer", text="환불해 주세요"),
        ),
    )
    assert text_of(ticket) == "배송\n환불해 주세요"
    assert text_of(Ticket(subject="환불요", description="")) == "환불요"


def test_coverage_is_that_of_the_best_passage_for_the_best_query():
    foreign = passage("주차장은 없습니다.", title="매장")
    assert (
        coverage(["무드등 소비전력"], [foreign, LAMP]) > 0.8 > 0.2 > coverage(["무드등 소비전력"], [foreign])
    )
    assert coverage(["우주여행", "무드등 소비전력"], [LAMP]) == coverage(["무드등 소비전력"], [LAMP])
    assert coverage([], [LAMP]) == coverage(["무드등"], []) == 0.0


def test_usual_words_are_stems_of_what_is_named():
    assert nouns(["텀블러를 냄비에 돌려도 되나요", "텀블러는요"]) == {"텀블러", "냄비"}
    assert "되나요" not in nouns(["되나요"])
