"""The breakers' state as all processes on one database share it, by deployment.

Rests and claims are kept and compared in the database's own time, so that no machine's clock matters. One
that would last twice as long as any can was written before that clock was set back: it is over. (Twice,
because the transaction that wrote it may have begun a little after the one that reads it.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ccos.store.database import Tx
from ccos.store.values import new_id

SLACK_SECONDS = 1.0
"""A claim may come this much before the rest is over: it was counted elsewhere, and began there earlier."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """`change` is new whenever it opened, closed, or opened again; `seconds_left` of its rest, 0 or more."""

    deployment: str
    change: UUID
    open: bool
    trips: int
    seconds_left: float


async def of(tx: Tx, deployments: Iterable[str], *, longest_seconds: float) -> list[BreakerState]:
    """The state of those that anybody has told of."""
    rows = await tx.rows(
        """
        SELECT deployment, change, open, trips,
               CASE WHEN resting_until
                         BETWEEN now() AND now() + make_interval(secs => 2 * %(longest)s::float8)
                    THEN extract(epoch FROM resting_until - now())::float8 ELSE 0 END AS seconds_left
          FROM breaker_state WHERE deployment = ANY(%(deployments)s)""",
        deployments=list(deployments),
        longest=longest_seconds,
    )
    return [BreakerState(**row) for row in rows]


async def put(tx: Tx, deployment: str, *, open: bool, trips: int, rest_seconds: float) -> UUID:
    """What is true from now on, whoever was to send a probe; the new change."""
    change = new_id()
    await tx.run(
        """
        INSERT INTO breaker_state (deployment, change, open, trips, resting_until)
        VALUES (%(deployment)s, %(change)s, %(open)s, %(trips)s,
                now() + make_interval(secs => %(rest)s::float8))
        ON CONFLICT (deployment) DO UPDATE
           SET change = excluded.change, open = excluded.open, trips = excluded.trips,
               resting_until = excluded.resting_until, changed_at = now(),
               probe_holder = NULL, probe_until = NULL""",
        deployment=deployment,
        change=change,
        open=open,
        trips=trips,
        rest=rest_seconds,
    )
    return change


async def claim(
    tx: Tx, deployment: str, *, holder: UUID, probe_seconds: float, longest_seconds: float
) -> bool:
    """Whether `holder` may send the probe: of all that ask until `probe_seconds` are over, one may.

    A process that vanished frees its claim that way, so they may be fewer than a probe takes: see `renew`.

    One statement, so that the row decides. A deployment nobody has told of yet is entered as half-open.
    """
    row = await tx.row(
        """
        INSERT INTO breaker_state AS known
               (deployment, change, open, trips, resting_until, probe_holder, probe_until)
        VALUES (%(deployment)s, %(change)s, true, 1, now(), %(holder)s,
                now() + make_interval(secs => %(probe)s::float8))
        ON CONFLICT (deployment) DO UPDATE
           SET probe_holder = excluded.probe_holder, probe_until = excluded.probe_until
         WHERE known.open
           AND (known.resting_until <= now() + make_interval(secs => %(slack)s::float8)
                OR known.resting_until > now() + make_interval(secs => 2 * %(longest)s::float8))
           AND (known.probe_holder IS NULL OR known.probe_holder = %(holder)s
                OR known.probe_until
                   NOT BETWEEN now() AND now() + make_interval(secs => 2 * %(probe)s::float8))
        RETURNING deployment""",
        deployment=deployment,
        change=new_id(),
        holder=holder,
        probe=probe_seconds,
        slack=SLACK_SECONDS,
        longest=longest_seconds,
    )
    return row is not None


async def renew(tx: Tx, deployments: Iterable[str], *, holder: UUID, probe_seconds: float) -> None:
    """Their probes are still on their way: the claims that `holder` has are good for as long again."""
    await tx.run(
        "UPDATE breaker_state SET probe_until = now() + make_interval(secs => %(probe)s::float8)"
        " WHERE deployment = ANY(%(deployments)s) AND probe_holder = %(holder)s",
        deployments=list(deployments),
        holder=holder,
        probe=probe_seconds,
    )


async def give_back(tx: Tx, deployment: str, *, holder: UUID) -> None:
    """The probe ended without a word on the provider's health: another may send one."""
    await tx.run(
        "UPDATE breaker_state SET probe_holder = NULL, probe_until = NULL"
        " WHERE deployment = %(deployment)s AND probe_holder = %(holder)s",
        deployment=deployment,
        holder=holder,
    )
