"""Changes as they happen, for pages that are open: one listener a process, any number of pages.

A page hears which ticket has changed and asks for what it shows of it; nothing of a ticket goes this way.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Annotated
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from ccos.api.caller import AnyCaller
from ccos.console.routing import PageRoute
from ccos.domain.errors import CcosError
from ccos.store.live import Change

log = structlog.get_logger(__name__)

REST_SECONDS = 2.0
"""How long a lost listener waits before it begins again."""
BEAT_SECONDS = 15.0
"""After so long without a word the browser hears a comment, that nobody between takes the line for dead."""
LONGEST_SECONDS = 600.0
"""Then the browser comes again by itself, with a key that may have been taken away meanwhile."""
MOST_PAGES = 2_000
MOST_TICKETS = 200
"""Of more at once a page only hears that much has changed."""
MOST_STAGES = 5_000

Listen = Callable[[], AsyncIterator[Change | None]]


class Ear:
    """What one page has not heard yet: the tickets that changed, or None for everything."""

    def __init__(self) -> None:
        self._tickets: dict[str, None] | None = {}
        self._news = asyncio.Event()

    def hear(self, ticket_id: str | None) -> None:
        if ticket_id is None or self._tickets is None or len(self._tickets) >= MOST_TICKETS:
            self._tickets = None
        else:
            self._tickets[ticket_id] = None
        self._news.set()

    async def next(self, *, seconds: float) -> list[str] | None:
        """Tickets that have changed; [] when none has for so long, None when all is to be read anew."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        heard, self._tickets = self._tickets, {}
        return None if heard is None else list(heard)


class Live:
    """Hands what is heard on to the pages of the tenant that it is about."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._ears: dict[UUID, set[Ear]] = {}
        self._stages: OrderedDict[str, str] = OrderedDict()
        self._ended = False

    async def run(self) -> None:
        """Until it is cancelled. Without a database pages go on asking by themselves, only less often."""
        while True:
            try:
                async with aclosing(self._listen()) as changes:  # type: ignore[type-var]
                    async for change in changes:
                        self._hand_on(change)
            except (CcosError, OSError) as fault:
                log.info("console.live.lost", error=type(fault).__name__)
            await asyncio.sleep(REST_SECONDS)

    def end(self) -> None:
        """The process is about to end: pages are let go, and none is taken any more."""
        self._ended = True
        self._hand_on(None)

    def stage(self, draft_id: str) -> str | None:
        """The stage that a running draft has finished last, where one was heard of."""
        return self._stages.get(draft_id)

    @property
    def full(self) -> bool:
        """Whether no further page can be taken."""
        return self._ended or sum(map(len, self._ears.values())) >= MOST_PAGES

    @contextmanager
    def follow(self, tenant_id: UUID) -> Iterator[Ear]:
        ear = Ear()
        ears = self._ears.setdefault(tenant_id, set())
        ears.add(ear)
        try:
            yield ear
        finally:
            ears.discard(ear)
            if not ears:
                self._ears.pop(tenant_id, None)

    async def events(self, tenant_id: UUID) -> AsyncIterator[bytes]:
        """Server-sent events: `change` with a ticket's id, `again` when anything may have changed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_SECONDS
        with self.follow(tenant_id) as ear:
            yield b"retry: 3000\nevent: again\ndata:\n\n"
            while not self._ended and (left := until - loop.time()) > 0:
                heard = await ear.next(seconds=min(BEAT_SECONDS, left))
                if heard is None:
                    yield b"event: again\ndata:\n\n"
                else:
                    yield b"".join(_event(each) for each in heard) or b":\n\n"

    def _hand_on(self, change: Change | None) -> None:
        if change is None:
            for ears in self._ears.values():
                for ear in ears:
                    ear.hear(None)
            return
        if change.stage is None:
            self._stages.pop(change.draft_id, None)
        else:
            self._stages[change.draft_id] = change.stage
            while len(self._stages) > MOST_STAGES:
                self._stages.popitem(last=False)
        for ear in self._ears.get(change.tenant_id, ()):
            ear.hear(change.ticket_id)


def _event(ticket_id: str) -> bytes:
    return b"event: change\ndata: " + orjson.dumps({"ticket": ticket_id}) + b"\n\n"


def live_of(request: Request) -> Live:
    live: Live = request.app.state.live
    return live


router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/live")
async def live(caller: AnyCaller, here: Annotated[Live, Depends(live_of)]) -> Response:
    """Refused when too many follow: a browser then stays away, and its pages ask by themselves."""
    if here.full:
        return Response(status_code=503)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(here.events(caller.tenant.id), media_type="text/event-stream", headers=headers)
