from dataclasses import dataclass

import pytest

from ccos.knowledge.ranking import Weighed, scores, telling


@dataclass(frozen=True)
class Passage:
    text: str
    score: float = 1.0
    title: str = ""
    titled: bool = False
    heading: str = ""


WHOLE = Weighed({"반품": 1.0, "배송": 1.0, "송비": 1.0}, {}, {"배송비": 2.0})


def test_of_equal_engine_scores_the_whole_word_wins():
    with_it, in_pieces = (
        Passage("반품 배송비는 3,000원입니다"),
        Passage("반품 배송 송비 안내입니다 그렇습니다"),
    )
    first, second = scores(WHOLE, (), (with_it, in_pieces))
    assert first > second


def test_a_passage_that_answers_one_sentence_fully_beats_one_that_touches_all():
    asked = (
        Weighed({"통관": 3.0, "부호": 3.0}, {}, {}),
        Weighed({"우산": 1.0}, {}, {}),
        Weighed({"모자": 1.0}, {}, {}),
    )
    answer, story = Passage("통관 부호 안내"), Passage("우산 모자 이야기")
    first, second = scores(Weighed({}, {}, {}), asked, (answer, story))
    assert first > second


def test_what_the_engine_says_counts_most():
    assert scores(WHOLE, (), (Passage("다른 글", 2.0), Passage("다른 글", 1.0)))[0] > 0.4
    low, high = scores(WHOLE, (), (Passage("배송비 반품", 0.0), Passage("배송비 반품", 5.0)))
    assert high > low


def test_scores_are_shares_of_the_best():
    found = scores(WHOLE, (), (Passage("반품 배송비", 3.0), Passage("아무것도", 0.0)))
    assert found == (pytest.approx(1.0), 0.0)
    assert scores(WHOLE, (), ()) == ()
    assert scores(Weighed({}, {}, {}), (), (Passage("", 0.0),)) == (0.0,)


def test_a_longer_text_must_say_it_more_often():
    short, long = Passage("배송비 안내"), Passage("배송비 안내 " + "그 밖의 이야기 " * 50)
    first, second = scores(WHOLE, (), (short, long))
    assert first > second


@pytest.mark.parametrize(
    ("term", "tells"), [("3", False), ("ip", False), ("ems", True), ("환", True), ("2026", True)]
)
def test_short_latin_words_and_numbers_are_in_everything(term, tells):
    assert telling(term) is tells


def test_a_title_of_its_own_counts_beside_the_text():
    titled = Passage("안내드립니다", title="배송비 안내", titled=True)
    made_up = Passage("안내드립니다", title="배송비 안내", titled=False)
    first, second = scores(WHOLE, (), (titled, made_up))
    assert first > second
