"""Lines and tables of pages to Markdown: headings by their size, wrapped lines joined, running heads gone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ccos.knowledge.formats.pdf.page import Line, Piece, Table

_MARGIN_LINES = 2
"""Lines at the top and at the bottom of a page among which its running heads are looked for."""

_LARGER, _FARTHER = 1.15, 1.35
"""A heading's letters to the body's; the distance to a new paragraph's first line to the usual one."""

_LONGEST_HEADING, _LONGEST_BOLD_HEADING = 120, 60
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–—(\[]?\s*\d{1,5}\s*(?:(?:/|of)\s*\d{1,5})?\s*[-–—)\]]?", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?。…:;,]['\"”’)\]]?$")
_GLYPH = re.compile("^[•●○◦▪▫■□◆◇▶▷►‣⁃∙·\uf0b7\uf0a7\uf0d8\uf06c\uf09f]\\s*|^[-–—]\\s+")
_TIGHT_NUMBER = re.compile(r"^(\d{1,3}[.)]|[①-⑳])(?=[^\s\d.)])")
_ITEM = re.compile(r"^(?:-\s|\d{1,3}[.)]\s|[①-⑳]\s|[가나다라마바사아자차카타파하][.)]\s)")
_HANGUL = re.compile("[가-힣]")


@dataclass(slots=True)
class _Block:
    """`kind` is a heading's level from 1, 0 for a paragraph, -1 for an item of a list, -2 for a table."""

    kind: int
    text: str
    left: float = 0.0


def markdown(pages: Sequence[Sequence[Piece]]) -> tuple[str, str]:
    """The document's text, and its first heading when that is the largest and on the first page with any."""
    body = _body_size(pages)
    kept = [list(page) for page in _without_running_heads(pages, body)]
    writer = _Writer(kept, body)
    for page in kept:
        for piece in page:
            if isinstance(piece, Table):
                writer.table(piece)
            else:
                writer.line(piece, page)
    return _joined(writer.blocks), writer.title()


def _lines(pages: Iterable[Iterable[Piece]]) -> Iterator[Line]:
    return (piece for page in pages for piece in page if isinstance(piece, Line))


def _body_size(pages: Sequence[Sequence[Piece]]) -> float:
    """The size that most letters have."""
    sizes: Counter[float] = Counter()
    for line in _lines(pages):
        sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=0.0)


def _without_running_heads(pages: Sequence[Sequence[Piece]], body: float) -> Iterator[list[Piece]]:
    """Running heads stand on half of the pages or more: the same words, or small letters but for numbers."""
    margins = [_margin(page) for page in pages]
    same = Counter(text for margin in margins for text in {line.text.strip() for line in margin})
    alike = Counter(text for margin in margins for text in {_numberless(line) for line in margin})
    half = len(pages) / 2

    def runs(line: Line) -> bool:
        text = line.text.strip()
        if _PAGE_NUMBER.fullmatch(text) and len(pages) > 1:
            return True
        if same[text] >= max(2.0, half):
            return True
        often = max(2.0 if line.size <= body * 0.95 else 3.0, half)
        return line.size <= body * 1.05 and alike[_numberless(line)] >= often

    for page, margin in zip(pages, margins, strict=True):
        gone = {id(line) for line in margin if runs(line)}
        yield [piece for piece in page if id(piece) not in gone]


def _margin(page: Sequence[Piece]) -> list[Line]:
    ordered = sorted(page, key=lambda piece: -piece.top)
    outer = ordered[:_MARGIN_LINES] + ordered[-_MARGIN_LINES:]
    return [piece for piece in outer if isinstance(piece, Line)]


def _numberless(line: Line) -> str:
    return re.sub(r"\d+", "0", line.text.strip())


