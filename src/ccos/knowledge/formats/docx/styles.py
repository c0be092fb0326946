"""What a paragraph's style says of it: heading, number, hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ccos.knowledge.formats.docx.package import Element, attribute, child, name

_HEADING = re.compile(r"(?:heading|제목|개요)\s*([1-9])", re.IGNORECASE)
_TITLE = frozenset({"title", "제목"})
_MOST_STEPS = 20
_OFF = frozenset({"0", "false", "off", "none"})


@dataclass(frozen=True, slots=True)
class Style:
    """`level` is a heading's from 1 (0: none); `number` and `depth` its list; None where it says nothing."""

    level: int | None = None
    number: str | None = None
    depth: int | None = None
    hidden: bool | None = None
    bold: bool | None = None
    indented: bool | None = None

    def over(self, below: Style) -> Style:
        """This one, with what it leaves open taken from another."""
        return Style(
            below.level if self.level is None else self.level,
            below.number if self.number is None else self.number,
            below.depth if self.depth is None else self.depth,
            below.hidden if self.hidden is None else self.hidden,
            below.bold if self.bold is None else self.bold,
            below.indented if self.indented is None else self.indented,
        )


def said(paragraph: Element | None, run: Element | None) -> Style:
    """What properties (`pPr`, `rPr`) say themselves."""
    outline, numbers = attribute(child(paragraph, "outlineLvl"), "val"), child(paragraph, "numPr")
    depth = attribute(child(numbers, "ilvl"), "val")
    indent = child(paragraph, "ind")
    left = attribute(indent, "left") or attribute(indent, "start")
    return Style(
        level=(int(outline) + 1) % 10 if outline.isdecimal() else None,
        number=attribute(child(numbers, "numId"), "val") or None,
        depth=int(depth) if depth.isdecimal() else None,
        hidden=on(child(run, "vanish")),
        bold=on(child(run, "b")),
        indented=left.strip("0") != "" if left else None,
    )


def on(element: Element | None) -> bool | None:
    """A switch: on when it is there, unless it says off."""
    return None if element is None else attribute(element, "val").lower() not in _OFF


class Styles:
    def __init__(self, part: Element | None) -> None:
        self._own: dict[str, tuple[str, Style]] = {}
        self.default = ""
        self.languages: tuple[str, str] = ("", "")
        for each in part if part is not None else ():
            if name(each) == "style":
                self._add(each)
            elif name(each) == "docDefaults":
                language = child(each, "rPrDefault", "rPr", "lang")
                self.languages = (attribute(language, "val"), attribute(language, "eastAsia"))

    def find(self, id: str) -> Style:
        """The style with those that it is based on."""
        found, steps = Style(), 0
        while id in self._own and steps < _MOST_STEPS:
            id, own = self._own[id]
            found = found.over(own)
            steps += 1
        return found

    def _add(self, element: Element) -> None:
        style_id = attribute(element, "styleId")
        own = said(child(element, "pPr"), child(element, "rPr"))
        named = attribute(child(element, "name"), "val").strip().lower()
        if own.level is None and (level := 1 if named in _TITLE else _level(named)):
            own = Style(level=level).over(own)
        self._own[style_id] = (attribute(child(element, "basedOn"), "val"), own)
        if attribute(element, "type") == "paragraph" and attribute(element, "default") in ("1", "true"):
            self.default = style_id


def _level(named: str) -> int | None:
    found = _HEADING.fullmatch(named)
    return int(found[1]) if found else None
