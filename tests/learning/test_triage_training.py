"""Training text classifiers: they learn, abstain honestly, keep groups together, and refuse in a sentence."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ccos.cli.eval_triage import triage as eval_triage
from ccos.cli.train_triage import triage as train_triage
from ccos.domain.errors import BadInput
from ccos.learning.texts import Columns, LabelledText, parse_texts, read_texts
from ccos.learning.triage_choosing import best_of, train_best
from ccos.learning.triage_measuring import macro_f1, measure
from ccos.learning.triage_plans import Plan, plans_of
from ccos.learning.triage_thresholds import apart_from, certain_from
from ccos.learning.triage_training import train
from ccos.quality.classifying import Spelling, load_model

PLAN = Plan(Spelling(chars=(1, 3), words=1), folds=4)
THINGS = ("컵", "담요", "의자", "책상", "이불", "베개", "접시", "시계", "가방", "신발", "모자", "우산")


def lines() -> list[LabelledText]:
    asked = [("환불해 주세요 {}", "refund"), ("{} 배송 언제 와요", "parcel"), ("{} 재입고 되나요", "stock")]
    return [LabelledText(text.format(thing), label) for thing in THINGS for text, label in asked]


def test_it_learns_what_can_be_learnt_and_is_sure_of_it() -> None:
    trained = train("intent", lines(), PLAN)
    told = trained.model.read("자전거 배송 언제 와요")
    assert told.label == "parcel" and told.confidence > 0.8
    assert trained.model.labels == ("parcel", "refund", "stock")
    assert len(trained.held_out) == len(lines()) and np.allclose(trained.told.sum(axis=1), 1)


def test_the_same_lines_give_the_same_model() -> None:
    one, other = (train("intent", lines(), PLAN).model for _ in range(2))
    assert np.array_equal(one.weights, other.weights) and one.certain == other.certain


def test_labels_that_say_nothing_leave_it_unsure() -> None:
    chance = [LabelledText(f"{thing} 문의", "ab"[n % 2]) for n, thing in enumerate(THINGS * 4)]
    chance = [LabelledText(line.text, line.label, line.text) for line in chance]
    trained = train("intent", chance, Plan(Spelling(chars=(1, 3), words=1), folds=3, certain=0.95))
    unsure = [trained.model.read(f"{n}번째 상담") for n in range(5)]
    assert all(told.confidence < 0.9 for told in unsure)


def test_two_labels_share_one_hyperplane_and_a_ratio_is_as_good_as_a_rarity() -> None:
    pair = [line for line in lines() if line.label != "stock"]
    for telling in ("idf", "ratio"):
        model = train(
            "intent",
            pair,
            Plan(Spelling(chars=(1, 3), words=1), learner="logistic", telling=telling, cost=5.0),
        ).model  # type: ignore[arg-type]
        margins = model.margins("환불해 주세요 자전거")
        assert margins[0] == pytest.approx(-margins[1], abs=1e-3)
        assert model.read("환불해 주세요 자전거").best == "refund"


def test_only_the_strongest_n_grams_are_kept() -> None:
    small = train("intent", lines(), Plan(Spelling(chars=(1, 3), words=1), most=12)).model
    assert small.keys.size == 12 and small.read("베개 배송 언제 와요").best == "parcel"


def test_groups_stay_on_one_side_of_every_split() -> None:
    """Copies of a line teach its label by heart: only with their group can their held-out figure be true."""
    words = [chr(0xAC00 + 137 * n) + chr(0xB000 + 91 * n) for n in range(60)]
    coin = random.Random(0)
    noise = [(word, coin.choice("ab"), word) for word in words]
    copies = [LabelledText(text, label, group) for text, label, group in noise for _ in range(4)]
    loose = [LabelledText(line.text, line.label) for line in copies]

    def right(trained_on: list[LabelledText]) -> float:
        trained = train("intent", trained_on, PLAN)
        truth = [trained.model.labels.index(trained_on[n].label) for n in trained.held_out]
        return float((trained.told.argmax(axis=1) == truth).mean())

    assert right(loose) > 0.95 > right(copies)


def test_rules_that_are_right_are_heard_and_those_that_are_not_are_not() -> None:
    vague = [LabelledText(f"{thing} {n}", "ab"[n % 2]) for n, thing in enumerate(THINGS * 3)]
    heard = train("intent", vague, PLAN, prior=lambda text: {"ab"[int(text.split()[1]) % 2]: 1.0}).model
    deaf = train("intent", lines(), PLAN, prior=lambda text: {"stock": float(len(text) % 2)}).model
    assert heard.read("새 물건", {"b": 1.0}).best == "b" and heard.read("새 물건", {"a": 1.0}).best == "a"
    assert heard.prior_weight > 1.0
    assert deaf.read("자전거 배송 언제 와요", {"stock": 1.0}).best == "parcel"


def test_the_threshold_is_the_lowest_that_keeps_the_promise() -> None:
    told = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.6, 0.4]])
    truth = np.array([0, 0, 1, 0, 1])
    assert certain_from(told, truth, 1.0) == 0.8
    assert certain_from(told, truth, 0.75) == 0.8  # 3 of 5 at 0.6: the two there stand or fall together
    assert certain_from(told, truth, 0.6) == 0.6
    assert certain_from(told, 1 - truth, 0.9) == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([LabelledText("가", "a")] * 9, "two labels"),
        ([LabelledText("가", "a")] * 9 + [LabelledText("나", "b")] * 4, "'b' has less than 5"),
        ([LabelledText(chr(0xAC00 + 50 * n), "ab"[n % 2]) for n in range(10)], "in common"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(given: list[LabelledText], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        train(
            "intent",
            given,
            Plan(Spelling(chars=(2, 2), words=0), folds=2, seen_in=3) if "common" in said else PLAN,
        )


# -- plans and thresholds ----------------------------------------------------------------------------------


def test_a_plan_is_taken_for_the_usual_one_only_when_it_is_clearly_better() -> None:
    usual = np.array([1.0, 0.0] * 50)
    lucky, better, best = usual.copy(), usual.copy(), usual.copy()
    lucky[1:5:2], lucky[0] = 1.0, 0.0  # two lines won and one lost are chance
    better[1:21:2], best[1:41:2] = 1.0, 1.0
    assert best_of({"usual": usual, "lucky": lucky, "worse": usual * 0.0}) == "usual"
    assert best_of({"usual": usual, "lucky": lucky, "better": better}) == "better"
    assert best_of({"usual": usual, "better": better, "best": best}) == "best"


def test_the_plan_is_chosen_on_the_lines_given_and_told_step_by_step() -> None:
    steps: list[tuple[int, int]] = []
    chosen = train_best("intent", lines(), tell=lambda done, total: steps.append((done, total)))
    assert chosen.plan == "usual" and chosen.tried["usual"] > 0.9  # all do well: nothing speaks for another
    assert chosen.trained.model.about["plan"] == "usual"
    assert [done for done, _ in steps] == sorted(done for done, _ in steps) and steps[-1][0] == steps[-1][1]
    fixed = train_best("intent", lines(), plan="near")
    assert fixed.plan == "near" and not fixed.tried and fixed.trained.model.spelling.near == 5
    with pytest.raises(BadInput, match="no plan 'loud' for intent; choose from usual, firm"):
        train_best("intent", lines(), plan="loud")


def test_words_apart_decide_where_only_they_differ() -> None:
    """Which two words come together is the label; each word alone, and each order, is in both labels."""
    fill = ("가", "나", "다")
    rows = [
        LabelledText(
            f"{one} {fill[n % 3]} {fill[n // 3 % 3]} {other}", "same" if one[0] == other[0] else "not"
        )
        for n in range(18)
        for one in ("북쪽", "남쪽")
        for other in ("북문", "남문")
    ]
    chosen = train_best("intent", rows)
    assert chosen.plan == "near" and chosen.tried["near"] > chosen.tried["usual"] + 0.15


def test_right_answers_are_spared_only_up_to_the_share_given() -> None:
    right = np.linspace(0.5, 1.0, 101)
    strange = np.array([0.1, 0.505, 0.52, 0.6, 0.9])
    assert apart_from(right, strange, 0.0) == 0.5
    assert apart_from(right, strange, 0.02) == pytest.approx(0.51)
    assert apart_from(right, strange, 0.5) == pytest.approx(0.605)
    assert apart_from(right, np.array([0.99, 1.0]), 0.02) == 0.0  # strangers it is surer of than of anything
    assert apart_from(right, np.array([]), 0.1) == apart_from(np.array([]), strange, 0.1) == 0.0


MATTERS = ("환불", "배송", "재입고", "쿠폰", "회원 탈퇴", "영수증", "주소 변경", "사이즈", "색상", "포장")


def test_texts_on_no_topic_are_left_alone_with_a_label_for_them_and_without() -> None:
    known = [
        LabelledText(f"{thing} {matter} {asks}", matter)
        for matter in MATTERS
        for thing in THINGS
        for asks in ("문의", "알려 주세요")
    ]
    known += [
        LabelledText(f"{thing} 문의", MATTERS[n % 10]) for n, thing in enumerate(THINGS)
    ]  # nobody knows
    odd = [LabelledText(f"{thing} {n}번 {thing} 노래", "oos") for n, thing in enumerate(THINGS)]
    plan = replace(plans_of("intent")["usual"], certain=0.5, folds=4)
    careless = train("intent", known, replace(plan, spare=0.0)).model
    without = train("intent", known, plan).model
    labelled = train("intent", known + odd, plan, outside="oos").model
    assert careless.certain < without.certain < 1.0
    stranger = "오늘 날씨 참 좋네요 문의"
    assert careless.read(stranger).label is not None and without.read(stranger).label is None
    assert labelled.read("접시 3번 접시 노래").label in (None, "oos")
    for model in (without, labelled):
        assert model.read("자전거 환불 문의").label == "환불"


# -- labelled texts ----------------------------------------------------------------------------------------


def test_public_columns_are_found_and_others_can_be_named() -> None:
    rows = [
        {"utterance": "안녕", "intent": "hi", "group": 3},
        {"text": "네", "label": True},
        {"text": "x", "label": None},
    ]
    found = list(parse_texts(map(json.dumps, rows), "set"))
    assert found == [LabelledText("안녕", "hi", "3"), LabelledText("네", "true")]
    odd = [json.dumps({"q": "a", "kinds": ["x", "y"]}), "", json.dumps({"q": "b", "kinds": ["z"]})]
    assert [line.label for line in parse_texts(odd, "set", Columns("q", "kinds", "y"))] == ["yes", "no"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "line 1 is not a JSON object"),
        ("{", "line 1 is not a JSON object"),
        ('{"label": "a"}', "no column any of text.*--text"),
        ('{"text": "a"}', "--label"),
        ('{"text": 3, "label": "a"}', "the text is no text"),
        ('{"text": "a", "labels": ["x", "y"]}', "2 labels.*--whether"),
    ],
)
def test_a_line_at_fault_is_named(line: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        list(parse_texts([line], "set"))


def test_packed_files_are_read_and_empty_ones_refused(tmp_path: Path) -> None:
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"text": "a", "label": 1}\n'))
    assert read_texts(packed) == [LabelledText("a", "1")]
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="no labelled texts"):
        read_texts(tmp_path / "empty.jsonl")


# -- figures and commands ----------------------------------------------------------------------------------


def test_figures_leave_strange_topics_out_of_the_accuracy_and_tell_them_apart() -> None:
    model = train("intent", lines(), PLAN).model
    strange = [LabelledText("zzzz qqqq", "oos"), LabelledText("wwww", "oos")]
    figures = measure(model, [*lines(), *strange], outside="oos")
    assert figures["n"] == 38 and figures["accuracy"] == 1.0 and figures["macro_f1"] == 1.0
    assert figures["outside"]["n"] == 2 and figures["outside"]["auroc"] == 1.0
    assert 0 < figures["ms_p50"] <= figures["ms_p95"]


def test_macro_f1_counts_labels_that_were_never_said() -> None:
    assert macro_f1(["a", "a", "b"], ["a", "a", "a"]) == pytest.approx(0.4)
    assert macro_f1([], []) == 0.0


def write(path: Path, given: list[LabelledText]) -> Path:
    path.write_text("".join(json.dumps({"text": each.text, "label": each.label}) + "\n" for each in given))
    return path


def test_a_model_is_trained_stored_and_measured_by_command(tmp_path: Path) -> None:
    labelled, out = write(tmp_path / "own.jsonl", lines()), tmp_path / "own.npz"
    done = CliRunner().invoke(train_triage, [str(labelled), "--what", "intent", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["labels"] == ["parcel", "refund", "stock"] and told["lines"] == 36 and told["accuracy"] > 0.9
    assert load_model(out).about["files"] == ["own.jsonl"]
    for chosen in (["--model", str(out)], ["--train", str(labelled)]):
        done = CliRunner().invoke(eval_triage, [str(labelled), "--what", "intent", *chosen, "--json"])
        assert done.exit_code == 0 and json.loads(done.stdout)["accuracy"] == 1.0
        assert ("plan" in json.loads(done.stdout)) == (chosen[0] == "--train")
    done = CliRunner().invoke(eval_triage, [str(labelled), "--what", "intent", "--model", str(out)])
    assert "accuracy 1.000" in done.stdout and "ms a text" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--what", "sentiment", "--rules", "--out", "m.npz"], "--rules is for"),
        (["--what", "intent", "--out", "nowhere/m.npz"], "no folder"),
        (["--what", "intent", "--out", "m.npz", "--plan", "loud"], "no plan 'loud'"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: list[str], said: str) -> None:
    labelled = write(tmp_path / "own.jsonl", lines())
    done = CliRunner().invoke(train_triage, [str(labelled), *options])
    assert isinstance(done.exception, BadInput) and said in str(done.exception)
