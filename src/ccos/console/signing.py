"""Signing in with an API key, which is then kept where scripts cannot read it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from ccos.api.caller import COOKIE, Opened, identify, refuse_other_sites
from ccos.console.routing import PageRoute
from ccos.console.showing import visit_of
from ccos.domain.errors import NotAllowed

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEPT_SECONDS = 12 * 3600


@router.get("/sign-in")
async def show(request: Request, next: str = "/") -> Response:
    return visit_of(request).page("sign_in.html", wrong=False, next=within(next))


@router.post("/sign-in")
async def sign_in(
    request: Request, ccos: Opened, key: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/"
) -> Response:
    refuse_other_sites(request)
    try:
        await identify(ccos, key.strip())
    except NotAllowed:
        return visit_of(request, here="/sign-in").page("sign_in.html", 401, wrong=True, next=within(next))
    response = RedirectResponse(within(next), 303)
    response.set_cookie(
        COOKIE,
        key.strip(),
        max_age=KEPT_SECONDS,
        httponly=True,
        samesite="strict",
        secure=_over_https(request),
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    refuse_other_sites(request)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_over_https(request))
    return response


def _over_https(request: Request) -> bool:
    """As the browser sees it: behind a proxy that does not say so, only the page's own address tells."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def within(address: str) -> str:
    """The address when it is a page of this console, else the first page: nobody is sent elsewhere."""
    ours = address.startswith("/tickets/") and "\\" not in address and "//" not in address
    return address if ours else "/"
