"""Amounts of money and percentages."""

from __future__ import annotations

import re

from ccos.quality.quantities.numerals import HEAD, NUMERAL, RANGE, Keys, key, value_of, values

_WORDS = {
    "KRW": ("원", "won", "krw", "₩"),
    "USD": ("달러", "dollar", "dollars", "usd", "$"),
    "EUR": ("유로", "euro", "euros", "eur", "€"),
    "JPY": ("엔", "yen", "jpy", "¥"),
}
_CURRENCIES = {word: code for code, words in _WORDS.items() for word in words}

_AMOUNT = re.compile(
    rf"(?=[\d₩$€¥kuej])(?:{HEAD}{RANGE}\s?"
    r"(?P<unit>원(?!칙|본)|달러|유로|엔(?!진|드)|(?:krw|usd|eur|jpy|won|dollars?|euros?|yen)(?![a-z]))"
    rf"|(?P<sign>[₩$€¥]|(?<![a-z])(?:krw|usd|eur|jpy))\s?(?P<signed>{NUMERAL}))",
    re.IGNORECASE,
)
_PERCENT = re.compile(rf"{HEAD}{RANGE}\s?(?:%|퍼센트|프로(?![가-힣])|percent)", re.IGNORECASE)


def _amounts(match: re.Match[str]) -> list[Keys]:
    currency = _CURRENCIES[(match["unit"] or match["sign"]).casefold()]
    amounts = values(match) if match["high"] else [value_of(match["signed"])]
    return [
        Keys(
            accepts=frozenset({key(currency, amount), key("bare", amount)}),
            offers=frozenset({key(currency, amount), key("n", amount)}),
        )
        for amount in amounts
    ]


def _percents(match: re.Match[str]) -> list[Keys]:
    return [Keys.both(key("percent", value)) for value in values(match)]


MEASURES = (("amount", _AMOUNT, _amounts), ("percent", _PERCENT, _percents))
