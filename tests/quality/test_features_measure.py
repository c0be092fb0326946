"""What is measured of an answer: each feature moves for what it is named after, and nothing breaks it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.verdict import Veto
from ccos.quality.features import NAMES, measure
from ccos.quality.features.sources import passage_source
from ccos.quality.reading import Reading
from support.judging import passage, prompt

RULE = passage(
    "반품은 상품을 받으신 날부터 7일 이내에 신청하실 수 있습니다. 왕복 배송비 5,000원은 고객님이 부담하십니다. "
    "이미 사용하신 상품은 반품하실 수 없습니다."
)
COUPON = passage("쿠폰은 발급일부터 30일 동안 쓰실 수 있으며 취소하시면 돌려 드립니다.", 2)
ASKED = "반품은 언제까지 되나요? 배송비는 누가 내나요?"
GOOD = (
    "안녕하세요, 고객님. 반품은 상품을 받으신 날부터 7일 이내에 신청하실 수 있습니다. 왕복 배송비 5,000원은 "
    "고객님이 부담하십니다. 감사합니다."
)


def features(text, asked=None, vetoes=(), **answer):
    under = asked or prompt(RULE, COUPON, asked=ASKED)
    return measure(Reading(text, under, Answer(text, "test", "test", **answer)), vetoes)


def test_every_answer_has_every_feature():
    assert tuple(sorted(features(GOOD))) == NAMES and len(NAMES) == len(set(NAMES))


def test_what_stands_in_the_evidence_is_supported_and_what_does_not_is_not():
    stray = features("무지개 코끼리는 바나나 우유를 좋아합니다.")
    assert features(GOOD)["support"] > 0.9 and stray["support"] < 0.3
    assert stray["fresh_words"] > features(GOOD)["fresh_words"]


def test_one_stray_sentence_is_the_weakest():
    spoiled = GOOD + " 무지개 코끼리 인형을 옥상에서 받아 가시면 됩니다."
    assert features(spoiled)["support_weakest"] < features(GOOD)["support_weakest"] - 0.3


def test_courtesy_needs_no_evidence():
    bare = GOOD.replace("안녕하세요, 고객님. ", "").replace(" 감사합니다.", "")
    assert features(GOOD)["support_weakest"] == features(bare)["support_weakest"]
    assert features(GOOD)["courtesy_share"] > 0 == features(bare)["courtesy_share"]


def test_a_claim_in_a_long_thank_you_is_no_courtesy():
    assert features("감사합니다, 고객님의 주문은 3,000원을 더 내시면 됩니다.")["no_claim"] == 0


def test_a_denial_that_the_evidence_does_not_have_is_seen():
    flipped = GOOD.replace("신청하실 수 있습니다", "신청하실 수 없습니다")
    assert features(flipped)["flipped"] > 0.5 > features(GOOD)["flipped"]


def test_a_denial_that_the_evidence_has_too_is_none():
    assert features("이미 사용하신 상품은 반품하실 수 없습니다.")["flipped"] == 0


def test_a_figure_of_another_rule_stands_in_the_wrong_place():
    swapped = features(GOOD.replace("7일", "30일"))
    assert swapped["misplaced"] > 0.3 and swapped["contrary"] > 0.3
    assert features(GOOD)["misplaced"] == features(GOOD)["contrary"] == 0


def test_a_figure_the_customer_told_is_not_held_against_the_evidence():
    asked = prompt(RULE, asked="상품을 받은 지 30일 됐는데 반품되나요?")
    told = "상품을 받으신 날부터 30일 지난 반품은 어렵습니다."
    assert features(told, asked)["facts"] == 0 < features(told)["facts"]


def test_each_asked_point_must_be_taken_up():
    half = "반품은 받으신 날부터 7일 이내에 신청하실 수 있습니다."
    assert features(half)["covered_least"] < features(GOOD)["covered_least"]
    assert features(half)["best_taken"] < features(GOOD)["best_taken"]


def test_the_evidence_of_another_case_is_not_what_was_asked_for():
    other = features("쿠폰은 발급일부터 30일 동안 쓰실 수 있으며 취소하시면 돌려 드립니다.")
    assert other["off_share"] == 1 > 0 == features(GOOD)["off_share"]
    assert other["facts_off"] > 0 == features(GOOD)["facts_off"]
    assert other["best_taken"] < 0.5 < features(GOOD)["best_taken"]


def test_an_answer_without_the_figures_of_its_passage_states_nothing():
    vague = features("반품 기간과 배송비는 상품에 따라 저마다 다르게 정해집니다.")
    assert vague["states_nothing"] == 1 > features(GOOD)["states_nothing"]
    assert features(GOOD)["best_facts"] == 1 > vague["best_facts"]


def test_a_citation_is_held_against_the_passage_that_was_asked_for():
    right, wrong = features(GOOD + " [1]"), features(GOOD + " [2]")
    assert (
        right["cites_best"] == 1 > wrong["cites_best"]
        and right["cites_support"] == 0 > wrong["cites_support"]
    )
    assert features(GOOD)["cites"] == 0 < features(GOOD + " [9]")["cites"]


def test_a_duty_that_is_spared_is_not_one_that_is_refused():
    rule = passage("사진은 보내지 않으셔도 됩니다. 사용하신 상품은 반품하실 수 없습니다.")
    under = prompt(rule, asked="사진도 보내야 하나요?")
    kept, turned = (
        features(f"사진은 {told}.", under) for told in ("보내지 않으셔도 됩니다", "꼭 보내셔야 합니다")
    )
    assert turned["stance_worst"] > 0 >= kept["stance_worst"]
    assert turned["stance_bound_spared"] > 0 == kept["stance_bound_spared"]


def test_a_rule_beside_its_exception_may_be_retold_either_way():
    rule = passage("개봉한 상품은 반품하실 수 없습니다. 개봉하지 않은 상품은 반품하실 수 있습니다.")
    under = prompt(rule, asked="개봉했는데 반품되나요?")
    assert features("개봉한 상품은 반품하실 수 없습니다.", under)["stance_worst"] <= 0


def test_a_step_with_things_nobody_named_is_seen():
    step = GOOD + " 가까운 우체국에서 인감증명서를 떼어 팩스로 보내 주세요."
    assert features(step)["step_new_objects"] > features(GOOD)["step_new_objects"] == 0
    assert features(step)["step_least_known"] < features(GOOD)["step_least_known"]


def test_a_copied_span_is_longer_than_a_retold_one():
    retold = features("받고서 이레가 지나기 전에 돌려보내 주세요.")
    assert features(GOOD)["longest_copy"] > retold["longest_copy"]
    assert features(GOOD)["pairs"] > retold["pairs"]


def test_repetition_rudeness_and_promises_are_seen():
    assert features(GOOD * 3)["repeats"] > features(GOOD)["repeats"]
    assert (
        features("안내를 읽어 보셨어야 합니다. 저희 잘못은 아닙니다.")["rude"] > 0 == features(GOOD)["rude"]
    )
    assert features("이번만 특별히 배송비를 면제해 드리겠습니다.")["gives"] > 0 == features(GOOD)["gives"]


def test_vetoes_count_by_their_kind():
    vetoes = [Veto("unsupported", "", "repair")] * 5 + [Veto("pii", "", "repair")]
    found = features(GOOD, vetoes=vetoes)
    assert found["veto_unsupported"] == 3 and found["veto_pii"] == 1 and found["veto_leak"] == 0


def test_what_people_signed_off_supports_what_quotes_it():
    said = "저희 매장은 코끼리 인형을 옥상에서 나누어 드립니다."
    assert features(said, approved=(said,))["support"] > 0.95 > 0.5 > features(said)["support"]


def test_log_probabilities_count_where_there_are_some():
    sure, unsure = (-0.1,) * 20, (-0.1,) * 18 + (-9.0, -math.inf)
    assert features(GOOD)["no_logprobs"] == 1 and features(GOOD, logprobs=sure)["no_logprobs"] == 0
    assert features(GOOD, logprobs=unsure)["logprob_lowest"] < features(GOOD, logprobs=sure)["logprob_lowest"]


def test_scores_of_the_search_count_where_there_are_some():
    scored = prompt(
        RULE.model_copy(update={"score": 8.0}), COUPON.model_copy(update={"score": 2.0}), asked=ASKED
    )
    unscored = prompt(RULE.model_copy(update={"score": 0.0}), asked=ASKED)
    assert features(GOOD, scored)["score_lead"] == pytest.approx(0.75)
    assert features(GOOD, unscored)["no_scores"] == 1 == 1 - features(GOOD, scored)["no_scores"]


def test_citation_marks_are_no_words():
    cited = GOOD.replace("있습니다.", "있습니다. [1]").replace("부담하십니다.", "부담하십니다. [1, 2]")
    assert features(cited)["fresh_words"] == features(GOOD)["fresh_words"]


def test_only_passages_of_the_knowledge_base_are_remembered():
    case = passage("이순신 고객님께 적립금을 드렸습니다.", 3, kind="case")
    passage_source.cache_clear()
    features(GOOD, prompt(RULE, case, asked="제 이름은 이순신입니다."))
    assert passage_source.cache_info().currsize == 1


def test_english_answers_are_measured_too():
    asked = prompt(
        passage("Returns are accepted within 7 days of delivery."), asked="Can I return it?", language="en"
    )
    good, denied = (f"Returns are {word} within 7 days of delivery." for word in ("accepted", "not accepted"))
    assert features(good, asked)["support"] == 1 and features(denied, asked)["flipped"] > 0.5


def _texts():
    odd = st.sampled_from(
        [
            "않",
            "7일",
            "￦",
            "ㅋㅋ",
            "[1]",
            "\u1100\u1161",
            "İ",
            "ß",
            "?",
            "\n",
            ", ",
            "환불",
            "\ufb01",
            "①",
            "２",
            "\x00",
        ]
    )
    return st.one_of(st.text(max_size=200), st.lists(odd, max_size=60).map("".join))


@settings(max_examples=150, deadline=None)
@given(text=_texts(), snippet=_texts(), asked=_texts(), probability=st.floats())
def test_hostile_text_gives_finite_numbers(text, snippet, asked, probability):
    under: Prompt = prompt(passage(snippet), passage(snippet, 2, kind="case"), asked=asked)
    grounds = replace(
        under.grounds, evidence=(*under.grounds.evidence, RULE.model_copy(update={"score": probability}))
    )
    found = features(text, replace(under, grounds=grounds), logprobs=(probability,))
    assert tuple(sorted(found)) == NAMES and all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("piece", ["환불 ", "않 없 ", "7일, ", "a" * 30, "가", "?\n", "하지만 ", "[1]"])
def test_long_repeated_text_is_measured(piece):
    text = (piece * 100_000)[:100_000]
    assert all(math.isfinite(v) for v in features(text, prompt(passage(text), asked=text)).values())
