"""The web application, put together."""

from __future__ import annotations

from uuid import uuid4

from fastapi import FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint

from ccos import __version__
from ccos.api import drafts, generate, health, kb, problems, tickets
from ccos.api.limits import BodyLimit
from ccos.wiring import Ccos

DESCRIPTION = """Reply drafts for support tickets, through four tiers: cloud, local model, tiny model, rules.

Send an API key as `Authorization: Bearer ...`. Errors are problem details (RFC 9457) with a stable `code`."""


def create_app(ccos: Ccos) -> FastAPI:
    """The application over an opened CCOS, which whoever opened it closes."""
    app = FastAPI(
        title="CCOS", version=__version__, description=DESCRIPTION, docs_url="/docs", redoc_url=None
    )
    app.state.ccos = ccos
    problems.install(app)
    for part in (tickets, drafts, generate, kb, health):
        app.include_router(part.router)

    @app.middleware("http")
    async def name_request(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-ccos-request-id"] = uuid4().hex
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    app.add_middleware(BodyLimit)
    return app
