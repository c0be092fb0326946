"""What is compared of an answer, and what a likeness is worth."""

from __future__ import annotations

import pytest

from ccos.quality.judging import MOST_LOG_ODDS
from ccos.quality.likeness import (
    MOST_CHARACTERS,
    MOST_CLAIMS,
    MOST_PASSAGE_SENTENCES,
    Compared,
    Likeness,
    LikenessOdds,
    compared,
    likeness,
)
from support.fake_embeddings import vector
from support.judging import passage, prompt
from support.likeness_sets import PASSAGE, SAME

ASKED = prompt(
    passage(
        "반품은 7일 이내에 신청하실 수 있습니다. 왕복 택배비는 고객님이 부담하십니다.", title="반품 안내"
    ),
    asked="안녕하세요. 반품은 언제까지 되나요? 택배비는 누가 내나요?",
)
ODDS = LikenessOdds(
    slope=8.0,
    intercept=-4.0,
    scorer="gate-1",
    labels=100,
    auroc_gate=0.7,
    auroc_likeness=0.8,
    auroc_both=0.85,
    gain=(0.02, 0.2),
)


def of(text: str, asked=ASKED) -> Compared:
    parts = compared(asked, text)
    assert parts is not None
    return parts


def near(text: str, asked=ASKED, same=()) -> Likeness:
    parts = of(text, asked)
    return likeness(parts, {each: vector(each, same) for each in (*parts.own, *parts.evidence)})


def test_claims_are_held_against_passages_and_points_and_courtesy_against_nothing() -> None:
    parts = of("안녕하세요, 고객님. 반품은 7일 이내에 됩니다. [1] 언제든 문의해 주세요. 감사합니다.")
    assert parts.claims == ("반품은 7일 이내에 됩니다.",)
    assert parts.evidence == (
        "반품 안내",
        "반품은 7일 이내에 신청하실 수 있습니다.",
        "왕복 택배비는 고객님이 부담하십니다.",
    )
    assert len(parts.points) == 2 and "택배비" in parts.points[1]


@pytest.mark.parametrize("text", ["안녕하세요, 고객님. 감사합니다.", "", "[1] ... !"])
def test_an_answer_that_claims_nothing_is_not_compared(text: str) -> None:
    assert compared(ASKED, text) is None


def test_without_evidence_there_is_nothing_to_compare_with() -> None:
    assert compared(prompt(asked="반품은 언제까지 되나요?"), "반품은 7일 이내에 됩니다.") is None


def test_long_answers_and_passages_are_cut_and_said_once() -> None:
    asked = prompt(passage("\n".join(f"{n}번째 안내 문장입니다." for n in range(200))), asked="x?")
    parts = of("\n".join([*(f"{n}번째 답입니다." for n in range(50)), "가" * 1_000]), asked)
    assert len(parts.claims) == MOST_CLAIMS and len(parts.evidence) == MOST_PASSAGE_SENTENCES
    assert of("가" * 1_000).claims == ("가" * MOST_CHARACTERS,)
    assert of("반품은 7일입니다.\n반품은 7일입니다.").claims == ("반품은 7일입니다.",)


def test_the_weakest_claim_counts_and_the_nearest_sentence_of_each() -> None:
    copied = near("반품은 7일 이내에 신청하실 수 있습니다.")
    assert copied.weakest == pytest.approx(1.0) == pytest.approx(copied.mean)
    half = near("반품은 7일 이내에 신청하실 수 있습니다. 영수증은 매장에서 드립니다.")
    assert half.weakest < 0.5 < half.mean < 1.0


def test_an_answer_to_one_of_two_questions_covers_less() -> None:
    both = near("반품은 7일까지 되나 그 뒤에는 안 됩니다. 택배비는 고객님이 내나 봅니다.")
    one = near("반품은 7일까지 되나 그 뒤에는 안 됩니다.")
    assert both.covered is not None and one.covered is not None and one.covered < both.covered


def test_without_a_question_two_numbers_make_the_likeness() -> None:
    found = near("반품은 7일 이내에 됩니다.", prompt(passage("반품은 7일 이내에 됩니다."), asked=""))
    assert found.covered is None and found.value == pytest.approx((found.weakest + found.mean) / 2)


def test_other_words_of_the_same_meaning_are_near_for_a_model_that_knows_them() -> None:
    asked = prompt(passage(PASSAGE), asked="")
    paraphrase = "마음이 바뀌신 경우 물건을 수령하신 날부터 이레 동안 돌려보내실 수 있습니다."
    assert near(paraphrase, asked, SAME).value > near(paraphrase, asked).value + 0.4


def test_log_odds_rise_with_likeness_and_are_bounded() -> None:
    assert ODDS.log_odds(0.5) == 0.0 and ODDS.log_odds(0.6) == pytest.approx(0.8)
    assert ODDS.log_odds(1.0) == MOST_LOG_ODDS and ODDS.log_odds(-1.0) == -MOST_LOG_ODDS


@pytest.mark.parametrize(
    ("change", "proven"),
    [({}, True), ({"labels": 99}, False), ({"gain": (0.0, 0.2)}, False), ({"gain": (-0.01, 0.3)}, False)],
)
def test_it_is_proven_by_a_hundred_labels_and_a_gain_beyond_chance(change, proven: bool) -> None:
    assert ODDS.model_copy(update=change).proven is proven
