"""An answer while it is being made, watched together with the caller it is for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from starlette.types import Receive

from ccos.api.leaving import left
from ccos.tiers.request import Generation


class Gone(Exception):
    """The caller left: there is nobody to answer."""


class Making:
    """Runs the call of the tiers; leaving the block ends it at once, its upstream call with it.

    `hear` takes words that are passed on before the answer is whole; they wait here until they are taken, at
    most as many as one answer has, however slowly the caller reads.
    """

    def __init__(self) -> None:
        self._stirred = asyncio.Event()
        self._pieces: list[str] = []
        self._made: asyncio.Future[Generation]
        self._gone: asyncio.Future[None]

    def begin(self, work: Coroutine[Any, Any, Generation], receive: Receive) -> Self:
        self._made = asyncio.ensure_future(work)
        self._gone = asyncio.ensure_future(left(receive))
        for task in (self._made, self._gone):
            task.add_done_callback(lambda _: self._stirred.set())
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.cancel()
        self._made.cancel()
        await asyncio.wait((self._made, self._gone))
        if not self._made.cancelled():
            self._made.exception()  # it was told already, or nobody is there to be told

    def hear(self, piece: str) -> None:
        self._pieces.append(piece)
        self._stirred.set()

    def take(self) -> str:
        """The words that came since they were last taken."""
        words = "".join(self._pieces)
        self._pieces.clear()
        return words

    @property
    def done(self) -> bool:
        return self._made.done()

    def result(self) -> Generation:
        return self._made.result()

    async def stir(self, seconds: float | None = None) -> None:
        """Until there are words, or the answer is whole, or `seconds` are over. Raises Gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        self._stirred.clear()
        if self._gone.done() and not self._made.done():
            raise Gone
