import numpy as np
import pytest
from scipy import stats

from ccos.domain.tier import Task, Tier
from ccos.learning.certifying import (
    LEVELS,
    Rated,
    allowed,
    at_look,
    at_most,
    certificates,
    certify,
    least_labels,
    upper_bound,
)
from ccos.quality.promises import Promises


@pytest.mark.parametrize("bad, count", [(0, 1), (0, 30), (3, 30), (30, 31), (412, 1_900), (9_000, 60_000)])
@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.999])
def test_the_bound_is_the_inverse_of_the_beta_distribution(bad, count, confidence):
    expected = stats.beta.ppf(confidence, bad + 1, count - bad)
    assert upper_bound(bad, count, confidence) == pytest.approx(expected, rel=1e-9)


def test_nothing_is_known_when_all_are_bad():
    assert upper_bound(7, 7) == 1.0


@pytest.mark.parametrize(
    "k, n, p", [(0, 5, 0.3), (4, 5, 0.3), (5, 5, 0.3), (200, 1_000, 0.3), (2, 9, 0.0), (2, 9, 1.0)]
)
def test_binomial_tail(k, n, p):
    assert at_most(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.3, 0.4, 0.5])
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_what_is_allowed_is_what_the_bound_allows(alpha, confidence):
    found = allowed(3_000, alpha, confidence)
    for n in (1, 2, 5, 6, 7, 29, 30, 31, 500, 1_999, 3_000):
        ks = np.arange(n + 1)
        expected = int((stats.binom.cdf(ks, n, alpha) <= 1 - confidence + 1e-12).sum()) - 1
        assert found[n] == expected


def test_least_labels_of_the_usual_promises():
    assert [least_labels(r) for r in (0.6, 0.7, 0.8, 0.9)] == [5, 7, 11, 22]
    for required in LEVELS:
        n = least_labels(required)
        assert upper_bound(0, n) <= 1 - required < upper_bound(0, n - 1)


def test_as_many_labels_as_needed_certify_and_one_less_does_not():
    assert certify([0.9] * 22, [True] * 22, required=0.9, least=1).threshold == pytest.approx(0.9)
    assert certify([0.9] * 21, [True] * 21, required=0.9, least=1).threshold is None


def test_thirty_must_be_accepted_first():
    assert certify([0.9] * 29, [True] * 29, required=0.6).threshold is None
    found = certify([0.9] * 30, [True] * 30, required=0.6)
    assert (found.threshold, found.accepted, found.bad) == (pytest.approx(0.9), 30, 0)
    assert found.bound == pytest.approx(stats.beta.ppf(0.9, 1, 30))


def test_the_walk_ends_at_the_first_failure():
    """A stretch of bad answers ends it, though the share over all would be good enough again."""
    quality = np.linspace(1, 0.001, 400)
    good = np.ones(400, bool)
    good[40:80] = False
    found = certify(quality, good, required=0.8)
    assert found.accepted < 80
    assert upper_bound(40, 400) < 0.2  # all together would pass


def test_a_bad_start_certifies_nothing():
    good = np.ones(300, bool)
    good[:20] = False
    assert certify(np.linspace(1, 0.1, 300), good, required=0.7).threshold is None


def test_equal_qualities_are_accepted_together():
    quality = [0.9] * 40 + [0.5] * 100
    good = [True] * 40 + [True] * 50 + [False] * 50
    assert certify(quality, good, required=0.8).threshold == pytest.approx(0.9)
    for order in (np.arange(140), np.arange(140)[::-1]):
        found = certify(np.array(quality)[order], np.array(good)[order], required=0.8)
        assert (found.accepted, found.bad) == (40, 0)


def test_qualities_the_gate_cannot_tell_apart_are_equal():
    quality = [0.7] * 30 + [0.7 - 3e-10] * 30
    found = certify(quality, [True] * 30 + [False] * 30, required=0.6)
    assert found.threshold is None  # one group of 60 with half of them bad


