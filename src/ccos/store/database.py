"""Transactions, each bound to one tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ProgrammingError
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ccos.domain.errors import BadSetting
from ccos.store.faults import translated
from ccos.store.hanging_up import hung_up_after
from ccos.store.values import storable

_BIND: LiteralString = """
    SELECT set_config('role', coalesce(%(role)s, 'none'), true),
           set_config('search_path', 'ccos, jobs, pg_temp', true),
           set_config('ccos.tenant', %(tenant)s, true),
           set_config('timezone', 'UTC', true),
           set_config('statement_timeout', %(timeout)s, true),
           set_config('idle_in_transaction_session_timeout', %(idle)s, true)"""


CHECK_SECONDS = 2.0
"""How long a connection of the pool may take to say that it is alive."""
AWAY_WAIT_SECONDS = 1.0
"""How long a connection is waited for while the server has just not been reached."""
SILENCE_SECONDS = 2.0
"""So much later than the server should have ended a statement itself, it counts as gone."""


class Tx:
    """One transaction. Queries take named parameters; `%(tenant)s` is always there."""

    def __init__(
        self, connection: AsyncConnection[DictRow], tenant_id: UUID | None, seconds: float = 10.0
    ) -> None:
        """`seconds`: when a statement, which the server itself should end, is given up."""
        self.connection = connection
        self.tenant_id = tenant_id
        self._seconds = seconds

    async def bind(self, tenant_id: UUID) -> None:
        """Make this the transaction of that tenant, once its key or its name has told which one it is."""
        self.tenant_id = tenant_id
        await self.run("SELECT set_config('ccos.tenant', %(tenant)s::text, true)")

    async def row(self, query: LiteralString, **values: Any) -> DictRow | None:
        """The first row, or None."""
        with hung_up_after(self.connection, self._seconds):
            cursor = await self.connection.execute(query, self._parameters(values))
        return await cursor.fetchone()

    async def rows(self, query: LiteralString, **values: Any) -> list[DictRow]:
        with hung_up_after(self.connection, self._seconds):
            cursor = await self.connection.execute(query, self._parameters(values))
        return await cursor.fetchall()

    async def run(self, query: LiteralString, **values: Any) -> int:
        """How many rows it touched."""
        with hung_up_after(self.connection, self._seconds):
            cursor = await self.connection.execute(query, self._parameters(values))
        return cursor.rowcount

    async def run_each(self, query: LiteralString, values: list[dict[str, Any]]) -> None:
        """The same statement for each set of values, in one round trip."""
        with hung_up_after(self.connection, self._seconds):
            async with self.connection.cursor() as cursor:
                await cursor.executemany(query, [self._parameters(each) for each in values])

    def _parameters(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"tenant": self.tenant_id} | {name: storable(value) for name, value in values.items()}


class Database:
    """A bounded pool of connections to one PostgreSQL, for one role.

    `url` may be of a role that is a member of `role`, or of `role`'s owner: with `role` given, every
    transaction runs as that role and no other. Waiting for a connection, for a statement and for a silent
    server each ends after its own number of seconds, in `DatabaseUnavailable`; for a server that has just not
    been reached it is `AWAY_WAIT_SECONDS`. Nothing is tried twice: a transaction that failed was rolled back,
    and whoever asked for it knows whether it may be repeated.
    """

    def __init__(
        self,
        url: str,
        *,
        role: str | None = None,
        connections: int = 10,
        waiting: int = 200,
        wait_seconds: float = 5.0,
        statement_seconds: float = 10.0,
    ) -> None:
        self.url = url
        self.role = role
        self.statement_seconds = statement_seconds
        self._idle_seconds = max(60.0, statement_seconds)
        self._away = False
        self._pool = AsyncConnectionPool(
            conninfo=url,
            connection_class=AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row} | patience(url, seconds=wait_seconds),
            min_size=1,
            max_size=connections,
            max_waiting=waiting,
            timeout=wait_seconds,
            reconnect_timeout=wait_seconds,  # its pauses double: short rounds soon see the server again
            configure=_configure,
            check=_check,
            name="ccos-store",
            open=False,
        )

    async def open(self) -> None:
        """Connect. Raises `DatabaseUnavailable` when the server does not answer in time."""
        with translated():
            try:
                await self._pool.open(wait=True, timeout=self._pool.timeout)
            except BaseException:
                await self._pool.close()
                raise

    async def close(self) -> None:
        """Close every connection; one that is still in use is closed when it comes back."""
        await self._pool.close()

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID, *, seconds: float | None = None) -> AsyncIterator[Tx]:
        """A transaction of one tenant: committed at the end of the block, rolled back by any error.

        `seconds` is how long one statement may take, when it is not the usual time.
        """
        async with self._transaction(tenant_id, seconds) as tx:
            yield tx

    @asynccontextmanager
    async def unbound(self, *, seconds: float | None = None) -> AsyncIterator[Tx]:
        """A transaction of no tenant yet: to find a key or a tenant, or to administer as the owner."""
        async with self._transaction(None, seconds) as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(self, tenant_id: UUID | None, seconds: float | None) -> AsyncIterator[Tx]:
        within = seconds or self.statement_seconds
        with translated(), ExitStack() as end:
            async with self._connection() as connection:
                tx = Tx(connection, tenant_id, within + SILENCE_SECONDS)
                await tx.run(
                    _BIND,
                    role=self.role,
                    tenant=str(tenant_id or ""),
                    timeout=milliseconds(within),
                    idle=milliseconds(max(self._idle_seconds, seconds or 0)),
                )
                try:
                    yield tx
                finally:  # what is left is to commit or to roll back
                    end.enter_context(hung_up_after(connection, within + SILENCE_SECONDS))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        waits = min(AWAY_WAIT_SECONDS, self._pool.timeout) if self._away else self._pool.timeout
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._pool.connection(timeout=waits))
            except PoolTimeout:
                self._away = True
                raise
            self._away = False
            yield connection


def milliseconds(seconds: float) -> str:
    """As PostgreSQL's settings take it; at least 1, because 0 would mean without end."""
    return str(max(1, round(seconds * 1000)))


def patience(url: str, *, seconds: float) -> dict[str, Any]:
    """Connection parameters that bound every wait on a silent network; what the URL itself says wins.

    Raises `BadSetting` when the URL cannot be read.
    """
    try:
        said = conninfo_to_dict(url)
    except ProgrammingError:
        raise BadSetting(
            "The database URL cannot be read; write it like postgresql://user:password@host:5432/name."
        ) from None
    ours = {
        "connect_timeout": max(2, round(seconds)),
        "tcp_user_timeout": 30_000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "application_name": "ccos",
        "client_encoding": "UTF8",
    }
    return {name: value for name, value in ours.items() if name not in said}


async def _configure(connection: AsyncConnection[DictRow]) -> None:
    set_json_loads(orjson.loads, connection)


async def _check(connection: AsyncConnection[DictRow]) -> None:
    with hung_up_after(connection, CHECK_SECONDS):
        await AsyncConnectionPool.check_connection(connection)
