"""How many calls a deployment gets at a time: a limit that learns, and a short line before it.

The limit follows additive increase, multiplicative decrease, as TCP does (RFC 5681) and as Netflix's
concurrency-limits does for calls of services; who may wait and who is shed follows "Handling Overload" in
Google's Site Reliability Engineering (2016), chapter 21.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from ccos.tiers.request import Priority

Fate = Literal["fine", "overloaded", "unknown"]
"""How a call ended: `overloaded` is a 429, 503, 529 or a timeout; `unknown` tells nothing of the limit."""

SHRINK = 0.7
OLDEST_EVERY = 8
"""Every eighth slot that is handed on goes to whoever has waited longest, whatever the class: so work of the
lowest class gets an eighth of what there is, however much of a higher class keeps coming."""

_MEAN_WEIGHT = 0.2


class Shed(Exception):
    """There is no slot, and waiting for one would not help: go to another deployment."""

    reason = "provider.saturated"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls at once: between `floor` and `ceiling`, `size` for now.

    Each cut begins a new round. What was admitted in an earlier round no longer speaks for the limit, so a
    burst of calls that fail together cuts once.
    """

    size: float = 20.0
    floor: int = 1
    ceiling: int = 200
    round: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.floor <= self.size <= self.ceiling:
            raise ValueError("A limit needs 1 <= floor <= size <= ceiling.")

    @classmethod
    def fixed(cls, slots: int) -> Limit:
        """For what is known: the slots of a local model."""
        return cls(float(slots), slots, slots)

    @property
    def calls(self) -> int:
        return int(self.size)

    def after_success(self, in_flight: int, admitted_round: int) -> Limit:
        """One more per `size` successes, while at least half of the limit is in use (the call included)."""
        if admitted_round != self.round or 2 * in_flight < self.size or self.size >= self.ceiling:
            return self
        return replace(self, size=min(self.size + 1.0 / self.size, float(self.ceiling)))

    def after_overload(self, admitted_round: int) -> Limit:
        if admitted_round != self.round:
            return self
        return replace(self, size=max(self.size * SHRINK, float(self.floor)), round=self.round + 1)


class Slot:
    """The right to one call. Release it exactly once, on every way out; again does no harm."""

    __slots__ = ("_limiter", "_round")

    def __init__(self, limiter: Limiter, admitted_round: int) -> None:
        self._limiter: Limiter | None = limiter
        self._round = admitted_round

    def release(self, fate: Fate, seconds: float) -> None:
        """`seconds` is how long the call took: it tells how long others must wait."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter._take_back(self._round, fate, seconds)


_Turn = asyncio.Future[Slot]


class Limiter:
    """Slots of one deployment and the line before them; `waiting` is how long the line may get.

    One event loop's own: nothing here is for threads.
    """

    def __init__(self, limit: Limit, *, waiting: int = 64) -> None:
        self._limit = limit
        self._longest_line = waiting
        self._in_flight = 0
        self._mean_seconds: float | None = None
        # Who waits, with a number by arrival. A dict is a line one can leave from the middle of.
        self._lines: dict[Priority, dict[_Turn, int]] = {priority: {} for priority in Priority}
        self._arrivals = 0
        self._handed_on = 0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def limit(self) -> int:
        return self._limit.calls

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    async def acquire(self, priority: Priority, *, seconds: float) -> Slot:
        """A slot, at once where one is free. Higher classes go first, first come first served inside one.

        Raises Shed when the line is full of calls that are as urgent, when the wait to be expected is longer
        than `seconds`, when `seconds` run out, or when a more urgent call needs the place in line.
        """
        # Where somebody waits there is no free slot: each is handed on as soon as it is there.
        if self._in_flight < self._limit.calls:
            return self._admit()
        if seconds <= 0 or self._expected_wait(priority) > seconds or not self._make_room(priority):
            raise Shed
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future()
        self._arrivals += 1
        self._lines[priority][turn] = self._arrivals
        timer = loop.call_later(seconds, self._turn_away, priority, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._leave(priority, turn)
            raise
        finally:
            timer.cancel()

    def _expected_wait(self, priority: Priority) -> float:
        """Seconds until those ahead are served; with nobody ahead a slot may be free at any moment."""
        ahead = sum(len(line) for rank, line in self._lines.items() if rank <= priority)
        return ahead / self._limit.calls * (self._mean_seconds or 0.0)

    def _make_room(self, priority: Priority) -> bool:
        """Whether it may wait. In a full line the newest of the lowest class gives way to a higher one."""
        if self.waiting < self._longest_line:
            return True
        lowest = max((rank for rank, line in self._lines.items() if line), default=priority)
        if lowest <= priority:
            return False
        self._turn_away(lowest, next(reversed(self._lines[lowest])))
        return True

    def _turn_away(self, priority: Priority, turn: _Turn) -> None:
        self._lines[priority].pop(turn, None)
        if not turn.done():
            turn.set_exception(Shed())

    def _leave(self, priority: Priority, turn: _Turn) -> None:
        """Whoever waited was cancelled, perhaps after the slot was handed over: then it goes to the next."""
        self._lines[priority].pop(turn, None)
        if turn.cancelled() or turn.exception() is not None:
            return
        turn.result().release("unknown", 0.0)

    def _admit(self) -> Slot:
        self._in_flight += 1
        return Slot(self, self._limit.round)

    def _take_back(self, admitted_round: int, fate: Fate, seconds: float) -> None:
        if fate == "fine":
            self._limit = self._limit.after_success(self._in_flight, admitted_round)
        elif fate == "overloaded":
            self._limit = self._limit.after_overload(admitted_round)
        if fate != "unknown":
            mean = seconds if self._mean_seconds is None else self._mean_seconds
            self._mean_seconds = mean + _MEAN_WEIGHT * (seconds - mean)
        self._in_flight -= 1
        while self._in_flight < self._limit.calls and (turn := self._next()) is not None:
            turn.set_result(self._admit())

    def _next(self) -> _Turn | None:
        """Takes out of line whose turn it is; None when nobody waits any more."""
        while heads := [(rank, *next(iter(line.items()))) for rank, line in self._lines.items() if line]:
            oldest = self._handed_on % OLDEST_EVERY == OLDEST_EVERY - 1
            rank, turn, _ = min(heads, key=lambda head: head[2]) if oldest else heads[0]
            del self._lines[rank][turn]
            if not turn.done():
                self._handed_on += 1
                return turn
        return None
