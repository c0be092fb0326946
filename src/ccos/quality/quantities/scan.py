"""Reading all facts of a text, each part of it once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ccos.quality.quantities.calendar import CALENDAR
from ccos.quality.quantities.identifiers import CODES_AND_COUNTS, URLS
from ccos.quality.quantities.measures import MEASURES
from ccos.quality.quantities.numerals import FIGURE, Rule
from ccos.quality.quantities.periods import PERIODS


class Quantity(NamedTuple):
    """One fact at `start`..`end` of the folded text.

    `kind` is url, date, time, amount, percent, period, code or number. The fact is supported when one of
    the keys it `accepts` is among those the sources `offer`; one that accepts nothing claims nothing.
    """

    kind: str
    accepts: frozenset[str]
    offers: frozenset[str]
    start: int
    end: int


_SKIPPED = re.compile(
    r"(?=[\[\d제s단])(?:"
    r"\[\d{1,3}(?:\s?[,-]\s?\d{1,3}){0,8}\]"  # citation marks
    r"|제\s?\d{1,3}(?=자|조|항|호)|(?<!\d)\d{1,2}\s?(?:가지|단계|번째|차례|순위)|(?<!\d)1\s?[:대]\s?1(?!\d)"
    r"|(?<![a-z])(?:steps?|단계)\s?\d{1,2}(?!\d)|(?<!\d)\d{1,2}\s(?:steps|ways|options|things|methods)(?![a-z]))",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^[ \t>*#-]{0,8}[(\[]?\d{1,2}[.)\]](?=\s)", re.MULTILINE)
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,255}", re.IGNORECASE)

_RULES: tuple[Rule, ...] = (*URLS, *CALENDAR, *MEASURES, *PERIODS, *CODES_AND_COUNTS)
"""In order: what an earlier rule has read is blanked for the later ones."""


def quantities(text: str) -> Iterator[Quantity]:
    """The facts in folded text, rule by rule. Enumerations, citation marks and e-mail are passed over."""
    rest = _SKIPPED.sub(_blank, _NUMBERING.sub(_blank, text)) if FIGURE.search(text) else text
    if "@" in rest:
        rest = _EMAIL.sub(_blank, rest)
    for rule in _RULES:
        pieces, at = [], 0
        for match in rule.matches(rest):
            facts = rule.read(match)
            if facts:
                pieces += [rest[at : match.start()], _blank(match)]
                at = match.end()
            for accepts, offers in facts:
                yield Quantity(rule.kind, accepts, offers, match.start(), match.end())
        if pieces:
            rest = "".join([*pieces, rest[at:]])


def _blank(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())
