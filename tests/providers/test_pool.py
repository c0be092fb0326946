"""Several servers of one tier: who is asked, who comes next, and who is left alone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from ccos.domain.errors import (
    ContextTooLong,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.tier import Task, Tier
from ccos.providers.pool import Pool
from ccos.providers.pool_server import LONGEST_REST_SECONDS, Load, by_load
from ccos.tiers.pulse import Pulse

PROMPT = Prompt(Task.CHAT, "", (Turn("user", "환불은 언제 되나요?"),))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Answers with its own name, or fails as told; `gate` holds its answers back."""

    def __init__(self, name: str, *, slots: int | None = None, fault: ProviderError | None = None) -> None:
        self.card = ProviderCard(Tier.LOCAL_MINIMAX, name, "m", slots=slots)
        self.fault = fault
        self.asked = self.looks = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.says_first = ""

    async def answer(
        self, prompt: Prompt, *, seconds: float, hear: Callable[[str], None] | None = None
    ) -> Answer:
        self.asked += 1
        self.seconds = seconds
        await self.gate.wait()
        if hear and self.says_first:
            hear(self.says_first)
        if self.fault is not None:
            raise self.fault
        return Answer("네", provider=self.card.name, model="m")

    async def alive(self, *, seconds: float) -> bool:
        self.looks += 1
        return self.fault is None

    def estimate(self, prompt: Prompt) -> MicroUsd:
        return ZERO


def pool_of(*servers: Server, clock: Clock | None = None) -> Pool:
    return Pool(servers, ProviderCard(Tier.LOCAL_MINIMAX, "minimax", "m"), clock=clock or Clock())


async def ask(pool: Pool, seconds: float = 5.0) -> str:
    return (await pool.answer(PROMPT, seconds=seconds)).provider


def test_the_emptiest_comes_first_by_its_share_of_slots() -> None:
    loads = [Load("small", slots=2, in_flight=1), Load("big", slots=16, in_flight=6), Load("mid", slots=4)]
    assert by_load(loads, now=0.0) == ["mid", "big", "small"]


def test_of_equally_full_ones_the_faster_comes_first() -> None:
    loads = [Load("slow", slots=2, answer_seconds=9.0), Load("fast", slots=2, answer_seconds=2.0)]
    assert by_load(loads, now=0.0) == ["fast", "slow"]


def test_one_that_failed_comes_back_after_its_rest_for_one_call() -> None:
    resting = Load("a", failures=1, rests_until=10.0)
    assert by_load([resting], now=9.9) == []
    assert by_load([resting], now=10.0) == ["a"]
    assert by_load([Load("a", failures=1, rests_until=10.0, in_flight=1)], now=11.0) == []


async def test_calls_at_once_spread_over_the_servers() -> None:
    a, b = Server("a", slots=2), Server("b", slots=2)
    a.gate.clear()
    b.gate.clear()
    pool = pool_of(a, b)
    calls = [asyncio.create_task(ask(pool)) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (a.asked, b.asked) == (2, 2)
    a.gate.set()
    b.gate.set()
    assert sorted(await asyncio.gather(*calls)) == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    "fault",
    [
        ProviderDown(cause="connect"),
        ProviderTimeout(),
        ProviderBusy(),
        ProviderRefused(status=404),
        ProviderRefused(status=401),
        ProviderRefused(cause="model_unnamed"),
    ],
)
async def test_a_server_that_fails_is_followed_by_the_next_and_then_left_alone(fault: ProviderError) -> None:
    broken, well = Server("broken", fault=fault), Server("well")
    pool = pool_of(broken, well)
    assert [await ask(pool) for _ in range(3)] == ["well"] * 3
    assert broken.asked == 1


@pytest.mark.parametrize(
    "fault", [ContextTooLong(), ProviderRefused(status=400), ProviderRefused(cause="schema")]
)
async def test_what_is_wrong_with_the_prompt_is_told_at_once(fault: ProviderError) -> None:
    first, second = Server("a", fault=fault), Server("b")
    pool = pool_of(first, second)
    with pytest.raises(type(fault)):
        await ask(pool)
    assert (first.asked, second.asked) == (1, 0)
    assert not any(load.failures for load in pool.loads)


