"""What an experiment says, where the truth is known."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from ccos.domain.experiment import Excluded, Seen
from ccos.learning.experiments import adjusting
from ccos.learning.experiments.reading import outcome, read
from ccos.learning.experiments.sums import Sums
from support.experiments import definition, drafts

SAME = {"control": 0.75, "warm": 0.75}
BETTER = {"control": 0.70, "warm": 0.82}


def test_no_difference_stays_unknown_and_says_how_many_are_missing():
    wanted = definition()
    told = read(wanted, drafts(wanted, 600, SAME))
    (contrast,) = told.contrasts
    assert told.verdict.code == "unknown" and told.verdict.n == contrast.missing > 500
    assert contrast.last is not None and contrast.last.low < 0 < contrast.last.high
    assert contrast.last.n == 600


def test_a_better_arm_is_found():
    wanted = definition()
    told = read(wanted, drafts(wanted, 2_500, BETTER))
    assert (told.verdict.code, told.verdict.arm) == ("better", "warm")
    (contrast,) = told.contrasts
    assert contrast.last is not None and 0 < contrast.last.low < 0.12 < contrast.last.high
    assert contrast.p < 0.001 and contrast.missing > 0  # half as large an effect would not have shown yet


def test_fewer_seconds_are_better_and_a_slower_arm_is_worse():
    wanted = definition(metric="seconds_to_decide", least_effect=10)
    made = [
        replace(one, seconds=(one.seconds or 0) + (20 if one.arm == "warm" else 0))
        for one in drafts(wanted, 2_000, SAME)
    ]
    told = read(wanted, made)
    assert (told.verdict.code, told.verdict.arm) == ("worse", "warm")
    faster = read(wanted, [replace(one, seconds=70 - (one.seconds or 0)) for one in made])
    assert faster.verdict.code == "better"


def test_alike_when_the_interval_is_inside_what_matters():
    wanted = definition(least_effect=0.15)
    assert read(wanted, drafts(wanted, 5_000, SAME)).verdict.code == "alike"


def test_too_few_say_nothing():
    wanted = definition()
    told = read(wanted, drafts(wanted, 50, BETTER))
    assert told.verdict.code == "thin" and told.verdict.n > 1_000
    assert all(arm.thin for arm in told.arms) and told.contrasts[0].points == ()
    assert read(wanted, []).verdict.code == "thin"


def test_a_broken_ratio_hides_the_result():
    wanted = definition()
    made = drafts(wanted, 3_000, BETTER)
    lost = [one for n, one in enumerate(made) if one.arm == "control" or n % 4]
    told = read(wanted, lost)
    assert told.verdict.code == "broken" and told.broken == "assigned" and told.contrasts == ()
    assert told.guardrails == () and all(arm.mean is None for arm in told.arms)
    assert told.ratio_p < 0.0005


def test_decisions_that_are_missing_from_one_arm_hide_the_result_too():
    wanted = definition()
    made = [
        replace(one, verdict=None, decided_at=None) if one.arm == "warm" and n % 4 == 0 else one
        for n, one in enumerate(drafts(wanted, 3_000, BETTER))
    ]
    assert read(wanted, made).broken == "compared"


def test_an_outage_takes_the_same_hours_from_all_arms():
    """The cloud is down for some hours: what the control made then is not compared, and neither is the rest."""
    wanted = definition()
    first, last = 1_000 * 60.0, 1_360 * 60.0
    made = [
        replace(one, excluded=Excluded.FELL_OVER, verdict="rejected")
        if one.arm == "control" and first <= one.at <= last
        else one
        for one in drafts(wanted, 3_000, SAME)
    ]
    told = read(wanted, made)
    control, warm = told.arms
    assert control.fell_over > 150 and warm.fell_over == 0
    assert warm.left_out > 150 and not told.broken
    assert told.contrasts[0].last is not None
    assert told.contrasts[0].last.low < 0 < told.contrasts[0].last.high
    naive = read(wanted, [replace(one, excluded=None) for one in made])
    assert naive.contrasts[0].last is not None
    assert naive.contrasts[0].last.effect > told.contrasts[0].last.effect + 0.05


def test_a_ticket_counts_once_by_its_first_decision():
    wanted = definition()
    made = drafts(wanted, 400, SAME)
    again = [
        replace(one, at=one.at + 1e6, decided_at=(one.decided_at or 0) + 1e6, verdict="rejected")
        for one in made
    ]
    assert read(wanted, [*again, *made]).arms == read(wanted, [*made, *again]).arms
    assert sum(arm.compared for arm in read(wanted, [*made, *again]).arms) == 400


def test_asked_otherwise_is_counted_beside():
    wanted = definition()
    made = drafts(wanted, 200, SAME)
    made[0] = replace(made[0], excluded=Excluded.ASKED_OTHERWISE)
    told = read(wanted, made)
    assert sum(arm.otherwise for arm in told.arms) == 1 and sum(arm.compared for arm in told.arms) == 199


@pytest.mark.parametrize(
    ("guard", "more"),
    [
        ("reopened", {"reopened": True}),
        ("vetoed", {"vetoed": True}),
        ("cost_per_approved", {"cost_usd": 0.02}),
        ("p95_seconds", {"latency_seconds": 60.0}),
    ],
)
def test_harm_is_told_whatever_the_metric_says(guard, more):
    wanted = definition()
    made = [replace(one, **more) if one.arm == "warm" else one for one in drafts(wanted, 1_500, BETTER)]
    told = read(wanted, made)
    assert (told.verdict.code, told.verdict.arm, told.verdict.what) == ("harm", "warm", guard)
    assert [each.name for each in told.guardrails if each.harmed] == [guard]
    assert not any(each.harmed for each in read(wanted, drafts(wanted, 1_500, BETTER)).guardrails)


def test_a_machine_that_is_slow_for_both_arms_is_no_harm_of_one():
    wanted = definition()
    made = [replace(one, latency_seconds=60.0) for one in drafts(wanted, 1_500, SAME)]
    (slow,) = [each for each in read(wanted, made).guardrails if each.name == "p95_seconds"]
    assert slow.value == slow.control == 1.0 and not slow.harmed


def test_rejections_are_guarded_when_seconds_are_the_metric():
    wanted = definition(metric="seconds_to_decide", least_effect=10)
    told = read(wanted, drafts(wanted, 2_000, {"control": 0.8, "warm": 0.6}))
    assert (told.verdict.code, told.verdict.what) == ("harm", "rejected")


def test_a_guardrail_at_its_bound_is_no_alarm():
    """Two of a hundred more rejected, where five are allowed."""
    wanted = definition()
    for seed in range(10):
        made = drafts(wanted, 2_000, {"control": 0.80, "warm": 0.78}, seed=seed)
        assert not any(each.harmed for each in read(wanted, made).guardrails)


def test_what_was_known_before_takes_noise_away_and_leaves_the_effect():
    wanted = definition()
    made = drafts(wanted, 6_000, {"control": 0.70, "warm": 0.76}, noise_known=0.24)
    told = read(wanted, made)
    blind = read(wanted, [replace(one, expected=None) for one in made])
    last, wide = told.contrasts[0].last, blind.contrasts[0].last
    assert last is not None and wide is not None
    assert 0.15 < told.variance_cut < 0.45 and blind.variance_cut == 0
    assert last.high - last.low < 0.95 * (wide.high - wide.low)
    assert last.effect == pytest.approx(wide.effect, abs=0.02)


def test_three_arms_are_each_held_to_more():
    arms = [{"name": "control"}, {"name": "warm"}, {"name": "short"}]
    wanted = definition(arms=arms)
    made = drafts(wanted, 4_000, {"control": 0.7, "warm": 0.7, "short": 0.84})
    told = read(wanted, made)
    assert (told.verdict.code, told.verdict.arm) == ("better", "short")
    assert [each.arm for each in told.contrasts] == ["warm", "short"]


def test_drafts_of_arms_that_are_no_more_are_not_counted():
    wanted = definition()
    assert read(wanted, [Seen(arm="gone", ticket_id="1", at=0.0, verdict="approved")]).arms[0].tickets == 0


def test_outcomes():
    edited = Seen(
        arm="a", ticket_id="1", at=0.0, verdict="edited", changed=0.3, seconds=9_000.0, cost_usd=0.5
    )
    assert outcome(definition().metric, edited) == 1.0
    assert outcome(definition(metric="as_is").metric, edited) == 0.0
    assert outcome(definition(metric="as_is").metric, replace(edited, changed=0.01)) == 1.0
    assert outcome(definition(metric="seconds_to_decide", least_effect=5).metric, edited) == 1_800.0
    undecided = replace(edited, verdict=None)
    assert outcome(definition().metric, undecided) is None
    assert outcome(definition(metric="cost_usd").metric, undecided) == 0.5


def test_sums_are_what_a_list_would_say():
    dice = random.Random(1)
    pairs = [(dice.random(), dice.random()) for _ in range(50)]
    sums = Sums()
    for y, x in pairs:
        sums = sums.plus(y, x)
    ys, xs = [y for y, _ in pairs], [x for _, x in pairs]
    middle = sum(ys) / 50
    assert sums.variance == pytest.approx(sum((y - middle) ** 2 for y in ys) / 49)
    cov = sum((y - middle) * (x - sum(xs) / 50) for y, x in pairs) / 49
    assert sums.covariance == pytest.approx(cov)
    assert adjusting.theta([sums]) == pytest.approx(cov / sums.variance_of_x)


def test_approvals_without_exception_are_no_certainty():
    one = Sums(40, 40.0, 40.0)
    assert adjusting.difference(one, one).variance > 1e-4


def test_the_chance_only_falls_as_drafts_come_in():
    """What was once sure stays so: p is that of the most evidence at any look."""
    wanted = definition()
    made = drafts(wanted, 1_500, {"control": 0.72, "warm": 0.80}, seed=3, noise_known=0.1)
    told = [read(wanted, made[:n]).contrasts[0].p for n in range(100, 1_501, 100)]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(told))
    assert told[-1] < 0.2 < told[0]


def test_months_without_a_difference_seldom_alarm():
    """The whole reading, guardrails and ratio check included, on 60 weeks of 1,500 drafts."""
    wanted = definition()
    codes = [read(wanted, drafts(wanted, 1_500, SAME, seed=100 + run)).verdict.code for run in range(60)]
    assert sum(code != "unknown" for code in codes) <= 3
