import asyncio
import random

import pytest

from ccos.tiers.limiter import OLDEST_EVERY, Limit, Limiter, Shed, Slot
from ccos.tiers.request import Priority

AGENT, DRAFT, BATCH = Priority.AGENT_WAITING, Priority.TICKET_DRAFT, Priority.BATCH


async def taken(limiter: Limiter) -> list[Slot]:
    """All free slots of it."""
    return [await limiter.acquire(AGENT, seconds=0) for _ in range(limiter.limit - limiter.in_flight)]


async def in_line(limiter: Limiter, priority: Priority = AGENT, seconds: float = 60.0) -> asyncio.Task[Slot]:
    """A task that has come as far as it can: it waits, unless it was turned away."""
    task = asyncio.create_task(limiter.acquire(priority, seconds=seconds))
    await asyncio.sleep(0)
    return task


def settled(task: asyncio.Task[Slot]) -> str:
    if not task.done():
        return "waits"
    return "shed" if isinstance(task.exception(), Shed) else "slot"


# The limit as a value


def test_a_limit_in_full_use_grows_by_about_one_with_each_round_of_successes():
    limit = Limit(size=10)
    for _ in range(10):
        limit = limit.after_success(in_flight=10, admitted_round=0)
    assert 10.9 < limit.size < 11.0
    assert limit.after_success(10, 0).calls == 11


def test_a_limit_that_is_hardly_used_stays_where_it_is():
    limit = Limit(size=10)
    assert limit.after_success(in_flight=4, admitted_round=0) == limit
    assert limit.after_success(in_flight=5, admitted_round=0).size > 10


def test_it_never_grows_past_its_ceiling():
    limit = Limit(size=3, ceiling=4)
    for _ in range(100):
        limit = limit.after_success(4, 0)
    assert limit.calls == 4 and limit.size == 4.0


def test_a_burst_of_overloads_cuts_once_and_the_next_round_cuts_again():
    limit = Limit(size=20)
    for _ in range(20):
        limit = limit.after_overload(admitted_round=0)
    assert limit.calls == 14
    assert limit.after_overload(admitted_round=1).calls == 9


def test_successes_from_before_a_cut_do_not_grow_it():
    cut = Limit(size=20).after_overload(0)
    assert cut.after_success(20, 0) == cut
    assert cut.after_success(20, 1).size > cut.size


def test_the_floor_holds_and_growth_starts_from_it():
    limit = Limit(size=5, floor=1)
    for _ in range(10):
        limit = limit.after_overload(limit.round)
    assert limit.calls == 1
    assert limit.after_success(1, limit.round).calls == 2


def test_a_fixed_limit_neither_grows_nor_shrinks():
    limit = Limit.fixed(2)
    assert limit.after_overload(0).calls == 2
    assert limit.after_success(2, 0).calls == 2


@pytest.mark.parametrize(
    "wrong", [{"size": 0.5}, {"size": 5, "ceiling": 4}, {"floor": 0}, {"size": 2, "floor": 3}]
)
def test_a_limit_that_cannot_hold_is_refused(wrong):
    with pytest.raises(ValueError, match="floor <= size <= ceiling"):
        Limit(**wrong)


# Slots


def test_a_free_slot_costs_no_turn_of_the_event_loop():
    limiter = Limiter(Limit.fixed(1))
    with pytest.raises(StopIteration) as done:
        limiter.acquire(BATCH, seconds=0).send(None)
    assert isinstance(done.value.value, Slot) and limiter.in_flight == 1


async def test_no_more_calls_than_the_limit_run_at_once():
    limiter = Limiter(Limit.fixed(3), waiting=100)
    running, most = 0, 0

    async def call() -> None:
        nonlocal running, most
        slot = await limiter.acquire(DRAFT, seconds=60)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        slot.release("fine", 0.001)

    await asyncio.gather(*(call() for _ in range(50)))
    assert most == 3
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


async def test_without_time_to_wait_it_is_a_free_slot_or_nothing():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    for seconds in (0, -1):
        with pytest.raises(Shed) as shed:
            await limiter.acquire(AGENT, seconds=seconds)
        assert shed.value.reason == "provider.saturated"
    slot.release("fine", 1)
    await limiter.acquire(AGENT, seconds=-1)


async def test_whoever_waits_too_long_is_turned_away_and_leaves_no_place_behind():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    with pytest.raises(Shed):
        await limiter.acquire(AGENT, seconds=0.01)
    assert limiter.waiting == 0
    slot.release("fine", 1)
    assert limiter.in_flight == 0


