"""Numbers as people write them, and the keys by which two spellings of one fact are found equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple


class Keys(NamedTuple):
    """A claim is supported when one of the keys it `accepts` is among those the sources `offer`."""

    accepts: frozenset[str]
    offers: frozenset[str]

    @classmethod
    def both(cls, *keys: str) -> Keys:
        return cls(frozenset(keys), frozenset(keys))


FIGURE = re.compile(r"\d+")


class Rule(NamedTuple):
    """How facts of one kind are found, and read as keys.

    Something that `needs` finds is in every text with a match, and a match begins where one of `begins` does,
    where that is known: to look for these is quicker.
    """

    kind: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], list[Keys]]
    begins: re.Pattern[str] | None = None
    needs: re.Pattern[str] = FIGURE

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        if self.needs.search(text) is None:
            return
        if self.begins is None:
            yield from self.pattern.finditer(text)
            return
        end = 0
        for place in self.begins.finditer(text):
            if place.start() >= end and (match := self.pattern.match(text, place.start())):
                end = match.end()
                yield match


_NUMBER = r"\d{1,20}+(?:,\d{3}){0,6}+(?:\.\d{1,6})?"
_SCALE = r"(?:천만|백만|십만|조|억|만|천|백)"
_MORE = rf"\s?\d{{1,11}}+(?:,\d{{3}}){{0,3}}+(?:\.\d{{1,4}})?\s?{_SCALE}"

NUMERAL = rf"{_NUMBER}(?:\s?{_SCALE}(?:{_MORE}){{0,3}}(?:\s?\d{{1,4}}(?![\d,]))?)?"
"""12,900 and 3.5만 and 1억 2천만 and 2천500."""

HEAD = r"(?=\d)(?<![\d.,])(?<!\d-)"
_LISTED = (
    r"(?:\d{1,9}+(?:,\d{3})?+\s?[·\u119e・‧]\s?(?=\d)"  # 4·8·12개월
    r"|(?<![A-Za-z_-])\d{1,2}(?:,\s?(?!\d{3}(?!\d))|/)(?=\d))"  # 2, 3일 but neither 2,300 nor M-2, 3
)
RANGE = (
    rf"(?P<listed>(?<![·\u119e・‧]){_LISTED}{{1,6}})?"
    rf"(?:(?P<low>{NUMERAL})\s?(?:~|-|to|에서|or)\s?)?(?P<high>{NUMERAL})"
)
"""A number, a range, or a list of numbers that share the unit of the last."""

_SCALES = {
    "백": 10**2,
    "천": 10**3,
    "만": 10**4,
    "십만": 10**5,
    "백만": 10**6,
    "천만": 10**7,
    "억": 10**8,
    "조": 10**12,
}
_WHOLE = re.compile(_NUMBER)
_PIECE = re.compile(rf"({_NUMBER})\s?({_SCALE})?")
_LAST_SCALE = re.compile(rf"{_SCALE}\Z")


def value_of(written: str) -> Decimal:
    """The value of what `NUMERAL` matched."""
    total = Decimal(0)
    for digits, scale in _PIECE.findall(written):
        total += Decimal(digits.replace(",", "")) * _SCALES.get(scale, 1)
    return total


def values(match: re.Match[str]) -> list[Decimal]:
    """The numbers of what `RANGE` matched; in 3~5만 the first counts in 만 as well."""
    listed, low, high = match["listed"], match["low"], match["high"]
    if low is None and listed is None:
        return [value_of(high)]
    before = _WHOLE.findall(listed) if listed else []
    if low is not None:
        before.append(low)
    scale = _LAST_SCALE.search(high)
    shared = scale.group() if scale else ""
    return [*(value_of(each if _has_scale(each) else each + shared) for each in before), value_of(high)]


def key(kind: str, value: Decimal | int) -> str:
    return f"{kind}:{format(Decimal(value).normalize(), 'f')}"


def _has_scale(written: str) -> bool:
    return any(scale for _, scale in _PIECE.findall(written))
