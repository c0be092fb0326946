import json
from pathlib import Path

import pytest

from ccos.domain.errors import BadInput
from ccos.learning.replay.costs import USUAL_RATIO, cost_ratio_of
from ccos.learning.replay.outcomes import Outcome, read_outcomes, select
from ccos.learning.replay.splits import check_comparable, cross_splits, one_split
from support.labelled_sets import write
from support.replay_sets import sums


def outcome(n: int, weak: float = 0.0, strong: float = 1.0, *, group: str = "", **columns) -> Outcome:
    return Outcome(f"o{n}", f"prompt {n}", weak, strong, group or f"g{n}", None, columns)


def scored(count: int = 24) -> list[dict]:
    return [
        {"id": f"s{n}", "prompt": f"p{n}", "scores": {"mini-1": -2 + n % 3, "mini-2": 0, "max": n % 2}}
        for n in range(count)
    ]


def test_lines_of_our_own_kind(tmp_path: Path):
    found = read_outcomes(write(tmp_path / "a.jsonl", sums(30)))
    assert len(found) == 30 and found[0].id == "q0" and found[0].domain("domain") == "pieces"
    assert found[1].weak_answer is not None and "prompt" not in found[1].columns


def test_answers_are_joined_by_id_under_either_name(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", sums(20, answers=False))
    answers = [
        {"id": "q3", "weak_response": "three", "strong_response": "no"},
        {"id": "x", "weak_answer": "y"},
    ]
    found = read_outcomes(path, answers=write(tmp_path / "b.jsonl", answers))
    assert [each.weak_answer for each in found].count(None) == 19 and found[3].weak_answer == "three"


def test_scores_by_model_with_the_weak_ones_answers_moved_to_a_scale_from_0(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", scored())
    answers = write(
        tmp_path / "b.jsonl",
        [{"id": "s0", "model": name, "answer": f"by {name}"} for name in ("mini-2", "mini-1", "max")],
    )
    found = read_outcomes(path, answers=answers, weak="mini-1", strong="ma")
    assert found[0].weak_answer == "by mini-1"
    assert (found[0].weak, found[0].strong) == (0.0, 0.5)  # of -2 .. 2
    assert (found[1].weak, found[1].strong) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("weak", "strong", "says"),
    [
        (None, "max", "Say which models to compare with --weak and --strong; there are max, mini-1, mini-2."),
        ("mini", "max", "it could be mini-1, mini-2"),
        ("huge", "max", "there are max, mini-1, mini-2"),
    ],
)
def test_a_model_that_is_not_named_rightly(tmp_path: Path, weak, strong, says):
    with pytest.raises(BadInput) as fault:
        read_outcomes(write(tmp_path / "a.jsonl", scored()), weak=weak, strong=strong)
    assert says in fault.value.sentence


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": "p", "weak": 1}, "line 1: strong must be a number"),
        ({"prompt": "p", "weak": "yes", "strong": 1}, "line 1: weak must be a number"),
        ({"prompt": " ", "weak": 0, "strong": 1}, "line 1: a prompt is missing"),
        ({"weak": 0, "strong": 1}, "line 1: a prompt is missing"),
        ([1], "line 1 is not a JSON object"),
    ],
)
def test_a_line_at_fault_is_named(tmp_path: Path, row, says):
    with pytest.raises(BadInput) as fault:
        read_outcomes(write(tmp_path / "a.jsonl", [row, *sums(30)]))
    assert says in fault.value.sentence


def test_not_a_number_is_no_score(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "weak": NaN, "strong": 1}\n')
    with pytest.raises(BadInput, match="weak must be a number"):
        read_outcomes(tmp_path / "a.jsonl")


