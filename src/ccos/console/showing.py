"""Pages out of templates, with the headers that keep them closed to other sites."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Final, get_args
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL

from ccos.api.caller import READING, AnyCaller, Caller, ccos_of
from ccos.api.health import health_now
from ccos.console.outage import Outage, outage_of
from ccos.console.speech import Speech, preferred, speech
from ccos.console.telling import Teller
from ccos.domain.prompt import Language
from ccos.domain.tenant import Role

LANGUAGE_COOKIE = "ccos_lang"
LANGUAGE_SECONDS = 365 * 24 * 3600
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "same-origin",  # with no-referrer a browser sends forms with `Origin: null`
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: in which language and zone it is told, and to whom (None: nobody yet).

    `here` is where the page stands when the request went elsewhere, as forms do.
    """

    request: Request
    language: Language
    teller: Teller
    caller: Caller | None = None
    here: str | None = None

    @property
    def t(self) -> Speech:
        return self.teller.t

    def page(self, template: str, status: int = 200, **values: object) -> HTMLResponse:
        shown = (
            _templates()
            .get_template(template)
            .render(t=self.t, v=self.teller, visit=self, caller=self.caller, **values)
        )
        response = HTMLResponse(shown, status, HEADERS)
        if asked_language(self.request):
            response.set_cookie(
                LANGUAGE_COOKIE, self.language, max_age=LANGUAGE_SECONDS, httponly=True, samesite="lax"
            )
        return response

    @property
    def outage(self) -> Outage | None:
        """What does not answer now, for somebody who has signed in; only administrators read folders."""
        if self.caller is None:
            return None
        admin = self.caller.role is Role.ADMIN
        return outage_of(health_now(ccos_of(self.request), with_paths=admin))

    @property
    def base(self) -> str:
        """Where this console is, as the browser reaches it."""
        return str(self.request.base_url).rstrip("/")

    def switched(self) -> str:
        """This very page in the other language; the first page where this one cannot be asked for again."""
        other = "en" if self.language == "ko" else "ko"
        asked = self.request.url if self.request.method in READING else URL("/")
        here = URL(self.here) if self.here else asked
        return str(here.include_query_params(lang=other).replace(scheme="", netloc=""))


def visit_of(request: Request, caller: Caller | None = None, *, here: str | None = None) -> Visit:
    language = language_of(request)
    zone = ZoneInfo(ccos_of(request).settings.timezone)
    return Visit(request, language, Teller(speech(language), datetime.now(UTC), zone), caller, here)


async def _visit(request: Request, caller: AnyCaller) -> Visit:
    return visit_of(request, caller)


Visitor = Annotated[Visit, Depends(_visit)]
"""A visit of somebody who has signed in."""


def asked_language(request: Request) -> Language | None:
    return _spoken(request.query_params.get("lang"))


def language_of(request: Request) -> Language:
    """What `?lang=` says, else what it said last time, else what the browser prefers."""
    kept = _spoken(request.cookies.get(LANGUAGE_COOKIE))
    return asked_language(request) or kept or preferred(request.headers.get("accept-language", ""))


def _spoken(name: str | None) -> Language | None:
    return next((language for language in get_args(Language) if language == name), None)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("ccos.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
