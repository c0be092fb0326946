"""What a log of plans can say of other plans, and what it must not."""

import json
import random

import pytest

from ccos.domain.tier import Tier
from ccos.learning.experiments.off_policy import LEAST_EFFECTIVE, judge

GOOD = {"tier_0": 0.9, "tier_1": 0.7}


def log(n, *, share=0.2, good=GOOD, seed=0):
    """Plans that begin with the local tier, and with the cloud for a `share` of them."""
    dice, rows = random.Random(seed), []
    for _ in range(n):
        first = "tier_0" if dice.random() < share else "tier_1"
        chances = {"tier_0": share, "tier_1": 1 - share}
        rows.append(
            {
                "task": "solution_draft",
                "intent": dice.choice(("refund_status", "delivery_status")),
                "language": "ko",
                "first_tier": first,
                "propensity": chances[first],
                "eligible": {name: {"propensity": chance} for name, chance in chances.items()},
                "good": dice.random() < good[first],
            }
        )
    return rows


def of(judgement):
    return {each.tier: each for each in judgement.policies}


def test_what_was_explored_is_estimated_and_ranked():
    told = judge(log(4_000))
    assert told.as_logged == pytest.approx(0.74, abs=0.03)
    for tier in (Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX):
        found = of(told)[tier].estimate
        assert found is not None
        assert found.doubly_robust == pytest.approx(GOOD[tier.value], abs=0.04)
        assert found.snips == pytest.approx(GOOD[tier.value], abs=0.04)
    assert told.order == ((Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX),)
    json.dumps(told.document())


def test_tiers_that_are_alike_are_not_ranked():
    assert judge(log(4_000, good={"tier_0": 0.8, "tier_1": 0.8})).order == ()


def test_plans_that_never_varied_say_nothing_of_others():
    told = judge(log(2_000, share=0.0))
    assert {each.refused for each in told.policies} == {"deterministic"} and told.order == ()


def test_a_handful_of_decisions_is_not_enough():
    told = judge(log(2_000, share=0.02))
    assert of(told)[Tier.CLOUD_PREMIUM].refused == "too_few"
    assert of(told)[Tier.LOCAL_MINIMAX].refused is None and told.order == ()
    assert LEAST_EFFECTIVE > 2_000 * 0.02


@pytest.mark.parametrize("chance", [0, None])
def test_a_decision_without_its_chance_spoils_the_log(chance):
    rows = log(1_000)
    rows[17]["propensity"] = chance
    told = judge(rows)
    assert {each.refused for each in told.policies} == {"no_chance"} and told.order == ()


def test_a_tier_that_could_only_come_later_was_never_tried():
    rows = log(2_000)
    for row in rows:
        row["eligible"]["tier_3"] = {"propensity": 0.0}
    assert of(judge(rows))[Tier.RULE_BASED].refused == "never_tried"


def test_what_nobody_decided_is_no_part_of_it():
    rows = log(500)
    for row in rows[:100]:
        row["good"] = None
    assert judge(rows).decisions == 400
    empty = judge([])
    assert empty.decisions == 0 and empty.as_logged is None and empty.policies == ()
