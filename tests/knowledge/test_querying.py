import pytest

from ccos.knowledge.filler import FILLER, informative
from ccos.knowledge.querying import (
    FILLING,
    FIRST_LINE,
    LATIN,
    MOST_CHARACTERS,
    inverse_frequency,
    question,
    rarest,
    terms,
)


def test_the_first_line_counts_more_than_the_rest():
    weights = terms("환불 문제\n배송 문제").words
    assert weights["환불"] > weights["배송"] == 1.0
    assert weights["문제"] > weights["환불"]


def test_a_single_line_has_no_emphasis():
    assert set(terms("환불 배송").words.values()) == {1.0}
    assert terms("\n\n환불 배송\n").words == terms("환불 배송").words


def test_repeating_a_word_adds_ever_less():
    once, twice, often = (terms("환불 " * n).words["환불"] for n in (1, 2, 100))
    assert once < twice < often < 6


def test_codes_count_more_and_filler_less():
    weights = terms("ord-17 환불 하고").words
    assert (weights["ord-17"], weights["환불"], weights["하고"]) == (LATIN, 1.0, FILLING)


def test_a_long_query_is_read_from_its_beginning():
    query = "환불\n" + "가나다라 " * 2_000 + "배송"
    assert len(query) > MOST_CHARACTERS
    assert "환불" in terms(query).words
    assert "배송" not in terms(query).words


def test_whole_words_are_without_particles_and_single_letters():
    wholes = terms("배송비는 왜 두 번 결제되었나요? ORD-17").wholes
    assert {"배송비", "ord-17"} <= set(wholes) and "왜" not in wholes and "배송비는" not in wholes


def test_a_question_of_several_sentences_asks_each():
    asked = question("환불 요청합니다.\n배송비는 누가 내나요? 네.")
    assert [("배송" in each.words, "환불" in each.words) for each in asked.sentences] == [
        (False, True),
        (True, False),
    ]
    assert {"환불", "배송"} <= set(asked.whole.words)
    assert question("환불은 언제 되나요?").sentences == ()
    assert not question("!!! ㅠㅠ"[:3])


def test_only_the_rarest_terms_that_exist_are_kept():
    idf = {"흔한": 0.1, "드문": 5.0, "중간": 2.0, "없는": 0.0}
    assert rarest(dict.fromkeys(idf, 1.0), idf, 2) == {"드문": 1.0, "중간": 1.0}
    assert rarest(dict.fromkeys(idf, 1.0), idf, 9) == {"드문": 1.0, "중간": 1.0, "흔한": 1.0}
    assert list(rarest({"흔한": 60.0, "드문": 1.0}, idf, 1)) == ["흔한"]


def test_inverse_frequency_falls_with_the_number_of_documents():
    assert inverse_frequency(100, 0) == 0.0
    assert inverse_frequency(100, 1) > inverse_frequency(100, 50) > inverse_frequency(100, 100) > 0


@pytest.mark.parametrize(
    ("text", "kept"),
    [("환불은 언제 되나요?", {"환불"}), ("안녕하세요 고객님", set()), ("나이가 어떻게", {"나이"}), ("카드로", {"카드"}),
     ("How do I get refunds?", {"get", "refund"})],
)  # fmt: skip
def test_what_a_question_is_about(text, kept):
    assert informative(text) == kept


def test_filler_is_words_as_the_index_has_them():
    assert FIRST_LINE > 1
    assert all(len(term) <= 2 or term.isascii() for term in FILLER)
