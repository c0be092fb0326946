from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.money import Level
from ccos.domain.tier import Mode, Tier
from ccos.tiers.planning import Learnt, Outlook, Refused, make_plan, replan

CLOUD = Outlook(Tier.CLOUD_PREMIUM, 0.9, 4_000, 3.5)
LOCAL = Outlook(Tier.LOCAL_MINIMAX, 0.7, 100, 6.0)
TINY = Outlook(Tier.LOCAL_TINYLLAMA, 0.5, 20, 1.0)
RULES = Outlook(Tier.RULE_BASED, 0.3, 0, 0.01)
ALL = (CLOUD, LOCAL, TINY, RULES)


def plan(mode, outlooks=ALL, required=0.7, seconds=60.0, max_calls=3, **more):
    return make_plan(mode, outlooks, required_quality=required, seconds=seconds, max_calls=max_calls, **more)


@pytest.mark.parametrize(
    ("mode", "required", "tiers"),
    [
        (Mode.COST_FIRST, 0.7, "1 0 2 3"),
        (Mode.COST_FIRST, 0.5, "2 1 0 3"),
        (Mode.COST_FIRST, 0.8, "0 1 2 3"),
        (Mode.COST_FIRST, 0.3, "3 2 1 0"),
        (Mode.QUALITY_FIRST, 0.7, "0 1 2 3"),
        (Mode.LATENCY_FIRST, 0.7, "0 1 2 3"),
        (Mode.LATENCY_FIRST, 0.5, "2 0 1 3"),
    ],
)
def test_the_mode_gives_the_order(mode, required, tiers):
    assert [str(t.rank) for t in plan(mode, required=required).tiers] == tiers.split()


def test_an_outage_plans_local_tiers_strongest_first():
    local = plan(Mode.OUTAGE, (LOCAL, TINY, RULES))
    assert local.tiers == (Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA, Tier.RULE_BASED)


def test_nothing_good_enough_starts_with_the_strongest():
    assert plan(Mode.COST_FIRST, (TINY, RULES), required=0.8).tiers == (Tier.LOCAL_TINYLLAMA, Tier.RULE_BASED)


def test_a_slow_tier_is_left_out_when_the_time_is_short():
    hurried = plan(Mode.QUALITY_FIRST, (LOCAL, TINY, RULES), seconds=2.0)
    assert hurried.tiers == (Tier.LOCAL_TINYLLAMA, Tier.RULE_BASED)


def test_calls_are_bounded_and_the_rules_do_not_count():
    assert plan(Mode.QUALITY_FIRST, max_calls=1).tiers == (Tier.CLOUD_PREMIUM, Tier.RULE_BASED)
    assert plan(Mode.QUALITY_FIRST, max_calls=0).tiers == (Tier.RULE_BASED,)


def test_expectations_follow_the_cascade_formula():
    two = plan(Mode.QUALITY_FIRST, (CLOUD, RULES))
    assert two.success == pytest.approx(0.9 + 0.1 * 0.3)
    assert two.cost_micro_usd == pytest.approx(4_000)
    assert two.seconds == pytest.approx(3.5 + 0.1 * 0.01)


def test_without_any_tier_there_is_no_plan():
    assert plan(Mode.COST_FIRST, ()).tiers == ()


outlook_sets = st.lists(
    st.builds(
        Outlook,
        st.sampled_from([Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA]),
        st.floats(0, 1),
        st.integers(0, 10_000),
        st.floats(0, 60),
    ),
    unique_by=lambda o: o.tier,
    max_size=3,
)


@given(outlook_sets, st.sampled_from(Mode), st.floats(0, 1), st.floats(0.1, 60))
def test_every_plan_has_each_tier_once_and_always_the_rules(outlooks, mode, required, seconds):
    made = plan(mode, [*outlooks, RULES], required=required, seconds=seconds)
    assert len(set(made.tiers)) == len(made.tiers)
    assert Tier.RULE_BASED in made.tiers


# --- quality people see, thin evidence, money, trying out ---


def ranks(made):
    return " ".join(str(tier.rank) for tier in made.tiers)


def test_expected_quality_counts_what_people_make_of_accepted_answers():
    two = plan(Mode.QUALITY_FIRST, (replace(CLOUD, good=0.8), replace(RULES, good=0.5)))
    assert two.success == pytest.approx(0.9 + 0.1 * 0.3)
    assert two.quality == pytest.approx(0.9 * 0.8 + 0.1 * 0.3 * 0.5)


def test_a_tier_whose_accepted_answers_people_reject_no_longer_goes_first():
    disliked = (CLOUD, replace(LOCAL, good=0.4), TINY, RULES)
    assert ranks(plan(Mode.COST_FIRST, ALL)).startswith("1")
    assert ranks(plan(Mode.COST_FIRST, disliked)).startswith("0")


def test_a_tier_that_spoils_what_a_better_one_would_have_made_is_left_out():
    spoiler = replace(LOCAL, capability=0.99, good=0.35)
    made = plan(Mode.COST_FIRST, (replace(CLOUD, good=0.99), spoiler, RULES), required=0.35)
    assert ranks(made) == "0 3"
    harmless = plan(Mode.COST_FIRST, (replace(CLOUD, good=0.99), LOCAL, RULES), required=0.35)
    assert ranks(harmless) == "1 0 3"


