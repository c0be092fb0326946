"""The document's body to Markdown: headings, lists with the numbers that Word shows, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ccos.knowledge.formats.docx.numbering import Numbering
from ccos.knowledge.formats.docx.package import Element, attribute, child, name
from ccos.knowledge.formats.docx.styles import Style, Styles, on, said

_LONGEST_BOLD_HEADING = 60
_BULLET_LIKE = re.compile(r"-|\d{1,3}[.)]|[①-⑳]|[가나다라마바사아자차카타파하][.)]")
_SENTENCE_END = re.compile(r"[.!?。…:;,]$")
_CONTROLS = ("sdt", "sdtContent", "customXml", "ins", "moveTo")
_THROUGH = frozenset(
    (*_CONTROLS, "hyperlink", "smartTag", "fldSimple", "bdo", "dir", "ruby", "rubyBase", "oMath", "oMathPara")
)


@dataclass(frozen=True, slots=True)
class Block:
    """`level` is a heading's from 1; `item` is its text's label in a list, `depth` how deep that is."""

    text: str
    level: int = 0
    item: str | None = None
    depth: int = 0
    table: bool = False
    bold: bool = False
    indented: bool = False


class Body:
    def __init__(self, styles: Styles, numbering: Numbering, footnotes: Element | None) -> None:
        self._styles, self._numbering = styles, numbering
        self._footnotes = {attribute(each, "id"): each for each in footnotes} if footnotes is not None else {}

    def blocks(self, element: Element) -> Iterator[Block]:
        """What a child of the body, of a cell or of a text box holds."""
        match name(element):
            case "p":
                yield from self._paragraph(element)
            case "tbl":
                yield from self._table(element)
            case other if other in _CONTROLS:
                for each in element:
                    yield from self.blocks(each)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        properties = child(element, "pPr")
        style_id = attribute(child(properties, "pStyle"), "val") or self._styles.default
        style = said(properties, None).over(self._styles.find(style_id))
        words = _Words(self, style)
        words.walk(element)
        text = re.sub(r"[ \t]*\n[ \t]*", "\n", re.sub(r"[ \t\xa0]+", " ", "".join(words.parts))).strip()
        if text:
            level = min(style.level or 0, 6)
            depth = style.depth or 0
            label = self._numbering.label(style.number, depth) if style.number not in (None, "0") else None
            if level:
                text = " ".join(f"{label or ''} {text}".split()).removeprefix("- ")
                yield Block(text, level)
            else:
                yield Block(text, 0, label or None, depth, bold=words.all_bold, indented=bool(style.indented))
        for box in words.boxes:
            for each in box:
                yield from self.blocks(each)

    def _table(self, element: Element) -> Iterator[Block]:
        rows = [[(cell, _span(cell)) for cell in _inside(row, "tc")] for row in _inside(element, "tr")]
        width = max((sum(span for _, span in row) for row in rows), default=0)
        if width <= 1:  # a frame around text
            for row in rows:
                for cell, _ in row:
                    for each in cell:
                        yield from self.blocks(each)
            return
        lines = []
        for row in rows:
            texts: list[str] = []
            for cell, span in row:
                texts += [self._cell(cell), *[""] * (span - 1)]
            texts += [""] * (width - len(texts))
            if any(texts):
                lines.append("| " + " | ".join(texts) + " |")
        if lines:
            lines.insert(1, "|" + "---|" * width)
            yield Block("\n".join(lines), table=True)

    def _cell(self, cell: Element) -> str:
        merge = child(cell, "tcPr", "vMerge")
        if merge is not None and attribute(merge, "val") != "restart":
            return ""
        blocks = [block for each in cell for block in self.blocks(each)]
        words = " ".join(f"{block.item or ''} {_flat(block)}" for block in blocks)
        return " ".join(words.replace("|", "/").split())

    def footnote(self, id: str) -> str:
        """Its text in brackets, for the place that points to it."""
        note = self._footnotes.pop(id, None)  # once: a note may point to itself
        if note is None:
            return ""
        text = " ".join(" ".join(block.text for each in note for block in self.blocks(each)).split())
        return f" ({text})" if text else ""

    def hidden(self, run: Element | None, below: Style) -> tuple[bool, bool]:
        """Whether a run with these properties is hidden, and whether it is bold."""
        style = self._styles.find(attribute(child(run, "rStyle"), "val"))
        found = said(None, run).over(style).over(below)
        return bool(found.hidden), bool(found.bold)


class _Words:
    """The visible words of a paragraph, and the text boxes that hang on it."""

    def __init__(self, body: Body, style: Style) -> None:
        self.parts: list[str] = []
        self.boxes: list[Element] = []
        self.all_bold = True
        self._body, self._style = body, style

    def walk(self, element: Iterable[Element]) -> None:
        for each in element:
            kind = name(each)
            if kind == "r":
                self._run(each)
            elif kind in _THROUGH:
                self.walk(each)
            elif kind == "AlternateContent":
                self.walk(_chosen(each))

    def _run(self, run: Element) -> None:
        hidden, bold = self._body.hidden(child(run, "rPr"), self._style)
        if hidden:
            return
        for each in run:
            self._inside(each, bold)

    def _inside(self, element: Element, bold: bool) -> None:
        match name(element):
            case "t":
                text = element.text or ""
                self.all_bold = self.all_bold and (bold or not text.strip())
                self.parts.append(text)
            case "tab" | "ptab":
                self.parts.append(" ")
            case "br" | "cr":
                self.parts.append("\n")
            case "noBreakHyphen":
                self.parts.append("-")
            case "footnoteReference":
                self.parts.append(self._body.footnote(attribute(element, "id")))
            case "AlternateContent":
                for each in _chosen(element):
                    self._inside(each, bold)
            case "drawing" | "pict" | "object":
                self.boxes += [each for each in element.iter() if name(each) == "txbxContent"]
            case "ruby":
                self.walk(element)


def markdown(blocks: list[Block]) -> str:
    if not any(block.level for block in blocks):
        blocks = [_promoted(block) for block in blocks]
    parts: list[str] = []
    before: Block | None = None
    for block in blocks:
        inside = before is not None and before.item is not None
        continues = inside and block.indented and not block.item and not block.level and not block.table
        parts.append("\n" if inside and (block.item or continues) else "\n\n")
        if block.level:
            parts.append("#" * block.level + " " + _flat(block))
        elif block.item:
            label = block.item if _BULLET_LIKE.fullmatch(block.item) else f"- {block.item}"
            indent = "  " * block.depth
            parts.append(indent + label + " " + block.text.replace("\n", f"\n{indent}  "))
        elif continues and before is not None:
            indent = "  " * (before.depth + 1)
            parts.append(indent + block.text.replace("\n", f"\n{indent}"))
            continue  # the list goes on after it
        else:
            parts.append(block.text)
        before = block
    return "".join(parts).strip()


def _promoted(block: Block) -> Block:
    """In a text without headings, short lines in bold are what its writer took for them."""
    short = len(block.text) <= _LONGEST_BOLD_HEADING and not _SENTENCE_END.search(block.text)
    plain = not block.item and not block.table and "\n" not in block.text
    return Block(block.text, 2) if block.bold and short and plain else block


def _flat(block: Block) -> str:
    """Its words in one line; those of a table without its lines."""
    text = (
        re.sub(r"^\|[-|]+\|$", "", block.text, flags=re.MULTILINE).replace("|", " ")
        if block.table
        else block.text
    )
    return " ".join(text.split())


def _chosen(element: Element) -> Iterable[Element]:
    """What stands in one of the ways that the same thing is given in."""
    choice = child(element, "Choice")
    fallback = child(element, "Fallback") if choice is None else None
    return next((way for way in (choice, fallback) if way is not None), ())


def _inside(element: Element, wanted: str) -> Iterator[Element]:
    """Rows of a table or cells of a row, those in content controls too, without those that were deleted."""
    for each in element:
        if name(each) == wanted:
            if child(each, "trPr", "del") is None and not on(child(each, "trPr", "hidden")):
                yield each
        elif name(each) in ("sdt", "sdtContent", "customXml"):
            yield from _inside(each, wanted)


def _span(cell: Element) -> int:
    span = attribute(child(cell, "tcPr", "gridSpan"), "val")
    return min(max(int(span), 1), 63) if span.isdecimal() else 1
