"""The labelled set holds what its card says, and the recognisers find in it what they promise."""

from __future__ import annotations

import json
import re

import pytest

from ccos import sample
from ccos.domain.errors import BadInput
from ccos.learning.pii_figures import Line, measure, read_lines
from ccos.quality.pii import LABELS

HALVES = ("dev", "dev2", "dev3", "test")


def lines(half: str) -> list[Line]:
    with sample.pii_path(half) as path:
        return read_lines(path)


def test_on_the_lines_nothing_was_tuned_on_the_promise_holds() -> None:
    figures = measure(lines("test"))
    assert figures.passed == 0
    assert figures.recall >= 0.98 and figures.precision >= 0.95


@pytest.mark.parametrize("half", HALVES)
def test_no_resident_number_passes_in_any_of_them(half: str) -> None:
    figures = measure(lines(half))
    assert figures.passed == 0 and figures.labelled["resident"] + figures.labelled["foreigner"] >= 12


def test_the_set_is_as_large_and_as_mixed_as_its_card_says() -> None:
    every = [line for half in HALVES for line in lines(half)]
    assert len(every) == len({line.text for line in every}) >= 1_000
    assert 0.3 <= sum(not line.spans for line in every) / len(every) <= 0.5
    assert sum(not re.search("[가-힣]", line.text) for line in every) / len(every) >= 0.1
    assert {kind for line in every for _, _, kind in line.spans} == set(LABELS)
    for line in every:
        assert all(0 <= start < end <= len(line.text) for start, end, _ in line.spans)


def test_a_value_found_in_part_counts_as_missed_and_a_wrong_find_against_precision() -> None:
    part = Line("전화 010-1234-5678 그리고 12", ((3, 25, "phone"),))
    wrong = Line("010-1234-5678", ())
    figures = measure([part, wrong])
    assert (figures.recall, figures.precision) == (0.0, 0.5)
    assert figures.by_kind()["phone"] == {"n": 1, "recall": 0.0, "right_kind": 1.0, "precision": 0.5}


def test_a_line_that_is_none_is_named(tmp_path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"text": "가", "spans": []}) + '\n{"text": "나"}\n', "utf-8")
    with pytest.raises(BadInput, match=r"Line 2 of set\.jsonl"):
        read_lines(path)
