from datetime import date, timedelta
from uuid import uuid4

import pytest

from ccos.domain.money import MicroUsd
from ccos.store.ledger import Line, Sums
from ccos.store.spend import SpendDay
from ccos.tiers import costs as counting
from ccos.tiers.costs import costs, document, forecast

TENANT = uuid4()
TODAY = date(2031, 5, 20)


def row(day=TODAY, *, source="draft", task="solution_draft", tier="tier_0", provider="openai", **sums):
    model = sums.pop("model", "gpt-4o")
    return Line(TENANT, day, source, task, tier, provider, model), Sums(**sums)


def spent(amount, day=TODAY):
    return SpendDay(day, MicroUsd(0), MicroUsd(amount))


def found(money=(), rows=(), days=3):
    return costs(money, rows, first=TODAY - timedelta(days=days - 1), last=TODAY)


def test_each_day_is_there_with_what_it_saved():
    yesterday = TODAY - timedelta(days=1)
    told = found(
        [spent(300), spent(100, yesterday), spent(50)],
        [
            row(calls=2, answers=2, spent_micro_usd=350, premium_micro_usd=400),
            row(tier="tier_1", provider="minimax", model="7b", calls=5, answers=5, premium_micro_usd=600),
            row(yesterday, calls=1, answers=1, spent_micro_usd=90, premium_micro_usd=90),
        ],
    )
    assert [(d.spent, d.premium, d.saved) for d in told.days] == [
        (0, 0, 0),
        (100, 90, -10),
        (350, 1_000, 650),
    ]
    assert (told.whole.spent, told.whole.premium, told.whole.saved) == (450, 1_090, 640)
    assert told.whole.not_in_ledger == 10, "a killed process's hold was charged whole"
    assert counting.saved_share(told.whole) == pytest.approx(640 / 1_090)


def test_cost_per_draft_counts_drafts_once_and_all_their_tasks():
    told = found(
        rows=[
            row(calls=4, answers=2, spent_micro_usd=800),
            row(task="query_builder", calls=2, answers=2, spent_micro_usd=100),
            row(source="api", task="chat", calls=9, answers=9, spent_micro_usd=5_000),
        ]
    )
    assert (told.drafts, told.spent_on_drafts) == (2, 900)
    assert document(told)["usd_per_draft"] == pytest.approx(0.00045)


def test_nothing_at_all_is_empty_and_divides_by_nothing():
    told = found()
    assert told.empty and told.forecast is None and told.warnings == []
    shown = document(told)
    assert shown["saved_share"] is None and shown["usd_per_draft"] is None and shown["month"] is None
    assert shown["ledgers"]["drift"] is None and len(shown["days"]) == 3


@pytest.mark.parametrize(
    ("reported", "calls", "told"),
    [(1_300, 20, True), (1_300, 19, False), (1_200, 20, False), (700, 20, True), (800, 20, False)],
)
def test_drift_is_told_from_a_fifth_on_over_twenty_calls(reported, calls, told):
    rows = [
        row(
            estimated_of_reported_micro_usd=1_000,
            estimated_micro_usd=9_000,
            reported_micro_usd=reported,
            reported_calls=calls,
        )
    ]
    assert bool(found(rows=rows).warnings) is told
    assert document(found(rows=rows))["ledgers"]["drift"] == pytest.approx(reported / 1_000 - 1)


def test_a_drift_says_who_when_and_which_way():
    rows = [row(estimated_of_reported_micro_usd=100, reported_micro_usd=150, reported_calls=40)]
    assert found(rows=rows).warnings == [
        "On 2031-05-20 tier_0/openai/gpt-4o reported 50% more than we estimated for the same 40 calls; "
        "check its price."
    ]


def test_free_calls_have_no_drift():
    rows = [row(tier="tier_1", reported_calls=50, reported_micro_usd=0)]
    assert document(found(rows=rows))["ledgers"]["drift"] is None and not found(rows=rows).warnings


def days_back(*amounts):
    return {TODAY - timedelta(days=n): amount for n, amount in enumerate(amounts)}


def test_the_month_is_what_was_spent_and_the_mean_for_the_days_left():
    told = forecast(days_back(40, *[100] * 10), today=TODAY)
    assert told is not None
    assert (told.so_far, told.days_left, told.days_looked_back) == (1_040, 11, 7)
    assert (told.low, told.month, told.high) == (2_140, 2_140, 2_140), "days alike leave no doubt"
    assert "the last 7 full days for each of 11 days left" in told.made()


def test_days_that_differ_widen_the_range_and_never_below_what_is_spent():
    told = forecast(days_back(*[0] * 7, 1_000), today=TODAY)
    assert told is not None and told.low == told.so_far == 1_000 < told.month < told.high


def test_the_day_of_the_first_spending_alone_forecasts_nothing():
    assert forecast(days_back(500), today=TODAY) is None
    told = forecast(days_back(500, 300), today=TODAY)
    assert told is not None and told.days_looked_back == 1


def test_on_the_last_day_of_the_month_nothing_is_left_to_guess():
    last = date(2031, 5, 31)
    told = forecast({last: 10, last - timedelta(days=1): 20}, today=last)
    assert told is not None and told.low == told.month == told.high == 30


def test_last_months_money_serves_the_mean_and_not_the_month():
    first = date(2031, 5, 1)
    told = forecast({first - timedelta(days=n): 100 for n in range(1, 8)}, today=first)
    assert told is not None and told.so_far == 0 and told.month == 3_000
