"""Addresses on the web, identifiers such as order numbers, and plain counts."""

from __future__ import annotations

import re
from decimal import Decimal

from ccos.quality.quantities.numerals import FIGURE, HEAD, RANGE, Keys, Rule, key, values

_PATH = r"[^\s<>\"'가-힣()\[\]{}|]"
_URL = re.compile(
    rf"(?:https?://|www\.){_PATH}{{1,2000}}"
    r"|(?<![\w@.-])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.(?:com|net|org|kr|io|co|shop|app|dev)(?![\w-])"
    rf"(?:/{_PATH}{{0,500}})?",
    re.IGNORECASE | re.ASCII,
)
_PREFIX = re.compile(r"\A(?:https?://)?(?:www\.)?")
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?=[A-Za-z0-9_-]{0,40}\d)(?=[\d_-]{0,40}[A-Za-z])[A-Za-z0-9]{1,60}(?:[_-][A-Za-z0-9]{1,60}){0,6}"
    r"|\d{1,20}(?:-\d{2,20}){1,5}|\d{1,20}(?:\.\d{1,20}){2,6}|\d{5,40}(?![\d,.]\d))"
)
_MEASURED = re.compile(
    rf"{HEAD}{RANGE}\s?(?:[kmgt]b|mbps|kg|mg|g|km|cm|mm|m|ml|l|w|v|hz|px|mah)(?![a-z0-9])", re.IGNORECASE
)
_ORDINAL = re.compile(r"\A\d{1,3}(?:st|nd|rd|th)\Z", re.IGNORECASE)
_RANGE_OF_COUNTS = re.compile(r"\A\d{1,3}-\d{1,3}\Z")
_SEPARATORS = re.compile(r"[\s_-]")
_COUNT = re.compile(rf"{HEAD}{RANGE}(?P<counted>(?=\s?[A-Za-z가-힣]))?")


def code_key(written: str) -> str:
    """An identifier without its separators and case, to be looked for in a source read the same way."""
    return _SEPARATORS.sub("", written).casefold()


def _urls(match: re.Match[str]) -> list[Keys]:
    """A page supports the mention of the pages above it on the same host, never another page."""
    address = _PREFIX.sub("", match.group().casefold()).rstrip(".,;:!?*_`~/")
    parts = address.split("/", 20)
    above = ("/".join(parts[:n]) for n in range(1, len(parts)))
    return [Keys(frozenset({f"url:{address}"}), frozenset(f"url:{page}" for page in (address, *above)))]


def _codes(match: re.Match[str]) -> list[Keys]:
    written = match.group()
    if _RANGE_OF_COUNTS.match(written):
        return []
    if _ORDINAL.match(written):
        return [Keys(frozenset(), frozenset())]
    code = f"code:{code_key(written)}"
    if written.isdecimal():
        number = Decimal(written)
        return [Keys.both(code, key("n", number), key("bare", number))]
    return [Keys.both(code)]


def _measured(match: re.Match[str]) -> list[Keys]:
    return [Keys.both(key("n", number)) for number in values(match)]


def _counts(match: re.Match[str]) -> list[Keys]:
    """Zero and one are grammar more often than facts. A number that counts nothing may be an amount.

    People leave out the unit of points ("와이프 4,200 저 3,100 있어요"): what stands alone may be such.
    """
    numbers = [number for number in values(match) if number > 1]
    if match["counted"] is not None:
        glued = not match.string[match.end() : match.end() + 1].isspace()
        return [
            Keys(
                frozenset({key("n", n)}),
                frozenset({key("n", n)} if glued else {key("n", n), key("alone", n)}),
            )
            for n in numbers
        ]
    return [Keys(frozenset({key("n", n)}), frozenset({key("n", n), key("bare", n)})) for n in numbers]


URLS = (Rule("url", _URL, _urls, needs=re.compile(r"\.[A-Za-z]|://|w\.|W\.")),)
CODES_AND_COUNTS = (
    Rule("number", _MEASURED, _measured, FIGURE),
    Rule("code", _CODE, _codes, re.compile(r"[A-Za-z0-9]+|\d")),
    Rule("number", _COUNT, _counts, FIGURE),
)
