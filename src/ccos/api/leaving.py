"""A caller who leaves ends the work that was done for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.types import Receive

T = TypeVar("T")

LEFT = 499


class ClientLeft(HTTPException):
    """Nobody hears this answer; its status is for the metrics and the logs."""

    def __init__(self) -> None:
        super().__init__(LEFT, "The caller left before the answer was there")


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to. When the caller leaves first it is cancelled, waited for, and ClientLeft raised.

    `receive` is the request's own, and its body must have been read whole. Cancelled itself, this cancels
    `work` too.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(left(receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.gather(task, leaving, return_exceptions=True)


async def left(receive: Receive) -> None:
    """Returns when the caller has gone; a server that never tells leaves the work alone."""
    while (await receive())["type"] != "http.disconnect":
        pass