async def test_releasing_again_does_no_harm():
    limiter = Limiter(Limit.fixed(2))
    first, _ = await taken(limiter)
    for _ in range(3):
        first.release("fine", 1)
    assert limiter.in_flight == 1


async def test_after_a_cut_slots_are_handed_on_only_below_the_new_limit():
    limiter = Limiter(Limit(size=10))
    slots = await taken(limiter)
    waits = await in_line(limiter)
    slots.pop().release("overloaded", 1)
    assert (limiter.limit, limiter.in_flight) == (7, 9)
    for _ in range(2):
        slots.pop().release("overloaded", 1)
    await asyncio.sleep(0)
    assert (limiter.limit, settled(waits)) == (7, "waits")
    slots.pop().release("unknown", 1)
    assert settled(await in_line(limiter)) == "waits"
    await asyncio.sleep(0)
    assert (settled(waits), limiter.in_flight) == ("slot", 7)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_a_limit_that_grows_lets_two_in_for_one_that_goes():
    limiter = Limiter(Limit(size=1.5))
    (slot,) = await taken(limiter)
    both = [await in_line(limiter), await in_line(limiter)]
    slot.release("fine", 1)
    await asyncio.sleep(0)
    assert [settled(t) for t in both] == ["slot", "slot"]
    assert limiter.limit == limiter.in_flight == 2


# The line


async def served(
    limiter: Limiter, first: Slot, waiting: dict[str, asyncio.Task[Slot]], count: int
) -> list[str]:
    """Names in the order in which they get the one slot, which each gives back at once."""
    order: list[str] = []
    slot = first
    for _ in range(count):
        slot.release("fine", 0.0)
        await asyncio.sleep(0)
        name = next(n for n, t in waiting.items() if n not in order and settled(t) == "slot")
        order.append(name)
        slot = waiting[name].result()
    slot.release("fine", 0.0)
    return order


async def test_the_higher_class_goes_first_and_inside_a_class_who_came_first():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    classes = {"b1": BATCH, "d1": DRAFT, "a1": AGENT, "b2": BATCH, "a2": AGENT, "d2": DRAFT}
    waiting = {name: await in_line(limiter, rank) for name, rank in classes.items()}
    assert await served(limiter, slot, waiting, 6) == ["a1", "a2", "d1", "d2", "b1", "b2"]


async def test_batch_work_gets_its_turn_however_many_agents_keep_coming():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    batch = [await in_line(limiter, BATCH) for _ in range(3)]
    agents = [await in_line(limiter, AGENT)]
    got: list[str] = []
    for _ in range(3 * OLDEST_EVERY):
        agents.append(await in_line(limiter, AGENT))
        slot.release("fine", 0.0)
        await asyncio.sleep(0)
        line = batch if batch and settled(batch[0]) == "slot" else agents
        got.append("batch" if line is batch else "agent")
        slot = line.pop(0).result()
    assert got == (["agent"] * (OLDEST_EVERY - 1) + ["batch"]) * 3
    for task in agents:
        task.cancel()


async def test_a_full_line_turns_its_equals_away():
    limiter = Limiter(Limit.fixed(1), waiting=2)
    await taken(limiter)
    waiting = [await in_line(limiter, DRAFT), await in_line(limiter, DRAFT)]
    for priority in (DRAFT, BATCH):
        with pytest.raises(Shed):
            await limiter.acquire(priority, seconds=60)
    assert [settled(t) for t in waiting] == ["waits", "waits"]
    for task in waiting:
        task.cancel()


async def test_in_a_full_line_the_newest_of_the_lowest_class_gives_way():
    limiter = Limiter(Limit.fixed(1), waiting=4)
    await taken(limiter)
    old, new = await in_line(limiter, BATCH), await in_line(limiter, BATCH)
    draft, agent = await in_line(limiter, DRAFT), await in_line(limiter, AGENT)
    urgent = await in_line(limiter, AGENT)
    await asyncio.sleep(0)
    assert [settled(t) for t in (old, new, draft, agent, urgent)] == [
        "waits",
        "shed",
        "waits",
        "waits",
        "waits",
    ]
    more = [await in_line(limiter, AGENT) for _ in range(3)]
    await asyncio.sleep(0)
    assert [settled(t) for t in (old, draft, agent, *more)] == [
        "shed",
        "shed",
        "waits",
        "waits",
        "waits",
        "shed",
    ]
    assert limiter.waiting == 4
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_without_a_line_it_is_a_free_slot_or_nothing():
    limiter = Limiter(Limit.fixed(1), waiting=0)
    await taken(limiter)
    with pytest.raises(Shed):
        await limiter.acquire(AGENT, seconds=60)


