"""Errors become RFC 9457 problem details here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ccos.domain import errors

log = structlog.get_logger(__name__)

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


def problem(
    status: int, code: str, sentence: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """One problem document; `more` are its extension members."""
    body = {"type": f"urn:ccos:problem:{code}", "title": sentence, "status": status, "code": code, **more}
    return JSONResponse(body, status, dict(headers or {}), "application/problem+json")


def status_of(fault: errors.CcosError) -> int:
    if isinstance(fault, errors.NotAllowed) and fault.facts.get("role"):
        return FORBIDDEN
    return next(STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS)


def install(app: FastAPI) -> None:
    """Lets `app` answer every error as a problem document."""

    @app.exception_handler(errors.CcosError)
    async def ours(request: Request, fault: errors.CcosError) -> JSONResponse:  # noqa: ARG001
        status = status_of(fault)
        headers: dict[str, str] = {}
        if status == 503:
            headers["Retry-After"] = RETRY_AFTER_SECONDS
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return problem(status, fault.code, fault.sentence, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, fault: RequestValidationError) -> JSONResponse:  # noqa: ARG001
        # What was sent is not said back: it may hold personal data.
        faults = [{"field": _path(e["loc"]), "message": e["msg"]} for e in fault.errors()]
        if any(e["type"] == "json_invalid" for e in fault.errors()):
            return problem(400, "json.invalid", "The body is not valid JSON.", errors=faults)
        first = faults[0] if faults else {"field": "body", "message": "is not valid"}
        return problem(422, "input.invalid", f"{first['field']}: {first['message']}.", errors=faults)

    @app.exception_handler(HTTPException)
    async def http(request: Request, fault: HTTPException) -> JSONResponse:  # noqa: ARG001
        code = {404: "not_found", 405: "method.not_allowed"}.get(
            fault.status_code, f"http.{fault.status_code}"
        )
        return problem(fault.status_code, code, str(fault.detail), headers=fault.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, fault: Exception) -> JSONResponse:
        log.error("request.broke", path=request.url.path, error=type(fault).__name__, exc_info=fault)
        return problem(500, "internal", "Something went wrong here; it has been logged.")


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part != "body") or "body"
