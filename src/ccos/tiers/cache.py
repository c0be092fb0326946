"""Answers that passed the gate, for the very same question of the same tenant: in memory, for a while.

Around one attempt of one deployment, where `attempt` reserves money, calls, settles and asks the gate:

    key = cache.key(prompt, context.tenant_id, card.deployment, required_quality=required)
    made = await attempt() if key is None else await cache.share(key, attempt, kept_of, seconds=5.0)
    if isinstance(made, Kept):          # kept before, or just made by an equal request: nothing was spent
        made = from_cache(made)

`kept_of(made)` is what may be kept of an attempt's result: a `Kept` if the gate accepted it, else None. What
else an attempt comes to (a refusal, an error, a cancellation) is its own caller's alone.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NewType, TypeVar
from uuid import UUID

import msgspec

from ccos.domain.prompt import Answer, Grounds, Prompt
from ccos.domain.verdict import Verdict

HIGHEST_TEMPERATURE = 0.3
"""Above it a caller wants a new answer each time."""

ENTRY_BYTES = 650
"""What an entry takes beside its own bytes, as measured: key, place in the order, time."""

_UNSEEN: dict[str, Any] = {
    "id": True,
    "external_id": True,
    "created_at": True,
    "conversation_history": {"__all__": {"at"}},
}
"""Of a ticket, what no answer depends on: what a model is told of them stands in the prompt's own words."""

T = TypeVar("T")

Key = NewType("Key", bytes)
"""The tenant's id, then an HMAC of everything an answer depends on. No text can be had back from it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An accepted answer and what the gate said of it."""

    answer: Answer
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Entry:
    packed: bytes
    ends_at: float


_Told = Kept | Literal["lead", "alone"]
_Flight = dict[asyncio.Future[_Told], None]
"""Those who wait for one call, in the order they came."""


