"""CCOS served for real on a loopback port: routes, pages, worker and database, with no cloud and no model."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
import pytest
import uvicorn

from ccos import console, worker
from ccos.api.app import create_app
from ccos.api.metrics import count_draft
from ccos.cli.serve import address, listen
from ccos.domain.draft import Draft, DraftState
from ccos.domain.tenant import Role, Tenant, TenantSettings
from ccos.domain.ticket import Ticket
from ccos.settings import Settings, load, variable
from ccos.store import drafts, keys, tenants, tickets
from ccos.store.database import Tx
from ccos.store.embedded import EmbeddedServer, ServerUrls
from ccos.store.migrate import migrate
from ccos.wiring import Ccos, open_ccos
from support.postgres import fresh_database

T = TypeVar("T")


@dataclass(frozen=True)
class Live:
    """A server that runs in a thread of its own, so that tests may be plain functions or drive a browser."""

    url: str
    ccos: Ccos
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` on the server's own loop, with its own database."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def client(self, key: str | None = None, **more: Any) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False, **more)

    def company(self, settings: TenantSettings | None = None) -> Company:
        """A tenant that no other test knows, with a key for each role."""

        async def make() -> Company:
            async with self.ccos.database.unbound() as tx:
                tenant = await tenants.create(tx, f"t-{uuid4().hex[:12]}", "Test shop", settings)
                made = {role: (await keys.create(tx, role))[0] for role in Role}
            return Company(self, tenant, made)

        return self.run(make())


@dataclass(frozen=True)
class Company:
    live: Live
    tenant: Tenant
    keys: dict[Role, str]

    def client(self, role: Role = Role.ADMIN) -> httpx2.Client:
        return self.live.client(self.keys[role])

    def within(self, work: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
        """Does `work` in a transaction of the tenant."""

        async def go() -> T:
            async with self.live.ccos.database.tenant(self.tenant.id) as tx:
                return await work(tx)

        return self.live.run(go())

    def ticket(self, ticket: Ticket) -> str:
        """Stores a ticket without asking for a draft; its id."""

        async def go(tx: Tx) -> str:
            stored = (await tickets.put(tx, ticket)).ticket
            assert stored.id is not None
            return stored.id

        return self.within(go)

    def draft(self, ticket_id: str, state: DraftState, **body: Any) -> Draft:
        """A draft in any state work or time can leave it in, without a job that would change it."""

        async def go(tx: Tx) -> Draft:
            draft = await drafts.queue(tx, ticket_id)
            if state is DraftState.QUEUED:
                return draft
            run = await drafts.start(tx, draft.id)
            if state is DraftState.RUNNING:
                return await drafts.get(tx, draft.id)
            ends = state if state in drafts.FINISHED else DraftState.READY
            await drafts.finish(tx, draft.model_copy(update={"state": ends, **body}), run=run)
            if state is not ends:
                query = "UPDATE draft SET state = %(state)s WHERE id = %(id)s::uuid"
                await tx.run(query, state=state.value, id=draft.id)
            return await drafts.get(tx, draft.id)

        return self.within(go)


def eventually(look: Callable[[], T | None], *, seconds: float = 20.0) -> T:
    """What `look` finds, asked again until it finds something."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"nothing came in {seconds} seconds"
        time.sleep(0.05)


@contextmanager
def live_ccos(server: EmbeddedServer, home: Any) -> Iterator[Live]:
    """The session's served CCOS, over a database of its own on `server`; whoever asks second joins the first.

    Fixtures of two folders share it, and all session fixtures end together.
    """
    if _shared:
        yield _shared[0]
        return
    with fresh_database(server, "live_tests") as urls:
        migrate(urls.owner)
        with serving(plain_settings(urls, home)) as live:
            _shared.append(live)
            try:
                yield live
            finally:
                _shared.clear()


_shared: list[Live] = []


def plain_settings(urls: ServerUrls, home: Any, **more: Any) -> Settings:
    """Settings that owe nothing to the machine: this database, and no cloud or model but those in `more`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for field in Settings.model_fields:
            patch.delenv(variable(field), raising=False)
        return load({}, CCOS_HOME=home, database_url=urls.app, database_owner_url=urls.owner, **more)


@contextmanager
def serving(settings: Settings) -> Iterator[Live]:
    """Serves until the block ends; what is wrong with opening is raised here."""
    ready: list[Live | BaseException] = []
    told = threading.Event()
    stop: list[Callable[[], None]] = []

    async def serve() -> None:
        door = listen("127.0.0.1", 0)
        async with open_ccos(settings, on_draft=count_draft) as ccos:
            app = create_app(ccos)
            console.mount(app)
            server = uvicorn.Server(
                uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
            )
            working = asyncio.create_task(worker.work(ccos))
            loop = asyncio.get_running_loop()
            stop.append(lambda: loop.call_soon_threadsafe(setattr, server, "should_exit", True))
            ready.append(Live(address(door), ccos, loop))
            told.set()
            try:
                await server.serve(sockets=[door])
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    def begin() -> None:
        try:
            asyncio.run(serve())
        except BaseException as fault:
            ready.insert(0, fault)
            told.set()

    thread = threading.Thread(target=begin, name="live-ccos", daemon=True)
    thread.start()
    assert told.wait(60)
    if isinstance(ready[0], BaseException):
        raise ready[0]
    try:
        yield ready[0]
    finally:
        stop[0]()
        thread.join(30)
        assert not thread.is_alive()
    if isinstance(ready[0], BaseException):
        raise ready[0]
