"""What a likeness adds to a gate, on labels made with a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from ccos.domain.errors import BadInput
from ccos.learning.embedding_trial import Seen, residual, trial
from ccos.learning.metrics import auroc_gain_interval
from ccos.quality.likeness import LikenessOdds
from ccos.quality.model import logistic
from ccos.wiring.embedding import FILE, read_embeddings, write_embedding


def sample(n: int, slope: float, *, shift: float = 0.0, seed: int = 0):
    """Log-odds of a calibrated gate, a likeness that knows more, and whether the answer was good."""
    dice = np.random.default_rng(seed)
    known, alike = dice.normal(0, 1, n), dice.normal(0.6, 0.1, n)
    truth = known + slope * (alike - 0.6) + shift
    return known, alike, dice.random(n) < 1 / (1 + np.exp(-truth))


def seen(n: int, slope: float, *, per_ticket: int = 2, seed: int = 0) -> list[Seen]:
    known, alike, good = sample(n, slope, seed=seed)
    rows = zip(known.tolist(), alike.tolist(), good.tolist(), strict=True)
    return [Seen(logistic(z), near, ok, str(at // per_ticket)) for at, (z, near, ok) in enumerate(rows)]


def test_the_slope_of_the_truth_is_found_beside_what_is_known() -> None:
    slope, intercept = residual(*sample(20_000, 12.0))
    assert slope == pytest.approx(12.0, rel=0.05)
    assert slope * 0.6 + intercept == pytest.approx(0.0, abs=0.1)


def test_another_share_of_good_ones_is_no_merit_of_the_likeness() -> None:
    even, many = residual(*sample(20_000, 12.0)), residual(*sample(20_000, 12.0, shift=1.5))
    assert many[0] == pytest.approx(even[0], rel=0.1)
    assert many[0] * 0.6 + many[1] == pytest.approx(0.0, abs=0.25)  # and not 1.5


def test_what_the_gate_knows_already_counts_for_nothing() -> None:
    known, _, good = sample(20_000, 0.0)
    slope, _ = residual(known, 0.6 + 0.1 * known, good)
    assert slope * 0.1 < 0.05  # log-odds for one standard deviation


def test_separable_labels_give_a_finite_slope() -> None:
    alike = np.concatenate([np.full(50, 0.2), np.full(50, 0.8)])
    slope, intercept = residual(np.zeros(100), alike, alike > 0.5)
    assert np.isfinite([slope, intercept]).all() and 5 < slope < 50


def test_likeness_that_does_not_vary_or_speaks_against_answers_is_no_opinion() -> None:
    known, alike, good = sample(400, 12.0)
    assert residual(known, np.full(400, 0.5), good) == (0.0, 0.0)
    assert residual(known, -alike, good) == (0.0, 0.0)


def test_a_model_that_knows_more_proves_itself_on_held_out_tickets() -> None:
    made = trial(seen(400, 15.0), "gate-1")
    assert made.odds.proven and made.odds.labels == 400 and made.odds.scorer == "gate-1"
    assert made.odds.gain[0] > 0.02
    assert made.odds.auroc_both > made.odds.auroc_gate > 0.6
    assert made.both is not None and made.both.low < made.odds.auroc_both < made.both.high
    assert trial(seen(400, 15.0), "gate-1") == made


def test_noise_is_hardly_ever_proven() -> None:
    proven = [trial(seen(200, 0.0, seed=seed), "gate-1").odds.proven for seed in range(40)]
    assert sum(proven) <= 2


def test_a_few_labels_prove_nothing_however_clear_they_are() -> None:
    made = trial(seen(98, 60.0), "gate-1")
    assert made.odds.gain[0] > 0 and not made.odds.proven


@pytest.mark.parametrize(
    "rows",
    [
        [],
        seen(19, 5.0),
        [Seen(0.5, 0.5, True, str(n)) for n in range(200)],
        seen(200, 5.0, per_ticket=100),
    ],
    ids=["none", "few", "one kind", "two tickets"],
)
def test_too_little_to_learn_from_is_told(rows) -> None:
    with pytest.raises(BadInput, match="10 good and 10 bad"):
        trial(rows, "gate-1")


def test_a_gain_is_counted_on_the_same_draws() -> None:
    known, alike, good = sample(300, 15.0)
    groups = list(range(300))
    better = auroc_gain_interval(known + 15 * alike, known, good, groups)
    same = auroc_gain_interval(known, known, good, groups)
    worse = auroc_gain_interval(known, known + 15 * alike, good, groups)
    assert better is not None and same is not None and worse is not None
    assert better.low > 0 and (same.low, same.high) == (0.0, 0.0)
    assert worse.high == pytest.approx(-better.low) and worse.high < 0


def test_what_was_learned_is_kept_by_model_and_a_broken_file_is_told(tmp_path) -> None:
    assert read_embeddings(tmp_path) == {}
    first: LikenessOdds = trial(seen(200, 15.0), "gate-1").odds
    write_embedding(tmp_path, "model-a", first)
    write_embedding(tmp_path, "model-b", first)
    assert read_embeddings(tmp_path) == {"model-a": first, "model-b": first}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_text('{"model-a": {"slope": 1}}')
    with pytest.raises(BadInput, match="ccos eval embedding --save"):
        read_embeddings(tmp_path)
