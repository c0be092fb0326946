from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.quality.judging import (
    CRITERIA,
    MOST_LOG_ODDS,
    Rates,
    judge_prompt,
    log_odds,
    same_family,
    says_good,
    updated,
    worth_asking,
)
from support.judging import passage, prompt

RETURNS = passage("단순 변심 반품은 수령 후 7일 이내에 신청하실 수 있습니다.", title="반품 안내")
ASKED = prompt(RETURNS, asked="반품은 언제까지 되나요?")


def verdict(quote: str = "수령 후 7일 이내에 신청", **met: bool) -> dict[str, object]:
    return {name: {"met": met.get(name, True), "quote": quote} for name in CRITERIA}


def rates(positive: float, negative: float, good: int, bad: int) -> Rates:
    return Rates(true_positive=positive, true_negative=negative, labels=good + bad, good=good, bad=bad)


def test_the_judge_reads_ticket_passages_and_draft() -> None:
    asked = judge_prompt(ASKED, "7일 이내에 신청해 주세요.")
    (turn,) = asked.turns
    assert all(
        words in turn.text for words in ("반품은 언제까지", "[1] 반품 안내", "7일 이내에 신청해 주세요.")
    )
    assert all(name in asked.system for name in CRITERIA)
    assert asked.temperature == 0 and asked.grounds is ASKED.grounds


def test_an_answer_is_good_when_every_criterion_is_met_and_the_quotation_stands() -> None:
    assert says_good(verdict(), ASKED) is True
    assert says_good(verdict("수령 후, 7일 이내에 신청!"), ASKED) is True  # punctuation is no invention
    assert says_good(verdict(consistent=False), ASKED) is False
    assert says_good(verdict("수령 후 14일 이내에 신청"), ASKED) is None
    assert says_good(verdict("7일"), ASKED) is None  # says nothing
    assert says_good(verdict("", supported=False), ASKED) is False  # a refusal needs no quotation
    assert says_good(verdict(""), prompt(asked="안녕하세요")) is True  # nor does a ticket without passages


@pytest.mark.parametrize(
    "payload",
    [None, {}, {"answers": True}, dict.fromkeys(CRITERIA, True), {**verdict(), "more": {"met": True}},
     {name: {"met": "yes", "quote": ""} for name in CRITERIA}],
)  # fmt: skip
def test_what_is_no_verdict_does_not_count(payload: dict[str, object] | None) -> None:
    assert says_good(payload, ASKED) is None


def test_an_opinion_moves_the_odds_by_its_likelihood_ratio() -> None:
    known = Rates(true_positive=0.8, true_negative=0.9, labels=10_000, good=5_000, bad=5_000)
    assert log_odds(True, known) == pytest.approx(math.log(0.8 / 0.1), abs=0.01)
    assert log_odds(False, known) == pytest.approx(math.log(0.2 / 0.9), abs=0.01)
    assert updated(0.5, math.log(8)) == pytest.approx(8 / 9)
    assert updated(0.25, 0.0) == pytest.approx(0.25)


def test_a_perfect_judge_of_few_labels_does_not_decide_alone() -> None:
    few = log_odds(True, Rates(true_positive=1, true_negative=1, labels=20, good=10, bad=10))
    assert 0 < few < MOST_LOG_ODDS
    assert log_odds(True, rates(1, 1, 10**6, 10**6)) == MOST_LOG_ODDS


def test_a_judge_is_heard_after_a_hundred_labels_and_better_than_a_coin() -> None:
    assert rates(0.8, 0.7, 50, 50).proven
    assert not rates(0.8, 0.7, 50, 49).proven
    assert not rates(0.9, 0.2, 500, 500).proven
    assert not rates(0.6, 0.6, 50, 50).proven  # 1.2 together, and by chance perhaps no more than a coin
    assert rates(0.6, 0.6, 5_000, 5_000).proven


def test_each_side_must_have_been_tried() -> None:
    assert not rates(0.5, 1.0, 99, 1).proven
    assert not rates(1.0, 1.0, 29, 1_000).proven
    assert rates(1.0, 1.0, 30, 70).proven
    assert not Rates(true_positive=0.9, true_negative=0.9, labels=1_000).proven  # kept before sides counted


def test_what_one_bad_label_says_moves_little() -> None:
    assert abs(log_odds(True, rates(0.5, 1.0, 99, 1))) < 0.5


def test_only_the_unsure_middle_is_worth_a_call() -> None:
    assert [worth_asking(q) for q in (0.1, 0.2, 0.5, 0.9, 0.95)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("model", "other", "same"),
    [
        ("gpt-4o-2024-08-06", "gpt-4.1-nano", True),
        ("o3-mini", "gpt-4o", True),
        ("claude-sonnet-4-5", "gpt-4o", False),
        ("Qwen2.5-7B-Instruct-Q4_K_M", "qwen3-8b", True),
        ("EXAONE-3.5-7.8B", "Llama-3.1-8B", False),
        ("TinyLlama-1.1B", "house-drafter", False),
        ("house-drafter", "house-drafter", True),
    ],
)
def test_families(model: str, other: str, same: bool) -> None:
    assert same_family(model, other) is same


@given(st.floats(0, 1), st.floats(-3, 3))
def test_the_update_stays_a_probability_and_keeps_the_order(quality: float, more: float) -> None:
    assert 0 < updated(quality, more) < 1
    assert updated(quality, more) <= updated(quality, more + 0.5)
