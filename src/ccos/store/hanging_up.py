"""Deadlines for a server that stays silent.

A server that is frozen, or behind a broken network, ends none of its statements itself. Cancelling would ask
it to, and wait for that too; hanging up waits for nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection


@contextmanager
def hung_up_at(connection: AsyncConnection[Any], until: float) -> Iterator[None]:
    """The connection is lost at the time `until` of the loop's clock, unless the block has ended by then."""
    timer = asyncio.get_running_loop().call_at(until, hang_up, connection)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def hung_up_after(connection: AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """The connection is lost when the block takes longer than `seconds`."""
    with hung_up_at(connection, asyncio.get_running_loop().time() + seconds):
        yield


def hang_up(connection: AsyncConnection[Any]) -> None:
    """Ends both directions of the socket: whoever waits on it hears at once that the server has gone."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)
