"""The mixture test: its interval and its evidence agree, and being watched does not fool it."""

import math
import random

import pytest

from ccos.learning.experiments.sequential import (
    LEAST,
    Difference,
    log_evidence,
    log_harm,
    p_value,
    reach,
    wanted,
)


@pytest.mark.parametrize("variance", [1e-5, 1e-3, 0.02])
@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_zero_leaves_the_interval_just_when_the_evidence_reaches_one_over_alpha(variance, spread):
    edge = reach(variance, spread=spread, alpha=0.05)
    inside = log_evidence(Difference(edge * 0.999, variance), spread=spread)
    outside = log_evidence(Difference(edge * 1.001, variance), spread=spread)
    assert inside < math.log(20) < outside


def test_the_evidence_is_the_mixture_over_effects():
    """Against the integral it stands for, summed by hand."""
    found, spread = Difference(0.04, 0.0004), 0.05
    step = 1e-4
    whole = sum(
        math.exp(-((at / spread) ** 2) / 2)
        / (spread * math.sqrt(2 * math.pi))
        * math.exp((at * found.effect - at * at / 2) / found.variance)
        * step
        for at in (n * step for n in range(-5_000, 5_001))
    )
    assert log_evidence(found, spread=spread) == pytest.approx(math.log(whole), rel=1e-6)
    half = sum(
        2
        * math.exp(-((at / spread) ** 2) / 2)
        / (spread * math.sqrt(2 * math.pi))
        * math.exp((at * found.effect - at * at / 2) / found.variance)
        * step
        for at in (n * step for n in range(5_001))
    )
    assert log_harm(found, spread=spread) == pytest.approx(math.log(half), rel=2e-2)


def test_harm_is_one_sided():
    assert log_harm(Difference(0.1, 0.0004), spread=0.05) > math.log(20)
    assert log_harm(Difference(-0.1, 0.0004), spread=0.05) < 0
    assert (
        log_harm(Difference(-0.1, 1e-7), spread=0.05) < 0
    )  # where the share of the normal is no float any more


def test_nothing_is_known_of_nothing():
    assert log_evidence(Difference(0.3, 0.0), spread=0.05) == 0
    assert log_harm(Difference(0.3, 0.0), spread=0.05) == 0
    assert reach(0.0, spread=0.05, alpha=0.05) == math.inf
    assert p_value(-3.0) == 1.0 and p_value(800.0) < 1e-300


def fooled(share: float, *, runs: int, n: int, seed: int) -> float:
    """The share of runs without any difference in which someone who looks after every 10 sees one."""
    dice = random.Random(seed)
    alarms = 0
    for _ in range(runs):
        good, count = [0, 0], [0, 0]
        for at in range(n):
            arm = dice.random() < 0.5
            count[arm] += 1
            good[arm] += dice.random() < share
            if at % 10 == 0 and min(count) >= LEAST:
                means = [(hits + 1) / (seen + 2) for hits, seen in zip(good, count, strict=True)]
                variance = sum(m * (1 - m) / c for m, c in zip(means, count, strict=True))
                found = Difference(good[1] / count[1] - good[0] / count[0], variance)
                if log_evidence(found, spread=0.05) >= math.log(20):
                    alarms += 1
                    break
    return alarms / runs


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_who_looks_all_the_time_is_fooled_seldom(share):
    assert fooled(share, runs=150, n=2_000, seed=3) <= 0.05


def test_smaller_effects_and_more_noise_want_more_drafts():
    parts = (0.5, 0.5)
    at_five = wanted((0.16, 0.16), parts, effect=0.05, alpha=0.05)
    assert 1_500 < at_five < 8_000
    assert wanted((0.16, 0.16), parts, effect=0.10, alpha=0.05) < at_five / 3
    assert wanted((0.08, 0.08), parts, effect=0.05, alpha=0.05) < 0.7 * at_five
    assert wanted((0.16, 0.16), (0.9, 0.1), effect=0.05, alpha=0.05) > 2 * at_five
    assert wanted((0.0, 0.0), parts, effect=0.05, alpha=0.05) == 0
