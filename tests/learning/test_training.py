"""Training a gate: reproducible, told in the model, certified on what is like the answers to come."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ccos.cli.train_gate import gate
from ccos.domain.errors import BadInput
from ccos.learning.training import LabelledSet, train, written
from ccos.quality.model import GateModel
from ccos.quality.scorer import LearnedScorer, read_model
from support.labels import drafts


def sets(count=80, **kwargs):
    return [LabelledSet("mine", drafts(count), facts={"licence": "own"}, **kwargs)]


@pytest.fixture(scope="module")
def model():
    return train(sets(), name="tiny")


def test_the_same_labels_give_the_same_bytes(model):
    assert written(train(sets(), name="tiny")) == written(model)


def test_a_written_model_can_be_served(model, tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(written(model), encoding="utf-8")
    assert read_model(path) == model and LearnedScorer(model).name == "tiny"


def test_a_broad_head_over_the_same_rows_is_left_out(model):
    assert set(model.heads) == {"any", "solution_draft/ko"}


def test_it_says_by_what_it_was_trained_and_how_well(model):
    assert model.about["trained_on"] == [
        {"name": "mine", "licence": "own", "rows": 80, "good": 40, "certifies": True}
    ]
    figures = model.about["figures"]["solution_draft/ko"]
    assert figures["rows"] == 80 and figures["auroc"] > 0.9
    assert figures["auroc_interval"][0] <= figures["auroc"] <= figures["auroc_interval"][1]


def test_thresholds_are_certified_at_each_level(model):
    assert [each.required for each in model.certificates] == [
        0.5,
        0.55,
        0.6,
        0.65,
        0.7,
        0.75,
        0.8,
        0.85,
        0.9,
        0.95,
    ]
    assert all(each.labels == 40 and each.scorer == "tiny" for each in model.certificates)
    assert train(sets(240), name="tiny").certificates[0].threshold is not None


def test_a_set_that_only_teaches_certifies_nothing():
    assert train(sets(certifies=False), name="tiny").certificates == ()


def test_tickets_of_two_sets_with_one_number_are_two():
    both = [LabelledSet(name, drafts(40, seed=seed)) for seed, name in enumerate(("a", "b"))]
    found = train(both, name="tiny").about["figures"]["solution_draft/ko"]
    assert found["rows"] == 80


def test_no_labels_at_all_are_said():
    with pytest.raises(BadInput, match="no labelled answers"):
        train([], name="tiny")


def _file(path, answers):
    path.write_text("\n".join(answer.model_dump_json() for answer in answers), encoding="utf-8")
    return str(path)


def test_the_command_writes_a_model_and_prints_its_figures(tmp_path):
    labels, facts, out = tmp_path / "desk.jsonl", tmp_path / "facts.json", tmp_path / "made.json"
    facts.write_text(json.dumps({"desk": {"licence": "ours", "certifies": False}}))
    given = [_file(labels, drafts(80)), "--no-seed", "--about", str(facts), "--out", str(out), "--json"]
    done = CliRunner().invoke(gate, [*given, "--date", "2026-11-22"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["name"] == "made" and found["date"] == "2026-11-22"
    assert found["trained_on"][0] == {
        "name": "desk",
        "licence": "ours",
        "rows": 80,
        "good": 40,
        "certifies": False,
    }
    assert GateModel.model_validate_json(out.read_bytes()).name == "made"


def test_the_command_prints_a_table(tmp_path):
    done = CliRunner().invoke(
        gate, [_file(tmp_path / "d.jsonl", drafts(80)), "--no-seed", "--out", str(tmp_path / "m.json")]
    )
    assert done.exit_code == 0 and "solution_draft/ko" in done.stdout and "0.95" in done.stdout


def test_a_folder_that_is_not_there_is_said_before_training(tmp_path):
    done = CliRunner().invoke(gate, ["--out", str(tmp_path / "nowhere" / "m.json")])
    assert isinstance(done.exception, BadInput) and "There is no folder" in done.exception.sentence


def test_facts_that_are_none_are_refused(tmp_path):
    facts = tmp_path / "facts.json"
    facts.write_text("[1]")
    done = CliRunner().invoke(gate, ["--about", str(facts), "--out", str(tmp_path / "m.json")])
    assert isinstance(done.exception, BadInput) and "facts.json" in done.exception.sentence
