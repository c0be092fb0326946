import pytest

from ccos.domain.tier import Task
from ccos.learning.gate_report import gate_report
from ccos.learning.judging import Judged, judge
from ccos.learning.labelled import LabelledAnswer
from ccos.learning.measuring import measured
from ccos.quality.gate import BASELINE
from ccos.quality.scorer import LearnedScorer
from support.labelled_sets import certificate, lines, support_model


def _judged(rows: list[dict], *certificates, baseline: bool = False, **options) -> list[Judged]:
    model = support_model(*certificates)
    scorer = BASELINE if baseline else LearnedScorer(model)
    found = [(0, LabelledAnswer.model_validate(row)) for row in rows]
    return list(judge(found, scorer, None if baseline else model.certificates, **options))


def test_the_score_that_reads_the_evidence_beats_the_one_that_does_not():
    document = gate_report(_judged(lines(200)), resamplings=20)
    assert document["n"] == 200 and document["groups"] == 100
    assert document["auroc"] == pytest.approx(0.8, abs=0.02)  # a fifth of the labels is turned round
    assert document["auroc_ci"][0] < document["auroc"] < document["auroc_ci"][1]
    assert document["scorer"] == ["support-only"]
    assert document["heuristic_auroc"] < document["auroc"]
    assert document["by_task"]["solution_draft"]["n"] == 200
    assert list(document["by_generator"]) == ["7", "a"]


def test_certified_and_shipped_thresholds_stand_beside_each_other():
    judged = _judged(lines(400), certificate(0.7, 0.6), certificate(0.8, None))
    found = gate_report(judged, resamplings=40)["coverage"]
    assert found["0.6"]["threshold"] is not None and found["0.6"]["coverage"] == pytest.approx(0.5)
    assert found["0.6"]["risk_bound"] <= 0.4
    # One of a ticket's two answers is drawn, so the share of a fifth is met up to the chance of that draw.
    assert found["0.6"]["bad"] / found["0.6"]["accepted"] == pytest.approx(0.2, abs=0.05)
    assert found["0.6"]["tickets"] == 200 > found["0.6"]["accepted"], "two answers to a ticket"
    assert found["0.8"]["threshold"] is None and found["0.8"]["coverage"] == 0.0  # a fifth is wrong: no proof
    assert found["0.6"]["resampled"]["labels"] == pytest.approx(67, abs=2)
    assert found["0.6"]["broken_share"] <= 0.1
    assert found["0.6"]["shipped"]["coverage"] == found["0.7"]["shipped"]["coverage"] == pytest.approx(0.5)
    assert found["0.7"]["shipped"]["good_share"] == pytest.approx(0.8)
    assert found["0.8"]["shipped"]["accepted"] == 0 and found["0.8"]["shipped"]["good_share"] is None


def test_one_class_leaves_what_it_does_not_define_out():
    document = gate_report(_judged(lines(40, label=1)), resamplings=5)
    assert document["auroc"] is None and document["auroc_ci"] is None and document["heuristic_auroc"] is None
    assert document["ece"] is not None and document["base_rate"] == 1.0
    assert document["by_generator"]["a"]["auroc"] is None


def test_a_single_answer_is_no_fault():
    document = gate_report(_judged(lines(1)))
    assert document["n"] == 1 and document["coverage"]["0.6"]["broken_share"] is None
    assert document["seconds_per_answer"]["p50"] > 0


def test_vetoes_are_counted_with_how_often_they_were_right():
    rows = lines(10, label=0)
    for row in rows[:4]:
        row["answer"] += " 환불 금액은 984,120원입니다."
    rows[0]["label"] = 1
    judged = _judged(rows)
    found = gate_report(judged)["vetoes"]
    assert found["unsupported"]["n"] == 4 and found["unsupported"]["precision"] == 0.75
    assert found["any"]["recall"] == pytest.approx(3 / 9, abs=1e-4)
    assert sum(one.vetoed for one in judged) == 4
    assert all(one.threshold_quality == -1 for one in judged[:4]) and judged[4].threshold_quality >= 0


def test_without_a_model_qualities_are_compared_as_they_stand():
    judged = _judged(lines(20), baseline=True)
    assert all(one.verdict.promise is None and one.verdict.quality == one.heuristic for one in judged)
    assert gate_report(judged)["coverage"]["0.6"]["shipped"] is None


def test_a_claim_without_a_question_is_scored_and_refused_for_its_facts_only():
    rows = [
        {"evidence": ["카페는 9시에 연다"], "answer": "카페는 9시에 연다", "label": 1},
        {"evidence": ["카페는 9시에 연다"], "answer": "카페는 11시에 연다", "label": 0},
    ]
    same, other = _judged(rows)
    assert same.row.told_task is Task.KB_SYNTHESIS and same.verdict.scorer == "support-only"
    assert same.verdict.quality > other.verdict.quality
    assert not same.vetoed  # plain speech is no fault of a claim
    assert [veto.kind for veto in other.verdict.vetoes] == ["unsupported"]


def test_queries_are_judged_by_the_check_of_their_form():
    row = {"question": "환불 언제 되나요", "answer": "환불 기간", "label": 1, "task": "query_builder"}
    (one,) = _judged([row], features=True)
    assert one.verdict.scorer == "form-check" and one.features == {} and one.verdict.promise is None


def test_features_are_those_training_sees():
    rows = [*lines(6), {"evidence": ["카페는 9시에 연다"], "answer": "카페는 11시에 연다", "label": 0}]
    judged = _judged(rows, features=True)
    trained = measured([one.row for one in judged])
    assert [dict(one.features) for one in judged] == [row.features for row in trained]
    assert not any(one.features for one in _judged(rows))


def test_lines_of_two_files_are_not_one_group():
    row = LabelledAnswer.model_validate(lines(1)[0])
    one, other = judge([(0, row), (1, row)], BASELINE, None)
    assert one.group != other.group
