"""Out-of-fold qualities: groups stay together, nothing leaks, too few labels are said."""

from __future__ import annotations

import numpy as np
import pytest

from ccos.domain.errors import BadInput
from ccos.learning.crossing import out_of_fold
from ccos.learning.fitting import isotonic, platt
from ccos.learning.heads import chosen, fit_heads
from ccos.learning.measuring import measured
from ccos.learning.metrics import auroc
from ccos.learning.splitting import fold_numbers
from support.labels import drafts


def test_rows_of_one_group_are_in_one_fold_and_folds_are_even():
    groups = [f"t{n % 20}" for n in range(100)]
    folds = fold_numbers(groups, 5, seed=3)
    assert all(len({folds[n] for n in range(100) if groups[n] == group}) == 1 for group in set(groups))
    assert np.bincount(folds).tolist() == [20] * 5


def test_folds_do_not_depend_on_the_order_of_the_rows():
    groups = [f"t{n}" for n in range(30)]
    forward, backward = fold_numbers(groups, 5, 0), fold_numbers(groups[::-1], 5, 0)
    assert forward.tolist() == backward[::-1].tolist() and set(forward) == set(range(5))


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(ValueError, match="2 groups"):
        fold_numbers(["a", "b", "a"], 5, 0)


def test_qualities_tell_supported_answers_from_stray_ones():
    answers = drafts(60)
    qualities = out_of_fold(answers)
    assert auroc(qualities, [answer.good for answer in answers]) > 0.9
    assert qualities == out_of_fold(answers)


def test_labels_without_a_meaning_are_not_learned():
    """Were a group's own labels seen by the model that scores it, this would be far above one half."""
    answers = [
        a.model_copy(update={"label": "approve" if n % 4 < 2 else "reject"}) for n, a in enumerate(drafts(60))
    ]
    assert auroc(out_of_fold(answers), [answer.good for answer in answers]) < 0.7


def test_progress_is_told_once_for_each_answer():
    told = []
    out_of_fold(drafts(60), tell=lambda done, total: told.append((done, total)))
    assert told == [(n, 60) for n in range(1, 61)]


def test_too_few_tickets_are_said():
    with pytest.raises(BadInput, match="label more"):
        out_of_fold(drafts(6))
    with pytest.raises(BadInput, match="good answers"):
        out_of_fold([answer.model_copy(update={"label": "reject"}) for answer in drafts(60)])


def test_a_language_with_few_labels_is_scored_by_the_head_for_all():
    rows = measured([*drafts(60), *drafts(4, language="en")])
    heads = fit_heads(rows)
    assert "solution_draft/ko" in heads and "solution_draft/en" not in heads and "any/en" not in heads
    assert chosen(heads, rows[-1]) == "any"


def test_calibrations_never_fall_and_do_not_reach_the_ends():
    z = np.linspace(-3, 3, 400)
    good = np.random.default_rng(0).random(400) < 1 / (1 + np.exp(-z))
    for curve in (platt(z, good), isotonic(z, good)):
        told = [curve.probability(value) for value in np.linspace(-9, 9, 100).tolist()]
        assert told == sorted(told) and 0 < told[0] < 0.2 and 0.8 < told[-1] < 1


def test_platt_finds_the_curve_the_labels_were_drawn_from():
    draw = np.random.default_rng(1)
    z = draw.normal(size=20_000)
    curve = platt(z, draw.random(20_000) < 1 / (1 + np.exp(-(1.5 * z - 0.5))))
    assert curve.slope == pytest.approx(1.5, abs=0.08) and curve.intercept == pytest.approx(-0.5, abs=0.06)


def test_scores_that_are_upside_down_are_not_turned_round():
    z = np.linspace(-1, 1, 200)
    assert platt(z, z < 0).slope == 0.0
