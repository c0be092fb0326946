import math

import numpy as np
import pytest

from ccos.domain.tier import Tier
from ccos.learning.replay.decisions import log_from_decisions, outcomes_from_decisions
from ccos.learning.replay.off_policy import Logged, better, estimate

CLOUD, LOCAL = Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX
GOOD = {("easy", LOCAL): 0.85, ("hard", LOCAL): 0.3, ("easy", CLOUD): 0.9, ("hard", CLOUD): 0.8}


def always(tier):
    return lambda row: {tier: 1.0}


def by_cell(row):
    return {LOCAL if row.cell == "easy" else CLOUD: 1.0}


def world(count, seed, explore=0.2):
    """Decisions of a policy that is greedy by cell and tries the other tier now and then."""
    draw = np.random.default_rng(seed)
    log = []
    for _ in range(count):
        cell = "easy" if draw.random() < 0.5 else "hard"
        greedy = LOCAL if cell == "easy" else CLOUD
        chances = {tier: explore / 2 + (1 - explore) * (tier is greedy) for tier in (CLOUD, LOCAL)}
        chosen = CLOUD if draw.random() < chances[CLOUD] else LOCAL
        log.append(Logged(cell, chosen, chances, float(draw.random() < GOOD[cell, chosen])))
    return log


def test_two_decisions_by_hand():
    log = [
        Logged("a", LOCAL, {LOCAL: 0.5, CLOUD: 0.5}, 1.0),
        Logged("a", CLOUD, {LOCAL: 0.5, CLOUD: 0.5}, 0.0),
    ]
    found = estimate(log, always(LOCAL))
    # Weights 2 and 0; the mean reward of the local tier is 1 wherever it was taken.
    assert found.ips == 1.0 and found.snips == 1.0 and found.effective == 1.0
    assert found.doubly_robust == pytest.approx(1.0) and found.decisions == 2


def test_the_truth_is_found_where_the_plain_mean_is_wrong():
    truth = (GOOD["easy", LOCAL] + GOOD["hard", LOCAL]) / 2
    log = world(20_000, seed=1)
    matching = np.mean([row.reward for row in log if row.chosen is LOCAL])
    assert matching > truth + 0.15  # the log took the local tier mostly where it is good
    found = estimate(log, always(LOCAL))
    for value in (found.ips, found.snips, found.doubly_robust):
        assert value == pytest.approx(truth, abs=0.05)
    assert abs(found.doubly_robust - truth) < 3 * found.deviation
    assert found.effective < 0.5 * found.decisions


def test_over_many_logs_doubly_robust_is_unbiased_and_its_deviation_true():
    truth = (GOOD["easy", CLOUD] + GOOD["hard", CLOUD]) / 2
    found = [estimate(world(500, seed), always(CLOUD)) for seed in range(60)]
    errors = np.array([each.doubly_robust - truth for each in found])
    assert abs(errors.mean()) < 3 * errors.std() / math.sqrt(60)
    assert np.mean([each.deviation for each in found]) == pytest.approx(errors.std(), rel=0.35)
    assert errors.std() < np.std([each.ips for each in found])


def test_the_logs_own_policy_needs_no_weights():
    log = world(500, seed=4)
    found = estimate(log, lambda row: row.chances)
    assert found.effective == pytest.approx(500)
    assert found.ips == pytest.approx(np.mean([row.reward for row in log]))
    assert found.snips == pytest.approx(found.ips)


def test_a_weight_is_cut_at_twenty():
    log = [Logged("a", LOCAL, {LOCAL: 0.001, CLOUD: 0.999}, 1.0)] + [
        Logged("a", CLOUD, {LOCAL: 0.001, CLOUD: 0.999}, 0.0) for _ in range(99)
    ]
    assert estimate(log, always(LOCAL)).ips == pytest.approx(20 / 100)


def test_policies_too_near_are_not_ranked_and_distant_ones_are():
    log = world(4_000, seed=5)
    assert better(log, by_cell, always(LOCAL)) is True
    assert better(log, always(LOCAL), by_cell) is False
    assert better(log[:30], always(CLOUD), by_cell) is None
    assert better(log, by_cell, by_cell) is None


def test_what_was_never_tried_is_worth_what_nobody_knows():
    found = estimate([Logged("a", CLOUD, {CLOUD: 1.0}, 1.0)] * 5, always(LOCAL))
    assert math.isnan(found.snips) and found.effective == 0.0 and found.doubly_robust == pytest.approx(0.5)


@pytest.mark.parametrize("log", [[], [Logged("a", LOCAL, {CLOUD: 1.0}, 1.0)]])
def test_a_log_without_chances_is_refused(log):
    with pytest.raises(ValueError):
        estimate(log, always(LOCAL))


def decision(draft, tier, good, **more):
    return {
        "draft_id": draft,
        "task": "solution_draft",
        "intent": "refund",
        "language": "ko",
        "first_tier": tier,
        "tier": tier,
        "propensity": 0.9,
        "eligible": {"tier_0": {"propensity": 0.1}, "tier_1": {"propensity": 0.9}},
        "cost_micro_usd": {"tier_0": 5_000, "tier_1": 100}[tier],
        "good": good,
        **more,
    }


def test_shadow_runs_become_outcomes():
    rows = [
        decision("d1", "tier_1", False),
        decision("d1", "tier_0", True),
        decision("d2", "tier_1", True),  # nobody knows what the cloud would have said
        decision("d3", "tier_1", True),
        decision("d3", "tier_0", None),  # nobody decided on it
        decision("d1", "tier_0", True, task="kb_synthesis"),
    ]
    (found,) = outcomes_from_decisions(rows)
    assert (found.weak, found.strong, found.group, found.domain("domain")) == (0.0, 1.0, "d1", "refund")
    assert found.columns["weak_cost"] == 100 and found.columns["strong_cost"] == 5_000


def test_logged_decisions_keep_their_chances():
    log = log_from_decisions([decision("d1", "tier_1", True), decision("d2", "tier_0", None)])
    (row,) = log
    assert row == Logged("solution_draft/refund/ko", LOCAL, {CLOUD: 0.1, LOCAL: 0.9}, 1.0)
