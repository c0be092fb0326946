"""CSV, JSON lines and JSON: files that hold many records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from ccos.knowledge.formats.decode import decode, storable
from ccos.knowledge.formats.problem import Unreadable
from ccos.knowledge.formats.records import KNOWN_COLUMNS, MOST_BYTES

Row = tuple[int, dict[str, object] | Unreadable]
"""A line number from 1, with the record there or why there is none."""

_LISTS = ("articles", "items", "data", "results", "documents", "records", "kb")


def csv_rows(data: bytes, body_field: str | None = None) -> Iterator[Row]:
    """Comma, semicolon or tab, whichever the header holds most of. Raises `Unreadable` for the whole file."""
    csv.field_size_limit(MOST_BYTES)  # one limit for the process; Python's own is 128 KiB
    text = decode(data)
    header = text.lstrip("\n\r").split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] | None = None
    while True:
        at = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield (
                at,
                Unreadable(f"The row is broken: a quote is left open, or a cell exceeds {_MEGABYTES} MB."),
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = [cell.strip() for cell in cells]
            _check(names, body_field)
        elif len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            yield at, Unreadable(f"It has {len(cells)} cells, the header {len(names)}; quote the commas.")
        else:
            yield at, dict(zip(names, cells, strict=False))


def jsonl_rows(data: bytes, _body_field: str | None = None) -> Iterator[Row]:
    try:
        lines: list[str | bytes] = list(decode(data).split("\n"))
    except Unreadable:
        lines = list(data.split(b"\n"))  # so that one damaged line does not cost the others
    for at, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield at, _record(_parsed(line if isinstance(line, str) else decode(line)))
        except Unreadable as fault:
            yield at, fault


def json_rows(data: bytes, _body_field: str | None = None) -> Iterator[Row]:
    """A list of records, an object that holds one, a single record, or JSON lines under another name."""
    try:
        document = _parsed(decode(data), most=None)
    except Unreadable:
        first = data.lstrip().split(b"\n", 1)[0].strip()
        if first.startswith(b"{") and first.endswith(b"}"):
            yield from jsonl_rows(data)
            return
        raise
    if isinstance(document, dict):
        listed = next((document[name] for name in _LISTS if isinstance(document.get(name), list)), None)
        document = [document] if listed is None else listed
    if not isinstance(document, list):
        raise Unreadable("It holds neither a list of records nor an object.")
    for at, value in enumerate(document, start=1):
        try:
            yield at, _record(value)
        except Unreadable as fault:
            yield at, fault


_MEGABYTES = MOST_BYTES // 1_000_000


def _check(names: list[str], body_field: str | None) -> None:
    if body_field not in names and not KNOWN_COLUMNS & {name.lower() for name in names}:
        shown = ", ".join(names[:12])
        raise Unreadable(
            f"The first line names no title and no body column; it holds: {storable(shown)[:200]}."
        )


def _parsed(text: str, most: int | None = MOST_BYTES) -> object:
    if most is not None and len(text) > most:
        raise Unreadable(f"It is longer than {_MEGABYTES} MB; split it.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        where = f" (line {fault.lineno}, character {fault.colno})" if most is None else ""
        raise Unreadable(f"It is not JSON: {fault.msg}{where}.") from fault
    except (RecursionError, ValueError) as fault:
        raise Unreadable("It is JSON that nests too deep or holds a number too long.") from fault


def _record(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Unreadable("It is not a JSON object with named fields.")
    return value
