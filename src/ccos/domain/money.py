"""Money is a whole number of micro-USD, so that sums are exact and caps hold."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import NewType

MicroUsd = NewType("MicroUsd", int)

ZERO = MicroUsd(0)
_MICROS = Decimal(1_000_000)


def micro_usd(usd: Decimal) -> MicroUsd:
    """Whole micro-USD for an amount in USD, rounded up: what is spent is never understated."""
    return MicroUsd(int((usd * _MICROS).to_integral_value(rounding=ROUND_CEILING)))


def usd(amount: MicroUsd) -> float:
    """USD as a float, for showing and for JSON only, never for sums."""
    return amount / 1_000_000
