"""What an upstream's refusal means: one table for every wire format.

Nothing of a response body goes into an error but a short lower-case code, and never a URL or a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)

MAX_RETRY_AFTER_SECONDS = 86_400.0

_CONTEXT_CODES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "exceed_context_size_error",
        "string_above_max_length",
        "request_too_large",
    }
)
_FILTER_CODES = frozenset(
    {
        "content_filter",
        "content_filtered",
        "content_policy_violation",
        "data_inspection_failed",
        "moderation_blocked",
        "responsibleaipolicyviolation",
    }
)
# In a 200 answer or an event of a stream there is no status: the code stands for one.
_STATUS_OF_CODE: Mapping[str, int] = {
    "authentication_error": 401,
    "billing_error": 402,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "timeout_error": 408,
    "unavailable_error": 503,
}
_CONTEXT_WORDS = re.compile(
    r"maximum context length|context (?:length|size|window)|prompt is too long|input is too long"
    r"|exceeds? the (?:available )?context|too many (?:input )?tokens|max_model_len",
    re.IGNORECASE,
)
_FILTER_WORDS = re.compile(r"content (?:management|filtering) policy|content filter", re.IGNORECASE)
_PLAIN_CODE = re.compile(r"[a-z][a-z0-9_.]{1,47}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says. `code` is safe to log; its words were looked at and are forgotten.

    `prompt_tokens` and `context_tokens` are llama.cpp's own counts of a prompt that is too long, else 0.
    """

    code: str | None = None
    status: int | None = None
    about_context: bool = False
    about_content: bool = False
    prompt_tokens: int = 0
    context_tokens: int = 0

    @classmethod
    def read(cls, document: object) -> Complaint:
        """Of any JSON value: OpenAI, Anthropic, llama.cpp, Azure and plain-text shapes alike."""
        error = document.get("error", document) if isinstance(document, Mapping) else document
        if not isinstance(error, Mapping):
            return cls._of((), error if isinstance(error, str) else "", None)
        inner = error.get("innererror")
        names = [
            error.get("code"),
            error.get("type"),
            inner.get("code") if isinstance(inner, Mapping) else None,
        ]
        number = next((n for n in (error.get("code"), error.get("status")) if _is_status(n)), None)
        words = error.get("message")
        found = cls._of(names, words if isinstance(words, str) else "", number)
        prompt, context = _count(error.get("n_prompt_tokens")), _count(error.get("n_ctx"))
        return replace(found, prompt_tokens=prompt, context_tokens=context)

    @classmethod
    def _of(cls, names: Any, words: str, number: int | None) -> Complaint:
        codes = [n.lower() for n in names if isinstance(n, str) and _PLAIN_CODE.fullmatch(n.lower())]
        implied = next((_STATUS_OF_CODE[c] for c in codes if c in _STATUS_OF_CODE), None)
        return cls(
            code=codes[0] if codes else None,
            status=number or implied,
            about_context=not _CONTEXT_CODES.isdisjoint(codes) or bool(_CONTEXT_WORDS.search(words)),
            about_content=not _FILTER_CODES.isdisjoint(codes) or bool(_FILTER_WORDS.search(words)),
        )


def refusal(status: int | None, complaint: Complaint, *, retry_after: str | None = None) -> ProviderError:
    """The error for an HTTP status and what the body says; `status` None when the error came inside a 200.

    Rate limits and rejected keys are believed before words: a 429 that speaks of tokens is no long context.
    """
    known = status or complaint.status
    facts: dict[str, object] = {"status": known, "code": complaint.code}
    seconds = retry_after_seconds(retry_after)
    if seconds is not None:
        facts["retry_after_seconds"] = seconds
    if known == 429:
        return ProviderBusy(**facts)
    if known in (401, 402, 404):
        return ProviderRefused(**facts)
    if complaint.about_content and (known is None or known < 500):
        return ContentFiltered(**facts)
    if known == 413 or complaint.about_context:
        if complaint.prompt_tokens and complaint.context_tokens:
            facts |= {"prompt_tokens": complaint.prompt_tokens, "context_tokens": complaint.context_tokens}
        return ContextTooLong(**facts)
    if known in (408, 504):
        return ProviderTimeout(**facts, phase="upstream")
    if known is not None and 400 <= known < 500:
        return ProviderRefused(**facts)
    return ProviderDown(**facts, cause="upstream_error")


def retry_after_seconds(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds in a Retry-After header, which holds seconds or an HTTP date; None when it says nothing usable.

    At least 0 and at most a day, so that a wild value cannot rest a provider for ever.
    """
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,12}(?:\.\d{1,6})?", text):
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = (at - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else 0


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599
