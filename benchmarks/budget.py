"""The day's limit under a crowd: two processes, 200 requests at once, a limit worth ten calls.

    python benchmarks/budget.py [--requests 200] [--calls 10] [--delay 0.3]

A real embedded PostgreSQL, the real service, and a paid model server on the wire that counts what reaches it.
Each limit is tried with the holds of the product, and beside it, in the same run, with the raw alternative
that most gateways have: look at what is spent, call, add the cost. `over` are calls beyond what the limit
pays for at their real cost.

The last table is what a hold and its settling cost a process that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from ccos.domain.money import Level, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, Turn
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict
from ccos.providers.http import open_session
from ccos.providers.openai_wire import OpenAIChat, dialect_for
from ccos.providers.prices import Prices
from ccos.providers.rules import RuleBased
from ccos.store import spend, tenants
from ccos.store.database import Database
from ccos.store.embedded import start
from ccos.store.migrate import APP_ROLE, migrate
from ccos.tiers.budget import Reservation
from ccos.tiers.daily_budget import DailyBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.logs import set_up_logs

PROCESSES = 2
ZONE = ZoneInfo("Asia/Seoul")
MODEL = "benchmark-model"
PRICES = Prices({MODEL: (Decimal("2.5"), Decimal(10))})
PROMPT = Prompt(
    Task.CHAT, "You answer customers of a shop.", (Turn("user", "환불은 언제 되나요?"),), max_tokens=300
)


class AnyAnswer:
    """A gate that lets everything pass: what is measured here is money."""

    def judge(self, prompt: Prompt, answer: Answer) -> Verdict:  # noqa: ARG002
        return Verdict(1.0, "none", answer.text)


class CheckThenCharge:
    """The raw alternative: a look at the day before the call, and the cost added after it."""

    def __init__(self, database: Database, limit: MicroUsd) -> None:
        self._database, self._limit = database, limit
        self._day = DailyBudget(database, limit, ZONE).today
        self._charging: set[asyncio.Task[None]] = set()

    async def reserve(self, tenant_id: UUID | None, amount: MicroUsd) -> Reservation | None:  # noqa: ARG002
        assert tenant_id is not None
        async with self._database.tenant(tenant_id) as tx:
            day = await spend.of_day(tx, self._day)
        return Reservation(uuid4()) if day.spent < self._limit else None

    def settle(self, tenant_id: UUID | None, reservation: Reservation, spent: MicroUsd) -> None:  # noqa: ARG002
        assert tenant_id is not None
        charging = asyncio.create_task(self._charge(tenant_id, spent))
        self._charging.add(charging)
        charging.add_done_callback(self._charging.discard)

    async def _charge(self, tenant_id: UUID, spent: MicroUsd) -> None:
        async with self._database.tenant(tenant_id) as tx:
            held = await spend.reserve(tx, spent, cap=spend.NO_LIMIT, day=self._day)
            assert held is not None
            await spend.settle(tx, held, spent)

    def release(self, tenant_id: UUID | None, reservation: Reservation) -> None:
        pass

    async def written(self) -> None:
        await asyncio.gather(*self._charging)

    def level(self, tenant_id: UUID | None) -> Level:  # noqa: ARG002
        return Level.OK


@dataclass(frozen=True)
class Case:
    name: str
    limit: int
    strategy: str


async def work(url: str, origin: str, tenant: str, case: Case, requests: int) -> dict[str, Any]:
    """One process: all its requests at one moment, when the starting shot falls."""
    set_up_logs("console", level=50)
    async with AsyncExitStack() as stack:
        database = Database(url, role=APP_ROLE)
        await database.open()
        stack.push_async_callback(database.close)
        budget: Any
        if case.strategy == "hold":
            budget = DailyBudget(database, MicroUsd(case.limit), ZONE)
            stack.push_async_callback(budget.close)
        else:
            budget = CheckThenCharge(database, MicroUsd(case.limit))
            stack.push_async_callback(budget.written)
        cloud = await provider(origin, stack)
        service = MultiTierLLMService([cloud, RuleBased()], AnyAnswer(), budget)
        context = Context(tenant_id=UUID(tenant), mode=Mode.QUALITY_FIRST, source="api", cache="off")
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began, used = time.perf_counter(), time.process_time()
        made = await asyncio.gather(
            *(service.generate_with_fallback(PROMPT, context) for _ in range(requests))
        )
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - used,
            "cloud": sum(each.tier is Tier.CLOUD_PREMIUM for each in made),
            "answered": sum(bool(each.response) for each in made),
        }


async def provider(origin: str, stack: AsyncExitStack) -> OpenAIChat:
    return OpenAIChat(
        session=await stack.enter_async_context(open_session()),
        base_url=f"{origin}/v1",
        model=MODEL,
        dialect=dialect_for(MODEL, official=False),
        prices=PRICES,
        price_provider=None,
    )


async def measure(home: Path, given: argparse.Namespace) -> None:
    from support.fake_upstream import FakeUpstream

    with start(home) as server:
        await asyncio.to_thread(migrate, server.urls.owner)
        async with AsyncExitStack() as stack:
            database = Database(server.urls.app, role=APP_ROLE)
            await database.open()
            stack.push_async_callback(database.close)
            upstream = await stack.enter_async_context(FakeUpstream(model=MODEL, delay=given.delay))
            cloud = await provider(upstream.origin, stack)
            estimate = cloud.estimate(PROMPT)
            real = (await cloud.answer(PROMPT, seconds=10)).cost
            print(
                f"{given.requests} requests at once from {PROCESSES} processes. One call: held "
                f"${usd(estimate):.6f}, really ${usd(real):.6f}.\n"
            )
            head = ("limit", "how", "calls", "over", "spent $", "limit $", "over $", "answered", "s")
            print(f"{head[0]:26}{head[1]:20}" + "".join(f"{each:>10}" for each in head[2:]))
            for name, limit in (
                (f"{given.calls} x what is held", given.calls * estimate),
                (f"{given.calls} x the real cost", given.calls * real),
            ):
                for strategy in ("hold", "check, then charge"):
                    await clear(server.urls.superuser)
                    case = Case(name, limit, strategy)
                    told = await crowd(server.urls.app, upstream, database, case, given.requests)
                    show(case, told, most=limit // real)
            await clear(server.urls.superuser)
            await cost_of_a_hold(database)


async def clear(url: str) -> None:
    """A new day of money for each case."""
    import psycopg

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute("TRUNCATE ccos.spend_total, ccos.spend_day, ccos.reservation")


async def crowd(url: str, upstream: Any, database: Database, case: Case, requests: int) -> dict[str, Any]:
    async with database.unbound() as tx:
        tenant = await tenants.create(tx, f"crowd-{uuid4().hex[:8]}", "Crowd")
    arguments = [str(Path(__file__)), "--worker", json.dumps([url, upstream.origin, str(tenant.id)])]
    arguments += ["--case", json.dumps([case.name, case.limit, case.strategy])]
    arguments += ["--requests", str(requests // PROCESSES)]
    pipe = asyncio.subprocess.PIPE
    before = upstream.answers_asked
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None and (await process.stdout.readline()) == b"ready\n"
    told = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    for process in processes:
        out, _ = await process.communicate()
        assert process.returncode == 0
        told.append(json.loads(out))
    async with database.tenant(tenant.id) as tx:
        day = await spend.of_day(tx, today())
    return {
        "calls": upstream.answers_asked - before,
        "spent": day.spent,
        "reserved": day.reserved,
        "answered": sum(each["answered"] for each in told),
        "cpu": sum(each["cpu"] for each in told),
        "seconds": max(each["seconds"] for each in told),
    }


def today() -> date:
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone(ZONE).date()


def show(case: Case, told: dict[str, Any], *, most: int) -> None:
    assert told["reserved"] == 0, "a hold was left over"
    over = max(told["calls"] - most, 0)
    beyond = max(told["spent"] - case.limit, 0)
    row = (
        f"{told['calls']}",
        f"{over}",
        f"{usd(told['spent']):.6f}",
        f"{usd(MicroUsd(case.limit)):.6f}",
        f"{usd(MicroUsd(beyond)):.6f}",
        f"{told['answered']}",
        f"{told['seconds']:.2f}",
    )
    print(f"{case.name:26}{case.strategy:20}" + "".join(f"{each:>10}" for each in row))


async def cost_of_a_hold(database: Database) -> None:
    async with database.unbound() as tx:
        tenant = await tenants.create(tx, f"pairs-{uuid4().hex[:8]}", "Pairs")
    budget = DailyBudget(database, MicroUsd(10**12), ZONE)
    day = budget.today

    async def gathered() -> None:
        held = await budget.reserve(tenant.id, MicroUsd(1_000))
        assert held is not None
        budget.settle(tenant.id, held, MicroUsd(300))
        await budget.written()

    async def alone() -> None:
        async with database.tenant(tenant.id) as tx:
            held = await spend.reserve(tx, MicroUsd(1_000), cap=spend.NO_LIMIT, day=day)
        assert held is not None
        async with database.tenant(tenant.id) as tx:
            await spend.settle(tx, held, MicroUsd(300))

    print("\nA hold and its settling, the process doing nothing else")
    print(f"{'':34}{'at once':>8}{'CPU ms':>10}{'p50 ms':>10}{'p99 ms':>10}{'pairs/s':>10}")
    for name, pair in (("gathered (CCOS)", gathered), ("a transaction each, from a pool", alone)):
        for at_once in (1, 32, 200):
            cpu, took, wall = await timed(pair, at_once)
            middle, end = took[len(took) // 2], took[int(0.99 * len(took))]
            print(
                f"{name:34}{at_once:8}{1000 * cpu / len(took):10.3f}{1000 * middle:10.2f}{1000 * end:10.2f}"
                f"{len(took) / wall:10.0f}"
            )
    await budget.close()


async def timed(pair: Callable[[], Awaitable[None]], at_once: int) -> tuple[float, list[float], float]:
    took: list[float] = []

    async def client() -> None:
        for _ in range(max(4, 400 // at_once)):
            began = time.perf_counter()
            await pair()
            took.append(time.perf_counter() - began)

    await pair()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return time.process_time() - cpu, sorted(took), time.perf_counter() - wall


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--requests", type=int, default=200)
    wanted.add_argument("--calls", type=int, default=10)
    wanted.add_argument("--delay", type=float, default=0.3, help="seconds the model takes")
    wanted.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    wanted.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    given = wanted.parse_args()
    import uvloop

    if given.worker is not None:
        told = uvloop.run(work(*given.worker, Case(*given.case), given.requests))
        print(json.dumps(told), flush=True)
        return
    set_up_logs("console", level=50)
    with tempfile.TemporaryDirectory(prefix="ccos-bench-") as scratch:
        uvloop.run(measure(Path(scratch), given))


if __name__ == "__main__":
    main()