def test_too_few_lines_and_answers_of_something_else(tmp_path: Path):
    with pytest.raises(BadInput, match="has 19 outcomes; a replay needs at least 20"):
        read_outcomes(write(tmp_path / "a.jsonl", sums(19)))
    path = write(tmp_path / "b.jsonl", sums(20, answers=False))
    with pytest.raises(BadInput, match=r"holds no answer to the prompts of b\.jsonl"):
        read_outcomes(path, answers=write(tmp_path / "c.jsonl", [{"id": "zz", "weak_answer": "x"}]))
    with pytest.raises(BadInput, match="holds no answers"):
        read_outcomes(path, answers=write(tmp_path / "d.jsonl", [{"id": "q1"}]))


def test_conditions_choose_rows():
    rows = [outcome(n, benchmark="a" if n < 25 else "b", seen=n % 2 == 0) for n in range(60)]
    assert {row.columns["benchmark"] for row in select(rows, ["benchmark=a"], [])} == {"a"}
    assert len(select(rows, ["seen=true"], [])) == 30 == len(select(rows, [], ["seen"]))
    with pytest.raises(BadInput, match="12 outcomes are left"):
        select(rows, ["benchmark=a"], ["seen"])
    with pytest.raises(BadInput, match="write column=value"):
        select(rows, ["benchmark"], [])


def test_splits_keep_groups_together_whatever_the_order():
    rows = [outcome(n, group=f"g{n // 3}") for n in range(60)]
    folds = cross_splits(rows, 5, seed=7)
    scored_once = sorted(place for _, test in folds for place in test)
    assert scored_once == list(range(60))
    for train, test in folds:
        assert not {rows[n].group for n in train} & {rows[n].group for n in test}
    parts = [{rows[n].id for n in test} for _, test in folds]
    turned = rows[::-1]
    assert parts == [{turned[n].id for n in test} for _, test in cross_splits(turned, 5, seed=7)]
    assert parts != [{rows[n].id for n in test} for _, test in cross_splits(rows, 5, seed=8)]
    with pytest.raises(BadInput, match="fewer than 21 different prompts"):
        cross_splits(rows, 21, seed=0)


def test_one_split_scores_no_prompt_that_was_taught():
    rows = [outcome(n, group=f"g{n % 50}", gold=n < 30) for n in range(100)]
    ((train, test),) = one_split(rows, "gold")
    assert train.tolist() == list(range(30))
    assert test.tolist() == [*range(30, 50), *range(80, 100)]  # 50 to 79 are the prompts of 0 to 29 again
    with pytest.raises(BadInput, match="No outcome has a column 'silver'"):
        one_split(rows, "silver")
    with pytest.raises(BadInput, match="gold is true in 10 outcomes"):
        one_split(rows[20:60], "gold")
    with pytest.raises(BadInput, match="gold is false in 0 outcomes"):
        one_split(rows[:30], "gold")


def test_what_cannot_be_compared():
    check_comparable([outcome(1, 0, 1), outcome(2, 1, 1)])
    with pytest.raises(BadInput, match=r"not the better one here \(1.000 against 1.000\)"):
        check_comparable([outcome(1, 1, 1), outcome(2, 1, 1)])
    with pytest.raises(BadInput, match="check which is which"):
        check_comparable([outcome(1, 1, 0), outcome(2, 1, 1)])
    with pytest.raises(BadInput, match="gains the same on every prompt"):
        check_comparable([outcome(1, 0, 1), outcome(2, 0, 1)])


def test_costs_of_the_file_say_the_ratio():
    rows = [outcome(n, weak_cost=1 + n, strong_cost=100) for n in range(3)]
    assert cost_ratio_of([*rows, outcome(9, weak_cost=None), outcome(8)]) == pytest.approx(6 / 300)
    assert cost_ratio_of([outcome(1)]) == USUAL_RATIO == 0.04
    with pytest.raises(BadInput, match="nothing to save"):
        cost_ratio_of([outcome(1, weak_cost=3, strong_cost=2)])
    for wrong in ("3", -1, True, json.loads("NaN")):
        with pytest.raises(BadInput, match="must be numbers"):
            cost_ratio_of([outcome(1, weak_cost=wrong, strong_cost=2)])
