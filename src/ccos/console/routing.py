"""Faults of pages are told on pages: a problem document is nothing for a person."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from ccos.api.problems import FORBIDDEN, RETRY_AFTER_SECONDS, status_of
from ccos.console.showing import visit_of
from ccos.domain.errors import CcosError, NotAllowed

SENTENCES = {404: "not_found", 409: "conflict", 403: "forbidden", 422: "invalid", 503: "unavailable"}


class PageRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except NotAllowed as fault:
                status = status_of(fault)
                return _fault(request, status) if status == FORBIDDEN else _sign_in(request)
            except CcosError as fault:
                return _fault(request, status_of(fault))
            except RequestValidationError:
                return _fault(request, 422)

        return handle


def _fault(request: Request, status: int) -> Response:
    page = visit_of(request).page("fault.html", status, sentence=SENTENCES.get(status, "other"))
    if status == 503:
        page.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return page


def _page_before(request: Request) -> str:
    """The page that a form was sent from, for what was typed is still kept there; else the first page."""
    before = urlsplit(request.headers.get("referer", ""))
    return before.path if before.netloc == request.headers.get("host") and before.path else "/"


def _sign_in(request: Request) -> Response:
    """Back to the same page afterwards."""
    wanted = request.url.path if request.method == "GET" else _page_before(request)
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse(f"/sign-in?next={quote(wanted)}", 303)