class AnswerCache:
    """At most `max_bytes` of answers, each for `seconds`; what was not asked for the longest time goes first.

    The secret of its keys is drawn when it is made and is never written anywhere. One event loop's own.
    """

    def __init__(
        self,
        max_bytes: int = 32 * 1024 * 1024,
        seconds: float = 3600.0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Key, _Flight] = {}
        self._forgotten: dict[bytes, int] = {}
        self._pack = msgspec.msgpack.Encoder().encode
        self._unpack = msgspec.msgpack.Decoder(Kept).decode

    @property
    def entries(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def key(
        self, prompt: Prompt, tenant_id: UUID | None, deployment: str, *, required_quality: float
    ) -> Key | None:
        """The key of one question; None where nothing is to be kept: no tenant, or a high temperature."""
        if tenant_id is None or prompt.temperature > HIGHEST_TEMPERATURE:
            return None
        parts = [tenant_id.bytes, deployment.encode(), repr(required_quality).encode(), *_parts(prompt)]
        # Lengths before the parts: where one ends and the next begins is part of what is hashed.
        framed = b"".join(piece for part in parts for piece in (len(part).to_bytes(8), part))
        return Key(tenant_id.bytes + hmac.digest(self._secret, framed, "sha256"))

    def get(self, key: Key) -> Kept | None:
        """The answer that is kept for this question."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.ends_at:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return self._unpack(entry.packed)

    def put(self, key: Key, kept: Kept) -> None:
        """Keeps an answer the gate accepted. One with a veto, or cut short, is never kept."""
        if not _sound(kept):
            return
        try:
            packed = self._pack(kept)
        except (TypeError, ValueError, OverflowError):
            return  # lone surrogates, numbers past 64 bits: it is still an answer, only not to be kept
        if len(packed) + ENTRY_BYTES > self._max_bytes:
            return
        self._drop(key)
        self._entries[key] = _Entry(packed, self._clock() + self._seconds)
        self._bytes += len(packed) + ENTRY_BYTES
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def forget(self, tenant_id: UUID) -> None:
        """The tenant's knowledge or settings changed: nothing of before is given out or kept any more."""
        tenant = tenant_id.bytes
        for key in [key for key in self._entries if key.startswith(tenant)]:
            self._drop(key)
        self._forgotten[tenant] = self._forgotten.get(tenant, 0) + 1

    async def share(
        self, key: Key, call: Callable[[], Awaitable[T]], keeps: Callable[[T], Kept | None], *, seconds: float
    ) -> T | Kept:
        """What is kept, or what an equal request that is at work comes to, or what `call` comes to.

        Of equal requests one leads: it runs `call` in its own task, and all others are given what `keeps`
        makes of the result. If that is None, or the call fails or is cancelled, one of them takes its place
        with its own `call` and the rest wait on. Who has waited `seconds` runs its own beside the others.
        """
        kept = self.get(key)
        if kept is not None:
            return kept
        flight = self._flights.get(key)
        if flight is None:
            self._flights[key] = {}
            return await self._lead(key, call, keeps)
        told = await self._follow(key, flight, seconds)
        match told:
            case "lead":
                return await self._lead(key, call, keeps)
            case "alone":
                return await self._run(key, call, keeps)
            case _:
                return told

    async def _follow(self, key: Key, flight: _Flight, seconds: float) -> _Told:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[_Told] = loop.create_future()
        flight[turn] = None
        timer = loop.call_later(max(seconds, 0.0), _tell, turn, "alone")
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result() == "lead":
                self._hand_over(key)  # cancelled at the very moment it was to take over
            raise
        finally:
            timer.cancel()
            flight.pop(turn, None)

    async def _lead(self, key: Key, call: Callable[[], Awaitable[T]], keeps: Callable[[T], Kept | None]) -> T:
        try:
            return await self._run(key, call, keeps)
        finally:
            self._hand_over(key)

    async def _run(self, key: Key, call: Callable[[], Awaitable[T]], keeps: Callable[[T], Kept | None]) -> T:
        """`call`, and if there is something to keep of it, all who wait for this key have it too."""
        tenant = key[:16]
        forgotten = self._forgotten.get(tenant)
        made = await call()
        kept = keeps(made)
        if kept is not None and _sound(kept):
            if self._forgotten.get(tenant) == forgotten:
                self.put(key, kept)
            for turn in self._flights.get(key, ()):
                _tell(turn, kept)
        return made

    def _hand_over(self, key: Key) -> None:
        """Whoever led is done: the first who still waits leads now."""
        if not any(_tell(turn, "lead") for turn in self._flights[key]):
            del self._flights[key]

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry.packed) + ENTRY_BYTES


def _sound(kept: Kept) -> bool:
    return not kept.verdict.vetoes and kept.answer.finish_reason == "stop"


def _tell(turn: asyncio.Future[_Told], told: _Told) -> bool:
    """Whether it was still waiting to be told."""
    if turn.done():
        return False
    turn.set_result(told)
    return True


def _parts(prompt: Prompt) -> list[bytes]:
    """Everything of a prompt that an answer, or the gate's word on it, depends on."""
    schema = None if prompt.schema is None else dict(prompt.schema)
    parts = [
        prompt.task.encode(),
        b"" if prompt.tenant_id is None else prompt.tenant_id.bytes,
        json.dumps([prompt.max_tokens, prompt.temperature, schema], default=dict).encode(),
        _normal(prompt.system),
        str(len(prompt.turns)).encode(),
    ]
    for turn in prompt.turns:
        parts += (turn.role.encode(), _normal(turn.text))
    return parts + _ground_parts(prompt.grounds)


def _ground_parts(grounds: Grounds) -> list[bytes]:
    ticket = grounds.ticket
    facts: list[Any] = [grounds.language, grounds.intent, grounds.intent_confidence, grounds.recorded_actions]
    return [
        json.dumps(facts).encode(),
        b"" if ticket is None else ticket.model_dump_json(exclude=_UNSEEN).encode(),
        grounds.settings.model_dump_json().encode(),
        *(passage.model_dump_json(exclude={"score"}).encode() for passage in grounds.evidence),
    ]


def _normal(text: str) -> bytes:
    """The text in one spelling: Unicode NFC, line ends as \\n, no blanks at the ends of lines.

    Nothing that could change what it says: capitals, digits and the blanks between words stay.
    """
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip(" \t") for line in lines).encode("utf-8", "surrogatepass")
