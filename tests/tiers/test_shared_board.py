import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
import pytest
import structlog

from ccos.domain.errors import ProviderDown
from ccos.store.database import Database
from ccos.tiers.breaker import PROBE_SECONDS
from ccos.tiers.shared_board import SharedBoard
from support.store import opened

SOON = 5.0


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def name():
    return f"tier_0/openai/gpt/{uuid4().hex[:8]}"


@pytest.fixture
def clock():
    return Clock()


@asynccontextmanager
async def running(board: SharedBoard):
    await board.load()
    task = asyncio.create_task(board.run())
    try:
        yield board
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def board(database, name, clock, **more) -> SharedBoard:
    return SharedBoard([name], database, clock=clock, every_seconds=0.02, **more)


def fail(board, name, clock, times=5):
    now = clock()
    for _ in range(times):
        board.note(name, lambda p: p.after_failure(ProviderDown(), now=now, at=0, admitted_at=now))


def admit(board, name, clock):
    now = clock()
    assert board.pulse(name).breaker.allows(now)
    board.note(name, lambda p: p.admit(now))
    return now


def succeed(board, name, clock, admitted_at):
    took = clock() - admitted_at
    board.note(name, lambda p: p.after_success(took, 0.0, at=0, admitted_at=admitted_at))


def state(board, name, clock):
    return board.pulse(name).breaker.state(clock())


async def until(true):
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0.005)


async def told(database, name):
    async with database.unbound() as tx:
        return await tx.row(
            "SELECT open, trips, probe_holder, resting_until - now() AS left FROM breaker_state"
            " WHERE deployment = %(name)s",
            name=name,
        )


async def until_told(database, name, trips):
    async with asyncio.timeout(SOON):
        while (await told(database, name) or {"trips": None})["trips"] != trips:
            await asyncio.sleep(0.005)


