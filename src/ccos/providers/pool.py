"""Several servers of one model as one provider: the least loaded is asked, and the next when it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ccos.domain.errors import ProviderBusy, ProviderDown, ProviderError
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.providers.pool_server import Load, Member, Server, by_load, of_the_prompt
from ccos.providers.voice import Hear

LEAST_SECONDS = 0.2
"""With less time left than this the next server is not begun with."""
LOOKING_SHARE = 0.8
"""Of the time there is to look after all: one that says nothing must not make the others seem away."""
LOOK_SECONDS = 1.0
"""Longest look at servers that were away, when a call needs them."""
SLOT_SECONDS = 0.1
"""When a full pool may be asked again: a slot can fall free at any moment, so nobody keeps away longer."""
WAIT_SHARE = 0.25
"""Of the time a call has left, to wait for a free slot or to look at servers that were away."""


class Pool:
    """Answers from the least loaded of its servers; a failure before a word was heard goes to the next.

    What is wrong with the prompt is told at once: it would be wrong with every server. When all are resting,
    one call tries them, first the one whose rest ends first, so that a pool never waits longer than its
    servers, and the one call that a breaker lets through finds whoever is back.

    A server that says how many answers it writes at once gets no more: those that are left when one is away
    are not buried under its calls, which wait for a slot or are sent on to the next tier. Before they do, a
    look tells whether those that were away are back.
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
        self._members = {
            server.card.name: Member(server, clock, wall_clock, self._has_changed) for server in servers
        }
        if not servers or len(self._members) != len(servers):
            raise ValueError("a pool needs servers, each with a name of its own")
        self._card = card
        self._clock = clock
        self._change = asyncio.Event()

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
        """The words of one server, or the last one's ProviderError, within `seconds` for all together.

        Raises ProviderBusy when every server that may be asked stays full for a quarter of that time.
        """
        until = self._clock() + seconds
        heard = _Heard(hear)
        asked: set[str] = set()
        last: ProviderError | None = None
        await self._look_for_more(asked, seconds)
        all_rest = not by_load(self.loads, self._clock())
        while (member := await self._turn(asked, all_rest, until)) is not None:
            left = until - self._clock()
            if last is not None and left < LEAST_SECONDS:
                break
            asked.add(member.server.card.name)
            try:
                return await member.answer(prompt, left, heard.hear)
            except ProviderError as fault:
                if heard.something or of_the_prompt(fault):
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

    async def _turn(self, asked: set[str], all_rest: bool, until: float) -> Member | None:
        """Whom to ask next, as soon as it has a free slot; None when there is nobody left to ask."""
        left = until - self._clock()
        waiting = asyncio.timeout(WAIT_SHARE * left)
        try:
            async with waiting:
                while True:
                    change = self._change
                    member = self._next(asked, all_rest)
                    if member is None or not member.load.full:
                        return member
                    await self._look_for_more(asked, left)
                    if change is self._change:
                        await change.wait()
        except TimeoutError:
            raise ProviderBusy(
                provider=self._card.name,
                model=self._card.model,
                cause="slots",
                retry_after_seconds=SLOT_SECONDS,
            ) from None

    async def _look_for_more(self, asked: set[str], seconds: float) -> None:
        """When nobody who is there has a free slot: whether those that were away are back."""
        now = self._clock()
        if any(
            load.reachable is not False and load.may_be_asked(now) and not load.full for load in self.loads
        ):
            return
        away = [each for name, each in self._members.items() if name not in asked and each.worth_a_look]
        longest = min(LOOK_SECONDS, WAIT_SHARE * seconds)
        await asyncio.gather(*(each.look_with_others(longest) for each in away))

    def _next(self, asked: set[str], all_rest: bool) -> Member | None:
        """Whom to ask next: the least loaded, or, when all rest, the one that rests least of who is left."""
        now = self._clock()
        loads = [load for load in self.loads if load.name not in asked]
        for name in by_load(loads, now):
            return self._members[name]
        idle = [load for load in loads if not load.in_flight]
        if not all_rest or not idle or any(load.may_be_asked(now) for load in self.loads):
            return None
        return self._members[min(idle, key=lambda load: load.rests_until).name]

    def _has_changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


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
