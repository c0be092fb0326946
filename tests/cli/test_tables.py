"""Tables, axes and sentences whose figures must all be seen."""

from __future__ import annotations

import io
import re
from dataclasses import asdict
from typing import Literal

import pytest
from rich.console import Console
from rich.table import Table

from ccos.cli.eval_plots import Frame
from ccos.cli.eval_replay_page import _feasible
from ccos.cli.eval_replay_words import Words
from ccos.cli.tables import print_table
from ccos.learning.replay.feasible import feasibility
from support.ccos_command import Command
from support.labelled_sets import lines, write
from support.replay_sets import sums


def _printed(width: int) -> str:
    table = Table(box=None, pad_edge=False)
    for head in ("", "certified share", "of them good"):
        table.add_column(head)
    table.add_row("first row", "from 0.1234", "91.2% 80% to 95%")
    table.add_row("second", "", "–")
    out = io.StringIO()
    print_table(Console(file=out, width=width), table)
    return out.getvalue()


def test_a_table_that_fits_is_one() -> None:
    assert len(_printed(80).splitlines()) == 3
    assert _printed(80).splitlines()[1].split("  ")[0] == "first row"


def test_headings_give_way_first() -> None:
    shown = _printed(40).splitlines()
    assert len(shown) == 5 and "certified" in shown[1] and "share" in shown[2]
    assert re.search(r"first row +from 0\.1234 +91\.2% 80% to 95%", shown[3])


@pytest.mark.parametrize("width", [36, 20])
def test_then_each_row_is_a_few_lines_and_nothing_is_cut(width: int) -> None:
    shown = _printed(width)
    assert "…" not in shown and all(len(line) <= width for line in shown.splitlines())
    assert shown.startswith("first row\n  certified share: ") and "second\n  of them good: –" in shown
    assert "from 0.1234" in " ".join(shown.split())


def test_narrow_terminals_lose_no_figure(ccos: Command) -> None:
    write(ccos.folder / "o.jsonl", sums(40))
    write(ccos.folder / "set.jsonl", lines(20))
    for command in (
        ("replay", "o.jsonl", "--resamplings", "20", "--folds", "2"),
        ("gate", "set.jsonl", "--resamplings", "0"),
    ):
        ran = ccos("eval", *command, COLUMNS="60")
        assert ran.code == 0 and "…" not in ran.out and max(map(len, ran.out.splitlines())) <= 60


@pytest.mark.parametrize(
    ("low", "up", "across"),
    [
        (0, 1, 1),
        (0.8712, 0.8741, 1.2),
        (0.5, 0.52, 2),
        (0, 0.0004, 0.0007),
        (0, 60, 7),
        (0, 4_000, 40),
        (9.9, 10.1, 1),
    ],
)
def test_no_two_labels_of_an_axis_are_the_same(low: float, up: float, across: float) -> None:
    drawn = Frame("x", "y", across=across, low=low, up=up).render("a plot", "of nothing")
    numbers = re.findall(r">(-?[\d.,]+)</text>", drawn)
    heights, widths = numbers[0::2], numbers[1::2]
    assert len(heights) == len(widths) == 5
    assert len(set(heights)) == 5 and len(set(widths)) == 5
    for shown, step in zip(heights, range(5), strict=True):
        assert float(shown.replace(",", "")) == pytest.approx(
            low + step * (up - low) / 4, abs=(up - low) / 16
        )


def test_an_axis_to_one_reads_as_ever() -> None:
    drawn = Frame("x", "y").render("a plot", "of nothing")
    assert re.findall(r">([\d.]+)</text>", drawn) == [
        each for step in ("0", "0.25", "0.5", "0.75", "1") for each in (step, step)
    ]


@pytest.mark.parametrize(
    ("language", "loss"), [("en", "costs as much as it saves or more"), ("ko", "더 듭니다")]
)
def test_the_page_calls_a_loss_one_too(language: Literal["en", "ko"], loss: str) -> None:
    for good_rate, said in ((0.0, True), (0.1, False)):
        told = {"feasible": asdict(feasibility(good_rate, 0.7, cost_ratio=0.04))}
        page = "".join(_feasible(told, Words(language)))
        assert (loss in page) is said and "-4%" not in page


@pytest.mark.parametrize("good_rate", [0.0, 0.02])
def test_a_saving_that_is_a_loss_is_said_in_words(good_rate: float) -> None:
    said = feasibility(good_rate, 0.7, cost_ratio=0.04).sentence
    assert "-" not in said and "costs as much as it saves or more" in said
    little = feasibility(0.03, 0.7, cost_ratio=0.04, wanted=0.0).sentence
    assert "a good gate saves nothing, until" in little and "-" not in little
    assert "no gate saves more than 10%" in feasibility(0.1, 0.7, cost_ratio=0.04).sentence