def test_vetoed_answers_are_never_accepted():
    found = certify([0.8] * 50 + [-1.0] * 50, [True] * 50 + [False] * 50, required=0.8)
    assert (found.accepted, found.bad) == (50, 0)


def test_nothing_comes_of_nothing():
    assert certify([], [], required=0.7).threshold is None
    assert certify([-1.0] * 40, [True] * 40, required=0.7).threshold is None


@pytest.mark.parametrize("required, confidence", [(0.0, 0.9), (1.0, 0.9), (0.7, 0.0), (0.7, 1.0)])
def test_shares_lie_between_nothing_and_all(required, confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        certify([0.5], [True], required=required, confidence=confidence)


@pytest.mark.parametrize("required", [0.6, 0.7, 0.8])
def test_promises_of_independent_labels_are_kept_as_often_as_said_and_naive_ones_are_not(required):
    """The true share of good ones above t is (1 + t) / 2 where the chance of being good is the quality."""
    draw = np.random.default_rng(17)
    runs, broken, naive = 1_500, 0, 0
    for _ in range(runs):
        quality = draw.random(300)
        good = draw.random(300) < quality**2  # overconfident: nothing here relies on calibration
        found = certify(quality, good, required=required)
        broken += found.threshold is not None and _true_share(found.threshold) < required
        naive += _true_share(_best_on_sample(quality, good, required)) < required
    error = 3 * np.sqrt(0.1 * 0.9 / runs)
    assert broken / runs <= 0.1 + error
    assert broken > 0  # it is a risk, not certainty: the bound is not merely loose
    assert naive / runs > 0.4


def _true_share(threshold: float) -> float:
    return float((1 - threshold**3) / (3 * (1 - threshold))) if threshold < 1 else 1.0


def _best_on_sample(quality: np.ndarray, good: np.ndarray, required: float) -> float:
    order = np.argsort(-quality)
    shares = np.cumsum(good[order]) / np.arange(1, len(order) + 1)
    fits = np.flatnonzero(shares >= required)
    return float(quality[order][fits[-1]]) if len(fits) else 1.0


def test_the_sequence_does_not_look_at_labels():
    """Changing labels below where the walk ended cannot change what was found."""
    draw = np.random.default_rng(2)
    quality = draw.random(500)
    good = draw.random(500) < quality
    found = certify(quality, good, required=0.8)
    flipped = np.where(quality < found.threshold - 0.2, ~good, good)
    assert certify(quality, flipped, required=0.8) == found


def test_all_looks_together_keep_the_confidence():
    spent = [1 - at_look(look) for look in range(1, 2_000)]
    assert sum(spent) == pytest.approx(0.1, rel=1e-3) and sum(spent) < 0.1
    assert spent == sorted(spent, reverse=True)
    with pytest.raises(ValueError, match="from 1"):
        at_look(0)


def test_looking_again_and_again_breaks_the_promise_no_more_often():
    draw = np.random.default_rng(23)
    runs, broken = 400, 0
    for _ in range(runs):
        quality = draw.random(400)
        good = draw.random(400) < quality**2
        seen = (
            certify(quality[:n], good[:n], required=0.6, confidence=at_look(look)).threshold
            for look, n in enumerate(range(50, 401, 50), start=1)
        )
        broken += any(t is not None and _true_share(t) < 0.6 for t in seen)
    assert broken / runs <= 0.1 + 3 * np.sqrt(0.09 / runs)


def _rated(n: int, tier: Tier | None, task: Task = Task.SOLUTION_DRAFT) -> list[Rated]:
    return [Rated(task, tier, 1 - i / (2 * n), good=i % 15 != 0) for i in range(1, n + 1)]


def test_a_tier_has_its_own_certificates_from_two_hundred_labels_on():
    rated = _rated(200, Tier.LOCAL_MINIMAX) + _rated(199, Tier.LOCAL_TINYLLAMA) + _rated(50, None)
    found = certificates(rated, scorer="s", source="tenant")
    assert {(c.tier, c.labels) for c in found} == {(None, 449), (Tier.LOCAL_MINIMAX, 200)}
    assert [c.required for c in found if c.tier is None] == list(LEVELS)


def test_certificates_hold_their_evidence_and_speak_to_promises():
    found = certificates(
        _rated(300, None) + _rated(10, None, Task.KB_SYNTHESIS), scorer="s", source="shipped"
    )
    draft = {c.required: c for c in found if c.task is Task.SOLUTION_DRAFT}
    assert draft[0.8].threshold is not None and draft[0.95].threshold is None
    assert draft[0.8].risk_bound == pytest.approx(
        stats.beta.ppf(0.9, draft[0.8].bad + 1, draft[0.8].accepted - draft[0.8].bad)
    )
    assert all(c.threshold is None for c in found if c.task is Task.KB_SYNTHESIS)
    thresholds = [c.threshold for c in found if c.task is Task.SOLUTION_DRAFT and c.threshold is not None]
    assert thresholds == sorted(thresholds)
    promises = Promises(found)
    ask = {"scorer": "s", "task": Task.SOLUTION_DRAFT, "tier": None}
    assert promises.promise(None, quality=draft[0.8].threshold, **ask).kept >= 0.8
    assert promises.promise(None, quality=thresholds[0] - 0.01, **ask).kept == 0.0


def test_each_tested_threshold_accepts_five_per_cent_more_than_the_one_before():
    """All are good up to 40, bad from there: tested are 30, 32, 34 ... and the first with too many bad ends it."""
    good = np.arange(200) < 40
    found = certify(np.linspace(1, 0.1, 200), good, required=0.8)
    counts = {int(np.ceil(30 * 1.05**step - 1e-9)) for step in range(40)}
    assert found.accepted in counts and found.bad == found.accepted - 40
    following = min(count for count in counts if count > found.accepted)
    assert found.bound <= 0.2 < upper_bound(following - 40, following)


def test_a_dip_between_two_tested_thresholds_does_not_end_the_walk():
    """Tested are 37 and 39 accepted answers: what 38 of them would say is not asked."""
    good = np.ones(1_000, bool)
    good[27:38] = False
    limits = allowed(1_000, 0.4)
    assert limits[37] == 10 and limits[38] < 11 and limits[39] == 11
    assert certify(np.linspace(1, 0.1, 1_000), good, required=0.6).accepted > 900
    good[38] = False
    assert certify(np.linspace(1, 0.1, 1_000), good, required=0.6).accepted == 37


@pytest.mark.parametrize("required", LEVELS)
def test_good_answers_that_differ_in_quality_certify_every_promise_in_the_end(required):
    count = 400
    found = certify(np.linspace(0.5, 1.0, count), np.ones(count, dtype=bool), required=required)
    assert found.bad == 0
    assert found.accepted > count / 1.05


def test_one_bad_answer_among_the_best_does_not_end_the_walk_of_a_high_promise():
    qualities = np.linspace(1.0, 0.5, 400)
    good = np.ones(400, dtype=bool)
    good[3] = False
    for look in (1, 2, 3):
        found = certify(qualities, good, required=0.95, confidence=at_look(look))
        assert found.bad == 1
        assert found.accepted > 400 / 1.05


def test_a_promise_that_is_broken_is_certified_seldom_however_high_it_is():
    """Answers are good a little less often than promised, whatever their quality: one walk in ten may pass."""
    dice = np.random.default_rng(11)
    for required in (0.7, 0.9, 0.95):
        passed = 0
        for _ in range(300):
            good = dice.random(300) < required - 0.002
            passed += certify(dice.random(300), good, required=required).threshold is not None
        assert passed / 300 <= 0.15, required