async def test_rests_grow_to_their_limit_and_end_with_a_success() -> None:
    clock = Clock()
    broken = Server("broken", fault=ProviderDown(cause="connect"))
    pool = pool_of(broken, clock=clock)
    rests = []
    for _ in range(8):
        with pytest.raises(ProviderDown):
            await ask(pool)
        rests.append(pool.loads[0].rests_until - clock.now)
        clock.now = pool.loads[0].rests_until
    assert rests == sorted(rests)
    assert rests[0] == 1.0
    assert rests[-1] == LONGEST_REST_SECONDS
    broken.fault = None
    assert await ask(pool) == "broken"
    assert pool.loads[0].failures == 0


async def test_a_server_that_names_its_time_is_left_alone_for_so_long() -> None:
    clock = Clock()
    busy, well = Server("busy", fault=ProviderBusy(retry_after_seconds=7.0)), Server("well")
    pool = pool_of(busy, well, clock=clock)
    await ask(pool)
    busy.fault = None
    clock.now += 6.9
    await ask(pool)
    assert busy.asked == 1
    clock.now += 0.2
    well.gate.clear()
    waiting = asyncio.create_task(ask(pool))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await ask(pool) == "busy"
    well.gate.set()
    await waiting


async def test_when_all_rest_one_call_tries_and_the_others_are_told() -> None:
    only = Server("only", fault=ProviderDown(cause="connect"))
    pool = pool_of(only)
    with pytest.raises(ProviderDown):
        await ask(pool)
    only.gate.clear()
    trying = asyncio.create_task(ask(pool))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ProviderDown) as told:
        await ask(pool)
    assert told.value.facts["cause"] == "all_resting"
    assert only.asked == 2
    only.fault = None
    only.gate.set()
    assert await trying == "only"


async def test_when_all_rest_the_call_that_tries_finds_the_one_that_is_back() -> None:
    """A breaker lets one call through now and then: it may not end at a server that is still away."""
    still, back = (Server(name, fault=ProviderDown(cause="connect")) for name in ("still", "back"))
    clock = Clock()
    pool = pool_of(still, back, clock=clock)
    with pytest.raises(ProviderDown):
        await ask(pool)
    back.fault = None
    assert [load.may_be_asked(clock()) for load in pool.loads] == [False, False]
    assert await ask(pool) == "back"


async def test_a_resting_server_is_left_alone_while_another_only_just_failed() -> None:
    one, other = Server("one", fault=ProviderDown(cause="connect")), Server("other")
    pool = pool_of(one, other)
    assert await ask(pool) == "other"
    other.fault = ProviderDown(cause="connect")
    with pytest.raises(ProviderDown):
        await ask(pool)
    assert (one.asked, other.asked) == (1, 2)


async def test_words_that_were_heard_cannot_be_taken_back() -> None:
    cut, well = Server("cut", fault=ProviderDown(cause="cut")), Server("well")
    cut.says_first = "안녕하세요"
    heard: list[str] = []
    with pytest.raises(ProviderDown):
        await pool_of(cut, well).answer(PROMPT, seconds=5.0, hear=heard.append)
    assert heard == ["안녕하세요"]
    assert well.asked == 0


