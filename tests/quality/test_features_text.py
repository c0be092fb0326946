"""Words, stems and clauses as the features compare them."""

from __future__ import annotations

import pytest

from ccos.quality.features.clauses import clauses
from ccos.quality.features.concepts import concept
from ccos.quality.features.text import letters, shared_start, stem_of, words


@pytest.mark.parametrize("form", ["환불은", "환불을", "환불이", "환불에서는", "환불됩니다", "환불하시면"])
def test_a_word_is_one_word_whatever_its_ending(form):
    assert stem_of(form) == "환불"


def test_a_short_word_keeps_what_looks_like_a_particle():
    assert stem_of("나이") == "나이" and stem_of("가") == "가"


def test_stems_that_change_their_last_letter_begin_alike():
    assert shared_start(letters("갔"), letters("간")) == 2
    assert shared_start(letters("갔"), letters("봤")) == 0


def test_function_words_weigh_little_and_figures_keep_their_value():
    found = {word.written: word for word in words("the refund takes 30,000 days 그리고 환불")}
    assert found["the"].weight < found["refund"].weight and found["그리고"].weight < found["환불"].weight
    assert found["30,000"].stem == "30000"


def test_a_run_of_letters_is_cut():
    assert len(words("가" * 5_000)[0].written) == 24


def test_words_of_the_desk_with_one_meaning_share_a_concept():
    assert concept("운임은") == concept("배송비는") == "=shipping_cost"
    assert concept("배송은") != concept("배송비는") and concept("코끼리") is None


def test_a_sentence_is_cut_at_its_conditions_and_commas():
    text = "이미 발송된 주문은 취소할 수 없고, 받으신 뒤 반품으로 접수하시면 비용이 듭니다."
    found = [text[at:end] for at, end in clauses(text, 0, len(text))]
    assert len(found) == 3 and "".join(found) == text and "없고" in found[0]


def test_short_pieces_are_no_clauses():
    text = "네, 됩니다."
    assert list(clauses(text, 0, len(text))) == [(0, len(text))]
