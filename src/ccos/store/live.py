"""What becomes of drafts, told as it happens to every process that listens.

PostgreSQL carries it (LISTEN and NOTIFY): a draft's state is told by a trigger when it is committed, the
stage that a running draft has reached by whoever makes it. What is told while nobody listens is lost, so a
listener reads anew what it shows whenever it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection

from ccos.domain.draft import DraftState
from ccos.domain.errors import DatabaseUnavailable
from ccos.store.database import Tx, patience
from ccos.store.faults import translated

CHANNEL = "ccos_live"
SILENT_SECONDS = 20.0
"""After so long without a word the server is asked whether it is there."""
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """A draft came to `state`, or while it is made has finished `stage`."""

    tenant_id: UUID
    ticket_id: str
    draft_id: str
    state: DraftState | None = None
    stage: str | None = None


async def listen(url: str) -> AsyncIterator[Change | None]:
    """Changes of every tenant as they are committed; first None, once nothing more is missed.

    Needs a session of its own: behind a pooler that shares sessions it hears nothing. Raises
    `DatabaseUnavailable` when the server goes.
    """
    with translated():
        connection = await AsyncConnection.connect(
            url, autocommit=True, **patience(url, seconds=ANSWER_SECONDS)
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield None
            while True:
                async for notice in connection.notifies(timeout=SILENT_SECONDS):
                    if change := _read(notice.payload):
                        yield change
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await connection.execute("SELECT")
                except TimeoutError:
                    raise DatabaseUnavailable("The database has gone silent.") from None


async def tell(tx: Tx, changes: Iterable[Change]) -> None:
    """Tells of stages; of states the store tells itself. Heard when the transaction is committed."""
    said = [
        orjson.dumps(
            {
                "tenant": str(each.tenant_id),
                "ticket": each.ticket_id,
                "draft": each.draft_id,
                "stage": each.stage,
            }
        ).decode()
        for each in changes
    ]
    await tx.rows("SELECT pg_notify(%(channel)s, said) FROM unnest(%(said)s::text[]) AS said",
                  channel=CHANNEL, said=said)  # fmt: skip


def _read(payload: str) -> Change | None:
    """None for what another release says: anybody who may connect may speak on a channel."""
    try:
        said: dict[str, Any] = orjson.loads(payload)
        state, stage = said.get("state"), said.get("stage")
        return Change(
            UUID(said["tenant"]),
            str(UUID(said["ticket"])),
            str(UUID(said["draft"])),
            DraftState(state) if state is not None else None,
            str(stage) if stage is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