async def test_a_wait_that_is_bound_to_be_too_long_is_not_begun():
    limiter = Limiter(Limit.fixed(2))
    for slot in await taken(limiter):
        slot.release("fine", 4.0)
    await taken(limiter)
    waiting = [await in_line(limiter, DRAFT) for _ in range(3)]
    with pytest.raises(Shed):  # 3 ahead at 4 s each on 2 slots: 6 s
        await limiter.acquire(DRAFT, seconds=5.9)
    assert settled(await in_line(limiter, DRAFT, seconds=6.1)) == "waits"
    assert settled(await in_line(limiter, AGENT, seconds=1)) == "waits"
    assert [settled(t) for t in waiting] == ["waits"] * 3
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_calls_that_were_called_off_do_not_make_waiting_look_short():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    slot.release("fine", 10.0)
    for _ in range(50):
        (slot,) = await taken(limiter)
        slot.release("unknown", 0.0)
    await taken(limiter)
    first = await in_line(limiter, AGENT)
    assert settled(await in_line(limiter, AGENT, seconds=9.0)) == "shed"
    first.cancel()


async def test_nobody_is_turned_away_for_one_who_does_not_stay():
    limiter = Limiter(Limit.fixed(1), waiting=2)
    (slot,) = await taken(limiter)
    slot.release("fine", 10.0)
    await taken(limiter)
    draft, batch = await in_line(limiter, DRAFT), await in_line(limiter, BATCH)
    with pytest.raises(Shed):
        await limiter.acquire(DRAFT, seconds=5)
    assert [settled(t) for t in (draft, batch)] == ["waits", "waits"]
    draft.cancel()
    batch.cancel()


# Cancellation


async def test_one_who_is_cancelled_while_waiting_is_passed_over():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    first, second = await in_line(limiter), await in_line(limiter)
    first.cancel()
    slot.release("fine", 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert first.cancelled() and settled(second) == "slot"
    assert (limiter.in_flight, limiter.waiting) == (1, 0)


async def test_a_slot_handed_to_one_who_is_cancelled_at_that_moment_goes_to_the_next():
    limiter = Limiter(Limit.fixed(1))
    (slot,) = await taken(limiter)
    first, second = await in_line(limiter), await in_line(limiter)
    slot.release("fine", 1)
    first.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert first.cancelled() and settled(second) == "slot"
    second.result().release("fine", 1)
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


async def test_one_who_is_turned_away_and_cancelled_at_once_is_cancelled_without_a_word():
    limiter = Limiter(Limit.fixed(1), waiting=1)
    await taken(limiter)
    batch = await in_line(limiter, BATCH)
    agent = await in_line(limiter, AGENT)
    batch.cancel()
    await asyncio.sleep(0)
    assert batch.cancelled() and settled(agent) == "waits"
    agent.cancel()


@pytest.mark.parametrize("seed", range(30))
async def test_no_slot_is_lost_however_calls_are_cancelled(seed):
    dice = random.Random(seed)
    limiter = Limiter(Limit(size=4, ceiling=8), waiting=12)
    ends = {"served": 0, "shed": 0, "failed": 0}

    async def call() -> None:
        seconds = dice.choice([0, 0.0005, 0.002, 60])
        try:
            slot = await limiter.acquire(dice.choice(list(Priority)), seconds=seconds)
        except Shed:
            ends["shed"] += 1
            return
        fate = "unknown"
        try:
            assert limiter.in_flight <= 8
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            fate = dice.choice(["fine", "fine", "overloaded"])
            ends["served"] += 1
        finally:
            slot.release(fate, dice.random() / 1000)

    tasks: list[asyncio.Task[None]] = []
    for _ in range(300):
        tasks.append(asyncio.create_task(call()))
        for _ in range(dice.randrange(3)):
            dice.choice(tasks).cancel()
        if dice.random() < 0.4:
            await asyncio.sleep(0)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in done} <= {type(None), asyncio.CancelledError}
    assert (limiter.in_flight, limiter.waiting) == (0, 0)
    assert ends["served"] and ends["shed"]
    await limiter.acquire(AGENT, seconds=0)
