"""Check digits of Korean numbers and of payment cards. Digits come as strings without separators.

Since October 2020 resident and foreigner numbers are issued without a check digit: a right one raises
suspicion, a wrong one never clears.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

_PERSON = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_BUSINESS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_CENTURY = {"9": 1800, "0": 1800, "1": 1900, "2": 1900, "5": 1900, "6": 1900}


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def resident(digits: str) -> bool:
    """Resident number: c = (11 - sum mod 11) mod 10."""
    return (11 - _weighted(digits, _PERSON) % 11) % 10 == int(digits[12])


def foreigner(digits: str) -> bool:
    """Foreigner number: c = (13 - sum mod 11) mod 10."""
    return (13 - _weighted(digits, _PERSON) % 11) % 10 == int(digits[12])


def business(digits: str) -> bool:
    """Business number: the ninth digit times five counts its tens as well."""
    total = _weighted(digits, _BUSINESS) + int(digits[8]) * 5 // 10
    return (10 - total % 10) % 10 == int(digits[9])


def corporate(digits: str) -> bool:
    """Corporate number (weights 1, 2 in turn): it has the shape of a resident number and is public."""
    return (10 - _weighted(digits, (1, 2) * 6) % 10) % 10 == int(digits[12])


def luhn(digits: str) -> bool:
    """Payment cards (ISO/IEC 7812-1, Luhn)."""
    doubled = (sum(divmod(int(d) * 2, 10)) for d in digits[-2::-2])
    return (sum(int(d) for d in digits[::-2]) + sum(doubled)) % 10 == 0


def birth_date(six: str, marker: str) -> bool:
    """Whether YYMMDD is a day of the calendar in the century the seventh digit names."""
    try:
        date(_CENTURY.get(marker, 2000) + int(six[:2]), int(six[2:4]), int(six[4:]))
    except ValueError:
        return False
    return True
