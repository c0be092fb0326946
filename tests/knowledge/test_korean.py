import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.knowledge.korean import MAX_TERM_CHARACTERS, jamo, normalise, words


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("환불", "환불을 요청합니다"),
        ("취소", "결제취소요청"),
        ("배송 조회가 안 돼요", "배송조회가안돼요"),
        ("order-2026-0012", "주문번호 ORD-2026-0012 입니다"),
        ("refunds", "Refund policy"),
        ("cafe", "Café 이용 안내"),
        ("ＡＢＣ１２３", "abc123 모델"),
    ],
)
def test_a_question_shares_words_with_the_text_that_answers_it(query, text):
    assert set(words(query)) & set(words(text))


def test_spacing_does_not_change_jamo_terms():
    assert set(jamo("배송 조회가 안 돼요")) == set(jamo("배송조회가안돼요"))


def test_a_typo_keeps_jamo_terms_where_all_bigrams_are_lost():
    assert not set(words("환뷸")) & set(words("환불"))
    assert set(jamo("환뷸 규정")) & set(jamo("환불규정"))


def test_hangul_becomes_bigrams_and_a_lone_syllable_stays():
    assert list(words("결제취소 왜")) == ["결제", "제취", "취소", "왜"]


def test_a_code_is_kept_whole_and_in_parts():
    assert list(words("ORD-2026-0012를")) == ["ord-2026-0012", "ord", "2026", "0012", "를"]


def test_a_part_of_another_code_is_not_the_code():
    assert "ord-2026-0012" not in set(words("ORD-2026-00123"))


@pytest.mark.parametrize(
    ("word", "stem"),
    [("refunds", "refund"), ("policies", "policy"), ("shipping", "shipp"), ("shipped", "shipp"),
     ("address", "address"), ("status", "status"), ("sms", "sms"), ("v2s", "v2s")],
)  # fmt: skip
def test_english_endings_come_off_lightly(word, stem):
    assert list(words(word)) == [stem]


def test_decomposed_hangul_equals_composed():
    assert list(words(unicodedata.normalize("NFD", "환불"))) == list(words("환불"))


def test_jamo_grams_end_at_punctuation():
    assert not set(jamo("가.나")) & set(jamo("가나"))
    assert list(jamo("환불")) == ["ㅎㅘㄴㅂ", "ㅘㄴㅂㅜ", "ㄴㅂㅜㄹ"]


def test_what_cannot_be_seen_is_dropped():
    assert normalise("환\0불\ud800 취\u200b소\u00ad\u202e") == "환불 취소"


@given(st.text())
def test_any_text_gives_bounded_terms_without_spaces(text):
    for term in [*words(text), *jamo(text)]:
        assert 0 < len(term) <= max(MAX_TERM_CHARACTERS, 4)
        assert not any(c.isspace() for c in term)