class _Writer:
    def __init__(self, pages: Sequence[Sequence[Piece]], body: float) -> None:
        self.blocks: list[_Block] = []
        self._body = body
        lines = list(_lines(pages))
        self._sizes = _heading_sizes(lines, body)
        self._bold_says = (
            sum(len(line.text) for line in lines if line.bold) < sum(len(line.text) for line in lines) / 3
        )
        self._pitch = _pitch(pages)
        self._limits: dict[int, float] = {}
        self._last: Line | None = None
        self._seam = self._seams(pages)

    def title(self) -> str:
        first = next((block for block in self.blocks if block.kind > 0), None)
        return first.text if first and first.kind == 1 and first in self.blocks[:3] else ""

    def table(self, table: Table) -> None:
        self._last = None
        if not table.rows:
            return
        rows = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in table.rows]
        rows.insert(1, "|" + "---|" * len(table.rows[0]))
        self.blocks.append(_Block(-2, "\n".join(rows)))

    def line(self, line: Line, page: Sequence[Piece]) -> None:
        text = _TIGHT_NUMBER.sub(r"\1 ", _GLYPH.sub("- ", line.text.strip(" ")))
        level = self._level(line, text)
        last, self._last = self._last, line
        block = self.blocks[-1] if self.blocks and last else None
        if block and last and block.kind == level and level > 0 and self._follows(last, line):
            block.text += " " + text  # a heading of two lines
        elif level > 0:
            self.blocks.append(_Block(level, text))
        elif _ITEM.match(text):
            self.blocks.append(_Block(-1, text, line.left))
        elif block and last and block.kind <= 0 and self._goes_on(last, line, page):
            if self._wrapped(last, line, page):
                block.text = block.text.removesuffix("\xad") + self._glue(last, line) + text
            elif block.kind == -1 and line.left <= block.left + 1:
                self.blocks.append(_Block(0, text))
            else:
                block.text += "\n" + ("  " if block.kind == -1 else "") + text
        else:
            self.blocks.append(_Block(0, text))

    def _level(self, line: Line, text: str) -> int:
        for level, size in enumerate(self._sizes, start=1):
            if abs(line.size - size) <= size * 0.04:
                return min(level, 6) if len(text) <= _LONGEST_HEADING else 0
        short = len(text) <= _LONGEST_BOLD_HEADING and not _SENTENCE_END.search(text)
        if (
            line.bold
            and self._bold_says
            and short
            and line.size >= self._body * 0.96
            and not _ITEM.match(text)
        ):
            return min(len(self._sizes) + 1, 6)
        return 0

    def _follows(self, last: Line, line: Line) -> bool:
        """The line below, not farther than the lines of a paragraph are."""
        return 0 < last.bottom - line.bottom <= max(self._pitch * _FARTHER, 1.8 * line.size)

    def _goes_on(self, last: Line, line: Line, page: Sequence[Piece]) -> bool:
        """Whether the line is of the last one's paragraph, which may go on in the next column or page."""
        if abs(last.size - line.size) > 0.1 * last.size or (last.bold != line.bold and last.bold):
            return False
        if last.bottom - line.bottom > 0:
            return self._follows(last, line)
        return not _SENTENCE_END.search(last.text.strip()) and self._wrapped(last, line, page)

    def _wrapped(self, last: Line, line: Line, page: Sequence[Piece]) -> bool:
        """Whether the line's first word had no room in the last one."""
        if last.text.endswith("\xad"):
            return True
        words = line.text.split(maxsplit=1)
        width = (line.right - line.left) / max(len(line.text.strip()), 1) * len(words[0] if words else "")
        return width > self._limit(last, page) - last.right - 0.2 * last.size

    def _limit(self, line: Line, page: Sequence[Piece]) -> float:
        """Where lines of its column and size end."""
        found = self._limits.get(id(line))
        if found is None:
            rights = [
                other.right
                for other in page
                if isinstance(other, Line)
                and abs(other.size - line.size) <= 0.1 * line.size
                and other.left < line.right
                and line.left < other.right
            ]
            found = self._limits[id(line)] = max([*rights, line.right])
        return found

    def _glue(self, last: Line, line: Line) -> str:
        if last.text.endswith("\xad"):
            return ""
        korean = _HANGUL.match(last.text[-1:]) and _HANGUL.match(line.text[:1])
        return self._seam if korean else " "

    def _seams(self, pages: Sequence[Sequence[Piece]]) -> str:
        """What stands between two Hangul lines of a paragraph.

        Korean type breaks words anywhere. Some writers keep the space of a break that falls between words:
        then its lack says that a word goes on. Others keep none: then lines that all end within a syllable
        of the margin were broken anywhere, mostly inside words, and lines that do not between words.
        """
        gaps = []
        for page in pages:
            lines = [piece for piece in page if isinstance(piece, Line)]
            for last, line in pairwise(lines):
                if self._follows(last, line) and self._wrapped(last, line, page):
                    if last.text.endswith(" "):
                        return ""
                    gaps.append((self._limit(last, page) - last.right) / max(last.size, 1.0))
        return "" if len(gaps) >= 3 and median(gaps) < 0.5 and max(gaps) < 1.3 else " "


def _heading_sizes(lines: Sequence[Line], body: float) -> list[float]:
    """Sizes of headings from the largest, those within four hundredths of each other as one."""
    sizes: list[float] = []
    for size in sorted({line.size for line in lines if line.size >= body * _LARGER}, reverse=True):
        if not sizes or sizes[-1] - size > sizes[-1] * 0.04:
            sizes.append(size)
    return sizes


def _pitch(pages: Sequence[Sequence[Piece]]) -> float:
    """The distance from line to line that is most usual."""
    steps: Counter[float] = Counter()
    for page in pages:
        lines = [piece for piece in page if isinstance(piece, Line)]
        for last, line in pairwise(lines):
            step = round((last.bottom - line.bottom) * 2) / 2
            if 0.8 * line.size < step < 2.5 * line.size and abs(last.size - line.size) <= 0.1 * line.size:
                steps[step] += 1
    return max(steps, key=lambda step: (steps[step], -step), default=0.0)


def _joined(blocks: Sequence[_Block]) -> str:
    parts: list[str] = []
    lefts: list[float] = []
    for at, block in enumerate(blocks):
        text = block.text.replace("\xad", "")
        if block.kind == -1:
            while lefts and block.left < lefts[-1] - 2:
                lefts.pop()
            if not lefts or block.left > lefts[-1] + 2:
                lefts.append(block.left)
            text = "  " * (len(lefts) - 1) + text
            parts.append("\n" if at and blocks[at - 1].kind == -1 else "\n\n")
        else:
            lefts.clear()
            text = "#" * block.kind + " " + text if block.kind > 0 else text
            parts.append("\n\n")
        parts.append(text)
    return "".join(parts).strip()
