"""Who holds which key, remembered: for the hot path, and for when the database is away."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ccos.domain.errors import DatabaseUnavailable, NotAllowed
from ccos.domain.tenant import Role, Tenant

FRESH_SECONDS = 5.0
"""So long a key that was found is not looked up again where that is allowed; a revocation counts after it."""
KNOWN_SECONDS = 600.0
"""So long after its last look-up a key stays good while the database is away."""
AWAY_SECONDS = 2.0
"""So long nobody waits for a database that has just not answered, unless the key is not known."""
PATIENCE_SECONDS = 2.0
"""How long a look-up may take where the key is known: then the database counts as away."""
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    tenant: Tenant
    role: Role
    key_id: str


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    at: float


Find = Callable[[str], Awaitable[Caller]]


class Identities:
    """Callers by the hash of their key, found with `find`, the last used `most` of them.

    Only what was found is kept: a key that was refused, once or again, is looked up every time.
    """

    def __init__(self, find: Find, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._most = most
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Caller]] = {}
        self._away_until = 0.0

    async def of(self, key: str, *, fresh_seconds: float = 0.0) -> Caller:
        """The caller behind a key, from memory when it was found within `fresh_seconds`.

        Raises NotAllowed, and DatabaseUnavailable for a key that is not known well enough.
        """
        digest = hashlib.sha256(key.encode(errors="replace")).digest()
        known = self._known.get(digest)
        now = self._clock()
        age = float("inf") if known is None else now - known.at
        if known is not None and (age < fresh_seconds or (now < self._away_until and age < KNOWN_SECONDS)):
            self._known.move_to_end(digest)
            return known.caller
        try:
            return await self._ask(digest, key, None if age >= KNOWN_SECONDS else PATIENCE_SECONDS)
        except NotAllowed:
            self._known.pop(digest, None)
            raise
        except (DatabaseUnavailable, TimeoutError):
            self._away_until = self._clock() + AWAY_SECONDS
            if known is None or age >= KNOWN_SECONDS:
                raise
            return known.caller

    async def _ask(self, digest: bytes, key: str, seconds: float | None) -> Caller:
        """Everybody who asks for the same key at once shares one look-up."""
        task = self._asking.get(digest)
        if task is None:
            task = self._asking[digest] = asyncio.ensure_future(self._look_up(digest, key))
            task.add_done_callback(lambda done: self._asked(digest, done))
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)

    async def _look_up(self, digest: bytes, key: str) -> Caller:
        begun = self._clock()
        caller = await self._find(key)
        self._known[digest] = _Known(caller, begun)
        self._known.move_to_end(digest)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return caller

    def _asked(self, digest: bytes, done: asyncio.Task[Caller]) -> None:
        del self._asking[digest]
        if not done.cancelled():
            done.exception()  # whoever waited has it; if nobody did any more, it is nobody's
