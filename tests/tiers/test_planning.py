import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.tier import Mode, Tier
from ccos.tiers.planning import Outlook, make_plan

CLOUD = Outlook(Tier.CLOUD_PREMIUM, 0.9, 4_000, 3.5)
LOCAL = Outlook(Tier.LOCAL_MINIMAX, 0.7, 100, 6.0)
TINY = Outlook(Tier.LOCAL_TINYLLAMA, 0.5, 20, 1.0)
RULES = Outlook(Tier.RULE_BASED, 0.3, 0, 0.01)
ALL = (CLOUD, LOCAL, TINY, RULES)


def plan(mode, outlooks=ALL, required=0.7, seconds=60.0, max_calls=3):
    return make_plan(mode, outlooks, required_quality=required, seconds=seconds, max_calls=max_calls)


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