async def test_the_next_server_gets_the_time_that_is_left_and_none_is_begun_without_any() -> None:
    clock = Clock()
    slow, well = Server("slow", fault=ProviderTimeout()), Server("well")
    pool = pool_of(slow, well, clock=clock)
    slow.gate.clear()
    call = asyncio.create_task(ask(pool, seconds=10.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 6.0
    slow.gate.set()
    assert await call == "well"
    assert well.seconds == pytest.approx(4.0)

    late, never = Server("late", fault=ProviderTimeout()), Server("never")
    pool = pool_of(late, never, clock=clock)
    late.gate.clear()
    call = asyncio.create_task(ask(pool, seconds=10.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 9.9
    late.gate.set()
    with pytest.raises(ProviderTimeout):
        await call
    assert never.asked == 0


async def test_a_look_wakes_the_server_that_is_well_again() -> None:
    clock = Clock()
    broken, well = Server("broken", fault=ProviderDown(cause="connect")), Server("well")
    pool = pool_of(broken, well, clock=clock)
    await ask(pool)
    broken.fault = None
    assert await pool.alive(seconds=1.0)
    assert not any(load.failures for load in pool.loads)


async def test_a_call_that_is_cancelled_leaves_its_place() -> None:
    held = Server("held")
    held.gate.clear()
    pool = pool_of(held)
    call = asyncio.create_task(ask(pool))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert pool.loads[0].in_flight == 1
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert pool.loads[0].in_flight == 0
    assert pool.loads[0].failures == 0


def test_a_pool_wants_servers_that_can_be_told_apart() -> None:
    for servers in ((), (Server("a"), Server("a"))):
        with pytest.raises(ValueError, match="name of its own"):
            pool_of(*servers)


async def test_a_pool_counts_calls_and_failures_of_each_server_and_remembers_the_last() -> None:
    broken, well = Server("broken", fault=ProviderDown(cause="connect")), Server("well")
    pool = Pool(
        (broken, well),
        ProviderCard(Tier.LOCAL_MINIMAX, "minimax", "m"),
        clock=Clock(),
        wall_clock=lambda: 1_700_000_000.0,
    )
    assert pool.loads[0].reachable is None and not pool.loads[0].reached
    await ask(pool)
    await ask(pool)
    ill, fine = pool.loads
    assert (ill.requests, ill.faults, ill.last_error) == (1, {"provider.down": 1}, "provider.down")
    assert (ill.last_error_at, ill.last_success_at, ill.reached) == (1_700_000_000.0, None, False)
    assert (fine.requests, fine.faults, fine.last_error) == (2, {}, None)
    assert (fine.last_success_at, fine.reached, fine.reachable) == (1_700_000_000.0, True, True)


async def test_a_prompt_that_no_server_takes_is_counted_and_is_no_failure_of_the_server() -> None:
    pool = pool_of(Server("a", fault=ContextTooLong()))
    with pytest.raises(ContextTooLong):
        await ask(pool)
    (load,) = pool.loads
    assert (load.refusals, load.faults, load.failures) == ({"provider.context_too_long": 1}, {}, 0)


async def test_a_server_that_hangs_when_looked_at_does_not_make_the_others_seem_away() -> None:
    class Hanging(Server):
        async def alive(self, *, seconds: float) -> bool:
            await asyncio.Event().wait()
            return True

    class Raising(Server):
        async def alive(self, *, seconds: float) -> bool:
            raise ProviderDown(cause="connect")

    pool = pool_of(Hanging("hanging"), Raising("raising"), Server("well"))
    async with asyncio.timeout(0.2):
        assert await pool.alive(seconds=0.1)
    assert [load.reachable for load in pool.loads] == [False, False, True]
    assert not any(load.failures for load in pool.loads), "a look is no call: it makes nobody rest"


async def test_what_a_look_found_holds_until_an_answer() -> None:
    server = Server("a", fault=ProviderDown(cause="connect"))
    pool = pool_of(server)
    assert not await pool.alive(seconds=1.0)
    assert pool.loads[0].reachable is False
    server.fault = None
    await ask(pool)
    assert pool.loads[0].reachable is True


def test_who_was_away_at_the_last_look_is_asked_last_and_not_never() -> None:
    away, full = Load("away", slots=4, reachable=False), Load("full", slots=2, in_flight=2)
    assert by_load([away, full], now=0.0) == ["full", "away"]
    assert by_load([away], now=0.0) == ["away"]


async def test_a_server_that_comes_back_is_told_once() -> None:
    server = Server("a", fault=ProviderDown(cause="connect"))
    pool = pool_of(server)
    with capture_logs() as told:
        for _ in range(2):
            await pool.alive(seconds=1.0)
        server.fault = None
        for _ in range(2):
            await pool.alive(seconds=1.0)
    assert [each["event"] for each in told] == ["pool.server_unreachable", "pool.server_back"]


async def test_no_server_gets_more_calls_than_it_writes_at_once() -> None:
    """When a large server is away the small one that is left must not be buried under its calls."""
    large, small = Server("large", slots=8, fault=ProviderDown(cause="reset")), Server("small", slots=2)
    pool = pool_of(large, small)
    small.gate.clear()
    calls = [asyncio.create_task(ask(pool, seconds=60)) for _ in range(10)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert small.asked == 2 and not any(call.done() for call in calls)
    small.gate.set()
    assert await asyncio.gather(*calls) == ["small"] * 10
    assert small.asked == 10


async def test_who_finds_every_server_full_is_told_so_and_no_server_is_blamed() -> None:
    only = Server("only", slots=1)
    pool = pool_of(only, Server("away", slots=1, fault=ProviderDown(cause="connect")))
    assert await ask(pool) == "only"
    only.gate.clear()
    writing = asyncio.create_task(ask(pool))
    await asyncio.sleep(0)
    while only.asked < 2:
        await asyncio.sleep(0)
    with pytest.raises(ProviderBusy) as told:
        await ask(pool, seconds=0.1)
    assert told.value.facts["cause"] == "slots" and only.asked == 2
    busy = Pulse().after_failure(told.value, now=100.0, at=0.0, admitted_at=99.0)
    assert busy.busy(100.05) and not busy.busy(100.15), "those who come later may find a slot"
    only.gate.set()
    assert await writing == "only" and pool.loads[0].failures == 0


async def test_a_server_that_says_no_number_is_never_full() -> None:
    only = Server("only")
    pool = pool_of(only, Server("other", slots=1, fault=ProviderDown(cause="reset")))
    only.gate.clear()
    calls = [asyncio.create_task(ask(pool)) for _ in range(5)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert only.asked == 5
    only.gate.set()
    assert await asyncio.gather(*calls) == ["only"] * 5


async def test_a_server_that_is_back_is_found_by_the_calls_that_need_it_and_serves_them_all() -> None:
    """One hangs, and the other came back since the last look: nobody is sent away from it for a trial."""
    hung, back = Server("hung"), Server("back", fault=ProviderDown(cause="connect"))
    clock = Clock()
    pool = pool_of(hung, back, clock=clock)
    await pool.answer(PROMPT, seconds=5)
    hung.fault = ProviderTimeout(phase="first_token")
    with pytest.raises(ProviderError):
        await ask(pool)
    back.fault = None
    clock.now += 2.0
    back.gate.clear()
    calls = [asyncio.create_task(ask(pool)) for _ in range(4)]
    for _ in range(100):
        await asyncio.sleep(0)
    back.gate.set()
    assert await asyncio.gather(*calls) == ["back"] * 4
    assert back.looks == 1, "they shared one look"


async def test_a_server_that_is_back_takes_calls_as_soon_as_the_others_are_full() -> None:
    full, back = Server("full", slots=1), Server("back", slots=1, fault=ProviderDown(cause="connect"))
    clock = Clock()
    pool = pool_of(full, back, clock=clock)
    assert not pool.loads[1].failures
    await pool.alive(seconds=1)
    back.fault = None
    full.gate.clear()
    first = asyncio.create_task(ask(pool))
    await asyncio.sleep(0.01)
    clock.now += 1.9
    with pytest.raises(ProviderBusy):
        await ask(pool, seconds=0.05)
    assert back.asked == 0 and back.looks == 1, "it was looked at a moment ago"
    clock.now += 0.1
    assert await ask(pool) == "back" and back.looks == 2
    assert await ask(pool) == "back" and back.looks == 2
    full.gate.set()
    assert await first == "full"


async def test_nobody_looks_while_somebody_has_a_free_slot() -> None:
    well, away = Server("well", slots=2), Server("away", slots=2, fault=ProviderDown(cause="connect"))
    clock = Clock()
    pool = pool_of(well, away, clock=clock)
    await pool.alive(seconds=1)
    clock.now += 60
    assert await ask(pool) == "well" and away.looks == 1


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        (ProviderDown(cause="connect"), False),
        (ProviderDown(cause="dns"), False),
        (ProviderTimeout(phase="connect"), False),
        (ProviderTimeout(phase="first_token"), None),
        (ProviderDown(cause="reset"), None),
    ],
)
async def test_who_cannot_be_reached_by_a_call_counts_as_away(
    fault: ProviderError, there: bool | None
) -> None:
    pool = pool_of(Server("away", fault=fault), Server("well"))
    assert await ask(pool) == "well"
    assert pool.loads[0].reachable is there
