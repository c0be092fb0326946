import numpy as np
import pytest

from ccos.learning.resampling import try_promise


def _labels(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    quality = draw.random(n)
    return quality, draw.random(n) < quality


@pytest.mark.parametrize("required", [0.6, 0.7, 0.8])
def test_promises_on_few_labels_hold_on_many_others(required):
    quality, good = _labels(6_000)
    found = try_promise(quality, good, range(6_000), required=required, labels=300)
    assert found.labels == 300
    assert found.broken_interval.low <= 0.1  # 200 tries cannot tell .12 from .10
    assert found.broken <= 0.16
    assert 0 < found.coverage < 2 * (1 - required)
    assert found.good > required


def test_the_same_seed_gives_the_same_and_another_does_not():
    quality, good = _labels(800)
    first = try_promise(quality, good, range(800), required=0.7, resamplings=50)
    assert first == try_promise(quality, good, range(800), required=0.7, resamplings=50)
    assert first != try_promise(quality, good, range(800), required=0.7, resamplings=50, seed=1)
    assert first.labels == 400


def test_whole_groups_go_to_one_part():
    """Copies of one answer in both parts would make a promise look kept that says nothing of others."""
    quality, good = np.ones(400), np.repeat(np.arange(40) % 2 == 0, 10)
    grouped = try_promise(quality, good, np.repeat(np.arange(40), 10).tolist(), required=0.5, labels=15)
    assert grouped.labels == 20
    uneven = try_promise([0.5] * 10, [True] * 10, ["a"] * 9 + ["b"], required=0.5)
    assert 1 <= uneven.labels <= 9


def test_a_promise_nothing_certifies_is_not_broken_but_accepts_nothing():
    quality, _ = _labels(300)
    found = try_promise(quality, np.zeros(300, bool), range(300), required=0.6)
    assert (found.certified, found.coverage, found.broken, found.good) == (0.0, 0.0, 0.0, None)


def test_vetoed_answers_count_as_not_covered():
    found = try_promise([0.9] * 200 + [-1.0] * 200, [True] * 200 + [False] * 200, range(400), required=0.8)
    assert found.coverage == pytest.approx(0.5, abs=0.02)
    assert found.broken == 0.0


def test_a_promise_the_other_part_refutes_is_told():
    """Good ones in one group, bad ones in the other: whatever is learnt of one misleads about the other."""
    found = try_promise([0.5] * 200, [True] * 100 + [False] * 100, ["a"] * 100 + ["b"] * 100, required=0.6)
    assert found.broken == pytest.approx(found.certified) == pytest.approx(found.refuted)
    assert 0.3 < found.broken < 0.7


def test_one_group_cannot_be_parted():
    with pytest.raises(ValueError, match="one group"):
        try_promise([0.5, 0.6], [True, False], ["a", "a"], required=0.6)
