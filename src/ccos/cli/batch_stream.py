"""Drafting tickets as they are read, as many at a time as there are places for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import CcosError, Conflict, DatabaseUnavailable
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import batches, drafts, tickets
from ccos.tiers.request import Priority

if TYPE_CHECKING:
    from ccos.wiring import Ccos

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a ticket waits for a database that is away: a killed server is back within seconds."""
LOOK_SECONDS = 0.2


async def draft_stream(
    ccos: Ccos,
    tenant: Tenant,
    wanted: Iterable[tuple[int, Ticket]],
    *,
    mode: Mode | None,
    seconds: float,
    at_once: int,
    since: datetime,
    stop: asyncio.Event,
) -> AsyncGenerator[tuple[int, Ticket, Draft], None]:
    """Drafts tickets as they are read, `at_once` at a time, and gives each as it ends, with its number.

    Nothing is begun after `stop`; what has begun still ends, and a ticket that is still to be read, as from a
    pipe, is not waited for. Of tickets with one `external_id` each is drafted after the other, so that each
    gets a draft of its own words. A draft of a ticket that was stored after `since` is given as it is.
    Raises DatabaseUnavailable when it is away for longer than `PATIENCE_SECONDS`.
    """
    running: dict[asyncio.Future[Draft], tuple[int, Ticket]] = {}
    tickets_read = iter(wanted)
    coming: asyncio.Future[tuple[int, Ticket] | None] | None = None
    stopped = asyncio.ensure_future(stop.wait())
    at_end = False
    try:
        while True:
            if coming is None and not at_end:
                coming = _in_thread(lambda: next(tickets_read, None))
            if coming is not None and coming.done() and not stop.is_set() and len(running) < at_once:
                following = coming.result()
                at_end = following is None
                busy = {ticket.external_id for _, ticket in running.values()}
                if following is None or following[1].external_id not in busy:
                    coming = None
                if following is not None and coming is None:
                    work = drafted(ccos, tenant, following[1], mode=mode, seconds=seconds, since=since)
                    running[asyncio.ensure_future(work)] = following
                    continue
            awaited: set[asyncio.Future[Any]] = set(running)
            if not stop.is_set():
                awaited |= {stopped} | ({coming} if coming is not None and not coming.done() else set())
            if not running and (at_end or stop.is_set()):
                return
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for task in [begun for begun in running if begun.done()]:
                number, ticket = running.pop(task)
                try:
                    made = task.result()
                except DatabaseUnavailable:
                    raise
                except CcosError as fault:
                    made = lost(ticket, fault)
                yield number, ticket, made
    finally:
        left: list[asyncio.Future[Any]] = [stopped, *running, *([coming] if coming is not None else [])]
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """What the work comes to. Its thread is waited for by nobody, not even at the end of the process."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(how: Callable[[Any], None], what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(lambda: None if outcome.done() else how(what))

    def go() -> None:
        try:
            made = work()
        except BaseException as fault:
            tell(outcome.set_exception, fault)
        else:
            tell(outcome.set_result, made)

    threading.Thread(target=go, name="ccos-batch-input", daemon=True).start()
    return outcome


async def drafted(
    ccos: Ccos,
    tenant: Tenant,
    ticket: Ticket,
    *,
    mode: Mode | None,
    seconds: float,
    since: datetime | None = None,
) -> Draft:
    """The ticket, stored, with its draft; a database that is away is waited for."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await _stored_and_drafted(ccos, tenant, ticket, mode, seconds, since)
        except DatabaseUnavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(1.0)


async def _stored_and_drafted(
    ccos: Ccos, tenant: Tenant, ticket: Ticket, mode: Mode | None, seconds: float, since: datetime | None
) -> Draft:
    """The ticket's draft: ours, or that of another process that began one while we did."""
    async with ccos.database.tenant(tenant.id) as tx:
        put = await tickets.put(tx, ticket)
        assert put.ticket.id is not None
        known = await batches.made_since(tx, put.ticket.id, since) if since is not None else None
    if known is not None:
        return known
    try:
        return await ccos.drafting.make(
            tenant, put.ticket.id, mode=mode, seconds=seconds, priority=Priority.BATCH
        )
    except Conflict:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            async with ccos.database.tenant(tenant.id) as tx:
                newest = await drafts.latest(tx, put.ticket.id)
            if newest is not None and newest.state is DraftState.FAILED:
                break
            if newest is not None and newest.state not in (DraftState.QUEUED, DraftState.RUNNING):
                return newest
            await asyncio.sleep(LOOK_SECONDS)
        raise


def lost(ticket: Ticket, fault: CcosError) -> Draft:
    """The draft of a ticket that could not even be stored, so that it is shown and counted."""
    name = ticket.external_id or ticket.id or ""
    return Draft(id="", ticket_id=name, state=DraftState.FAILED, reason=fault.code, errors=(fault.sentence,))
