"""How well and how fast personal data is found.

    python benchmarks/pii.py [FILE.jsonl] [--errors N] [--json]

Without a file: the test half of the shipped set. Recall is the share of labelled values that are covered
whole, precision the share of findings that touch one. Times are of find() on each line, and on tickets of
about 250 and 2,000 characters made of such lines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from ccos import sample
from ccos.learning.pii_figures import measure, read_lines
from ccos.quality.pii import find


def milliseconds(text: str) -> float:
    begun = time.perf_counter()
    find(text)
    return (time.perf_counter() - begun) * 1_000


def timed(lines: list[str], characters: int) -> tuple[float, float]:
    """p50 and p95 of texts of about so many characters."""
    tickets, held = [], ""
    for line in lines:
        held += line + "\n"
        if len(held) >= characters:
            tickets.append(held)
            held = ""
    took = sorted(min(milliseconds(ticket) for _ in range(3)) for ticket in tickets)
    return statistics.median(took), took[int(len(took) * 0.95)]


def main() -> None:
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("file", type=Path, nargs="?")
    wanted.add_argument("--errors", type=int, default=0, help="show so many misses and false alarms")
    wanted.add_argument("--json", action="store_true")
    given = wanted.parse_args()
    if given.file:
        lines = read_lines(given.file)
    else:
        with sample.pii_path("test") as path:
            lines = read_lines(path)
    find("warm up 010-0000-0000")
    figures = measure(lines)
    times = {str(n): timed([line.text for line in lines], n) for n in (1, 250, 2_000)}
    told = {
        "lines": figures.lines,
        "values": figures.labelled.total(),
        "recall": figures.recall,
        "precision": figures.precision,
        "resident_numbers_passed": figures.passed,
        "kinds": figures.by_kind(),
        "milliseconds": {n: {"p50": round(a, 3), "p95": round(b, 3)} for n, (a, b) in times.items()},
    }
    if given.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    print(f"{told['lines']} lines, {told['values']} values: recall {told['recall']:.4f}, ", end="")
    print(f"precision {told['precision']:.4f}, resident numbers passed {figures.passed}")
    print(f"{'kind':10} {'n':>5} {'recall':>8} {'right kind':>11} {'precision':>10}")
    for kind, row in figures.by_kind().items():
        print(
            f"{kind:10} {row['n']:5.0f} {row['recall']:8.4f}"
            f" {row['right_kind']:11.4f} {row['precision']:10.4f}"
        )
    for characters, (p50, p95) in times.items():
        name = "a line" if characters == "1" else f"{characters} characters"
        print(f"{name:18} p50 {p50:.3f} ms, p95 {p95:.3f} ms")
    for line, (start, end, kind) in figures.missed[: given.errors]:
        print("missed", kind, repr(line.text[start:end]), "in", repr(line.text[:120]))
    for line, span in figures.wrong[: given.errors]:
        print("wrong", span.kind, repr(line.text[span.start : span.end]), "in", repr(line.text[:120]))


if __name__ == "__main__":
    main()