def test_thin_evidence_lowers_all_alike_and_is_no_reason_to_begin_with_the_dearest():
    thin = (
        replace(CLOUD, capability=0.72, usual=0.9),
        replace(LOCAL, capability=0.4, usual=0.7),
        replace(TINY, capability=0.2, usual=0.5),
        RULES,
    )
    naive = tuple(replace(o, usual=None) for o in thin)
    assert ranks(plan(Mode.COST_FIRST, naive)).startswith("0")
    assert ranks(plan(Mode.COST_FIRST, thin)).startswith("1")


def test_dear_money_leaves_out_the_cloud_that_adds_little():
    dear = replace(CLOUD, cost_micro_usd=100_000)
    assert ranks(plan(Mode.COST_FIRST, (dear, LOCAL, RULES))) == "1 0 3"
    assert ranks(plan(Mode.COST_FIRST, (dear, LOCAL, RULES), level=Level.COST_FIRST)) == "1 3"


def test_the_tier_to_learn_of_goes_first_and_the_rest_follow_in_order():
    assert ranks(plan(Mode.COST_FIRST, first=Tier.LOCAL_TINYLLAMA)) == "2 1 0 3"
    assert ranks(plan(Mode.COST_FIRST, first=Tier.CLOUD_PREMIUM)) == "0 1 2 3"
    assert ranks(plan(Mode.COST_FIRST, first=Tier.CLOUD_PREMIUM, max_calls=1)) == "0 3"


# --- again, with what was learnt ---


def again(asked, refused=(), calls_left=2, seconds_left=60.0, missing=False, mode=Mode.COST_FIRST, **more):
    learnt = Learnt(tuple(asked), tuple(refused), calls_left, seconds_left, missing)
    return replan(mode, more.pop("outlooks", ALL), learnt, required_quality=0.7, **more)


def test_what_was_asked_is_not_asked_again_and_the_order_stays():
    assert ranks(again([Tier.LOCAL_MINIMAX])) == "0 2 3"
    assert ranks(again([Tier.LOCAL_MINIMAX, Tier.CLOUD_PREMIUM], calls_left=1)) == "2 3"


def test_missing_evidence_leaves_the_rules():
    assert ranks(again([Tier.LOCAL_MINIMAX], missing=True)) == "3"


def test_after_the_last_call_there_are_the_rules():
    assert ranks(again([Tier.LOCAL_MINIMAX], calls_left=0)) == "3"
    assert ranks(again([Tier.LOCAL_MINIMAX], calls_left=-1)) == "3"
    assert ranks(again([Tier.LOCAL_MINIMAX], calls_left=1)) == "0 3"


def test_what_is_too_slow_for_the_time_that_is_left_is_left_out():
    assert ranks(again([Tier.CLOUD_PREMIUM], seconds_left=3.0, mode=Mode.QUALITY_FIRST)) == "2 3"


def test_a_near_miss_says_little_and_a_far_one_that_the_ticket_is_hard():
    failed = again([Tier.LOCAL_MINIMAX])
    near = again([Tier.LOCAL_MINIMAX], [Refused(Tier.LOCAL_MINIMAX, 0.69)])
    far = again([Tier.LOCAL_MINIMAX], [Refused(Tier.LOCAL_MINIMAX, 0.05)])
    assert failed.success == pytest.approx(again([Tier.LOCAL_MINIMAX], calls_left=2).success)
    assert far.success < near.success - 0.02 < failed.success
    assert near.success == pytest.approx(failed.success, abs=0.01)


def test_a_veto_tells_of_no_hardness():
    vetoed = again([Tier.LOCAL_MINIMAX], [Refused(Tier.LOCAL_MINIMAX, None)])
    assert vetoed.success == again([Tier.LOCAL_MINIMAX]).success


def test_a_hard_ticket_is_not_taken_to_a_cloud_that_is_dear_for_what_it_may_add():
    dear = replace(CLOUD, cost_micro_usd=230_000)
    near, far = (
        again([Tier.LOCAL_MINIMAX], [Refused(Tier.LOCAL_MINIMAX, q)], outlooks=(dear, LOCAL, RULES))
        for q in (0.69, 0.0)
    )
    assert (ranks(near), ranks(far)) == ("0 3", "3")


def test_the_money_of_now_counts_and_not_that_of_the_beginning():
    dear = replace(CLOUD, cost_micro_usd=100_000)
    outlooks = (dear, LOCAL, RULES)
    assert ranks(again([Tier.LOCAL_MINIMAX], outlooks=outlooks)) == "0 3"
    assert ranks(again([Tier.LOCAL_MINIMAX], outlooks=outlooks, level=Level.COST_FIRST)) == "3"


def test_a_plan_made_again_says_after_what():
    assert again([Tier.LOCAL_MINIMAX]).why == "cost_first: tier_0 -> tier_2 -> tier_3, after tier_1"


def test_when_nothing_is_left_there_is_no_plan():
    assert again(list(Tier)).tiers == ()


@given(
    outlook_sets,
    st.sampled_from(Mode),
    st.sets(st.sampled_from([Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA])),
    st.integers(-1, 3),
    st.floats(0, 60),
    st.booleans(),
    st.sampled_from(Level),
    st.one_of(st.none(), st.floats(0, 1)),
)
def test_every_plan_made_again_keeps_the_bounds(
    outlooks, mode, asked, calls, seconds, missing, level, quality
):
    refused = [Refused(tier, quality) for tier in asked]
    made = again(asked, refused, calls, seconds, missing, mode, outlooks=[*outlooks, RULES], level=level)
    models = [tier for tier in made.tiers if tier is not Tier.RULE_BASED]
    assert Tier.RULE_BASED in made.tiers and len(set(made.tiers)) == len(made.tiers)
    assert not set(models) & asked and len(models) <= max(calls, 0)
    assert not (missing and models)
