"""The little Markdown that passages are written in, as safe HTML: everything is escaped first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

from markupsafe import Markup, escape

Kind = Literal["heading", "table", "bullets", "steps", "text"]

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_BULLET = re.compile(r"\s*[-*+]\s+")
_STEP = re.compile(r"\s*\d{1,3}[.)]\s+")
_RULE = re.compile(r"\s*\|?[\s:|-]+\|[\s:|-]*$")
_SIGNS = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+)", re.MULTILINE)


def to_html(text: str) -> Markup:
    """Headings, lists, tables, bold; links keep their words only, since evidence must not lead elsewhere."""
    lines = [line for line in text.splitlines() if line.strip() and not _RULE.match(line)]
    return Markup("").join(_block(kind, list(group)) for kind, group in groupby(lines, _kind))


def plain(text: str, length: int = 160) -> str:
    """The beginning of a passage in one line, without marks."""
    lines = (line for line in text.splitlines() if not _RULE.match(line))
    bare = _BOLD.sub(r"\1", _LINK.sub(r"\1", _SIGNS.sub("", "\n".join(lines))))
    line = " ".join(bare.replace("|", " ").split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _kind(line: str) -> Kind:
    if line.lstrip().startswith("#"):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    if _BULLET.match(line):
        return "bullets"
    return "steps" if _STEP.match(line) else "text"


def _block(kind: Kind, lines: list[str]) -> Markup:
    match kind:
        case "heading":
            return _each(Markup('<p class="heading">{}</p>'), (line.lstrip("# ") for line in lines))
        case "table":
            rows = (_each(Markup("<td>{}</td>"), _cells(line)) for line in lines)
            return Markup("<div class=wide><table>{}</table></div>").format(
                Markup("").join(Markup("<tr>{}</tr>").format(row) for row in rows)
            )
        case "bullets":
            items = _each(Markup("<li>{}</li>"), (_BULLET.sub("", line, count=1) for line in lines))
            return Markup("<ul>{}</ul>").format(items)
        case "steps":
            first = re.match(r"\s*(\d+)", lines[0])
            items = _each(Markup("<li>{}</li>"), (_STEP.sub("", line, count=1) for line in lines))
            return Markup('<ol start="{}">{}</ol>').format(first[1] if first else 1, items)
        case _:
            return _each(Markup("<p>{}</p>"), lines)


def _cells(line: str) -> Iterator[str]:
    yield from (cell.strip() for cell in line.strip().strip("|").split("|"))


def _each(pattern: Markup, texts: Iterator[str] | list[str]) -> Markup:
    return Markup("").join(pattern.format(_inline(text)) for text in texts)


def _inline(text: str) -> Markup:
    """Escaped before the marks are read, so that the tags that come out are ours alone."""
    escaped = str(escape(_LINK.sub(r"\1", text.strip())))
    return Markup(_BOLD.sub(r"<strong>\1</strong>", escaped))  # noqa: S704
