"""Numbers of lists as Word counts them: on past whatever stands between, and anew where the file says so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ccos.knowledge.formats.docx.package import Element, attribute, child, name

_LEVELS = 9
_GANADA = "가나다라마바사아자차카타파하"
_CHOSUNG = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class _Level:
    form: str = "decimal"
    text: str = "%1."
    start: int = 1


@dataclass(slots=True)
class _List:
    """One count that all numberings of the same definition share."""

    levels: dict[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Numbering:
    shared: _List
    own: dict[int, _Level]
    starts: dict[int, int]


class Numbering:
    def __init__(self, part: Element | None) -> None:
        lists: dict[str, _List] = {}
        self._numberings: dict[str, _Numbering] = {}
        for each in part if part is not None else ():
            if name(each) == "abstractNum":
                lists[attribute(each, "abstractNumId")] = _List(_levels(each))
        for each in part if part is not None else ():
            if name(each) == "num":
                shared = lists.setdefault(attribute(child(each, "abstractNumId"), "val"), _List({}))
                self._numberings[attribute(each, "numId")] = _numbering(each, shared)

    def label(self, number: str, level: int) -> str:
        """The next item's label: "3.", "나)", "①"; "-" for a bullet, nothing when the item shows none."""
        numbering = self._numberings.get(number)
        if numbering is None or not 0 <= level < _LEVELS:
            return ""
        counts = numbering.shared.counts
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        style = self._level(numbering, level)
        if level in numbering.starts:
            counts[level] = numbering.starts.pop(level)
        else:
            counts[level] = counts.get(level, style.start - 1) + 1
        if style.form == "bullet":
            return "-"
        if style.form == "none":
            return ""

        def shown(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            of = self._level(numbering, at)
            return _written(counts.get(at, of.start), of.form)

        return re.sub("%([1-9])", shown, style.text).strip()

    @staticmethod
    def _level(numbering: _Numbering, level: int) -> _Level:
        return numbering.own.get(level) or numbering.shared.levels.get(level) or _Level(text=f"%{level + 1}.")


def _numbering(element: Element, shared: _List) -> _Numbering:
    own: dict[int, _Level] = {}
    starts: dict[int, int] = {}
    for each in element:
        if name(each) == "lvlOverride":
            level = _whole(attribute(each, "ilvl"), 0)
            own |= _levels(each)
            if (start := child(each, "startOverride")) is not None:
                starts[level] = _whole(attribute(start, "val"), 1)
    return _Numbering(shared, own, starts)


def _levels(element: Element) -> dict[int, _Level]:
    return {
        _whole(attribute(each, "ilvl"), 0): _Level(
            attribute(child(each, "numFmt"), "val") or "decimal",
            attribute(child(each, "lvlText"), "val"),
            _whole(attribute(child(each, "start"), "val"), 1),
        )
        for each in element
        if name(each) == "lvl"
    }


def _whole(said: str, otherwise: int) -> int:
    return int(said) if re.fullmatch(r"\d{1,6}", said) else otherwise


def _written(count: int, form: str) -> str:
    letters = {"ganada": _GANADA, "chosung": _CHOSUNG, "upperLetter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    letters["lowerLetter"] = letters["upperLetter"].lower()
    if form in letters and count > 0:
        alphabet = letters[form]
        return alphabet[(count - 1) % len(alphabet)] * ((count - 1) // len(alphabet) + 1)
    if form.startswith("decimalEnclosedCircle") and 1 <= count <= 20:
        return chr(ord("①") + count - 1)
    if form in ("lowerRoman", "upperRoman") and 0 < count < 400:
        written = ""
        for value, sign in _ROMAN:
            written += sign * (count // value)
            count %= value
        return written.upper() if form == "upperRoman" else written
    return f"{count:02}" if form == "decimalZero" else str(count)
