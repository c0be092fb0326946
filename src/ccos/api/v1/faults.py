"""Errors of /v1 in the shapes its clients know: OpenAI's, and Anthropic's under /v1/messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Shape = Literal["openai", "anthropic"]

ROOT, ANTHROPIC_ROOT, MODELS = "/v1", "/v1/messages", "/v1/models"

OPENAI_TYPE: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    503: "service_unavailable",
}
ANTHROPIC_TYPE: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
CODE: Mapping[int, str] = {
    400: "invalid_request",
    401: "invalid_api_key",
    403: "insufficient_permissions",
    404: "unknown_url",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    415: "unsupported_encoding",
    500: "internal_error",
    503: "service_unavailable",
}
"""Where the fault itself brings no code that clients of this wire know."""


class Fault(Exception):
    """What is wrong with a request, in one sentence; `param` is the field that is to blame."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODE.get(status, f"http_{status}")
        self.param = param


def bad(message: str, param: str | None = None, *, code: str = "invalid_value") -> Fault:
    return Fault(400, message, code=code, param=param)


def shape_of(path: str, headers: Iterable[tuple[bytes, bytes]]) -> Shape | None:
    """How errors at this address are told; None outside of /v1."""
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        return None
    if path == ANTHROPIC_ROOT or path.startswith(f"{ANTHROPIC_ROOT}/"):
        return "anthropic"
    if path == MODELS or path.startswith(f"{MODELS}/"):  # both clients list models there
        return "anthropic" if any(name == b"anthropic-version" for name, _ in headers) else "openai"
    return "openai"


def error_body(shape: Shape, fault: Fault) -> bytes:
    """The error document, which is also what an error event of a stream says."""
    if shape == "anthropic":
        kind = ANTHROPIC_TYPE.get(
            fault.status, "api_error" if fault.status >= 500 else "invalid_request_error"
        )
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": fault.message}})
    kind = OPENAI_TYPE.get(fault.status, "server_error" if fault.status >= 500 else "invalid_request_error")
    if fault.code == "stream_cut":
        kind = "upstream_error"
    told = {"message": fault.message, "type": kind, "param": fault.param, "code": fault.code}
    return msgspec.json.encode({"error": told})
