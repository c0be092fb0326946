import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.learning.replay.measures import measured
from ccos.learning.replay.outcomes import Outcome
from ccos.learning.replay.policies import gate, out_of_fold, router, table, trainable
from ccos.learning.replay.replaying import document, replay
from ccos.learning.replay.splits import cross_splits
from support.replay_sets import sums


def outcomes(count: int, seed: int = 0, *, answers: bool = True) -> list[Outcome]:
    return [
        Outcome(
            row["id"], row["prompt"], row["weak"], row["strong"], row["prompt"], row.get("weak_answer"), row
        )
        for row in sums(count, seed, answers=answers)
    ]


def in_domain(domain: str, weak: float, strong: float) -> Outcome:
    return Outcome("x", "p", weak, strong, "p", None, {"domain": domain})


ROWS = outcomes(200)


@pytest.fixture(scope="module")
def replayed():
    return replay(ROWS, cross_splits(ROWS, 4, 0), column="domain", cost_ratio=0.04, resamplings=60)


def test_the_table_is_shrunken_towards_all_rows():
    train = [in_domain("a", 0, 1)] * 10 + [in_domain("b", 1, 1)] * 30
    gains = table("domain")(train, [in_domain("a", 0, 0), in_domain("b", 0, 0), in_domain("new", 0, 0)])
    # The mean gain is 10/40; ten rows of a domain weigh as much as that mean.
    assert gains.tolist() == pytest.approx([(10 + 2.5) / 20, 2.5 / 40, 0.25])


def test_nobody_is_scored_by_what_has_seen_them():
    seen: list[tuple[set[str], set[str]]] = []

    def spy(train, test):
        seen.append(({row.group for row in train}, {row.group for row in test}))
        return np.arange(float(len(test)))

    score = out_of_fold(spy, ROWS, cross_splits(ROWS, 4, 0))
    assert len(seen) == 4 and not any(train & test for train, test in seen)
    assert not np.isnan(score).any()


def test_rows_that_are_never_scored_have_no_score():
    score = out_of_fold(table("domain"), ROWS, [(np.arange(100), np.arange(100, 200))])
    assert np.isnan(score[:100]).all() and not np.isnan(score[100:]).any()


def test_what_can_be_seen_is_learnt(replayed):
    areas = {each.name: each.apgr for each in replayed.policies}
    assert areas["table"] > 0.65 and areas["router"] > 0.6  # the domain, and the words that tell it
    assert areas["gate"] > areas["table"] + 0.1  # sums that are wrong
    assert areas["random"] == pytest.approx(0.5)
    assert areas["oracle"] >= max(value for value in areas.values() if value is not None)
    assert areas["always cheap"] is None and areas["always strong"] is None
    assert replayed.policy("gate").auroc > 0.95


def test_savings_stand_beside_their_budget(replayed):
    for each in replayed.policies:
        if each.name == "always cheap":
            continue
        assert each.kept.quality >= 0.95 * replayed.strong_quality - 1e-9
        ratio = 0.04 * (1 if each.after_the_call else 1 - each.kept.strong_share)
        if each.name not in ("router, then gate", "always strong"):
            assert each.kept.cost == pytest.approx(each.kept.strong_share + ratio)
    assert replayed.policy("always strong").kept.strong_share == 1.0
    assert replayed.policy("always cheap").kept.saving == pytest.approx(0.96)
    assert replayed.policy("oracle").kept.saving >= replayed.policy("gate").kept.saving
    gate_told = replayed.policy("gate")
    assert gate_told.saving_interval.low <= gate_told.kept.saving <= gate_told.saving_interval.high


def test_the_same_seed_gives_the_same_document(replayed):
    again = replay(ROWS, cross_splits(ROWS, 4, 0), column="domain", cost_ratio=0.04, resamplings=60)
    assert document(again) == document(replayed)


def test_the_measured_gate_answers_what_is_feasible(replayed):
    assert replayed.feasible.measured_gate and replayed.feasible.required == 0.7
    assert replayed.feasible.good_rate == pytest.approx(replayed.weak_quality)


def test_scores_that_are_no_rate_promise_nothing():
    rows = [Outcome(r.id, r.prompt, r.weak / 2, r.strong, r.group, None, r.columns) for r in ROWS]
    found = replay(rows, cross_splits(rows, 4, 0), column="domain", cost_ratio=0.04, resamplings=20)
    assert found.feasible is None and found.policy("table").auroc is None


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (outcomes(40, answers=False), ["table", "router", "table + router"]),
        (
            [Outcome(r.id, r.prompt, r.weak, r.strong, r.group, r.weak_answer, {}) for r in outcomes(40)],
            ["router", "answer length", "gate", "gate + router"],
        ),
        ([Outcome(r.id, "", r.weak, r.strong, r.id, None, r.columns) for r in outcomes(40)], ["table"]),
    ],
    ids=["no answers", "one domain", "no texts"],
)
def test_only_what_can_be_trained_is(rows, names):
    assert [name for name, _, _ in trainable(rows, "domain")] == names


def test_texts_without_a_word_in_common_are_no_fault():
    rows = [
        Outcome(f"{n}", chr(0xAC00 + 40 * n), n % 2, 1, f"{n}", chr(0xB000 + 40 * n), {}) for n in range(30)
    ]
    for policy in (router, gate):
        assert np.isfinite(policy(rows[:20], rows[20:])).all()


def test_written_sums_are_worked_out():
    found = measured(
        "Ana has 3 boxes of 12.", "She has 3 * 12 = <<3*12=36>>36 pens.\nThen 36 + 4 = 41.\n#### 41"
    )
    assert (found["sums"], found["wrong_sums"], found["wrong_share"]) == (2.0, 1.0, 0.5)
    assert found["final_is_last_result"] == 1.0 and found["has_final"] == 1.0
    assert found["unused_numbers"] == 0.0


def test_numbers_are_asked_used_or_from_nowhere():
    used = measured("Ana has 3 boxes of 12.", "3 * 12 = 36, so 36.")
    assert used["numbers_from_nowhere"] == used["unused_numbers"] == 0.0
    other = measured("Ana has 3 boxes of 12.", "3 * 7 = 21, so 77.")
    assert other["unused_numbers"] == 1.0 and other["numbers_from_nowhere"] == pytest.approx(2 / 4)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("2 + 3 = 5", 0),
        ("2 + 3 = 6", 1),
        ("$1,200 x 2 = $2,400", 0),
        ("10 ÷ 4 = 2.5", 0),
        ("50% x 80 = 40", 0),
        ("50% * 80 = 45", 1),
        ("10 / 3 = 3.33", 0),
        ("<<6*7=42>>42", 0),
        ("<<6*7=48>>48", 1),
        ("<<(2+3)*4=20>>", 0),
        ("5 / 0 = 0", 0),  # comes to nothing, so nothing can be said of it
        ("version 1.2.3 = new", 0),
    ],
)
def test_a_sum_is_right_or_wrong(said, wrong):
    assert measured("How many?", said)["wrong_sums"] == wrong


@pytest.mark.parametrize(
    "said",
    ["9**9**9**9 = 1", "<<__import__('os').getpid()=1>>", "<<" + "9" * 70 + "*9=1>>", "<<1+=2>>", "= = ="],
)
def test_nothing_but_plain_sums_is_worked_out(said):
    found = measured("2 and 3", said)
    assert found["wrong_sums"] == 0.0 and all(math.isfinite(value) for value in found.values())


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_has_the_same_finite_measures(prompt, answer):
    found = measured(prompt, answer)
    assert found.keys() == measured("", "").keys()
    assert all(math.isfinite(value) for value in found.values())
