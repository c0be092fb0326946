import numpy as np
import pytest

from ccos.learning.replay.feasible import coverage, feasibility, gate_share


def test_the_bound_by_hand():
    # Half of the answers are bad, 0.3 may be: (0.5 - 0.3) / 0.7 must go on, and the weak call is paid as well.
    found = feasibility(0.5, 0.7, cost_ratio=0.05)
    assert found.escalation == pytest.approx(2 / 7)
    assert found.saving == pytest.approx(1 - 0.05 - 2 / 7)
    assert found.expected_saving == pytest.approx(0.9 * 5 / 7 - 0.05)


def test_how_good_the_cheap_tier_must_be_for_sixty_percent():
    # 60 % at a cost ratio of 0.05 needs 65 % kept: 0.65 * 0.7 of all tickets, and 1/0.9 of that in practice.
    found = feasibility(0.2, 0.7, cost_ratio=0.05)
    assert found.needed == pytest.approx(0.455) and found.needed_with_real_gate == pytest.approx(
        0.5056, abs=1e-4
    )
    assert feasibility(0.455, 0.7, cost_ratio=0.05).saving == pytest.approx(0.6)


def test_a_tier_that_is_good_enough_keeps_everything():
    assert coverage(0.7, 0.7) == 1.0 and coverage(0.9, 0.7) == 1.0
    assert feasibility(0.9, 0.7, cost_ratio=0.04).expected_saving == pytest.approx(0.96)
    assert feasibility(0.1, 0.0, cost_ratio=0.04).escalation == 0.0


@pytest.mark.parametrize(
    ("good", "wanted", "says"),
    [
        (0.9, 0.6, "is feasible: a good gate saves about 95%."),
        (0.5, 0.6, "feasible with a perfect gate only (at most 66%)"),
        (
            0.3,
            0.6,
            "not feasible: no gate saves more than 38%, until the cheap tier is good on 46% of the tickets.",
        ),
        (0.3, 0.97, "no cheap tier, however good, changes that"),
    ],
)
def test_one_sentence_says_what_can_be_had(good, wanted, says):
    sentence = feasibility(good, 0.7, cost_ratio=0.05, wanted=wanted).sentence
    assert says in sentence and sentence.endswith(".") and sentence.count(". ") == 0


def test_a_measured_gate_is_told_as_this_one():
    found = feasibility(0.5, 0.7, cost_ratio=0.05, gate=0.95)
    assert "this gate" not in feasibility(0.5, 0.7, cost_ratio=0.05).sentence
    assert "feasible: this gate saves about 63%" in found.sentence and found.measured_gate
    assert feasibility(0.5, 0.7, cost_ratio=0.05, gate=0.0).needed_with_real_gate is None


def test_the_share_of_a_perfect_gate_by_hand():
    good = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    # A perfect gate keeps 0.5 / 0.75 = 2/3. From the top: 1, 1, 2/3, 3/4 | 3/5, 1/2, so four of six are kept.
    assert gate_share(np.array([6.0, 5, 4, 3, 2, 1]), good, 0.75) == pytest.approx(1.0)
    assert gate_share(np.array([6.0, 5, 4, 2, 2, 1]), good, 0.75) == pytest.approx(0.5)  # a tie is kept whole
    assert gate_share(-np.array([6.0, 5, 4, 3, 2, 1]), good, 0.75) == 0.0
    assert gate_share(np.ones(6), np.zeros(6), 0.75) is None


@pytest.mark.parametrize("given", [(1.1, 0.7), (-0.1, 0.7), (0.5, 1.0)])
def test_no_rate_beyond_its_range(given):
    with pytest.raises(ValueError, match="between 0 and 1"):
        feasibility(*given, cost_ratio=0.04)
