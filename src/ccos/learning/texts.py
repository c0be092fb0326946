"""Labelled texts: what people call a message, one JSON object a line, in whatever columns a set has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ccos.domain.errors import BadInput
from ccos.learning.labelled import name_of, read_lines

TEXT_COLUMNS = ("text", "question", "utterance", "sentence", "document")
LABEL_COLUMNS = ("label", "label_name", "labels", "intent", "hate", "sentiment")
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class LabelledText:
    """Lines of one `group` stay on one side of every split."""

    text: str
    label: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a set keeps its texts and labels; None takes the first usual name that the line has.

    `whether` makes the question a yes or no: whether the label, or one of the labels, is this one.
    """

    text: str | None = None
    label: str | None = None
    whether: str | None = None


def read_texts(path: Path, columns: Columns | None = None) -> list[LabelledText]:
    """All labelled lines of a `.jsonl` or `.jsonl.gz` file; a line whose label is null is passed over.

    Raises BadInput that names the first line at fault, or says that there is none at all.
    """
    found = list(parse_texts(read_lines(path), name_of(path), columns))
    if not found:
        raise BadInput(f"{name_of(path)} holds no labelled texts: write one JSON object a line.")
    return found


def parse_texts(lines: Iterable[str], name: str, columns: Columns | None = None) -> Iterator[LabelledText]:
    chosen = columns or Columns()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise BadInput(f"{name}, line {number} is not a JSON object.")
        where = f"{name}, line {number}"
        text = row[_column(row, chosen.text, TEXT_COLUMNS, where, "--text")]
        label = row[_column(row, chosen.label, LABEL_COLUMNS, where, "--label")]
        if label is None:
            continue
        if not isinstance(text, str):
            raise BadInput(f"{where}: the text is no text.")
        group = row.get("group", row.get("ticket_id"))
        yield LabelledText(text, _label(label, chosen.whether, where), None if group is None else str(group))


def _column(
    row: dict[str, object], wanted: str | None, usual: tuple[str, ...], where: str, option: str
) -> str:
    for name in usual if wanted is None else (wanted,):
        if name in row:
            return name
    sought = wanted or f"any of {', '.join(usual)}"
    raise BadInput(f"{where} has no column {sought}; name the right one with {option}.")


def _label(value: object, whether: str | None, where: str) -> str:
    several = value if isinstance(value, list) else [value]
    names = [str(each).lower() if isinstance(each, bool) else str(each) for each in several]
    if whether is not None:
        return YES if whether in names else NO
    if len(names) != 1:
        raise BadInput(f"{where} has {len(names)} labels: say with --whether which of them is asked for.")
    return names[0]
