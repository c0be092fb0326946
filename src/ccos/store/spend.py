"""The day's money of a tenant: held before a paid call, settled after it.

What may have been spent counts as spent: a hold whose maker vanished is charged whole when its time is over,
and corrected if the true amount comes in later. So the cap holds whatever crashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ccos.domain.money import MicroUsd
from ccos.store.database import Tx
from ccos.store.values import new_id


@dataclass(frozen=True, slots=True)
class SpendDay:
    day: date
    reserved: MicroUsd
    spent: MicroUsd


async def reserve(
    tx: Tx, amount: MicroUsd, *, cap: MicroUsd, day: date, hold_seconds: float = 300.0
) -> UUID | None:
    """Hold `amount` of the day's `cap` for `hold_seconds`; None when there is no room for it.

    One statement: the day's row is locked, then compared and raised, so that holds made at the same moment
    together never pass the cap. The row stays locked until the transaction ends: commit at once.
    """
    if amount < 0:
        raise ValueError("a negative amount would make room")
    row = await tx.row(
        """
        WITH held AS (
            INSERT INTO spend_day AS today (tenant_id, day, reserved_micro_usd)
            SELECT %(tenant)s::uuid, %(day)s::date, %(amount)s::bigint
             WHERE %(amount)s::bigint <= %(cap)s::bigint
            ON CONFLICT (tenant_id, day) DO UPDATE
               SET reserved_micro_usd = today.reserved_micro_usd + excluded.reserved_micro_usd
             WHERE today.reserved_micro_usd + today.spent_micro_usd + excluded.reserved_micro_usd
                   <= %(cap)s::bigint
            RETURNING tenant_id, day)
        INSERT INTO reservation (tenant_id, id, day, amount_micro_usd, expires_at)
        SELECT tenant_id, %(id)s::uuid, day, %(amount)s::bigint,
               now() + make_interval(secs => %(hold)s::float8)
          FROM held
        RETURNING id""",
        id=new_id(),
        day=day,
        amount=amount,
        cap=cap,
        hold=hold_seconds,
    )
    return row["id"] if row else None


async def settle(tx: Tx, reservation_id: UUID, spent: MicroUsd) -> bool:
    """Turn the hold into what was really spent, once; False when it was settled or released before."""
    return await _close(tx, reservation_id, "settled", spent)


async def release(tx: Tx, reservation_id: UUID) -> bool:
    """Give the hold back: nothing was spent. False when it was settled or released before."""
    return await _close(tx, reservation_id, "released", MicroUsd(0))


async def sweep(tx: Tx) -> int:
    """Charge, whole, the holds whose time is over: their makers may have spent them. How many there were."""
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


async def _close(tx: Tx, reservation_id: UUID, state: str, spent: MicroUsd) -> bool:
    """An expired hold was charged already: closing it corrects the charge instead of freeing the hold."""
    row = await tx.row(
        """
        WITH before AS (
            SELECT tenant_id, id, day, amount_micro_usd AS amount, state FROM reservation
             WHERE tenant_id = %(tenant)s AND id = %(id)s AND state IN ('held', 'expired') FOR UPDATE),
        closed AS (
            UPDATE reservation SET state = %(state)s FROM before
             WHERE reservation.tenant_id = before.tenant_id AND reservation.id = before.id)
        UPDATE spend_day SET
               reserved_micro_usd = reserved_micro_usd - CASE before.state WHEN 'held' THEN amount ELSE 0 END,
               spent_micro_usd = spent_micro_usd + %(spent)s::bigint
                   - CASE before.state WHEN 'expired' THEN amount ELSE 0 END
          FROM before WHERE spend_day.tenant_id = before.tenant_id AND spend_day.day = before.day
        RETURNING spend_day.day""",
        id=reservation_id,
        state=state,
        spent=spent,
    )
    return row is not None
