"""A page as PDFium sees it to lines of text and tables in reading order.

The order is that of the page's content, which is how those who write PDF files lay out columns too.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ccos.knowledge.formats.pdf.grid import NEAR, Grid, Rule, grids

MOST_SEGMENTS = 20_000
"""Line segments looked at for tables; a page with more of them is a drawing."""

UNKNOWN = "\ufffd"
"""Stands for a letter of which the file does not say which one it is."""

_HYPHENS = "\x02\ufffe\xad"
_BOLD = 600


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text with its box in points, its letters' height, and whether all of it is bold.

    `text` may end with a space, or with a soft hyphen where a word goes on in the next line.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[str, ...], ...]
    bottom: float
    top: float


Piece = Line | Table


@dataclass(frozen=True, slots=True)
class _Letter:
    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool
    made: bool
    """Not in the file, but put in by PDFium between words and lines."""


def pieces(page: Any) -> list[Piece]:
    """`page` is a `pypdfium2.PdfPage`."""
    ruled = grids(*_rules(page))
    cells: list[dict[tuple[int, int], list[str]]] = [{} for _ in ruled]
    found: list[Piece | int] = []
    held: list[_Letter] = []

    def end_line() -> None:
        if line := _line(held):
            found.append(line)
        held.clear()

    for letter in _letters(page):
        if letter.text in "\r\n":
            if letter.text == "\n":
                end_line()
                for held_cells in cells:
                    for words in held_cells.values():
                        words.append(" ")
            continue
        place = _place(ruled, letter)
        if place is None:
            held.append(letter)
            continue
        table, cell = place
        if not cells[table]:
            end_line()
            found.append(table)
        cells[table].setdefault(cell, []).append(letter.text)
    end_line()
    return [_table(ruled[each], cells[each]) if isinstance(each, int) else each for each in found]


def _place(ruled: list[Grid], letter: _Letter) -> tuple[int, tuple[int, int]] | None:
    x, y = (letter.left + letter.right) / 2, (letter.bottom + letter.top) / 2
    for at, grid in enumerate(ruled):
        if cell := grid.cell(x, y):
            return at, cell
    return None


def _table(grid: Grid, cells: dict[tuple[int, int], list[str]]) -> Table:
    rows = [
        tuple(" ".join("".join(cells.get((row, column), ())).split()) for column in range(grid.width))
        for row in range(grid.height)
    ]
    return Table(tuple(row for row in rows if any(row)), grid.rows[0], grid.rows[-1])


def _line(letters: list[_Letter]) -> Line | None:
    drawn = [letter for letter in letters if letter.text.strip() and not letter.made]
    if not drawn:
        return None
    text = "".join(letter.text for letter in letters).lstrip()
    while letters[-1].made and text.endswith(" "):
        text = text[:-1]  # a space at the end says something only when the file holds it
        letters = letters[:-1]
    sizes = sorted(letter.size for letter in drawn)
    return Line(
        text=text,
        left=min(letter.left for letter in drawn),
        right=max(letter.right for letter in drawn),
        bottom=min(letter.bottom for letter in drawn),
        top=max(letter.top for letter in drawn),
        size=sizes[len(sizes) // 2],
        bold=all(letter.bold for letter in drawn),
    )


def _letters(page: Any) -> Iterator[_Letter]:
    import pypdfium2.raw as c

    opened = page.get_textpage()
    text = opened.raw  # the wrapper would be unwrapped at each of some ten calls a letter
    box = c.FS_RECTF()
    left, bottom, right, top = page.get_bbox()
    waiting, run, size, bold = "", None, 0.0, False
    for at in range(c.FPDFText_CountChars(text)):
        letter = waiting + chr(c.FPDFText_GetUnicode(text, at))
        waiting = ""
        if "\ud800" <= letter <= "\udbff":
            waiting = letter
            continue
        if len(letter) > 1 or letter >= "\ud800":
            letter = letter.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        if not letter or letter == "\0" or not c.FPDFText_GetLooseCharBox(text, at, box):
            continue
        made = c.FPDFText_IsGenerated(text, at) == 1
        inside = left <= (box.left + box.right) / 2 <= right and bottom <= (box.bottom + box.top) / 2 <= top
        if not made and not inside:
            continue  # nobody sees it
        if letter in _HYPHENS:
            letter = "\xad"
        elif not made:
            this_run = ctypes.cast(c.FPDFText_GetTextObject(text, at), ctypes.c_void_p).value
            if this_run != run:
                run, size, bold = this_run, _size(text, at), _bold(text, at)
            if letter < " " or c.FPDFText_HasUnicodeMapError(text, at) == 1:
                letter = UNKNOWN
        yield _Letter(letter, box.left, box.right, box.bottom, box.top, size, bold, made)
    opened.close()


def _size(text: Any, at: int) -> float:
    """The letter's size on the page: its font's, stretched as the page does."""
    import pypdfium2.raw as c

    matrix = c.FS_MATRIX()
    c.FPDFText_GetMatrix(text, at, matrix)
    return float(c.FPDFText_GetFontSize(text, at)) * math.hypot(matrix.c, matrix.d)


def _bold(text: Any, at: int) -> bool:
    """By the font's weight or name: some writers give every font the same weight."""
    import pypdfium2.raw as c

    if c.FPDFText_GetFontWeight(text, at) >= _BOLD:
        return True
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    c.FPDFText_GetFontInfo(text, at, name, len(name), flags)
    return any(word in name.value.lower() for word in (b"bold", b"black", b"heavy"))


def _rules(page: Any) -> tuple[list[Rule], list[Rule]]:
    """Straight lines across and upright that the page draws."""
    import pypdfium2.raw as c

    across: list[Rule] = []
    upright: list[Rule] = []
    looked_at = 0
    x, y = ctypes.c_float(), ctypes.c_float()
    for shape in page.get_objects(filter=[c.FPDF_PAGEOBJ_PATH], max_depth=1):
        count = c.FPDFPath_CountSegments(shape)
        looked_at += max(count, 0)
        if looked_at > MOST_SEGMENTS:
            return [], []
        matrix = shape.get_matrix()
        start = before = (0.0, 0.0)
        for at in range(count):
            segment = c.FPDFPath_GetPathSegment(shape, at)
            c.FPDFPathSegment_GetPoint(segment, x, y)
            point = matrix.on_point(x.value, y.value)
            kind = c.FPDFPathSegment_GetType(segment)
            if kind == c.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == c.FPDF_SEGMENT_LINETO:
                _add(across, upright, before, point)
            before = point
            if c.FPDFPathSegment_GetClose(segment):
                _add(across, upright, point, start)
                before = start
    return across, upright


def _add(
    across: list[Rule], upright: list[Rule], one: tuple[float, float], other: tuple[float, float]
) -> None:
    wide, tall = abs(one[0] - other[0]), abs(one[1] - other[1])
    if tall <= 1 and wide > NEAR:
        across.append(Rule((one[1] + other[1]) / 2, min(one[0], other[0]), max(one[0], other[0])))
    elif wide <= 1 and tall > NEAR:
        upright.append(Rule((one[0] + other[0]) / 2, min(one[1], other[1]), max(one[1], other[1])))
