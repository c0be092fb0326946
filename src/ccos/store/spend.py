"""The day's money: held before a paid call, settled after it; in total and of each tenant.

What may have been spent counts as spent: a hold whose maker vanished is charged whole when its time is over,
and corrected if the true amount comes in later. So the limits hold whatever crashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import LiteralString
from uuid import UUID

from ccos.domain.money import ZERO, MicroUsd
from ccos.store.database import Tx
from ccos.store.lane import Lane
from ccos.store.values import new_id

NO_LIMIT = MicroUsd(10**15)
"""A thousand million USD: more than any amount that is held or spent."""
HOLD_SECONDS = 300.0

_APPLY: LiteralString = """
    SELECT done, told, used, limits, total_used FROM spend_apply(
        %s::uuid[], %s::uuid[], %s::date[], %s::bigint[], %s::uuid[],
        %s::date, %s::bigint, %s::bigint, %s::boolean, %s::float8)"""


@dataclass(frozen=True, slots=True)
class SpendDay:
    day: date
    reserved: MicroUsd
    spent: MicroUsd


@dataclass(frozen=True, slots=True)
class Holding:
    """Hold `amount` of `day`. The id is the maker's: the same hold asked for twice is one hold."""

    tenant_id: UUID
    id: UUID
    day: date
    amount: MicroUsd


