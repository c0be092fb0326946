"""The whole product, as processes, while what it stands on goes away: the database for a while, itself by kill."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import aiohttp
import psycopg
import pytest

from ccos.providers.prices import Prices
from ccos.settings import Settings
from ccos.store.embedded import EmbeddedServer, start
from ccos.store.migrate import migrate
from support.ccos_command import Command, Running
from support.fake_upstream import USAGE, Does, FakeUpstream
from support.postgres_process import about, command_lines, eventually, nothing_runs, postmaster

AWAY_SECONDS = 3.0
FINAL = ("ready", "needs_review", "abstained")
KNOWN = "# 배송 지연\n\n주문이 안 오면 출고 뒤 영업일 3일까지 기다려 주세요. 그 뒤에는 택배사에 조회해 드립니다.\n"
QUESTION = {"prompt": "환불 규정을 알려 주세요", "seconds": 15}


class Postgres:
    """A server of PostgreSQL that can be stopped, frozen and brought back under the same address."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server: EmbeddedServer = start(home)
        self.urls = self.server.urls

    def stop(self) -> None:
        self.server.close()
        assert eventually(lambda: nothing_runs(self.home))

    def begin(self) -> None:
        self.server = start(self.home)
        assert self.server.urls == self.urls

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        """The server and its sessions; not its keeper, so that nobody brings another in its place."""
        first = postmaster(self.home)
        family = [first, *(p for p in command_lines() if about(p).get("PPid") == str(first))]
        for process in family:
            os.kill(process, number)

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.urls.superuser) as admin:
            return admin.execute(query).fetchall()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    home = Path(tempfile.mkdtemp(prefix="ccos-o"))
    try:
        found = Postgres(home)
        try:
            migrate(found.urls.owner)
            yield found
        finally:
            found.server.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Shop:
    """A served CCOS, and a caller of it."""

    def __init__(self, running: Running, url: str, http: aiohttp.ClientSession) -> None:
        self.running = running
        self.url = url
        self._http = http
        self.name = uuid4().hex

    async def ask(self, path: str, body: object = None) -> tuple[int, dict, dict]:
        method = "GET" if body is None else "POST"
        async with self._http.request(method, self.url + path, json=body) as answer:
            said = await answer.read()
        return answer.status, json.loads(said), dict(answer.headers)

    async def ticket(self, number: int) -> tuple[int, dict, dict]:
        body = {
            "external_id": f"{self.name}-{number}",
            "subject": "배송 지연",
            "description": f"{number}번 주문이 안 와요.",
        }
        return await self.ask("/api/tickets", body)

    async def state(self, draft_id: str) -> str:
        status, draft, _ = await self.ask(f"/api/drafts/{draft_id}")
        assert status == 200, draft
        return draft["state"]

    async def all_drafted(self, draft_ids: list[str], *, seconds: float = 60) -> list[str]:
        """The states the drafts end in."""
        async with asyncio.timeout(seconds):
            while True:
                states = [await self.state(draft_id) for draft_id in draft_ids]
                if all(state in FINAL for state in states):
                    return states
                assert "failed" not in states, states
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def command(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(postgres.home, tmp_path_factory.mktemp("outages"))


@asynccontextmanager
async def open_shop(
    command: Command, postgres: Postgres, cloud: FakeUpstream, key: str, **settings: str
) -> AsyncIterator[Shop]:
    found = environment(postgres, cloud) | settings
    with command.running("serve", "--port", "0", **found) as running:
        line = await asyncio.to_thread(running.wait_for, "Serving on http")
        headers = {"Authorization": f"Bearer {key}"}
        limit = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(
            headers=headers, timeout=limit, connector=aiohttp.TCPConnector(force_close=True)
        ) as http:
            yield Shop(running, re.findall(r"http://[^ ]+", line)[0], http)


def environment(postgres: Postgres, cloud: FakeUpstream) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.urls.app,
        "DATABASE_OWNER_URL": postgres.urls.owner,
        "OPENAI_BASE_URL": cloud.origin,
        "CCOS_MODE": "quality_first",
    }


@pytest.fixture(scope="module")
def key(command: Command, postgres: Postgres) -> str:
    urls = {"DATABASE_URL": postgres.urls.app, "DATABASE_OWNER_URL": postgres.urls.owner}
    assert command("tenants", "create", "shop", "가게", **urls).code == 0
    (command.folder / "late.md").write_text(KNOWN, "utf-8")
    assert command("kb", "import", "late.md", "--tenant", "shop", **urls).code == 0
    made = command("keys", "create", "--role", "integration", "--tenant", "shop", "--json", **urls)
    return str(made.json["key"])


