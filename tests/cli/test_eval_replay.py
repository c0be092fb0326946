import json
import re

import pytest

from support.ccos_command import Command
from support.labelled_sets import write
from support.replay_sets import sums

QUICK = ("--resamplings", "20", "--folds", "3")


@pytest.fixture
def outcomes(ccos: Command) -> str:
    write(ccos.folder / "outcomes.jsonl", sums(120))
    return "outcomes.jsonl"


def test_the_table_has_every_policy_and_says_what_is_feasible(ccos: Command, outcomes: str):
    ran = ccos("eval", "replay", outcomes, *QUICK)
    assert ran.code == 0 and ran.err == ""
    for name in ("table", "router", "gate", "gate + table + router", "random", "always strong", "oracle"):
        assert re.search(rf"^{re.escape(name)}  ", ran.out, re.MULTILINE), name
    assert "120 outcomes, each by a policy that had not seen it, in 3 parts" in ran.out
    assert "saving at 95%" in ran.out and "A saving of 60% at a required quality of 0.7 is" in ran.out


def test_the_document_is_whole_and_the_same_for_the_same_seed(ccos: Command, outcomes: str):
    def run(*more: str):
        ran = ccos("eval", "replay", outcomes, "--json", *QUICK, *more)
        assert ran.code == 0 and ran.err == ""
        return ran.json

    found = run()
    assert found == run() != run("--seed", "1")
    assert found["n"] == found["outcomes"] == 120 and found["table_by"] == "domain" and found["folds"] == 3
    gate = found["policies"]["gate"]
    assert gate["apgr"] > 0.75 and gate["when"] == "after the call" and len(gate["apgr_interval"]) == 2
    assert gate["saving"] == pytest.approx(1 - gate["cost"], abs=1e-6)
    assert found["policies"]["random"]["apgr"] == 0.5
    assert found["feasible"]["measured_gate"] is True
    dearer = run("--cost-ratio", "0.3")["policies"]["gate"]
    assert dearer["apgr"] == gate["apgr"] and dearer["saving"] == pytest.approx(gate["saving"] - 0.26)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_stands_alone(ccos: Command, language: str):
    write(ccos.folder / "<b>.jsonl", sums(120))
    ran = ccos("eval", "replay", "<b>.jsonl", *QUICK, "--html", "out.html", "--language", language, "--json")
    assert ran.code == 0 and ran.sentence == "The report is in out.html."
    page = (ccos.folder / "out.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page and "<b>.jsonl" not in page and "&lt;b&gt;.jsonl" in page
    assert "color-scheme: light dark" in page and 'name="viewport"' in page
    assert (
        page.count("<polyline") == 5 and page.count("<circle") > 60
    )  # with their figures on pointing at them
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert ("강한 모델" in page) is (language == "ko")
    saving = f"{ran.json['policies']['gate']['saving']:.1%}"
    assert saving in page


def test_a_split_of_ones_own_and_conditions(ccos: Command):
    rows = [
        row | {"gold": n < 60, "set": "a" if n < 110 else "b", "seen": n >= 100}
        for n, row in enumerate(sums(120))
    ]
    write(ccos.folder / "o.jsonl", rows)
    found = ccos(
        "eval",
        "replay",
        "o.jsonl",
        "--train-on",
        "gold",
        "--where",
        "set=a",
        "--drop",
        "seen",
        "--json",
        *QUICK,
    ).json
    assert found["outcomes"] == 100 and found["trained_on"] == 60 and found["n"] == 40
    assert found["trained_on_column"] == "gold" and found["folds"] is None


def test_scores_of_named_models_and_answers_from_a_file(ccos: Command):
    rows = sums(80)
    write(
        ccos.folder / "o.jsonl",
        [
            {
                "id": r["id"],
                "prompt": r["prompt"],
                "cluster": r["domain"],
                "scores": {"mini-2b": 4 * r["weak"] - 2, "max": 1},
            }
            for r in rows
        ],
    )
    write(
        ccos.folder / "a.jsonl",
        [{"id": r["id"], "model": "mini-2b", "answer": r["weak_answer"]} for r in rows],
    )
    ran = ccos(
        "eval",
        "replay",
        "o.jsonl",
        "--weak",
        "mini",
        "--strong",
        "max",
        "--answers",
        "a.jsonl",
        "--json",
        *QUICK,
    )
    found = ran.json
    assert found["table_by"] == "cluster" and found["strong_quality"] == pytest.approx(0.75)
    assert "gate" in found["policies"]


def test_costs_in_the_file_are_taken_unless_told_otherwise(ccos: Command):
    write(
        ccos.folder / "o.jsonl",
        [row | {"weak_cost": 1, "strong_cost": 10} for row in sums(60, answers=False)],
    )
    assert ccos("eval", "replay", "o.jsonl", "--json", *QUICK).json["cost_ratio"] == 0.1
    assert (
        ccos("eval", "replay", "o.jsonl", "--json", "--cost-ratio", "0.2", *QUICK).json["cost_ratio"] == 0.2
    )


def test_without_answers_no_gate_is_replayed_and_that_is_said(ccos: Command):
    write(ccos.folder / "o.jsonl", sums(60, answers=False))
    ran = ccos("eval", "replay", "o.jsonl", "--json", *QUICK)
    assert ran.code == 0 and "give them with --answers" in ran.sentence
    assert "gate" not in ran.json["policies"] and ran.json["remarks"] == [ran.sentence]


def test_some_answers_are_missed(ccos: Command):
    rows = sums(60)
    del rows[7]["weak_answer"]
    write(ccos.folder / "o.jsonl", rows)
    assert "1 of 60 prompts have no answer" in ccos("eval", "replay", "o.jsonl", "--json", *QUICK).sentence


@pytest.mark.parametrize(
    ("rows", "arguments", "says"),
    [
        (sums(10), (), "a replay needs at least 20"),
        ([row | {"weak": 1, "strong": 1} for row in sums(40)], (), "not the better one"),
        ([row | {"weak": 0, "strong": 1} for row in sums(40)], (), "gains the same"),
        ([row | {"prompt": "the same"} for row in sums(40)], (), "fewer than 5 different prompts"),
        (sums(40), ("--where", "domain=other"), "0 outcomes are left"),
        (sums(40), ("--group", "shop"), "--group takes one of"),
        (sums(40), ("--train-on", "gold"), "No outcome has a column 'gold'"),
        (sums(40), ("--answers", "outcomes.jsonl", "--html", "no/where.html"), "There is no folder no"),
        (
            [{"id": n, "prompt": f"{n}", "scores": {"a": 0, "b": 1}} for n in range(40)],
            ("--weak", "a"),
            "--strong",
        ),
        (
            [{"id": n, "prompt": f"{n}", "scores": {"a": 0, "b": 1}} for n in range(40)],
            ("--weak", "c", "--strong", "b"),
            "There is no one model 'c'",
        ),
    ],
)
def test_bad_input_is_one_sentence(ccos: Command, rows, arguments, says):
    write(ccos.folder / "outcomes.jsonl", rows)
    ran = ccos("eval", "replay", "outcomes.jsonl", *arguments)
    assert ran.code == 2 and ran.out == "" and says in ran.sentence


def test_what_is_no_file_of_outcomes(ccos: Command):
    (ccos.folder / "noise.jsonl").write_bytes(b"\xff\xfe\x00")
    assert ccos("eval", "replay", "noise.jsonl").code == 2
    assert ccos("eval", "replay", "missing.jsonl").code == 2


def test_feasible_says_it_in_one_sentence(ccos: Command):
    ran = ccos("eval", "feasible", "--good-rate", "0.3", "--required", "0.7", "--cost-ratio", "0.05")
    assert ran.code == 0 and ran.err == ""
    assert ran.out == (
        "A saving of 60% at a required quality of 0.7 is not feasible: no gate saves more than 38%, "
        "until the cheap tier is good on 46% of the tickets.\n"
    )
    found = ccos("eval", "feasible", "--good-rate", "0.5", "--saving", "0.5", "--json").json
    assert found["wanted"] == 0.5 and found["saving"] == pytest.approx(0.5 / 0.7 - 0.04)
    assert json.dumps(found["sentence"])


@pytest.mark.parametrize("arguments", [(), ("--good-rate", "1.2"), ("--good-rate", "0.5", "--required", "1")])
def test_feasible_needs_a_rate_in_its_range(ccos: Command, arguments):
    assert ccos("eval", "feasible", *arguments).code == 2
