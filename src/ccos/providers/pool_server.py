"""One server of a pool: what its last calls and looks said of it, and whether it may be asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
)
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.voice import Hear

_log = structlog.get_logger(__name__)

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 1.0, 30.0
"""A server that failed rests; each failure after that doubles its rest."""
LOOK_AGAIN_SECONDS = 2.0
"""How soon after one sign that nobody is there another may be asked for."""
_FAST = 0.2
_PROMPT_FAULTS = (400, 413, 422)
_PROMPT_CAUSES = ("schema", "no_turns")
_NOBODY_THERE = ("connect", "dns")


class Server(Protocol):
    """One of the pool: a provider like any other."""

    @property
    def card(self) -> ProviderCard: ...

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer: ...

    async def alive(self, *, seconds: float) -> bool: ...

    def estimate(self, prompt: Prompt) -> MicroUsd: ...


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of one server at one time.

    `slots` is how many answers it writes at once (None: not said, and then it counts as one), `rests_until`
    when it may be asked again after a failure (monotonic seconds), `failures` how many there were in a row,
    `answer_seconds` how long its answers take, newer ones counting more. `requests`, `faults` and `refusals`
    count since the start, by code: faults are its own and `last_error` the last of them, refusals are of
    prompts that no server of its kind would take. `reachable` is what the last call or look found, None
    before the first; `reached` whether any ever did. Times that end in `_at` are seconds since 1970.
    """

    name: str
    slots: int | None = None
    in_flight: int = 0
    rests_until: float = 0.0
    failures: int = 0
    answer_seconds: float = 0.0
    requests: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    last_error: str | None = None
    last_error_at: float | None = None
    last_success_at: float | None = None
    reachable: bool | None = None
    reached: bool = False

    def may_be_asked(self, now: float) -> bool:
        """Well, or through with its rest and not being tried: one call finds out if it is well again."""
        return not self.failures or (self.rests_until <= now and not self.in_flight)

    @property
    def full(self) -> bool:
        """Whether it writes as many answers as it can. One that does not say how many is never full."""
        return self.slots is not None and self.in_flight >= self.slots

    @property
    def share(self) -> float:
        """How full it would be with one more call."""
        return (self.in_flight + 1) / (self.slots or 1)


def by_load(loads: Iterable[Load], now: float) -> list[str]:
    """Names of the servers that may be asked now, the one to ask first first.

    Those with a free slot come before full ones, and those that were away come last.
    """
    usable = [load for load in loads if load.may_be_asked(now)]

    def rank(load: Load) -> tuple[bool, bool, float, float]:
        return (load.reachable is False, load.full, load.share, load.answer_seconds)

    return [load.name for load in sorted(usable, key=rank)]


class Member:
    """A server, and what its last calls said of it."""

    def __init__(
        self,
        server: Server,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when a call ended or the server is well again."""
        self.server = server
        self._changed = changed
        self._clock, self._wall_clock = clock, wall_clock
        self._in_flight = 0
        self._failures = 0
        self._rests_until = 0.0
        self._answer_seconds = 0.0
        self._requests = 0
        self._faults: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._last_error: str | None = None
        self._last_error_at: float | None = None
        self._last_success_at: float | None = None
        self._reachable: bool | None = None
        self._reached = False
        self._away_at = float("-inf")
        self._looking: asyncio.Task[bool] | None = None

    @property
    def load(self) -> Load:
        card = self.server.card
        return Load(
            card.name,
            card.slots,
            self._in_flight,
            self._rests_until,
            self._failures,
            self._answer_seconds,
            self._requests,
            dict(self._faults),
            dict(self._refusals),
            self._last_error,
            self._last_error_at,
            self._last_success_at,
            self._reachable,
            self._reached,
        )

    async def answer(self, prompt: Prompt, seconds: float, hear: Hear | None) -> Answer:
        self._in_flight += 1
        self._requests += 1
        began = self._clock()
        try:
            answer = await self.server.answer(prompt, seconds=seconds, hear=hear)
        except ProviderError as fault:
            if of_the_prompt(fault):
                self._refusals[fault.code] += 1
            else:
                self.failed(fault)
            raise
        finally:
            self._in_flight -= 1
            self._changed()
        self.well()
        self._last_success_at = self._wall_clock()
        took = self._clock() - began
        self._answer_seconds += _FAST * (took - self._answer_seconds) if self._answer_seconds else took
        return answer

    def well(self) -> None:
        if self._failures or self._reachable is False:
            _log.info("pool.server_back", server=self.server.card.name)
        self._failures = 0
        self._reachable = self._reached = True
        self._changed()

    async def look(self, seconds: float) -> bool:
        """Whether it could answer now; if so it rests no longer."""
        try:
            async with asyncio.timeout(seconds):
                well = await self.server.alive(seconds=seconds)
        except (ProviderError, TimeoutError):
            well = False
        if well:
            self.well()
        else:
            if self._reachable is not False:
                _log.warning("pool.server_unreachable", server=self.server.card.name)
            self._away()
        return well

    @property
    def worth_a_look(self) -> bool:
        """Whether nobody was there the last time, and that was not just now."""
        return self._reachable is False and self._clock() >= self._away_at + LOOK_AGAIN_SECONDS

    async def look_with_others(self, seconds: float) -> None:
        """One look for all who want to know at the same time; it goes on when one of them leaves."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.look(seconds))
        await asyncio.shield(self._looking)

    def _away(self) -> None:
        self._reachable, self._away_at = False, self._clock()

    def failed(self, fault: ProviderError) -> None:
        asked = fault.facts.get("retry_after_seconds")
        rest = min(FIRST_REST_SECONDS * 2.0 ** min(self._failures, 16), LONGEST_REST_SECONDS)
        if isinstance(asked, (int, float)):
            rest = min(max(rest, float(asked)), LONGEST_REST_SECONDS)
        self._failures += 1
        self._faults[fault.code] += 1
        self._last_error, self._last_error_at = fault.code, self._wall_clock()
        self._rests_until = self._clock() + rest
        if fault.facts.get("cause") in _NOBODY_THERE or fault.facts.get("phase") == "connect":
            self._away()
        _log.warning(
            "pool.server_failed", server=self.server.card.name, reason=fault.code, rest_seconds=round(rest, 1)
        )


def of_the_prompt(fault: ProviderError) -> bool:
    """Whether another server would say the same."""
    if isinstance(fault, (ContextTooLong, ContentFiltered)):
        return True
    if isinstance(fault, ProviderBusy) or not isinstance(fault, ProviderRefused):
        return False
    return fault.facts.get("status") in _PROMPT_FAULTS or fault.facts.get("cause") in _PROMPT_CAUSES
