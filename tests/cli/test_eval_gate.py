import gzip
import json
from pathlib import Path

import pytest

from support.ccos_command import Command
from support.labelled_sets import certificate, lines, support_model, write


@pytest.fixture
def model(ccos: Command) -> str:
    found = support_model(certificate(0.6, 0.5), certificate(0.7, 0.6))
    (ccos.folder / "model.json").write_text(found.model_dump_json(), encoding="utf-8")
    return "model.json"


def test_the_document_holds_what_it_promises(ccos: Command, model: str):
    write(ccos.folder / "set.jsonl", lines(120))
    ran = ccos("eval", "gate", "set.jsonl", "--model", model, "--json", "--resamplings", "20")
    assert ran.code == 0 and ran.err == ""
    found = ran.json
    assert {
        "n",
        "auroc",
        "ece",
        "coverage",
        "heuristic_auroc",
        "auroc_ci",
        "brier",
        "by_generator",
    } <= found.keys()
    assert found["n"] == 120 and found["calibrated"] is True and found["scorer"] == ["support-only"]
    assert found["auroc"] > 0.7 > found["heuristic_auroc"]
    assert found["coverage"]["0.6"]["shipped"]["coverage"] == pytest.approx(0.5)


def test_the_same_seed_prints_the_same(ccos: Command, model: str):
    write(ccos.folder / "set.jsonl", lines(60))

    def run(*more: str):
        found = ccos(
            "eval", "gate", "set.jsonl", "--model", model, "--json", "--resamplings", "10", *more
        ).json
        del found["seconds_per_answer"]
        return found

    assert run() == run() != run("--seed", "1")


def test_gzipped_and_several_files(ccos: Command, model: str):
    write(ccos.folder / "a.jsonl", lines(20))
    text = "".join(json.dumps(row) + "\n" for row in lines(10, task="chat"))
    (ccos.folder / "b.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    found = ccos("eval", "gate", "a.jsonl", "b.jsonl.gz", "--model", model, "--json").json
    assert found["n"] == 30 and found["files"] == ["a.jsonl", "b.jsonl.gz"] and found["groups"] == 15


def test_lines_that_repeat_another_count_once_and_are_told(ccos: Command, model: str):
    rows = lines(20)
    write(ccos.folder / "a.jsonl", [*rows, *rows[:5], {**rows[7], "label": 1 - rows[7]["label"]}])
    ran = ccos("eval", "gate", "a.jsonl", "--model", model, "--json", "--resamplings", "0")
    found = ran.json
    assert (found["n"], found["repeated_lines"], found["disputed_lines"]) == (20, 6, 1)
    assert "6 lines repeat another" in ran.err and "of 1 the labels disagree" in ran.err


def test_scores_come_in_the_order_of_the_lines(ccos: Command, model: str):
    rows = lines(12)
    rows[3]["answer"] = ""
    write(ccos.folder / "set.jsonl", rows)
    ran = ccos("eval", "gate", "set.jsonl", "--model", model, "--scores", "out.jsonl", "--json")
    assert ran.sentence == "The scores are in out.jsonl."
    scores = [json.loads(line) for line in (ccos.folder / "out.jsonl").read_text("utf-8").splitlines()]
    assert [each["ticket_id"] for each in scores] == [str(row["ticket_id"]) for row in rows]
    assert [veto["kind"] for veto in scores[3]["vetoes"]] == ["empty"]
    assert scores[3]["quality"] == 0 and not scores[3]["accepted"]
    assert scores[0]["accepted"] and scores[0]["promise"] == 0.7 and "support" in scores[0]["features"]
    assert {"kind", "sentence", "span"} == scores[3]["vetoes"][0].keys()


def test_the_table_says_what_is_not_defined(ccos: Command, model: str):
    write(ccos.folder / "set.jsonl", lines(6, label="approve"))
    ran = ccos("eval", "gate", "set.jsonl", "--model", model)
    assert ran.code == 0
    assert (
        ran.sentence == "All answers have the same label, so no AUROC is defined: add some of the other kind."
    )
    assert "AUROC" in ran.out and "–" in ran.out


@pytest.mark.parametrize("language, word", [("en", "Certified thresholds"), ("ko", "인증한 기준값")])
def test_the_page_needs_nothing_else_and_runs_nothing(ccos: Command, model: str, language: str, word: str):
    rows = lines(40)
    rows[0]["generator"] = "<script>alert(1)</script>"
    write(ccos.folder / "set.jsonl", rows)
    ran = ccos("eval", "gate", "set.jsonl", "--model", model, "--html", "out.html", "--language", language)
    assert ran.code == 0
    page = (ccos.folder / "out.html").read_text("utf-8")
    assert word in page and page.count("<svg") == 4 and "http" not in page
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_bad_line_is_named_or_left_out(ccos: Command, model: str):
    path = write(ccos.folder / "set.jsonl", lines(10))
    path.write_text(path.read_text("utf-8") + "oops\n" + '{"answer": "a", "label": 9}\n', encoding="utf-8")
    ran = ccos("eval", "gate", "set.jsonl", "--model", model)
    assert ran.code == 2 and ran.sentence == "set.jsonl, line 11: this is not a JSON object."
    ran = ccos("eval", "gate", "set.jsonl", "--model", model, "--skip-bad-lines", "--json")
    assert ran.code == 0 and ran.json["n"] == 10 and ran.json["skipped_lines"] == 2
    assert ran.sentence == "Left out: set.jsonl, line 11: this is not a JSON object and 1 more."


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (["missing.jsonl"], 2, "does not exist"),
        (["empty.jsonl"], 2, "holds no labelled answers"),
        (["set.jsonl", "--model", "set.jsonl"], 2, "is no gate model"),
        (["set.jsonl", "--html", "nowhere/x.html"], 2, "There is no folder nowhere"),
        (["set.jsonl", "--model", "model.json", "--cross-validate"], 2, "not both"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(ccos: Command, model: str, arguments, code, said):
    write(ccos.folder / "set.jsonl", lines(4))
    Path(ccos.folder / "empty.jsonl").touch()
    ran = ccos("eval", "gate", *arguments)
    assert ran.code == code and said in ran.err and ran.out == ""


def test_cross_validation_trains_on_the_rest_and_says_so(ccos: Command):
    write(ccos.folder / "set.jsonl", lines(200))
    ran = ccos("eval", "gate", "set.jsonl", "--cross-validate", "--json", "--resamplings", "5")
    assert ran.code == 0
    assert ran.json["cross_validated"] is True and ran.json["scorer"] == ["cross-validated"]
    assert ran.sentence.startswith("Cross-validated: each answer was scored by a model trained on the other")
    assert ran.json["auroc"] > 0.7
    assert ran.json["coverage"]["0.6"]["shipped"] is None


def test_unknown_names_in_the_group_are_corrected(ccos: Command):
    ran = ccos("eval", "gatte")
    assert ran.code == 2 and "Did you mean 'gate'?" in ran.err
