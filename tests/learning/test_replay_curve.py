import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.learning.replay.curve import bootstrap, cascade, curve

WEAK = np.array([1.0, 0.0, 1.0, 0.0])
STRONG = np.array([1.0, 1.0, 1.0, 0.0])
SCORE = np.array([0.9, 0.1, 0.8, 0.2])

scores = st.lists(st.integers(0, 3), min_size=2, max_size=30)


def outcomes(draw_from: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random outcomes for so many rows, of which one at least is a gain."""
    draw = np.random.default_rng(seed)
    weak = draw.integers(0, 2, len(draw_from)).astype(float)
    strong = np.maximum(weak, draw.integers(0, 2, len(draw_from)))
    weak[0], strong[0] = 0.0, 1.0
    return weak, strong


def test_the_area_and_the_costs_by_hand():
    # Gains: only the second row, which is sent on first. PGR 0, 1, 1, 1, 1 at shares 0, 1/4 .. 1.
    found = curve(SCORE, WEAK, STRONG, cost_ratio=0.04, after_the_call=True)
    assert found.quality.tolist() == [0.5, 0.75, 0.75, 0.75, 0.75]
    assert found.apgr == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    kept = found.first_reaching(0.95 * 0.75)
    assert kept.strong_share == 0.25 and kept.quality == 0.75
    assert kept.cost == pytest.approx(0.04 + 0.25) and kept.saving == pytest.approx(0.71)


def test_before_the_call_the_weak_model_is_paid_only_where_it_answers():
    found = curve(SCORE, WEAK, STRONG, cost_ratio=0.04, after_the_call=False)
    assert found.at(1).cost == pytest.approx(0.25 + 0.04 * 0.75)
    assert found.at(0).cost == pytest.approx(0.04) and found.at(4).cost == pytest.approx(1.0)


def test_the_worst_order_closes_the_gap_last():
    found = curve(-SCORE, WEAK, STRONG, cost_ratio=0.0, after_the_call=True)
    assert found.quality.tolist() == [0.5, 0.5, 0.5, 0.5, 0.75]
    assert found.apgr == pytest.approx(0.5 / 4)


def test_a_quality_nobody_reaches_takes_every_row():
    found = curve(SCORE, WEAK, STRONG, cost_ratio=0.04, after_the_call=True)
    assert found.first_reaching(0.9).strong_share == 1.0
    assert found.first_reaching(0.9).saving == pytest.approx(-0.04)


def test_without_a_gap_there_is_no_area():
    assert np.isnan(curve(SCORE, STRONG, STRONG, cost_ratio=0.0, after_the_call=True).apgr)
    assert np.isnan(curve(SCORE, STRONG, WEAK, cost_ratio=0.0, after_the_call=True).apgr)


def test_skipped_rows_cost_one_call_and_go_first():
    skip = np.array([False, False, False, True])
    found = cascade(SCORE, skip, WEAK, STRONG, cost_ratio=0.1)
    assert found.quality.tolist() == [0.5, 0.5, 0.75, 0.75, 0.75]  # the skipped row gains nothing
    assert found.cost.tolist() == pytest.approx([0.1, 0.325, 0.575, 0.825, 1.075])


@given(scores, st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_every_curve_goes_from_the_weak_to_the_strong_model_and_never_costs_less(values, seed):
    weak, strong = outcomes(values, seed)
    for after in (True, False):
        found = curve(np.array(values, float), weak, strong, cost_ratio=0.04, after_the_call=after)
        assert found.quality[0] == pytest.approx(weak.mean())
        assert found.quality[-1] == pytest.approx(strong.mean())
        assert (np.diff(found.cost) > 0).all()
        assert (np.diff(found.quality) >= -1e-12).all()  # nobody loses by the strong model here


@given(scores, st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_is_nothing_ties_included(values, seed):
    weak, strong = outcomes(values, seed)
    score = np.array(values, float)
    turned = np.random.default_rng(seed).permutation(len(values))
    one = curve(score, weak, strong, cost_ratio=0.04, after_the_call=True)
    other = curve(score[turned], weak[turned], strong[turned], cost_ratio=0.04, after_the_call=True)
    assert one.apgr == pytest.approx(other.apgr)
    assert one.quality.tolist() == pytest.approx(other.quality.tolist())


@given(scores, st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_nobody_beats_who_knows_the_gains_and_lots_close_half(values, seed):
    weak, strong = outcomes(values, seed)
    known = curve(weak - strong, weak, strong, cost_ratio=0.04, after_the_call=True)
    mine = curve(np.array(values, float), weak, strong, cost_ratio=0.04, after_the_call=True)
    lots = curve(np.zeros(len(values)), weak, strong, cost_ratio=0.04, after_the_call=True)
    assert (known.quality >= mine.quality - 1e-12).all() and known.apgr >= mine.apgr - 1e-12
    assert lots.apgr == pytest.approx(0.5)


def test_lots_that_are_really_drawn_close_about_half():
    draw = np.random.default_rng(1)
    weak = draw.integers(0, 2, 4_000).astype(float)
    strong = np.maximum(weak, draw.integers(0, 2, 4_000))
    found = curve(draw.random(4_000), weak, strong, cost_ratio=0.0, after_the_call=False)
    assert found.apgr == pytest.approx(0.5, abs=0.03)


def test_intervals_hold_the_figure_and_draw_whole_groups():
    draw = np.random.default_rng(2)
    weak = draw.integers(0, 2, 300).astype(float)
    strong = np.maximum(weak, draw.integers(0, 2, 300))
    score = weak + draw.normal(0, 1, 300)
    figure = curve(score, weak, strong, cost_ratio=0.04, after_the_call=True)

    def spread(values, groups):
        return bootstrap(*values, groups, cost_ratio=0.04, after_the_call=True, times=200, seed=3)

    area, saved = spread((score, weak, strong), range(300))
    assert area.low < figure.apgr < area.high
    assert saved.low <= figure.first_reaching(0.95 * strong.mean()).saving <= saved.high
    assert spread((score, weak, strong), range(300))[0] == area  # by its seed
    # Every row three times over says no more than once, as long as the three are drawn together.
    thrice = tuple(np.repeat(values, 3) for values in (score, weak, strong))
    together, _ = spread(thrice, np.repeat(range(300), 3).tolist())
    apart, _ = spread(thrice, range(900))
    assert together.high - together.low == pytest.approx(area.high - area.low, rel=0.1)
    assert apart.high - apart.low < 0.75 * (area.high - area.low)
