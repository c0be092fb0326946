"""Money is a whole number of micro-USD, so that sums are exact and caps hold."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
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


class Level(StrEnum):
    """How far the day's money has gone: what is spent and held, as a share of the limit."""

    OK = "ok"
    WARNING = "warning"
    COST_FIRST = "cost_first"
    EXHAUSTED = "exhausted"


WARNING_SHARE, COST_FIRST_SHARE = 0.70, 0.85


def level(used: int, limit: int) -> Level:
    """70 % warns, 85 % turns to cost_first, 100 % leaves the free tiers. A limit of 0 is used up."""
    if used >= limit:
        return Level.EXHAUSTED
    share = used / limit
    if share >= COST_FIRST_SHARE:
        return Level.COST_FIRST
    return Level.WARNING if share >= WARNING_SHARE else Level.OK


def worse(one: Level, other: Level) -> Level:
    """The one with less money left."""
    order = tuple(Level)
    return max(one, other, key=order.index)
