"""`ccos eval pii` tells what was found in labelled lines."""

from __future__ import annotations

import json

from click.testing import CliRunner

from ccos.cli.eval import evaluate

LINES = [
    {"text": "010-1234-5678로 연락 주세요", "spans": [[0, 13, "phone"]]},
    {"text": "주민번호 900101-1234568 지워 주세요", "spans": [[5, 19, "resident"]]},
    {"text": "김민수 고객님 주문입니다", "spans": []},
    {"text": "정수기 필터가 없어요", "spans": [[0, 3, "name"]]},
]


def written(path, lines) -> str:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return str(path)


def test_recall_precision_and_kinds_of_all_files_together(tmp_path) -> None:
    one = written(tmp_path / "a.jsonl", LINES[:2])
    other = written(tmp_path / "b.jsonl", LINES[2:])
    done = CliRunner().invoke(evaluate, ["pii", one, other, "--json"])
    told = json.loads(done.output)
    assert done.exit_code == 0 and (told["lines"], told["values"]) == (4, 3)
    assert told["recall"] == round(2 / 3, 4) and told["precision"] == round(2 / 3, 4)
    assert told["resident_numbers_passed"] == 0
    assert told["kinds"]["name"]["n"] == 1 and told["kinds"]["name"]["recall"] == 0
    assert 0 <= told["ms_p50"] <= told["ms_p95"]


def test_the_table_names_every_kind(tmp_path) -> None:
    done = CliRunner().invoke(evaluate, ["pii", written(tmp_path / "a.jsonl", LINES)])
    assert "4 lines, 3 values" in done.output and "resident " in done.output and "phone " in done.output


def test_a_file_of_another_shape_is_refused_in_one_sentence(tmp_path) -> None:
    done = CliRunner().invoke(evaluate, ["pii", written(tmp_path / "a.jsonl", [{"text": "가"}])])
    assert done.exit_code != 0 and "Line 1 of a.jsonl" in str(done.exception) + done.output


def test_a_file_that_is_missing_or_no_text_is_refused_in_one_sentence(tmp_path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe")
    for name in ("none.jsonl", "b.jsonl"):
        done = CliRunner().invoke(evaluate, ["pii", str(tmp_path / name)])
        assert done.exit_code != 0 and name in str(done.exception) + done.output