@asynccontextmanager
async def away(postgres: Postgres, how: str) -> AsyncIterator[None]:
    leave, come = {"stopped": (postgres.stop, postgres.begin), "frozen": (postgres.freeze, postgres.thaw)}[
        how
    ]
    await asyncio.to_thread(leave)
    try:
        yield
    finally:
        await asyncio.to_thread(come)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_a_database_that_goes_away_costs_nothing_that_was_taken_in(command, postgres, key, how):
    async with (
        FakeUpstream(Does(delay=0.5), delay=0.5) as cloud,
        open_shop(command, postgres, cloud, key) as shop,
    ):
        taken = [await shop.ticket(n) for n in range(8)]
        assert [status for status, _, _ in taken] == [202] * 8
        assert (await shop.ask("/api/generate", QUESTION))[0] == 200
        async with away(postgres, how):
            over = time.monotonic() + AWAY_SECONDS
            refused = 0
            while time.monotonic() < over or not refused:
                (status, told, headers), (generated, answer, _), (seen, health, _) = await asyncio.gather(
                    shop.ticket(100 + refused),
                    shop.ask("/api/generate", QUESTION),
                    shop.ask("/api/health/llm-tiers"),
                )
                assert (status, told["code"]) == (503, "store.unavailable"), told
                assert int(headers["Retry-After"]) > 0
                assert generated == 200 and answer["response"], answer
                assert seen == 200 and health["tiers"]["tier_3"]["status"] == "healthy"
                refused += 1
        begun = time.monotonic()
        again = await shop.ticket(200)
        while again[0] != 202:
            assert again[0] == 503 and time.monotonic() < begun + 30
            await asyncio.sleep(0.1)
            again = await shop.ticket(200)
        await shop.all_drafted([told["draft_id"] for _, told, _ in [*taken, again]])
        assert shop.running.end(signal.SIGTERM) == 0
        assert "Traceback" not in shop.running.err


@dataclass
class Crowd:
    """Callers who send tickets and questions until they are told to stop; what was acknowledged to them."""

    shop: Shop
    drafts: list[str] = field(default_factory=list)
    stopped: bool = False

    async def tickets(self) -> None:
        number = 0
        while not self.stopped:
            try:
                status, told, _ = await self.shop.ticket(number)
            except aiohttp.ClientError:
                return  # the service is gone, and this one was not acknowledged
            assert status == 202, told
            self.drafts.append(told["draft_id"])
            number += 1
            await asyncio.sleep(0.05)

    async def questions(self) -> None:
        while not self.stopped:
            try:
                status, told, _ = await self.shop.ask("/api/generate", QUESTION)
            except aiohttp.ClientError:
                return
            assert status == 200, told


def money(postgres: Postgres) -> tuple[int, int]:
    """What is held, by the days' sums and by the holds themselves."""
    [(by_days,)] = postgres.rows("SELECT coalesce(sum(reserved_micro_usd), 0)::bigint FROM ccos.spend_day")
    query = "SELECT coalesce(sum(amount_micro_usd), 0)::bigint FROM ccos.reservation WHERE state = 'held'"
    [(by_holds,)] = postgres.rows(query)
    return by_days, by_holds


def account(postgres: Postgres) -> tuple[int, int, int]:
    """Spent and held in micro-USD, and how many holds were charged whole because nobody closed them."""
    query = "SELECT coalesce(sum(spent_micro_usd), 0)::bigint, coalesce(sum(reserved_micro_usd), 0)::bigint"
    query += " FROM ccos.spend_total"
    [(spent, held)] = postgres.rows(query)
    [(swept,)] = postgres.rows("SELECT count(*) FROM ccos.reservation WHERE state = 'expired'")
    return spent, held, swept


def price_of_one() -> int:
    """Micro-USD of one answer by the usage that the upstream reports."""
    model = str(Settings.model_fields["openai_model"].default)
    return Prices().price(None, model, *USAGE)


async def run_until_killed(shop: Shop, cloud: FakeUpstream) -> list[str]:
    """Load, and a kill in the middle of it. The ids of the drafts that were promised."""
    asked = cloud.answers_asked
    crowd = Crowd(shop)
    callers = [asyncio.create_task(work) for work in (crowd.tickets(), crowd.questions(), crowd.questions())]
    async with asyncio.timeout(60):
        while cloud.answers_asked < asked + 8 or len(crowd.drafts) < 8:
            await asyncio.sleep(0.01)
    shop.running.process.kill()
    await asyncio.to_thread(shop.running.process.wait, 10)
    crowd.stopped = True
    await asyncio.gather(*callers)
    return crowd.drafts


def nobody_waits_for_the_dead(postgres: Postgres) -> None:
    """Time passes: the killed process is silent for long enough, and its holds on money are over."""
    with psycopg.connect(postgres.urls.superuser) as admin:
        admin.execute("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        admin.execute("UPDATE ccos.reservation SET expires_at = now() WHERE state = 'held'")


async def test_a_service_that_is_killed_loses_no_ticket_and_no_money(command, postgres, key):
    limit = "0.5"
    promised: list[str] = []
    before, _, _ = account(postgres)
    async with FakeUpstream(Does(), delay=0.3) as cloud:
        for _ in range(2):
            async with open_shop(command, postgres, cloud, key, DAILY_LLM_COST_LIMIT=limit) as shop:
                promised += await run_until_killed(shop, cloud)
            nobody_waits_for_the_dead(postgres)
        async with open_shop(command, postgres, cloud, key, DAILY_LLM_COST_LIMIT=limit) as shop:
            await shop.all_drafted(promised)
            async with asyncio.timeout(30):
                while await asyncio.to_thread(money, postgres) != (0, 0):
                    await asyncio.sleep(0.2)
            spent, held, swept = await asyncio.to_thread(account, postgres)
            assert shop.running.end(signal.SIGTERM) == 0
        asked = cloud.answers_asked
    assert held == 0 and swept > 0, "some call was under way when it was killed"
    assert before + asked * price_of_one() <= spent <= Decimal(limit) * 1_000_000
