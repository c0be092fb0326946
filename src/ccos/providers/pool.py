"""Several servers of one model as one provider: the least loaded is asked, and the next when it fails."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
)
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.voice import Hear

_log = structlog.get_logger(__name__)

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 1.0, 30.0
"""A server that failed rests; each failure after that doubles its rest."""
LEAST_SECONDS = 0.2
"""With less time left than this the next server is not begun with."""
LOOKING_SHARE = 0.8
"""Of the time there is to look after all: one that says nothing must not make the others seem away."""
_FAST = 0.2
_PROMPT_FAULTS = (400, 413, 422)
_PROMPT_CAUSES = ("schema", "no_turns")


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
    def share(self) -> float:
        """How full it would be with one more call."""
        return (self.in_flight + 1) / (self.slots or 1)


def by_load(loads: Iterable[Load], now: float) -> list[str]:
    """Names of the servers that may be asked now, the one to ask first first; last who was away at a look."""
    usable = [load for load in loads if load.may_be_asked(now)]

    def rank(load: Load) -> tuple[bool, float, float]:
        return (load.reachable is False, load.share, load.answer_seconds)

    return [load.name for load in sorted(usable, key=rank)]


class _Member:
    """A server, and what its last calls said of it."""

    def __init__(self, server: Server, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self.server = server
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
            if _of_the_prompt(fault):
                self._refusals[fault.code] += 1
            else:
                self.failed(fault)
            raise
        finally:
            self._in_flight -= 1
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
            self._reachable = False
        return well

    def failed(self, fault: ProviderError) -> None:
        asked = fault.facts.get("retry_after_seconds")
        rest = min(FIRST_REST_SECONDS * 2.0 ** min(self._failures, 16), LONGEST_REST_SECONDS)
        if isinstance(asked, (int, float)):
            rest = min(max(rest, float(asked)), LONGEST_REST_SECONDS)
        self._failures += 1
        self._faults[fault.code] += 1
        self._last_error, self._last_error_at = fault.code, self._wall_clock()
        self._rests_until = self._clock() + rest
        _log.warning(
            "pool.server_failed", server=self.server.card.name, reason=fault.code, rest_seconds=round(rest, 1)
        )


class Pool:
    """Answers from the least loaded of its servers; a failure before a word was heard goes to the next.

    What is wrong with the prompt is told at once: it would be wrong with every server. When all are resting,
    one call tries them, first the one whose rest ends first, so that a pool never waits longer than its
    servers, and the one call that a breaker lets through finds whoever is back.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        card: ProviderCard,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """The servers' cards have names of their own. Raises ValueError for none, or for two of one name."""
        self._members = {server.card.name: _Member(server, clock, wall_clock) for server in servers}
        if not servers or len(self._members) != len(servers):
            raise ValueError("a pool needs servers, each with a name of its own")
        self._card = card
        self._clock = clock

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._card.name!r}, {list(self._members)})"

    @property
    def card(self) -> ProviderCard:
        return self._card

    @property
    def serving(self) -> frozenset[str]:
        """The models of all its servers, as they name them."""
        servers = [member.server for member in self._members.values()]
        return frozenset().union(*(getattr(each, "serving", {each.card.model}) for each in servers))

    @property
    def loads(self) -> tuple[Load, ...]:
        """Every server as it stands."""
        return tuple(member.load for member in self._members.values())

    @property
    def insight(self) -> tuple[Load, ...]:
        """What health and metrics show of it: its servers."""
        return self.loads

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """The words of one server, or the last one's ProviderError, within `seconds` for all together."""
        until = self._clock() + seconds
        heard = _Heard(hear)
        asked: set[str] = set()
        last: ProviderError | None = None
        all_rest = not by_load(self.loads, self._clock())
        while (member := self._next(asked, all_rest)) is not None:
            left = until - self._clock()
            if last is not None and left < LEAST_SECONDS:
                break
            asked.add(member.server.card.name)
            try:
                return await member.answer(prompt, left, heard.hear)
            except ProviderError as fault:
                if heard.something or _of_the_prompt(fault):
                    raise
                last = fault
        raise last or ProviderDown(
            "Every server of this tier failed a moment ago and is being tried by another call.",
            provider=self._card.name,
            model=self._card.model,
            cause="all_resting",
        )

    async def alive(self, *, seconds: float) -> bool:
        """Whether any server could answer now; each is asked, and one that is well again rests no longer."""
        looks = (member.look(seconds * LOOKING_SHARE) for member in self._members.values())
        return any(await asyncio.gather(*looks))

    def estimate(self, prompt: Prompt) -> MicroUsd:
        """The most the dearest of its servers can take. Raises NoPrice."""
        return max((m.server.estimate(prompt) for m in self._members.values()), default=ZERO)

    def _next(self, asked: set[str], all_rest: bool) -> _Member | None:
        """Whom to ask next: the least loaded, or, when all rest, the one that rests least of who is left."""
        now = self._clock()
        loads = [load for load in self.loads if load.name not in asked]
        for name in by_load(loads, now):
            return self._members[name]
        idle = [load for load in loads if not load.in_flight]
        if not all_rest or not idle or any(load.may_be_asked(now) for load in self.loads):
            return None
        return self._members[min(idle, key=lambda load: load.rests_until).name]


class _Heard:
    """Passes words on, and knows if there were any: half an answer cannot be taken back."""

    def __init__(self, hear: Hear | None) -> None:
        self._say = hear
        self.something = False

    @property
    def hear(self) -> Hear | None:
        return None if self._say is None else self._pass

    def _pass(self, piece: str) -> None:
        self.something = True
        if self._say is not None:
            self._say(piece)


def _of_the_prompt(fault: ProviderError) -> bool:
    """Whether another server would say the same."""
    if isinstance(fault, (ContextTooLong, ContentFiltered)):
        return True
    if isinstance(fault, ProviderBusy) or not isinstance(fault, ProviderRefused):
        return False
    return fault.facts.get("status") in _PROMPT_FAULTS or fault.facts.get("cause") in _PROMPT_CAUSES