async def test_a_trip_here_opens_it_there_and_a_good_probe_here_closes_it_there(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        fail(here, name, clock)
        await until(lambda: state(there, name, clock) == "open")
        assert 3 < there.pulse(name).breaker.seconds_left(clock()) <= 5
        clock.now += 6
        admitted = admit(here, name, clock)
        succeed(here, name, clock, admitted)
        await until(lambda: state(there, name, clock) == "closed")
        assert there.pulse(name).breaker.recovering(clock())


async def test_what_turned_elsewhere_is_told_as_such(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        with structlog.testing.capture_logs() as logs:
            fail(here, name, clock)
            await until(lambda: state(there, name, clock) == "open")
            clock.now += 6
            succeed(here, name, clock, admit(here, name, clock))
            await until(lambda: state(there, name, clock) == "closed")
    assert [(told["event"], told["elsewhere"]) for told in logs] == [
        ("breaker.opened", False),
        ("breaker.opened", True),
        ("breaker.closed", False),
        ("breaker.closed", True),
    ]


async def test_a_failed_probe_here_makes_the_rest_longer_there(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        fail(here, name, clock)
        await until(lambda: state(there, name, clock) == "open")
        clock.now += 6
        now = admit(here, name, clock)
        here.note(name, lambda p: p.after_failure(ProviderDown(), now=now, at=0, admitted_at=now))
        await until(lambda: there.pulse(name).breaker.trips == 2)
        assert 8 < there.pulse(name).breaker.seconds_left(clock()) <= 10


async def test_a_breaker_that_was_open_before_a_restart_is_open_after_it_for_the_rest(database, name, clock):
    async with running(board(database, name, clock)) as before:
        fail(before, name, clock)
        await until_told(database, name, trips=1)
    later = Clock(9.0)
    after = board(database, name, later)
    await after.load()
    assert state(after, name, later) == "open"
    assert 3 < after.pulse(name).breaker.seconds_left(later()) <= 5


async def rest_is_over(database, *boards, name, clock):
    """All of them at half-open, and the database too."""
    fail(boards[0], name, clock)
    await until(lambda: all(state(b, name, clock) == "open" for b in boards))
    await until_told(database, name, trips=1)
    async with database.unbound() as tx:
        await tx.run("UPDATE breaker_state SET resting_until = now() WHERE deployment = %(n)s", n=name)
    clock.now += 6


async def test_of_all_processes_one_sends_the_probe(database, name, clock):
    boards = [board(database, name, clock) for _ in range(4)]
    async with running(boards[0]), running(boards[1]), running(boards[2]), running(boards[3]):
        await rest_is_over(database, *boards, name=name, clock=clock)
        for each in boards:
            admit(each, name, clock)
        won = await asyncio.gather(*(each.claim_probe(name, seconds=SOON) for each in boards))
        assert sum(won) == 1
        prober = boards[won.index(True)]
        for each in boards:
            if each is not prober:
                each.note(name, lambda p: p.after_claim_lost(clock()))
                assert not each.pulse(name).breaker.allows(clock())
        succeed(prober, name, clock, clock())
        await until(lambda: all(state(each, name, clock) == "closed" for each in boards))


async def test_a_probe_that_was_cancelled_leaves_its_place_to_another_process(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        await rest_is_over(database, here, there, name=name, clock=clock)
        admitted = admit(here, name, clock)
        assert await here.claim_probe(name, seconds=SOON)
        assert not await there.claim_probe(name, seconds=SOON)
        here.note(name, lambda p: p.after_cancel(admitted))
        async with asyncio.timeout(SOON):
            while not await there.claim_probe(name, seconds=SOON):
                await asyncio.sleep(0.005)


async def age(database, name, seconds):
    async with database.unbound() as tx:
        await tx.run(
            "UPDATE breaker_state SET probe_until = probe_until - make_interval(secs => %(s)s)"
            " WHERE deployment = %(n)s",
            n=name,
            s=seconds,
        )


async def renewed(database, name):
    async with database.unbound() as tx:
        row = await tx.row(
            "SELECT probe_until > now() + interval '30 seconds' AS long FROM breaker_state"
            " WHERE deployment = %(n)s",
            n=name,
        )
    return row["long"]


async def test_a_probe_that_takes_minutes_keeps_its_claim_and_its_answer_closes_it_everywhere(
    database, clock
):
    name = f"tier_1/vllm/model/{uuid4().hex[:8]}"
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        await rest_is_over(database, here, there, name=name, clock=clock)
        admitted = admit(here, name, clock)
        assert await here.claim_probe(name, seconds=SOON)
        for _ in range(4):
            clock.now += 40.0
            await age(database, name, 40.0)
            async with asyncio.timeout(SOON):
                while not await renewed(database, name):
                    await asyncio.sleep(0.005)
            assert not await there.claim_probe(name, seconds=SOON)
        succeed(here, name, clock, admitted)
        await until(lambda: state(there, name, clock) == "closed")


async def test_the_claim_of_a_probe_that_never_reports_ends(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        await rest_is_over(database, here, there, name=name, clock=clock)
        admit(here, name, clock)
        assert await here.claim_probe(name, seconds=SOON)
        clock.now += PROBE_SECONDS
        await asyncio.sleep(0.1)
        await age(database, name, PROBE_SECONDS)
        await asyncio.sleep(0.1)
        assert await there.claim_probe(name, seconds=SOON)


class SlowToClaim(Database):
    """A database that has no connection to spare for the first to ask until it is `free`."""

    def __init__(self, url):
        super().__init__(url)
        self.free, self.asked = asyncio.Event(), False

    @asynccontextmanager
    async def unbound(self, **more):
        if not self.asked:
            self.asked = True
            await self.free.wait()
        async with super().unbound(**more) as tx:
            yield tx


async def test_a_claim_that_is_won_after_its_caller_has_gone_is_given_back(database, name, clock, store_urls):
    async with opened(SlowToClaim(store_urls.app)) as slow:
        here, there = board(slow, name, clock), board(database, name, clock)
        async with running(there):
            await rest_is_over(database, there, name=name, clock=clock)
        slow.asked = True
        await here.load()
        slow.asked = False
        admitted = admit(here, name, clock)
        claiming = asyncio.create_task(here.claim_probe(name, seconds=SOON))
        await until(lambda: slow.asked)
        claiming.cancel()
        await asyncio.gather(claiming, return_exceptions=True)
        here.note(name, lambda p: p.after_cancel(admitted))
        await here.load()
        slow.free.set()
        await until(lambda: not here._asking)
        async with running(here):
            async with asyncio.timeout(SOON):
                while not await there.claim_probe(name, seconds=SOON):
                    await asyncio.sleep(0.005)


async def test_a_probe_that_was_cancelled_in_the_last_moment_leaves_its_place_before_the_end(
    database, name, clock
):
    here, there = board(database, name, clock), board(database, name, clock)
    async with running(here), running(there):
        await rest_is_over(database, here, there, name=name, clock=clock)
        admitted = admit(here, name, clock)
        assert await here.claim_probe(name, seconds=SOON)
    here.note(name, lambda p: p.after_cancel(admitted))
    await here.close()
    assert await there.claim_probe(name, seconds=SOON)


async def test_what_others_say_does_not_disturb_a_probe_on_its_way(database, name, clock):
    async with running(board(database, name, clock)) as here, running(board(database, name, clock)) as there:
        await rest_is_over(database, here, there, name=name, clock=clock)
        admitted = admit(here, name, clock)
        now = admit(there, name, clock)
        there.note(name, lambda p: p.after_failure(ProviderDown(), now=now, at=0, admitted_at=now))
        await until_told(database, name, trips=2)
        await asyncio.sleep(0.1)
        succeed(here, name, clock, admitted)
        assert state(here, name, clock) == "closed"


async def test_a_deployment_of_its_own_is_nobody_elses_affair(database, clock):
    name = f"tier_1/minimax/model-{uuid4().hex[:8]}/"
    here, there = (board(database, name, clock, own=[name]) for _ in range(2))
    async with running(here), running(there):
        fail(here, name, clock)
        await asyncio.sleep(0.1)
        assert state(here, name, clock) == "open" and state(there, name, clock) == "closed"
        assert await told(database, name) is None
        assert await here.claim_probe(name, seconds=SOON)


async def test_a_database_that_hangs_leaves_the_probe_to_this_process_after_the_given_time(
    database, name, clock, store_urls
):
    alone = board(database, name, clock)
    fail(alone, name, clock)
    with psycopg.connect(store_urls.owner) as owner:
        owner.execute("LOCK TABLE ccos.breaker_state IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(SOON):
            assert await alone.claim_probe(name, seconds=0.1)
            assert await alone.claim_probe(name, seconds=0.1)
            await alone.load(seconds=0.1)
    assert state(alone, name, clock) == "open"


async def test_a_database_that_goes_away_is_told_when_it_is_back_and_complained_of_once(
    name, clock, store_urls, database, tmp_path
):
    async with opened(Database(store_urls.app, wait_seconds=0.1)) as shaky:
        here = board(shaky, name, clock)
        await here.load()
        original, shaky._pool = (
            shaky._pool,
            Database(f"postgresql:///?host={tmp_path}", wait_seconds=0.1)._pool,
        )
        task = asyncio.create_task(here.run())
        with structlog.testing.capture_logs() as logs:
            fail(here, name, clock)
            await asyncio.sleep(0.5)
            assert await told(database, name) is None and state(here, name, clock) == "open"
            assert await here.claim_probe(name, seconds=0.2)
            shaky._pool = original
            await until(lambda: logs[-1]["event"] == "breakers.shared_again")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    events = [entry["event"] for entry in logs]
    assert events == ["breaker.opened", "breakers.not_shared", "breakers.shared_again"]
    assert (await told(database, name))["open"]


async def test_what_happened_in_the_last_moment_is_told_before_it_ends(database, name, clock):
    last = board(database, name, clock)
    await last.load()
    fail(last, name, clock)
    await last.close()
    assert (await told(database, name))["open"]


async def test_a_claim_is_asked_for_also_while_the_others_are_being_heard(database, name, clock):
    boards = [board(database, name, clock) for _ in range(2)]
    async with running(boards[0]), running(boards[1]):
        await rest_is_over(database, *boards, name=name, clock=clock)
        for each in boards:
            admit(each, name, clock)
            each._news.set()
        won = await asyncio.gather(*(each.claim_probe(name, seconds=SOON) for each in boards * 2))
        assert sorted((won[0] + won[2], won[1] + won[3])) == [0, 2]


async def test_only_a_breaker_that_moved_is_told(database, name, clock):
    quiet = board(database, name, clock)
    for _ in range(100):
        now = admit(quiet, name, clock)
        succeed(quiet, name, clock, now)
        fail(quiet, name, clock, times=1)
        succeed(quiet, name, clock, now)
    assert state(quiet, name, clock) == "closed" and not quiet._news.is_set()
    await quiet.load()
    assert await told(database, name) is None
