"""The sample shop in the whole product: the real database, search, workflow and gate."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

from ccos.domain.ticket import Ticket
from ccos.settings import Settings
from ccos.wiring import Ccos, open_ccos
from ccos.wiring.database import open_owner
from ccos.wiring.sample import ensure_sample


@asynccontextmanager
async def shop(settings: Settings, *, load_seconds: float = 0.0):
    async with AsyncExitStack() as stack:
        ccos = await stack.enter_async_context(open_ccos(settings, load_seconds=load_seconds))
        yield ccos, await ensure_sample(ccos, await open_owner(ccos.urls, stack))


async def draft(ccos: Ccos, tenant, ticket: Ticket, **how):
    taken = await ccos.drafting.take_in(tenant.id, ticket)
    return await ccos.drafting.make(tenant, taken.ticket.id, **how)
