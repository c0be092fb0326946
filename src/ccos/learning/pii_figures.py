"""How well personal data is found: recognisers against a set of lines with labelled spans."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccos.domain.errors import BadInput
from ccos.learning import labelled
from ccos.quality.pii import LOCAL_ONLY, PiiSpan, find

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Figures:
    """Counts by kind.

    `labelled` values count as `covered` when nothing of them but blanks and punctuation is left uncovered,
    by whatever kind, and as `named` when their own kind is what covers them. What was `found` counts as
    `right` when it touches a labelled value. `passed` are resident and foreigner numbers of lines that would
    have been sent on.
    """

    lines: int = 0
    labelled: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    passed: int = 0
    missed: list[tuple[Line, Span]] = field(default_factory=list)
    wrong: list[tuple[Line, PiiSpan]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return _share(self.covered.total(), self.labelled.total())

    @property
    def precision(self) -> float:
        return _share(self.right.total(), self.found.total())

    def by_kind(self) -> dict[str, dict[str, float]]:
        """`n`, `recall`, `right_kind` and `precision` of each kind that was labelled or found."""
        return {
            kind: {
                "n": self.labelled[kind],
                "recall": _share(self.covered[kind], self.labelled[kind]),
                "right_kind": _share(self.named[kind], self.labelled[kind]),
                "precision": _share(self.right[kind], self.found[kind]),
            }
            for kind in sorted({*self.labelled, *self.found})
        }


def read_lines(path: Path) -> list[Line]:
    """JSON lines `{"text": ..., "spans": [[start, end, kind], ...]}`, plain or gzipped. Raises BadInput."""
    lines = []
    for at, raw in enumerate(labelled.read_lines(path), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
            lines.append(Line(str(row["text"]), tuple((int(s), int(e), str(k)) for s, e, k in row["spans"])))
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            raise BadInput(
                f"Line {at} of {labelled.name_of(path)} needs 'text' and 'spans' of [start, end, kind]."
            ) from fault
    if not lines:
        raise BadInput(f"{labelled.name_of(path)} holds no lines: write one JSON object a line.")
    return lines


def measure(lines: Iterable[Line]) -> Figures:
    """Every line through the recognisers, without any name that a ticket would know."""
    figures = Figures()
    for line in lines:
        spans = find(line.text)
        figures.lines += 1
        _count(figures, line, spans)
    return figures


def _count(figures: Figures, line: Line, spans: Sequence[PiiSpan]) -> None:
    shown = {at for span in spans for at in range(span.start, span.end)}
    local = any(span.kind in LOCAL_ONLY for span in spans)
    for start, end, kind in line.spans:
        figures.labelled[kind] += 1
        if all(at in shown or not line.text[at].isalnum() for at in range(start, end)):
            figures.covered[kind] += 1
        else:
            figures.missed.append((line, (start, end, kind)))
        figures.named[kind] += any(s.kind == kind and s.start < end and start < s.end for s in spans)
        figures.passed += kind in LOCAL_ONLY and not local
    for span in spans:
        figures.found[span.kind] += 1
        if any(span.start < end and start < span.end for start, end, _ in line.spans):
            figures.right[span.kind] += 1
        else:
            figures.wrong.append((line, span))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0
