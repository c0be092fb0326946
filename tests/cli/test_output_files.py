"""What commands write, and that it never costs what they read."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ccos.cli import files
from ccos.cli.files import NotWritten, ReadTwice, SameFile, check_files, opened, write
from ccos.domain.errors import BadInput
from support.ccos_command import Command
from support.labelled_sets import lines
from support.labelled_sets import write as write_lines
from support.replay_sets import sums


def _left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("link", [None, "symlink", "hard link"])
def test_an_output_that_is_an_input_is_refused(tmp_path, link):
    read = tmp_path / "set.jsonl"
    read.write_text("labels")
    out = tmp_path / "sub" / ".." / "set.jsonl" if link is None else tmp_path / "other"
    (tmp_path / "sub").mkdir()
    if link == "symlink":
        out.symlink_to(read)
    elif link == "hard link":
        out.hardlink_to(read)
    with pytest.raises(SameFile) as fault:
        check_files([None, out], [None, read])
    assert fault.value.code == "output.same_file" and str(out) in fault.value.sentence
    check_files([tmp_path / "set.jsonl.out"], [read])


def test_two_outputs_of_one_name_are_refused_even_before_there_is_a_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "new")
    with pytest.raises(SameFile, match="two outputs"):
        check_files([tmp_path / "new", tmp_path / "link"], [])
    check_files([tmp_path / "new", tmp_path / "newer"], [])


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match="There is no folder"):
        check_files([tmp_path / "no" / "x"], [])


def test_a_pipe_is_given_once_and_a_file_as_often_as_one_likes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check_files([], [tmp_path / "pipe", tmp_path / "none", tmp_path / "none"])
    with pytest.raises(ReadTwice, match="only once"):
        check_files([], [tmp_path / "pipe", tmp_path / "pipe"])


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path):
    kept, link = tmp_path / "kept", tmp_path / "link"
    kept.write_text("old")
    kept.chmod(0o640)
    link.symlink_to(kept)
    write(link, "new")
    assert link.is_symlink() and kept.read_text() == "new" and stat.S_IMODE(kept.stat().st_mode) == 0o640
    (tmp_path / "ahead").symlink_to(tmp_path / "later")
    write(tmp_path / "ahead", b"bytes")
    assert (tmp_path / "later").read_bytes() == b"bytes"
    assert _left(tmp_path) == ["ahead", "kept", "later", "link"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_is_broken_off_leaves_the_old_file_and_nothing_else(tmp_path, fault):
    (tmp_path / "x").write_text("old")
    for name in ("x", "y"):
        with pytest.raises(fault), opened(tmp_path / name) as file:
            file.write(b"half")
            raise fault
    assert _left(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(NotWritten) as fault:
        write(tmp_path / "x", "new")
    assert fault.value.sentence.endswith("No space left on device; the old file is as it was.")
    with pytest.raises(NotWritten) as fault:
        write(tmp_path / "y", "new")
    assert fault.value.sentence.endswith("y cannot be written: No space left on device.")
    assert _left(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"


def test_a_device_that_is_full_is_one_sentence():
    with pytest.raises(NotWritten, match=r"/dev/full cannot be written: No space left on device\."):
        write(Path("/dev/full"), "new")


def test_a_pipe_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe", "words")
    reader.join(10)
    assert heard == [b"words"] and (tmp_path / "pipe").is_fifo() and _left(tmp_path) == ["pipe"]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "out.txt"])
def test_standard_output_goes_on_where_it_is(tmp_path, name):
    """`out.txt` is what standard output goes to: replaced, what is printed later would be lost."""
    code = (
        "from pathlib import Path; from ccos.cli.files import write; "
        f"print('first'); write(Path({name!r}), 'second\\n'); print('third')"
    )
    with (tmp_path / "out.txt").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, cwd=tmp_path, check=True)
    assert (tmp_path / "out.txt").read_text() == "first\nsecond\nthird\n"


REPLAY = ("eval", "replay", "o.jsonl", "--resamplings", "20", "--folds", "2")


@pytest.mark.parametrize(
    "arguments",
    [
        (*REPLAY, "--html", "o.jsonl"),
        ("eval", "gate", "set.jsonl", "--scores", "set.jsonl"),
        ("eval", "gate", "o.jsonl", "set.jsonl", "--html", "link"),
        ("train", "gate", "set.jsonl", "--out", "set.jsonl"),
        ("train", "gate", "--about", "facts.json", "--out", "facts.json"),
        ("train", "triage", "set.jsonl", "--what", "intent", "--text", "question", "--out", "link"),
        ("eval", "tiers", "--tickets", "t.jsonl", "--html", "t.jsonl"),
    ],
    ids=lambda given: " ".join(given[:2]),
)
def test_no_command_writes_over_what_it_reads(ccos: Command, arguments):
    write_lines(ccos.folder / "set.jsonl", lines(60))
    write_lines(ccos.folder / "o.jsonl", sums(40))
    write_lines(ccos.folder / "t.jsonl", [{"subject": "a", "description": "b"}])
    (ccos.folder / "facts.json").write_text("{}")
    (ccos.folder / "link").symlink_to("set.jsonl")
    before = {each.name: each.read_bytes() for each in ccos.folder.iterdir()}
    ran = ccos(*arguments)
    assert ran.code == 2 and ran.out == "" and "writing would destroy it" in ran.sentence
    assert before == {each.name: each.read_bytes() for each in ccos.folder.iterdir()}


def test_a_model_goes_into_a_device_and_the_device_stays(ccos: Command):
    rows = [{"text": f"{word} {n}", "label": word} for n in range(20) for word in ("refund", "delivery")]
    write_lines(ccos.folder / "set.jsonl", rows)
    (ccos.folder / "null").symlink_to("/dev/null")
    ran = ccos("train", "triage", "set.jsonl", "--what", "intent", "--out", "null", "--json")
    assert ran.code == 0 and ran.json["kilobytes"] > 0
    assert (ccos.folder / "null").is_symlink() and Path("/dev/null").is_char_device()


def test_pipes_and_standard_input_are_read(ccos: Command):
    write_lines(ccos.folder / "o.jsonl", sums(40))
    content = (ccos.folder / "o.jsonl").read_bytes()
    ran = ccos(*REPLAY[:2], "-", *REPLAY[3:], "--json", input=content)
    assert ran.code == 0 and ran.json["n"] == 40 and ran.json["file"] == "standard input"
    ran = ccos(*REPLAY[:2], "/dev/stdin", *REPLAY[3:], "--json", input=content)
    assert ran.code == 0 and ran.json["n"] == 40
    spans = json.dumps({"text": "010-1234-5678", "spans": [[0, 13, "phone"]]})
    assert ccos("eval", "pii", "-", "--json", input=spans).json["recall"] == 1
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines(12))
    ran = ccos("eval", "gate", "-", "--scores", "-", "--resamplings", "0", "--html", "/dev/null", input=rows)
    scores = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    assert ran.code == 0 and len(scores) == 12 and "standard input: 12 answers" in ran.out
    ran = ccos("eval", "pii", "-", "-", input=spans)
    assert ran.code == 2 and ran.sentence == "- can be read only once; save it as a file to give it twice."
    ran = ccos("eval", "pii", "-", input="oops")
    assert ran.code == 2 and ran.sentence.startswith("Line 1 of standard input")


@pytest.mark.parametrize(
    "arguments",
    [
        ("eval", "feasible", "--good-rate", "nan"),
        ("eval", "feasible", "--good-rate", "inf"),
        ("eval", "feasible", "--good-rate", "0.5", "--required", "nan"),
        ("eval", "feasible", "--good-rate", "0.5", "--saving", "NaN"),
        ("eval", "replay", "o.jsonl", "--cost-ratio", "nan"),
        ("eval", "tiers", "--spend-at-most", "nan"),
        ("eval", "tiers", "--timeout", "nan"),
        ("train", "triage", "o.jsonl", "--what", "intent", "--out", "m", "--certain", "nan"),
    ],
    ids=" ".join,
)
def test_a_number_that_is_none_is_refused(ccos: Command, arguments):
    write_lines(ccos.folder / "o.jsonl", [])
    ran = ccos(*arguments)
    assert ran.code == 2 and "Invalid value for" in ran.err and ran.out == ""
