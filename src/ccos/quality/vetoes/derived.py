"""Amounts that an answer works out openly: 45,000원에서 6,000원을 뺀 39,000원 needs no source of its own."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from ccos.quality.quantities import Quantity

_PLUS = re.compile(
    r"합계|합쳐|합친|합하|합산|더하|더한|더해|모두|총|\b(?:total|sum|plus|together|altogether)\b",
    re.IGNORECASE,
)
_MINUS = re.compile(
    r"빼|뺀|차감|제하|제한|공제|나머지|차액|\b(?:minus|less|deduct\w*|after|subtract\w*|remaining|difference)\b",
    re.IGNORECASE,
)
_CURRENCIES = frozenset({"KRW", "USD", "EUR", "JPY", "points", "miles"})
MOST = 8
"""Amounts that are taken into account, the nearest first: a sentence that sums up holds fewer."""


def amount_of(fact: Quantity) -> tuple[str, Decimal] | None:
    """Currency and value of an amount."""
    for accepted in fact.accepts:
        currency, _, value = accepted.partition(":")
        if currency in _CURRENCIES:
            return currency, Decimal(value)
    return None


def is_derived(
    claim: Quantity, supported: Sequence[Quantity], text: str, sentences: Sequence[tuple[int, int]]
) -> bool:
    """Whether `claim` is the sum or the difference of amounts that are `supported`, given in reading order.

    They stand in the sentence of the claim, all of them; or, where that sentence says that it adds up or
    takes off, two of them anywhere before its end, and by what it says.
    """
    told = amount_of(claim)
    if told is None:
        return False
    currency, value = told
    start, end = sentences[max(0, bisect_right(sentences, claim.start, key=lambda span: span[0]) - 1)]
    upto = bisect_left(supported, end, key=lambda fact: fact.start)
    near = [(fact.start >= start, amount_of(fact)) for fact in supported[max(0, upto - MOST) : upto]]
    before = [(in_sentence, each[1]) for in_sentence, each in near if each and each[0] == currency]
    here = [amount for in_sentence, amount in before if in_sentence]
    if _follows(value, here, plus=True, minus=True) or _all_of(value, here):
        return True
    said = text[start:end]
    plus, minus = bool(_PLUS.search(said)), bool(_MINUS.search(said))
    return _follows(value, [amount for _, amount in before], plus=plus, minus=minus)


def _follows(value: Decimal, amounts: Sequence[Decimal], *, plus: bool, minus: bool) -> bool:
    pairs = combinations(amounts, 2)
    return any((plus and a + b == value) or (minus and abs(a - b) == value) for a, b in pairs)


def _all_of(value: Decimal, amounts: Sequence[Decimal]) -> bool:
    """All together, or the greatest less all the others."""
    whole, greatest = sum(amounts, Decimal(0)), max(amounts, default=Decimal(0))
    return len(amounts) > 2 and value in (whole, 2 * greatest - whole)
