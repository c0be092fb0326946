"""Amounts of money, of points and miles, and percentages."""

from __future__ import annotations

import re
from decimal import Decimal

from ccos.quality.quantities.numerals import FIGURE, HEAD, NUMERAL, RANGE, Keys, Rule, key, value_of, values

_WORDS = {
    "KRW": ("원", "won", "krw", "₩"),
    "USD": ("달러", "dollar", "dollars", "usd", "$"),
    "EUR": ("유로", "euro", "euros", "eur", "€"),
    "JPY": ("엔", "yen", "jpy", "¥"),
}
_CURRENCIES = {word: code for code, words in _WORDS.items() for word in words}

_AMOUNT = re.compile(
    rf"(?=[\d₩$€¥kuej포마])(?:(?<![A-Za-z]-){HEAD}{RANGE}\s?"
    r"(?P<unit>원(?!칙|본)|달러|유로|엔(?!진|드)|(?:krw|usd|eur|jpy|won|dollars?|euros?|yen)(?![a-z])"
    r"|(?P<points>포인트|점(?![심검포])|(?:points?|pts?|p)(?![a-z0-9]))|(?P<miles>마일(?:리지)?|miles?(?![a-z])))"
    rf"|(?P<sign>[₩$€¥]|(?<![a-z])(?:krw|usd|eur|jpy))\s?(?P<signed>{NUMERAL})"
    r"|(?:(?P<points_of>포인트)|마일리지)\s?[-+]?"
    rf"(?P<counted>{NUMERAL})(?![\d,.]*\d)(?!\s?[원%개일월년시분회배]))",
    re.IGNORECASE,
)
_MARKS_BELOW = 100
"""Of 점, P and English points, fewer may be marks, spots or pages: plain counts."""

_PERCENT = re.compile(rf"{HEAD}{RANGE}\s?(?:%|퍼센트|프로(?![가-힣])|percent)", re.IGNORECASE)


def _amounts(match: re.Match[str]) -> list[Keys]:
    amounts = values(match) if match["high"] else [value_of(match["signed"] or match["counted"])]
    if match["points"] or match["miles"] or match["counted"]:
        return _points(match, amounts)
    currency = _CURRENCIES[(match["unit"] or match["sign"]).casefold()]
    return [
        Keys(
            accepts=frozenset({key(currency, amount), key("bare", amount)}),
            offers=frozenset({key(currency, amount), key("n", amount)}),
        )
        for amount in amounts
    ]


def _points(match: re.Match[str], amounts: list[Decimal]) -> list[Keys]:
    """포인트, P and 점 are one currency of their own, miles another; neither is money."""
    currency = "points" if match["points"] or match["points_of"] else "miles"
    marks = match["points"] not in (None, "포인트") and max(amounts) < _MARKS_BELOW
    found = []
    for amount in amounts:
        own, count = key(currency, amount), key("n", amount)
        accepts = {own, key("bare", amount), key("alone", amount), *([count] if marks else [])}
        found.append(
            Keys(frozenset() if marks and amount <= 1 else frozenset(accepts), frozenset({own, count}))
        )
    return found


def _percents(match: re.Match[str]) -> list[Keys]:
    return [Keys.both(key("percent", value)) for value in values(match)]


MEASURES = (Rule("amount", _AMOUNT, _amounts), Rule("percent", _PERCENT, _percents, FIGURE))
