"""Files to items: Markdown, HTML, PDF, DOCX, CSV, JSON and JSON lines, each also as .gz, and folders."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge.formats import documents, files, markdown
from ccos.knowledge.formats.confined import Confined
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
_KNOWN = frozenset({*_ROWS, *_PAGES, *documents.ENDINGS})


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
    known = [file for file in found if files.suffix(file) in _KNOWN]
    reading.skipped = len(found) - len(known)
    if not known and not reading.problems:
        raise BadKnowledge(
            f"Nothing at {path} can be imported; give Markdown, HTML, PDF, DOCX, CSV, JSON or JSON lines "
            "(also .gz)."
        )
    with Confined() as confined:
        for done, file in enumerate(known, start=1):
            try:
                _read_file(file, root, options, reading, confined)
            except Unreadable as fault:
                complain(file, str(fault))
            progress(done, len(known))
    return reading


def _read_file(file: Path, root: Path, options: Options, reading: Reading, confined: Confined) -> None:
    name = _shown(file, root)
    if files.suffix(file) in documents.ENDINGS:
        document, notes = confined.read(file)
        reading.problems.extend(Problem(name, note) for note in notes)
        document["title"] = document["title"] or _bare(Path(name).name)
        _keep(reading, name, None, document, options, fallback_id=_bare(name))
        return
    if files.suffix(file) in _PAGES:
        _keep(reading, name, None, _page(file, name, reading), options, fallback_id=_bare(name))
        return
    counted = files.suffix(file) == ".json"
    for number, record in _ROWS[files.suffix(file)](files.content(file), options.body_field):
        place, line = (f"{name}, record {number}", None) if counted else (name, number)
        if isinstance(record, Unreadable):
            reading.problems.append(Problem(place, str(record), line))
            reading.unread += 1
        else:
            _keep(reading, place, line, record, options)


def _page(file: Path, name: str, reading: Reading) -> dict[str, object]:
    text, stem = decode(files.content(file, MOST_BYTES)), _bare(Path(name).name)
    if files.suffix(file) not in (".html", ".htm"):
        return markdown.record(text, stem)
    page = to_markdown(text)
    if page.hidden > len(page.text):
        reading.problems.append(Problem(name, "Most of its text is hidden on the page and was left out."))
    return {
        "title": page.title or stem,
        "body": page.text,
        "url": page.url,
        "locale": page.locale,
        "updated_at": page.updated_at,
    }


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
        made = item(record, options, note, fallback_id=fallback_id, markup=fallback_id is None)
    except Unreadable as fault:
        note(str(fault))
        reading.unread += 1
        return
    if made.external_id == fallback_id and (made.kind, fallback_id) in reading.items:
        made = replace(made, external_id=name)  # a.pdf beside a.md
    key = (made.kind, made.external_id)
    if key in reading.items:
        note(f"The id '{made.external_id}' was there before; the later one is kept.")
    reading.items[key] = made


def _shown(file: Path, root: Path) -> str:
    """The file's name under `root`, as it can be stored and shown; macOS takes Hangul syllables apart."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) and file != root else file.name
    whole = unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in whole)


def _bare(name: str) -> str:
    """A file's name without its endings."""
    path = Path(name)
    if path.suffix.lower() == ".gz":
        path = path.with_suffix("")
    return path.with_suffix("").as_posix()
