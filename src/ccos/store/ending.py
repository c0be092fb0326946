"""Ending tasks that call the database, for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

PATIENCE_SECONDS = 10.0
AGAIN_SECONDS = 1.0


async def end(tasks: Iterable[asyncio.Task[Any]], *, patience: float = PATIENCE_SECONDS) -> None:
    """Cancels the tasks and returns when all have ended, however they do.

    Each has `patience` seconds to end well; then it is cancelled again, every second. Once is not enough:
    what waits for a database does so in `asyncio.wait_for`, which until Python 3.12 drops a cancellation that
    comes just as it is done, and a loop that goes on would be waited for without end. Whoever is cancelled
    while waiting here has no more patience with the tasks, and is cancelled when they have ended.
    """
    left = {task for task in tasks if not task.done()}
    cancelled = False
    while left:
        for task in left:
            task.cancel()
        try:
            _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS if cancelled else patience)
        except asyncio.CancelledError:
            cancelled = True
            left = {task for task in left if not task.done()}
        patience = AGAIN_SECONDS
    if cancelled:
        raise asyncio.CancelledError


def stop_if_asked() -> None:
    """Raises the cancellation that was asked of the running task and got lost on its way here.

    For what goes on until it is cancelled, before it begins.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
