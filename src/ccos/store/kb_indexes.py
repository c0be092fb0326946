"""What machines and the store tell each other of search indexes: which build is wanted, how far each is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from ccos.store.database import Tx

State = Literal["ready", "building", "failed"]

KEPT_HOURS = 24
"""A machine that has not been heard of for so long is forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a machine's index stands. `seq` and `bytes` are of the index that serves, 0 when none does;
    `done` of `total` items are in the one that is being built. failed: it could not be built here."""

    state: State
    generation: int
    seq: int = 0
    done: int = 0
    total: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A machine's index as it was last heard of, `seconds_ago`.

    `behind` changes are not in it yet; the oldest of them waits for `lag_seconds`.
    """

    name: str
    standing: Standing
    seen_at: datetime
    seconds_ago: float
    behind: int
    lag_seconds: float


async def generation(tx: Tx) -> int:
    """The build that is wanted: an index of a lower one is built anew."""
    row = await tx.row("SELECT generation FROM kb_index WHERE tenant_id = %(tenant)s")
    return row["generation"] if row else 0


async def rebuild(tx: Tx) -> int:
    """Asks every machine to build the tenant's index anew; the generation that is wanted from now on."""
    row = await tx.row(
        "INSERT INTO kb_index AS wanted (tenant_id, generation) VALUES (%(tenant)s, 1)"
        " ON CONFLICT (tenant_id) DO UPDATE SET generation = wanted.generation + 1, asked_at = now()"
        " RETURNING generation"
    )
    assert row is not None
    return int(row["generation"])


async def report(tx: Tx, node: str, standing: Standing) -> None:
    await tx.run(
        "INSERT INTO kb_node (tenant_id, node, state, generation, seq, done, total, bytes)"
        " VALUES (%(tenant)s, %(node)s, %(state)s, %(generation)s, %(seq)s, %(done)s, %(total)s, %(bytes)s)"
        " ON CONFLICT (tenant_id, node) DO UPDATE SET state = excluded.state, seen_at = now(),"
        "    generation = excluded.generation, seq = excluded.seq, done = excluded.done,"
        "    total = excluded.total, bytes = excluded.bytes",
        node=node,
        **asdict(standing),
    )


async def nodes(tx: Tx) -> list[Node]:
    """Machines that were heard of within `KEPT_HOURS`, by name; older ones are forgotten."""
    await tx.run(
        "DELETE FROM kb_node WHERE tenant_id = %(tenant)s"
        "   AND seen_at < now() - make_interval(hours => %(hours)s::int)",
        hours=KEPT_HOURS,
    )
    rows = await tx.rows(
        """
        SELECT node, state, generation, seq, done, total, bytes, seen_at,
               extract(epoch FROM clock_timestamp() - seen_at)::float8 AS seconds_ago, late.behind,
               coalesce(extract(epoch FROM clock_timestamp() - late.since), 0)::float8 AS lag_seconds
          FROM kb_node,
               LATERAL (SELECT count(*) AS behind, min(at) AS since FROM kb_change AS change
                         WHERE change.tenant_id = kb_node.tenant_id AND change.seq > kb_node.seq) AS late
         WHERE tenant_id = %(tenant)s ORDER BY node"""
    )
    return [
        Node(
            row["node"],
            Standing(*(row[name] for name in ("state", "generation", "seq", "done", "total", "bytes"))),
            row["seen_at"],
            max(row["seconds_ago"], 0.0),
            row["behind"],
            max(row["lag_seconds"], 0.0),
        )
        for row in rows
    ]


async def waiting(tx: Tx, seq: int) -> int:
    """How many items changed after that number."""
    row = await tx.row(
        "SELECT count(*) AS n FROM kb_change WHERE tenant_id = %(tenant)s AND seq > %(seq)s", seq=seq
    )
    return int(row["n"]) if row else 0
