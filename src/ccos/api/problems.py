"""Errors become RFC 9457 problem details here and nowhere else; under /v1, what its clients know instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from ccos.api.v1.faults import Fault, error_body, shape_of
from ccos.domain import errors

STATUS: Mapping[type[errors.CcosError], int] = {
    errors.NotAllowed: 401,
    errors.NotFound: 404,
    errors.UnknownTenant: 404,
    errors.Conflict: 409,
    errors.BadInput: 422,
    errors.ProviderError: 502,
    errors.DatabaseUnavailable: 503,
    errors.StoreError: 503,
    errors.CcosError: 500,
}
"""The most specific class of an error that stands here gives its status."""

FORBIDDEN = 403
RETRY_AFTER_SECONDS = "5"
MEDIA_TYPE = "application/problem+json"
LONGEST_FIELD_NAME = 100


class Problem(BaseModel):
    """An error, as RFC 9457 has it; `code` is stable, `title` is a sentence for people."""

    type: str = Field(description="urn:ccos:problem:{code}")
    title: str
    status: int
    code: str
    errors: list[dict[str, str]] = Field([], description="With `input.invalid`: each `field` and `message`")


def described(why: str) -> dict[str, Any]:
    """A problem among a route's answers, for its description."""
    return {"description": why, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}


OF_EVERY_ROUTE: Final[dict[int | str, dict[str, Any]]] = {
    400: described("The body is not JSON."),
    401: described("The API key is missing or wrong."),
    403: described("The key's role does not reach this."),
    404: described("There is nothing with this id, or it is another tenant's."),
    409: described("It was decided or changed otherwise meanwhile."),
    413: described("The body is too large."),
    422: described("Something in the request cannot be used; the sentence says what."),
    503: described("The database does not answer; `Retry-After` says when to come back."),
}


def problem(
    status: int, code: str, sentence: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """One problem document; `more` are its extension members. A 503 says when to come back."""
    body = {"type": f"urn:ccos:problem:{code}", "title": sentence, "status": status, "code": code, **more}
    sent = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}
    return JSONResponse(body, status, sent | dict(headers or {}), MEDIA_TYPE)


def said_to(
    scope: Scope, status: int, code: str, sentence: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """An error in the form that is spoken at the request's address."""
    shape = shape_of(scope["path"], scope["headers"])
    if shape is None:
        return problem(status, code, sentence, headers=headers)
    return Response(error_body(shape, Fault(status, sentence)), status, headers, "application/json")


def status_of(fault: errors.CcosError) -> int:
    if isinstance(fault, errors.NotAllowed) and fault.facts.get("role"):
        return FORBIDDEN
    return next(STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS)


def install(app: FastAPI) -> None:
    """Lets `app` answer the errors it knows as problem documents; api/edge.py does the rest."""

    @app.exception_handler(errors.CcosError)
    async def ours(request: Request, fault: errors.CcosError) -> JSONResponse:  # noqa: ARG001
        status = status_of(fault)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return problem(status, fault.code, fault.sentence, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, fault: RequestValidationError) -> JSONResponse:  # noqa: ARG001
        # What was sent is not said back: it may hold personal data.
        found = fault.errors()
        if any(e["type"] == "json_invalid" for e in found):
            return _not_json()
        faults = [{"field": _path(e["loc"]), "message": e["msg"]} for e in found]
        first = faults[0] if faults else {"field": "body", "message": "is not valid"}
        return problem(422, "input.invalid", f"{first['field']}: {first['message']}.", errors=faults)

    @app.exception_handler(HTTPException)
    async def http(request: Request, fault: HTTPException) -> Response:
        if fault.status_code == 400:  # only a body that cannot be decoded gets here
            return _not_json()
        known = {404: ("not_found", "There is nothing at this address."), 405: ("method.not_allowed", None)}
        code, sentence = known.get(fault.status_code, (f"http.{fault.status_code}", None))
        return said_to(
            request.scope, fault.status_code, code, sentence or f"{fault.detail}.", headers=fault.headers
        )


def _not_json() -> JSONResponse:
    return problem(400, "json.invalid", "The body is not valid JSON; send one JSON document in UTF-8.")


def _path(location: tuple[int | str, ...]) -> str:
    named = ".".join(str(part) for part in location if part != "body") or "body"
    return named[:LONGEST_FIELD_NAME]
