"""One connection for short statements that are transactions of their own: one round trip each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ccos.domain.errors import DatabaseUnavailable
from ccos.store.database import Database, milliseconds, patience
from ccos.store.faults import translated
from ccos.store.hanging_up import hung_up_at

_SETTLE_IN: LiteralString = """
    SELECT set_config('role', coalesce(%s, 'none'), false),
           set_config('search_path', 'ccos, pg_temp', false),
           set_config('timezone', 'UTC', false),
           set_config('statement_timeout', %s, false)"""


class Lane:
    """A connection beside the pool, in autocommit, opened when it is needed and again when it was lost.

    It is bound to no tenant: a statement reaches rows only through functions that bind one for themselves,
    and what they bind ends with the statement. One statement goes at a time; others wait in line, so a
    caller gathers what belongs together. A statement, with connecting for it, has `seconds`.
    """

    def __init__(self, database: Database, *, seconds: float) -> None:
        self._url = database.url
        self._role = database.role
        self._seconds = seconds
        self._connection: AsyncConnection[TupleRow] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def row(self, query: LiteralString, values: Sequence[Any]) -> TupleRow:
        """The first row. Saying the statement twice must do no harm: when it was lost together with a
        connection that had been idle, it is sent once more on a new one.

        Raises what `translated` does, `DatabaseUnavailable` when the time is over.
        """
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            until = loop.time() + self._seconds
            kept = self._connection is not None
            try:
                return await self._once(query, values, until)
            except DatabaseUnavailable:
                if not kept or loop.time() >= until or self._connection is not None:
                    raise
            return await self._once(query, values, until)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _once(self, query: LiteralString, values: Sequence[Any], until: float) -> TupleRow:
        connection = await self._connected(until)
        try:
            row = await _said(connection, query, values, until)
        finally:
            if connection.closed:
                self._connection = None
        return row

    async def _connected(self, until: float) -> AsyncConnection[TupleRow]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        with translated():
            try:
                async with asyncio.timeout_at(until):
                    connection = await AsyncConnection.connect(
                        self._url, autocommit=True, **patience(self._url, seconds=self._seconds)
                    )
            except TimeoutError:
                raise psycopg.OperationalError("no connection in time") from None
        try:
            await _said(connection, _SETTLE_IN, (self._role, milliseconds(self._seconds)), until)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        return connection


async def _said(
    connection: AsyncConnection[TupleRow], query: LiteralString, values: Sequence[Any], until: float
) -> TupleRow:
    with translated(), hung_up_at(connection, until):
        row = await (await connection.execute(query, values)).fetchone()
    assert row is not None
    return row
