"""The ways an upstream fails, and what the wire clients make of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)

Wait = Literal["none", "status", "words", "first_token", "stall"]
"""What passes before the fault shows: nothing, a round trip, some words, or the whole time a client waits."""

Act = Literal["raise", "late_first_token", "slow", "spoil"]

FIRST_TOKEN_SECONDS = 20.0
SLOWER = 5.0
RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `error` makes what a wire client would raise, with the same facts.

    `once`: only the first call of each provider fails; `every_other`: the first, the third and so on.
    `reasons` are the attempt reasons it may leave behind. `mended_by_restart`: the product does not come back
    by itself, because only a change of the settings helps, which is read at the start.
    """

    name: str
    title_en: str
    title_ko: str
    reasons: tuple[str, ...]
    error: Callable[[], ProviderError] | None = None
    wait: Wait = "none"
    act: Act = "raise"
    once: bool = False
    every_other: bool = False
    mended_by_restart: bool = False

    def hits(self, call: int) -> bool:
        """Whether the provider's call number `call` of the outage, from 0, fails."""
        if self.once:
            return call == 0
        return call % 2 == 0 if self.every_other else True


def _down(cause: str, *, begun: bool = False) -> Callable[[], ProviderError]:
    return lambda: ProviderDown(cause=cause, begun=begun)


def _status(status: int, code: str) -> Callable[[], ProviderError]:
    return lambda: ProviderDown(status=status, code=code, cause="upstream_error")


def _busy(**facts: float) -> Callable[[], ProviderError]:
    return lambda: ProviderBusy(status=429, code="rate_limit_exceeded", **facts)


def _timeout(phase: str, *, begun: bool = False) -> Callable[[], ProviderError]:
    return lambda: ProviderTimeout(phase=phase, begun=begun)


_BUSY, _DOWN, _LATE = ("provider.busy",), ("provider.down",), ("provider.timeout",)

_ALL = (
    Fault(
        "rate_limited_once",
        "429 with Retry-After, once",
        "429와 Retry-After, 한 번",
        _BUSY,
        _busy(retry_after_seconds=RETRY_AFTER_SECONDS),
        "status",
        once=True,
    ),
    Fault("rate_limited", "429, always", "429, 계속", _BUSY, _busy(), "status"),
    Fault(
        "error_500_once",
        "500, once",
        "500, 한 번",
        _DOWN,
        _status(500, "server_error"),
        "status",
        once=True,
    ),
    Fault(
        "unavailable",
        "503, always",
        "503, 계속",
        _DOWN,
        _status(503, "unavailable_error"),
        "status",
    ),
    Fault("reset", "Connection reset", "연결 끊김", _DOWN, _down("reset")),
    Fault("no_response", "No response", "응답 없음", _LATE, _timeout("first_token"), "first_token"),
    Fault(
        "slow_first_token",
        "First word after 20 s",
        "첫 단어까지 20초",
        _LATE,
        _timeout("first_token"),
        act="late_first_token",
    ),
    Fault(
        "stream_cut",
        "Stream cut in the middle",
        "스트림이 중간에 끊김",
        _DOWN,
        _down("truncated", begun=True),
        "words",
    ),
    Fault(
        "stream_stalls",
        "Stream stalls",
        "스트림이 멈춤",
        _LATE,
        _timeout("stall", begun=True),
        "stall",
    ),
    Fault(
        "malformed",
        "Malformed chunk",
        "깨진 데이터",
        _DOWN,
        _down("malformed", begun=True),
        "words",
    ),
    Fault(
        "no_done",
        "No end mark",
        "끝 표시 없음",
        _DOWN,
        _down("truncated", begun=True),
        "words",
    ),
    Fault(
        "context_too_long",
        "Context length refused (400)",
        "문맥 길이 초과(400)",
        ("provider.context_too_long",),
        lambda: ContextTooLong(status=400, code="context_length_exceeded"),
        "status",
    ),
    Fault(
        "content_filtered",
        "Content filter (400)",
        "콘텐츠 필터(400)",
        ("provider.content_filtered",),
        lambda: ContentFiltered(status=400, code="content_filter"),
        "status",
    ),
    Fault(
        "wrong_key",
        "Wrong key (401)",
        "잘못된 키(401)",
        ("provider.refused",),
        lambda: ProviderRefused(status=401, code="invalid_api_key"),
        "status",
        mended_by_restart=True,
    ),
    Fault("overloaded", "Overloaded (529)", "과부하(529)", _DOWN, _status(529, "overloaded_error"), "status"),
    Fault("dns", "Name not found (DNS)", "이름을 찾지 못함(DNS)", _DOWN, _down("dns")),
    Fault("tls", "TLS failure", "TLS 실패", _DOWN, _down("tls")),
    Fault(
        "html_instead",
        "HTML with status 200",
        "상태 200의 HTML",
        _DOWN,
        _down("not_a_model_answer"),
        "status",
    ),
    Fault(
        "empty",
        "Empty answer",
        "빈 답변",
        _DOWN,
        lambda: ProviderDown(cause="empty", finish_reason="stop", begun=True),
        "words",
    ),
    Fault(
        "flapping",
        "Every other call fails",
        "두 번에 한 번 실패",
        _DOWN,
        _status(503, "unavailable_error"),
        "status",
        every_other=True,
    ),
    Fault("slow", "Five times slower", "다섯 배 느림", _LATE, _timeout("total"), act="slow"),
    Fault(
        "bad_quality",
        "Answers the gate must refuse",
        "게이트가 거절해야 할 답변",
        ("veto.", "quality.low"),
        act="spoil",
    ),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _ALL})

DEFAULT_FAULT = "unavailable"
