"""`ccos train tiny` where it cannot train: one sentence, and nothing is left behind."""

import sys
from pathlib import Path

import pytest

from ccos.cli import ccos
from ccos.cli.run import guarded


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    command = ["train", "tiny", *words]
    code = guarded(lambda: ccos.main(command, prog_name="ccos", standalone_mode=False))
    return code, capsys.readouterr().err


def test_without_pytorch_it_says_what_to_install(capsys, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, said = run(capsys, "--out", str(tmp_path / "t.gguf"))
    assert code == 2 and 'pip install "ccos[tiny]"' in said
    assert not list(tmp_path.iterdir())


def test_lines_that_teach_nothing_are_told_before_any_training(capsys, tmp_path: Path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"answer": 42}\n')
    code, said = run(capsys, "--out", str(tmp_path / "t.gguf"), "--data", str(own))
    assert code == 2 and "Line 1" in said


def test_a_model_is_not_written_over_the_lines_it_learns_from(capsys, tmp_path: Path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"text": "hi", "label": "other"}\n')
    code, said = run(capsys, "--out", str(own), "--data", str(own))
    assert code == 2 and own.read_text().startswith('{"text"') and "name another" in said
