"""CCOS served with a cloud on the wire, and the clients that programs use against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

from ccos.domain.tenant import Role
from ccos.store.embedded import EmbeddedServer
from ccos.store.migrate import migrate
from support.fake_upstream import Does, FakeUpstream
from support.live import Company, Live, plain_settings, serving
from support.postgres import fresh_database


@dataclass(frozen=True)
class Cloudy:
    """A live CCOS, its cloud, and a company with keys."""

    live: Live
    cloud: FakeUpstream
    company: Company

    def cloud_does(self, *script: Does | str) -> None:
        """From now on, one behaviour a request; the last one stays."""
        self.cloud.script = tuple(Does(s) if isinstance(s, str) else s for s in script)
        self.cloud._served = self.cloud.answers_asked = 0
        self.cloud.seen.clear()
        self.cloud.hung_up.clear()

    @property
    def key(self) -> str:
        return self.company.keys[Role.INTEGRATION]

    def openai(self, key: str | None = None, **more: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.live.url}/v1", api_key=key or self.key, **more)

    def async_openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.live.url}/v1", api_key=self.key)

    def anthropic(self, key: str | None = None, **more: Any) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.live.url, api_key=key or self.key, **more)


@contextmanager
def cloudy_ccos(server: EmbeddedServer, home: Any) -> Iterator[Cloudy]:
    with fresh_database(server, "v1_tests") as urls, _cloud() as cloud:
        migrate(urls.owner)
        settings = plain_settings(
            urls,
            home,
            openai_base_url=f"{cloud.origin}/v1",
            openai_api_key="sk-test",
            cloud_price_in=1,
            cloud_price_out=2,
            daily_llm_cost_limit=1_000,
        )
        with serving(settings) as live:
            yield Cloudy(live, cloud, live.company())


@contextmanager
def _cloud() -> Iterator[FakeUpstream]:
    """In a thread of its own, so that it answers whatever the tests and CCOS do."""
    cloud = FakeUpstream("ok", "ok")  # with a script, since what it does will change
    told = threading.Event()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        async with cloud:
            stops.append((asyncio.get_running_loop(), asyncio.Event()))
            told.set()
            await stops[0][1].wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="cloud", daemon=True)
    thread.start()
    assert told.wait(30)
    try:
        yield cloud
    finally:
        loop, end = stops[0]
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        assert not thread.is_alive()
