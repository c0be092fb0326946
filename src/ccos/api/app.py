"""The web application, put together."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from ccos import __version__
from ccos.api import (
    batches,
    budgets,
    drafts,
    evidence,
    experiments,
    generate,
    health,
    kb,
    kb_gaps,
    kb_sources,
    kpis,
    problems,
    tickets,
    tiers,
)
from ccos.api.batch_body import MAX_BYTES
from ccos.api.caller import identify
from ccos.api.edge import Edge
from ccos.api.identities import Identities
from ccos.api.limits import BodyLimit
from ccos.api.v1 import openapi
from ccos.api.v1.routes import routes
from ccos.wiring import Ccos

DESCRIPTION = """Reply drafts for support tickets, through four tiers: cloud, local model, tiny model, rules.

Send an API key as `Authorization: Bearer ...`. Errors are problem details (RFC 9457) with a stable `code`;
under `/v1` they have the shape that the clients of OpenAI and Anthropic know."""


class Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return openapi.describe(super().openapi())


def create_app(ccos: Ccos) -> FastAPI:
    """The application over an opened CCOS, which whoever opened it closes."""
    app = Application(
        title="CCOS",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # its page would load scripts from another host
        redoc_url=None,
        generate_unique_id_function=_operation,
    )
    app.state.ccos = ccos
    app.state.leaving = asyncio.Event()  # set when the process is about to end
    app.state.batch_readers = asyncio.Semaphore(batches.READ_AT_ONCE)
    app.state.identities = Identities(partial(identify, ccos))
    problems.install(app)
    app.router.routes[:0] = routes()  # the hot ones, before anything else is tried
    for part in (
        tickets,
        batches,
        drafts,
        evidence,
        generate,
        kb_sources,
        kb_gaps,
        kb,
        budgets,
        kpis,
        experiments,
        tiers,
    ):
        app.include_router(part.router, responses=problems.OF_EVERY_ROUTE)
    app.include_router(health.router)
    app.add_middleware(BodyLimit, streamed={batches.PATH: MAX_BYTES})
    app.add_middleware(Edge)
    return app


def _operation(route: APIRoute) -> str:
    """Operation ids that read as names in generated clients: drafts_decide, not decide_api_drafts_..."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name