@dataclass(frozen=True, slots=True)
class Closing:
    """End a hold, on the day it was made for: with what was spent, or None when nothing was.

    `day` is given when the statement that asked for the hold was lost: should it still be under way, it then
    makes no hold any more.
    """

    tenant_id: UUID
    id: UUID
    spent: MicroUsd | None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be held and spent of a day: by all tenants together, and by each that has no lower limit of
    its own. With `enforced` off everything is recorded and nothing refused.
    """

    total: MicroUsd
    of_a_tenant: MicroUsd = NO_LIMIT
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Used:
    """What is held and spent, and the limit for it."""

    amount: MicroUsd
    limit: MicroUsd


@dataclass(frozen=True, slots=True)
class Applied:
    """`done`, one per element: the hold was made, the closing closed something. The rest is of the day that
    was asked about: every tenant that was touched or asked for, and the total.
    """

    done: Sequence[bool]
    tenants: Mapping[UUID, Used]
    total: Used


async def apply(
    where: Lane | Tx,
    elements: Sequence[Holding | Closing],
    *,
    limits: Limits,
    today: date,
    asked: Iterable[UUID] = (),
    hold_seconds: float = HOLD_SECONDS,
) -> Applied:
    """Holds and closings, in their order, in one statement; doing it twice does no harm.

    The rows it touches stay locked until the transaction ends, the total's among them: commit at once.
    """
    rows = [row for element in elements for row in _rows(element)]
    values = (
        _array(str(row.tenant_id) for row in rows),
        _array(str(row.id) for row in rows),
        _array(row.day.isoformat() if isinstance(row, Holding) else "NULL" for row in rows),
        _array(_amount(row) for row in rows),
        _array(map(str, asked)),
        today,
        limits.total,
        limits.of_a_tenant,
        limits.enforced,
        hold_seconds,
    )
    if isinstance(where, Lane):
        done, told, used, of, total_used = await where.row(_APPLY, values)
    else:
        cursor = await where.connection.execute(_APPLY, values)
        row = await cursor.fetchone()
        assert row is not None
        done, told, used, of, total_used = row.values()
    tenants = {t: Used(u, limit) for t, u, limit in zip(told, used, of, strict=True)}
    ends = accumulate(len(_rows(element)) for element in elements)
    return Applied([done[end - 1] for end in ends], tenants, Used(total_used, limits.total))


async def reserve(
    tx: Tx, amount: MicroUsd, *, cap: MicroUsd, day: date, hold_seconds: float = HOLD_SECONDS
) -> UUID | None:
    """Hold `amount` of what the tenant may spend of the day, at most `cap`; None when there is no room."""
    assert tx.tenant_id is not None
    wish = Holding(tx.tenant_id, new_id(), day, amount)
    limits = Limits(NO_LIMIT, cap)
    made = await apply(tx, [wish], limits=limits, today=day, hold_seconds=hold_seconds)
    return wish.id if made.done[0] else None


async def settle(tx: Tx, reservation_id: UUID, spent: MicroUsd) -> bool:
    """Turn the hold into what was really spent, once; False when it was settled or released before."""
    return await _close(tx, reservation_id, spent)


async def release(tx: Tx, reservation_id: UUID) -> bool:
    """Give the hold back: nothing was spent. False when it was settled or released before."""
    return await _close(tx, reservation_id, None)


async def sweep(tx: Tx) -> int:
    """Charge, whole, the tenant's holds whose time is over: their makers may have spent them. How many there
    were.
    """
    locked = await tx.run(
        "SELECT FROM spend_total WHERE day IN (SELECT day FROM reservation"
        "  WHERE tenant_id = %(tenant)s AND state = 'held' AND expires_at <= now()) ORDER BY day FOR UPDATE"
    )
    if not locked:
        return 0
    row = await tx.row(
        """
        WITH over AS (
            UPDATE reservation SET state = 'expired'
             WHERE tenant_id = %(tenant)s AND state = 'held' AND expires_at <= now()
            RETURNING tenant_id, day, amount_micro_usd),
        days AS (
            SELECT tenant_id, day, sum(amount_micro_usd)::bigint AS amount FROM over GROUP BY tenant_id, day),
        charged AS (
            UPDATE spend_day SET reserved_micro_usd = reserved_micro_usd - days.amount,
                                 spent_micro_usd = spent_micro_usd + days.amount
              FROM days WHERE spend_day.tenant_id = days.tenant_id AND spend_day.day = days.day)
        SELECT count(*) AS n FROM over"""
    )
    return int(row["n"]) if row else 0


async def of_day(tx: Tx, day: date) -> SpendDay:
    """What is held and spent of the day; zeros for a day without any."""
    row = await tx.row(
        "SELECT reserved_micro_usd AS reserved, spent_micro_usd AS spent FROM spend_day"
        " WHERE tenant_id = %(tenant)s AND day = %(day)s",
        day=day,
    )
    return SpendDay(day, MicroUsd(row["reserved"] if row else 0), MicroUsd(row["spent"] if row else 0))


async def of_days(tx: Tx, first: date, last: date) -> list[SpendDay]:
    """Days with money on them, both ends included, in order."""
    rows = await tx.rows(
        "SELECT day, reserved_micro_usd AS reserved, spent_micro_usd AS spent FROM spend_day"
        " WHERE tenant_id = %(tenant)s AND day BETWEEN %(first)s AND %(last)s ORDER BY day",
        first=first,
        last=last,
    )
    return [SpendDay(row["day"], MicroUsd(row["reserved"]), MicroUsd(row["spent"])) for row in rows]


async def total_of_day(tx: Tx, day: date) -> SpendDay:
    """What all tenants together hold and have spent of the day."""
    row = await tx.row(
        "SELECT reserved_micro_usd AS reserved, spent_micro_usd AS spent FROM spend_total"
        " WHERE day = %(day)s",
        day=day,
    )
    return SpendDay(day, MicroUsd(row["reserved"] if row else 0), MicroUsd(row["spent"] if row else 0))


async def _close(tx: Tx, reservation_id: UUID, spent: MicroUsd | None) -> bool:
    assert tx.tenant_id is not None
    closing = Closing(tx.tenant_id, reservation_id, spent)
    closed = await apply(tx, [closing], limits=Limits(NO_LIMIT), today=date.min)
    return closed.done[0]


def _rows(element: Holding | Closing) -> tuple[Holding | Closing, ...]:
    """What is said of it. A hold on nothing before a closing takes the id of one that may still come, which
    then finds itself made already; one that has come is not touched by it.
    """
    if isinstance(element, Closing) and element.day is not None:
        return Holding(element.tenant_id, element.id, element.day, ZERO), element
    return (element,)


def check(element: Holding | Closing) -> None:
    """Raises ValueError for an amount that no call can cost: our own mistake."""
    amount = element.amount if isinstance(element, Holding) else element.spent
    if amount is not None and not 0 <= amount <= NO_LIMIT:
        raise ValueError(f"a negative amount would make room, one above {NO_LIMIT} overflow: {amount}")


def _amount(element: Holding | Closing) -> str:
    check(element)
    amount = element.amount if isinstance(element, Holding) else element.spent
    return "NULL" if amount is None else str(amount)


def _array(items: Iterable[str]) -> str:
    """An array as PostgreSQL reads it: joining is a tenth of the work of adapting each item."""
    return "{" + ",".join(items) + "}"
