"""`ccos eval pii`: how well personal data is found in labelled lines, and how quickly."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.files import check_files, readable
from ccos.cli.run import print_json

if TYPE_CHECKING:
    from ccos.learning.pii_figures import Figures, Line


@click.command()
@click.argument("files", metavar="FILE...", type=readable(), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def pii(files: tuple[Path, ...], as_json: bool) -> None:
    """Measure the recognisers on the labelled lines of each FILE: recall and precision in all and by kind.

    A line is {"text": ..., "spans": [[start, end, kind], ...]}. Recall is the share of labelled values that
    are covered whole, precision the share of findings that touch one.
    """
    from ccos.cli.terminal import working
    from ccos.learning.pii_figures import measure, read_lines

    check_files([], files)
    lines = [line for path in files for line in read_lines(path)]
    with working("Searching"):
        told = _told(measure(lines), _milliseconds(lines))
    if as_json:
        print_json(told)
    else:
        click.echo(_table(told))


def _milliseconds(lines: list[Line]) -> list[float]:
    from ccos.quality.pii import find

    took = []
    for line in lines:
        begun = time.perf_counter()
        find(line.text)
        took.append((time.perf_counter() - begun) * 1_000)
    return sorted(took) or [0.0]


def _told(figures: Figures, took: list[float]) -> dict[str, Any]:
    return {
        "lines": figures.lines,
        "values": figures.labelled.total(),
        "recall": figures.recall,
        "precision": figures.precision,
        "resident_numbers_passed": figures.passed,
        "ms_p50": round(statistics.median(took), 3),
        "ms_p95": round(took[int((len(took) - 1) * 0.95)], 3),
        "kinds": figures.by_kind(),
    }


def _table(told: dict[str, Any]) -> str:
    rows = [
        f"{told['lines']} lines, {told['values']} values: recall {told['recall']:.3f}, precision "
        f"{told['precision']:.3f}, resident numbers passed {told['resident_numbers_passed']}; "
        f"{told['ms_p50']:.2f} ms a line at the median, {told['ms_p95']:.2f} ms at the 95th percentile.",
        f"{'kind':10} {'n':>5} {'recall':>8} {'right kind':>11} {'precision':>10}",
    ]
    rows += [
        f"{kind:10} {row['n']:5.0f} {row['recall']:8.3f} {row['right_kind']:11.3f} {row['precision']:10.3f}"
        for kind, row in told["kinds"].items()
    ]
    return "\n".join(rows)
