"""The breaker: what it adds to a call while it is open, and how many probes it sends when its rest is over.

    python benchmarks/breaker.py [--calls 2000] [--clients 32]

Beside it, in the same run, the raw alternatives: no breaker (every request waits for the dead provider), and
a cool-down timer, which forgets everything when its time is over. The last part runs two processes on one
database and takes half a minute, because rests there are in the database's own time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccos.domain.errors import ProviderDown, ProviderTimeout
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict
from ccos.store.database import Database
from ccos.store.embedded import start
from ccos.store.migrate import migrate
from ccos.tiers.board import Board
from ccos.tiers.breaker import Breaker, State
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.provider import Provider
from ccos.tiers.pulse import Pulse
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.shared_board import SharedBoard
from ccos.tiers.testing import ScriptedProvider
from ccos.wiring.logs import set_up_logs

PROMPT = Prompt(Task.SOLUTION_DRAFT, "Reply.", (Turn("user", "환불은 언제 되나요?"),))
CONTEXT = Context(mode=Mode.QUALITY_FIRST, seconds=10.0)
HUNG_SECONDS = 0.4
"""What a hung provider costs a request here; in earnest it is the time to the first words, many seconds."""


class AnyAnswer:
    def judge(self, prompt: Prompt, answer: Answer) -> Verdict:  # noqa: ARG002
        return Verdict(0.9, "none", answer.text)


class Upstream:
    """A provider that hangs until it is `well`, and counts who asks it."""

    card = ProviderCard(Tier.CLOUD_PREMIUM, "hung", "model", leaves_machine=True, credential="bench")

    def __init__(self) -> None:
        self.well = False
        self.calls = self.at_once = self.most_at_once = 0

    async def answer(self, prompt: Prompt, *, seconds: float, hear: object = None) -> Answer:  # noqa: ARG002
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0.05 if self.well else HUNG_SECONDS)
        finally:
            self.at_once -= 1
        if not self.well:
            raise ProviderTimeout(provider="hung", phase="first_token")
        return Answer("words", "hung", "model", first_token_seconds=0.05)

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002
        return True

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002
        return ZERO


class NoBreaker(Board):
    """Nothing is remembered, so nothing opens."""

    def note(self, deployment: str, change: Callable[[Pulse], Pulse]) -> None:
        pass


class CoolDown(Breaker):
    """Five failures in a row, a fixed rest, and then everything as before: what most gateways have."""

    def state(self, now: float) -> State:
        resting = self.opened_at is not None and now < self.opened_at + self.rest_seconds
        return "open" if resting else "closed"

    def allows(self, now: float) -> bool:
        return self.state(now) == "closed"

    def after_failure(self, now: float, admitted_at: float, jitter: float = 0.0) -> CoolDown:  # noqa: ARG002
        failures = self.failures + 1
        opened_at = now if failures >= self.trips_after else None
        return replace(self, failures=0 if opened_at else failures, opened_at=opened_at)

    def after_success(self, admitted_at: float, **_: Any) -> CoolDown:  # type: ignore[override]  # noqa: ARG002
        return replace(self, failures=0, opened_at=None)


class Timers(Board):
    def __init__(self, deployment: str) -> None:
        super().__init__([deployment, RULES.card.deployment])
        self._pulses[deployment] = Pulse(breaker=CoolDown())


class SkippingClock:
    """Monotonic, but for rests nobody wants to sit out."""

    skipped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped


RULES = ScriptedProvider(Tier.RULE_BASED, ["rules"], name="rules")


def service(*providers: Provider, board: Board | None = None, **more: Any) -> MultiTierLLMService:
    budget = MemoryBudget(MicroUsd(10**9))
    return MultiTierLLMService([*providers, RULES], AnyAnswer(), budget, board=board, **more)


async def seconds_of(chain: MultiTierLLMService) -> float:
    began = time.perf_counter()
    await chain.generate_with_fallback(PROMPT, CONTEXT)
    return time.perf_counter() - began


async def burst(chain: MultiTierLLMService, clients: int) -> list[float]:
    return await asyncio.gather(*(seconds_of(chain) for _ in range(clients)))


async def added_when_open(calls: int) -> None:
    """Alternating rounds with and without the dead provider, so that a busy machine harms both alike."""
    RULES.calls.clear()
    dead = ScriptedProvider(Tier.CLOUD_PREMIUM, [ProviderDown(cause="connect")])
    behind, bare = service(dead), service()
    for _ in range(5):
        await seconds_of(behind)
    taken: dict[str, list[float]] = {"rules alone": [], "open breaker before them": []}
    clock = time.monotonic
    for n in range(calls):
        if n % 200 == 0:  # trip it again where its rest may have ended meanwhile
            pulse = behind._board.pulse(dead.card.deployment)
            opened = replace(pulse.breaker, opened_at=clock(), rests_for=30.0)
            behind._board.note(dead.card.deployment, lambda p, b=opened: replace(p, breaker=b))
        taken["rules alone"].append(await seconds_of(bare))
        taken["open breaker before them"].append(await seconds_of(behind))
        RULES.calls.clear()
    assert len(dead.calls) == 5, "the breaker was not open all the time"
    print(f"\nA call while the breaker is open ({calls} calls each, alternating)")
    print(f"{'':28}{'p50 us':>10}{'p99 us':>10}")
    for name, values in taken.items():
        print(f"{name:28}{quantile(values, 0.5) * 1e6:>10.0f}{quantile(values, 0.99) * 1e6:>10.0f}")
    added = statistics.median(taken["open breaker before them"]) - statistics.median(taken["rules alone"])
    print(f"{'added':28}{added * 1e6:>10.0f}          (aim: under 1000)")


async def probes(clients: int) -> list[tuple[str, ...]]:
    """Outage, rest, burst while still hung, rest, burst when it is well again."""
    rows = []
    for name in ("no breaker", "cool-down timer", "this breaker"):
        upstream, clock = Upstream(), SkippingClock()
        deployment = upstream.card.deployment
        both = [deployment, RULES.card.deployment]
        board = {"no breaker": NoBreaker(both), "cool-down timer": Timers(deployment)}.get(name)
        chain = service(upstream, board=board, clock=clock, dice=random.Random(1))
        await burst(chain, 5)
        clock.skipped += 10
        hung_calls, hung = upstream.calls, await burst(chain, clients)
        hung_calls = upstream.calls - hung_calls
        clock.skipped += 20
        upstream.well, upstream.most_at_once = True, 0
        await burst(chain, clients)
        rows.append(
            (
                name,
                str(hung_calls),
                f"{quantile(hung, 0.5) * 1e3:.1f}",
                f"{sum(hung) * 1e3 / clients:.0f}",
                str(upstream.most_at_once),
            )
        )
    return rows


# Two processes on one database. Each obeys one line of its input at a time and answers with one line of JSON.


async def child(url: str) -> None:
    set_up_logs("console", level=40)
    upstream, database = Upstream(), Database(url)
    await database.open()
    deployment = upstream.card.deployment
    board = SharedBoard([deployment, RULES.card.deployment], database, own=[RULES.card.deployment])
    chain = service(upstream, board=board)
    await board.load()
    running = asyncio.create_task(board.run())

    async def obey(command: str, number: float) -> dict[str, Any]:
        breaker = board.pulse(deployment).breaker
        match command:
            case "burst":
                upstream.calls = upstream.most_at_once = 0
                taken = await burst(chain, int(number))
                return {"calls": upstream.calls, "most": upstream.most_at_once, "seconds": taken}
            case "heal":
                upstream.well = True
            case "left":
                return {"left": breaker.seconds_left(time.monotonic())}
            case "until":
                while (board.pulse(deployment).breaker.opened_at is not None) != bool(number):
                    await asyncio.sleep(0.002)
                return {"at": time.time()}
            case "idle":
                cpu = time.process_time()
                await asyncio.sleep(number)
                return {"cpu": (time.process_time() - cpu) / number}
        return {}

    try:
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            command, number = line.split()
            print(json.dumps(await obey(command, float(number))), flush=True)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await board.close()
        await database.close()


class Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, command: str, number: float = 0) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command} {number}\n".encode())
        return json.loads(await asyncio.wait_for(self._process.stdout.readline(), 60))

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def spawn(url: str) -> Child:
    pipe = asyncio.subprocess.PIPE
    return Child(
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--child", stdin=pipe, stdout=pipe, env={**os.environ, "BENCH_URL": url}
        )
    )


async def two_processes(clients: int) -> tuple[tuple[str, ...], list[str]]:
    with tempfile.TemporaryDirectory(prefix="ccos-bench-") as home, start(Path(home)) as server:
        migrate(server.urls.owner)
        both = [await spawn(server.urls.app), await spawn(server.urls.app)]
        here, there = both
        try:
            idle = await asyncio.gather(*(each("idle", 5) for each in both))
            await here("burst", 5)
            began = time.time()
            heard_open = (await there("until", 1))["at"] - began
            await asyncio.sleep((await here("left"))["left"] + 0.1)
            hung = await asyncio.gather(*(each("burst", clients // 2) for each in both))
            await asyncio.sleep(1.5)
            await asyncio.sleep(max([(await each("left"))["left"] for each in both]) + 0.1)
            for each in both:
                await each("heal")
            well = await asyncio.gather(*(each("burst", clients // 2) for each in both))
            began = time.time()
            heard_closed = max([(await each("until", 0))["at"] for each in both]) - began
        finally:
            for each in both:
                await each.end()
    seconds = [one for told in hung for one in told["seconds"]]
    row = (
        "this breaker, two processes",
        str(sum(told["calls"] for told in hung)),
        f"{quantile(seconds, 0.5) * 1e3:.1f}",
        f"{sum(seconds) * 1e3 / clients:.0f}",
        str(sum(told["most"] for told in well)),
    )
    return row, [
        f"the other process knew that it had opened after {max(heard_open, 0) * 1e3:.0f} ms",
        f"both knew that it had closed {max(heard_closed, 0) * 1e3:.0f} ms after the probe's burst",
        f"keeping in step while nothing happens: {idle[0]['cpu'] * 1e3:.1f} ms CPU a second and process",
    ]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def measure(calls: int, clients: int) -> None:
    set_up_logs("console", level=40)
    await added_when_open(calls)
    rows = await probes(clients)
    shared, notes = await two_processes(clients)
    print(f"\n{clients} clients at once when the rest is over")
    print(f"{'':30}{'probes of':>12}{'answered':>12}{'mean wait':>12}{'at once when':>14}")
    print(f"{'':30}{'a hung one':>12}{'p50 ms':>12}{'ms':>12}{'it is well':>14}")
    for name, *figures in [*rows, shared]:
        a, b, c, d = figures
        print(f"{name:30}{a:>12}{b:>12}{c:>12}{d:>14}")
    print(f"(a hung provider costs {HUNG_SECONDS * 1e3:.0f} ms here; aim: 1 probe)")
    print("\n".join(notes))


def main() -> None:
    wanted = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    wanted.add_argument("--calls", type=int, default=2_000)
    wanted.add_argument("--clients", type=int, default=32)
    wanted.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = wanted.parse_args()
    if given.child:
        asyncio.run(child(os.environ["BENCH_URL"]))
    else:
        asyncio.run(measure(given.calls, given.clients))


if __name__ == "__main__":
    main()
