"""Files to items: Markdown, HTML, CSV, JSON and JSON lines, each also as .gz, and folders of any mix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge.formats import files, markdown
from ccos.knowledge.formats.decode import decode
from ccos.knowledge.formats.html import to_markdown
from ccos.knowledge.formats.problem import Problem, Unreadable
from ccos.knowledge.formats.records import MOST_BYTES, Options, item
from ccos.knowledge.formats.rows import Row, csv_rows, json_rows, jsonl_rows

__all__ = ["Options", "Problem", "Reading", "read"]

_ROWS: dict[str, Callable[[bytes, str | None], Iterable[Row]]] = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".json": json_rows,
}
_PAGES = frozenset({".md", ".markdown", ".html", ".htm", ".txt"})


@dataclass(slots=True)
class Reading:
    """What a path gave. `unread` counts files and records that gave no item; each has its problem."""

    items: dict[tuple[EvidenceKind, str], Item] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    skipped: int = 0
    unread: int = 0


def read(path: Path, options: Options, progress: Callable[[int, int], None]) -> Reading:
    """Reads a file or a folder; whatever cannot be read is a problem, and the rest is there.

    `progress` gets files done and files there are. Raises `BadKnowledge` when there is nothing at `path`, or
    nothing of a kind that can be read.
    """
    if not path.exists():
        raise BadKnowledge(f"There is no file or folder {path}; give the path of what to import.")
    reading, root = Reading(), path if path.is_dir() else path.parent

    def complain(where: Path, sentence: str) -> None:
        reading.problems.append(Problem(_shown(where, root), sentence))
        reading.unread += 1

    found = list(files.walk(path, complain)) if path.is_dir() else [path]
    known = [file for file in found if _suffix(file) in _ROWS or _suffix(file) in _PAGES]
    reading.skipped = len(found) - len(known)
    if not known and not reading.problems:
        raise BadKnowledge(
            f"Nothing at {path} can be imported; give Markdown, HTML, CSV, JSON or JSON lines (also .gz)."
        )
    for done, file in enumerate(known, start=1):
        try:
            _read_file(file, root, options, reading)
        except Unreadable as fault:
            complain(file, str(fault))
        progress(done, len(known))
    return reading


def _read_file(file: Path, root: Path, options: Options, reading: Reading) -> None:
    name = _shown(file, root)
    if _suffix(file) in _PAGES:
        _keep(reading, name, None, _page(file), options, fallback_id=_bare(name))
        return
    counted = _suffix(file) == ".json"
    for number, record in _ROWS[_suffix(file)](files.content(file), options.body_field):
        place, line = (f"{name}, record {number}", None) if counted else (name, number)
        if isinstance(record, Unreadable):
            reading.problems.append(Problem(place, str(record), line))
            reading.unread += 1
        else:
            _keep(reading, place, line, record, options)


def _page(file: Path) -> dict[str, object]:
    text = decode(files.content(file, MOST_BYTES))
    if _suffix(file) in (".html", ".htm"):
        page = to_markdown(text)
        return {
            "title": page.title or _bare(file.name),
            "body": page.text,
            "url": page.url,
            "locale": page.locale,
            "updated_at": page.updated_at,
        }
    return markdown.record(text, _bare(file.name))


def _keep(
    reading: Reading,
    name: str,
    line: int | None,
    record: dict[str, object],
    options: Options,
    *,
    fallback_id: str | None = None,
) -> None:
    def note(sentence: str) -> None:
        reading.problems.append(Problem(name, sentence, line))

    try:
        made = item(record, options, note, fallback_id=fallback_id)
    except Unreadable as fault:
        note(str(fault))
        reading.unread += 1
        return
    key = (made.kind, made.external_id)
    if key in reading.items:
        note(f"The id '{made.external_id}' was there before; the later one is kept.")
    reading.items[key] = made


def _suffix(file: Path) -> str:
    name = file.with_suffix("") if file.suffix.lower() == ".gz" else file
    return name.suffix.lower()


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) and file != root else file.name


def _bare(name: str) -> str:
    """A file's name without its endings."""
    path = Path(name)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    return path.with_suffix("").as_posix()
