"""Sample ratios, and what is left out of all arms alike."""

import math
import random

from ccos.learning.experiments.checking import BROKEN_BELOW, left_out, ratio_evidence

HALVES = (0.5, 0.5)
BROKEN = math.log(1 / BROKEN_BELOW)


def test_a_ratio_as_expected_speaks_for_itself():
    assert ratio_evidence((5_000, 5_010), HALVES) < 0
    assert ratio_evidence((7_500, 2_490), (0.75, 0.25)) < 0


def test_a_broken_ratio_is_found():
    assert ratio_evidence((5_500, 4_500), HALVES) > BROKEN
    assert ratio_evidence((5_000, 5_000), (0.75, 0.25)) > BROKEN
    assert ratio_evidence((4_000, 3_000, 3_000), (1 / 3, 1 / 3, 1 / 3)) > BROKEN


def test_few_drafts_prove_nothing():
    assert ratio_evidence((0, 0), HALVES) == 0
    assert ratio_evidence((7, 1), HALVES) < BROKEN


def test_being_watched_alarms_no_more_often_than_promised():
    """At a level at which 300 runs can show it."""
    dice, alarms = random.Random(5), 0
    for _ in range(300):
        counts = [0, 0]
        for _ in range(1_000):
            counts[dice.random() < 0.5] += 1
            if ratio_evidence(counts, HALVES) > math.log(20):
                alarms += 1
                break
    assert alarms <= 15


def test_all_arms_lose_the_time_around_a_fall():
    times = [0.0, 200.0, 400.0, 699.0, 701.0, 2_000.0]
    fell = [False, False, True, False, False, False]
    assert left_out(times, fell) == [False, True, True, True, False, False]


def test_nothing_is_left_out_where_nothing_fell():
    assert left_out([0.0, 1.0], [False, False]) == [False, False]
    assert left_out([], []) == []
