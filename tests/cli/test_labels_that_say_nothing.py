"""Labels from which nothing can be measured or trained are refused, and a job that is stopped says so."""

from __future__ import annotations

import os
import signal

import pytest

from support.ccos_command import Command
from support.labelled_sets import lines, write


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_lines_have_no_recall(ccos: Command, content: str) -> None:
    (ccos.folder / "set.jsonl").write_text(content)
    ran = ccos("eval", "pii", "set.jsonl", "--json")
    assert ran.code == 2 and ran.sentence == "set.jsonl holds no lines: write one JSON object a line."


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lines(49), "There are 49 labelled answers"),
        (lines(60, label=1), "tickets with a good one: 30, with a bad one: 0."),
        (lines(60, ticket_id="one"), "tickets with a good one: 1, with a bad one: 1."),
    ],
    ids=["few", "one kind", "one ticket"],
)
def test_no_gate_is_trained_on_too_little(ccos: Command, rows, said: str) -> None:
    write(ccos.folder / "set.jsonl", rows)
    ran = ccos("train", "gate", "set.jsonl", "--no-seed", "--out", "model.json")
    assert ran.code == 2 and ran.out == "" and said in ran.sentence
    assert "a head takes 50 labels, and 10 tickets of each" in ran.sentence
    assert not (ccos.folder / "model.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("eval", "gate", "pipe", "--scores", "out"),
        ("train", "triage", "pipe", "--what", "intent", "--out", "out"),
    ],
    ids=lambda given: " ".join(given[:2]),
)
def test_ctrl_c_ends_a_job_with_a_line_and_leaves_nothing(ccos: Command, arguments) -> None:
    pipe = ccos.folder / "pipe"
    os.mkfifo(pipe)
    (ccos.folder / "out").write_text("old")
    with ccos.running(*arguments) as command, pipe.open("wb"):  # it has begun once it opens the pipe
        assert command.end(signal.SIGINT) == 130
        assert command.err == "ccos: It was stopped before its end.\n" and command.out == ""
    assert sorted(each.name for each in ccos.folder.iterdir()) == ["out", "pipe"]
    assert (ccos.folder / "out").read_text() == "old"
