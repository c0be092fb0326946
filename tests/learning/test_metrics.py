import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as theirs

from ccos.learning import metrics


def _sample(seed: int, n: int = 400, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    quality = draw.random(n)
    if ties:
        quality = np.round(quality, 1)
    return quality, draw.random(n) < quality


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_ranking_measures_agree_with_scikit_learn(seed, ties):
    quality, good = _sample(seed, ties=ties)
    assert metrics.auroc(quality, good) == pytest.approx(theirs.roc_auc_score(good, quality))
    assert metrics.average_precision(quality, good) == pytest.approx(
        theirs.average_precision_score(good, quality)
    )
    assert metrics.brier(quality, good) == pytest.approx(theirs.brier_score_loss(good, quality))


def test_auroc_of_hand_counted_pairs():
    # good: .9 .5; bad: .5 .1; pairs: won, won, tied, won
    assert metrics.auroc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]) == pytest.approx(3.5 / 4)


def test_a_score_that_says_nothing_is_a_coin():
    assert metrics.auroc([0.3] * 6, [1, 0, 1, 0, 1, 0]) == 0.5


def test_one_class_or_nothing_has_no_auroc_but_may_have_the_rest():
    assert metrics.auroc([0.2, 0.8], [1, 1]) is None
    assert metrics.auroc([], []) is None
    assert metrics.average_precision([0.2, 0.8], [0, 0]) is None
    assert metrics.brier([], []) is None
    assert metrics.calibration_error([], []) is None
    assert metrics.brier([0.5, 0.5], [1, 1]) == 0.25


def test_calibration_error_by_hand():
    # two bins of width: mean .1, none good; mean .9, half good
    quality, good = [0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0]
    assert metrics.calibration_error(quality, good, bins=2) == pytest.approx(0.5 * 0.1 + 0.5 * 0.4)


def test_errors_of_opposite_sign_in_one_bin_cancel_and_in_two_do_not():
    quality, good = [0.05, 0.55], [1, 0]
    assert metrics.calibration_error(quality, good, bins=1) == pytest.approx(0.2)
    assert metrics.calibration_error(quality, good, bins=2) == pytest.approx((0.95 + 0.55) / 2)


def test_bins_of_equal_mass_hold_as_many_each():
    quality = np.linspace(0.90, 0.99, 60)
    by_mass = metrics.reliability(quality, np.ones(60), bins=6, by="mass")
    assert [each.count for each in by_mass] == [10] * 6
    assert len(metrics.reliability(quality, np.ones(60), bins=6)) == 1
    assert metrics.calibration_error([0.4] * 8, [1, 0] * 4, by="mass") == pytest.approx(0.1)


def test_a_quality_of_one_belongs_to_the_last_bin():
    (only,) = metrics.reliability([1.0, 0.95], [1, 0])
    assert (only.low, only.high, only.count) == (pytest.approx(14 / 15), 1.0, 2)


@pytest.mark.parametrize("hits, count", [(0, 7), (3, 7), (7, 7), (411, 500)])
def test_wilson_agrees_with_scipy(hits, count):
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    found = metrics.wilson(hits, count)
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high))


def test_spearman_agrees_with_scipy_under_ties():
    draw = np.random.default_rng(3)
    one, other = draw.integers(0, 9, 200), draw.integers(0, 9, 200)
    assert metrics.spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert metrics.spearman([1, 1, 1], [1, 2, 3]) is None
    assert metrics.spearman([1, 2, 3], [10, 20, 40]) == pytest.approx(1.0)


def test_the_interval_of_auroc_is_about_as_wide_as_theory_says():
    quality, good = _sample(11, n=1_000, ties=False)
    area = metrics.auroc(quality, good)
    found = metrics.auroc_interval(quality, good, range(1_000))
    up, down = good.sum(), (~good).sum()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)  # Hanley and McNeil (1982)
    se = np.sqrt((area * (1 - area) + (up - 1) * (q1 - area**2) + (down - 1) * (q2 - area**2)) / (up * down))
    assert found.low < area < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * se, rel=0.2)


def test_whole_groups_are_drawn():
    quality, good = _sample(5, n=200, ties=False)
    alone = metrics.auroc_interval(quality, good, range(200))
    repeated = metrics.auroc_interval(np.tile(quality, 9), np.tile(good, 9), list(range(200)) * 9)
    loose = metrics.auroc_interval(np.tile(quality, 9), np.tile(good, 9), range(1800))
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert loose.high - loose.low < 0.5 * (repeated.high - repeated.low)


def test_an_interval_is_the_same_for_the_same_seed_and_in_pieces(monkeypatch):
    quality, good = _sample(7, n=120)
    whole = metrics.auroc_interval(quality, good, range(120), resamples=300, seed=4)
    monkeypatch.setattr(metrics, "ROOM", 120 * 7)
    assert metrics.auroc_interval(quality, good, range(120), resamples=300, seed=4) == whole
    assert metrics.auroc_interval(quality, good, range(120), resamples=300, seed=5) != whole


def test_no_interval_where_nothing_can_be_drawn():
    assert metrics.auroc_interval([0.1, 0.9], [0, 1], ["a", "a"]) is None
    assert metrics.auroc_interval([0.1, 0.9], [1, 1], ["a", "b"]) is None
    assert metrics.calibration_interval([], [], []) is None


def test_the_interval_of_a_calibration_error_holds_the_error_and_reaches_far_below_it():
    quality, good = _sample(13, n=500, ties=False)  # perfectly calibrated by construction
    error = metrics.calibration_error(quality, good)
    found = metrics.calibration_interval(quality, good, range(500))
    assert found.low <= error <= found.high
    assert found.low < error / 2  # most of the error of so few labels is chance


def test_labels_must_fit_scores():
    with pytest.raises(ValueError, match="one label for each"):
        metrics.auroc([0.1, 0.2], [1])
