"""What every answer gets, whoever made it: an id, headers that keep browsers careful, a place in metrics."""

from __future__ import annotations

import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccos.api import metrics
from ccos.api.problems import said_to
from ccos.wiring.logs import where

log = structlog.get_logger(__name__)

REQUEST_ID = "x-ccos-request-id"
CAREFUL = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""For answers that are data; a page brings its own policy, which stands."""


class Edge:
    """The outermost layer: nothing that goes wrong inside gets past it but as an error that is told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["ccos.request_id"] = uuid4().hex
        begun = time.perf_counter()
        started = False

        async def mark(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in CAREFUL.items():
                    headers.setdefault(name, value)
                seconds = time.perf_counter() - begun
                metrics.count_request(scope["method"], template(scope), message["status"], seconds)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, mark)
            except Exception as fault:
                log.error("request.broke", route=template(scope), error=type(fault).__name__, at=where(fault))
                if started:
                    raise
                sentence = "Something went wrong here; it has been logged under the request id."
                await said_to(scope, 500, "internal", sentence)(scope, receive, mark)


def template(scope: Scope) -> str:
    """The route's template such as /api/tickets/{ticket_id}; paths themselves hold ids."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path or "/"
    return "/static" if scope["path"].startswith("/static/") else "unmatched"
