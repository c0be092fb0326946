"""What CCOS adds to the formats: how to make the answer, in headers or in the body's `ccos` object. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from ccos.api.v1.faults import bad
from ccos.domain.tier import Mode
from ccos.tiers.request import CacheUse, Priority

Streaming = Literal["gated", "pass-through"]

PRIORITIES: Mapping[str, Priority] = {
    "agent": Priority.AGENT_WAITING,
    "ticket": Priority.TICKET_DRAFT,
    "batch": Priority.BATCH,
}
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 600.0


class CcosWishes(msgspec.Struct, forbid_unknown_fields=True):
    """The body's `ccos` object. A header of the same meaning wins."""

    mode: str | None = None
    priority: str | None = None
    timeout_seconds: float | None = None
    required_quality: float | None = None
    stream: str | None = None
    cache: str | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    mode: Mode | None = None
    priority: Priority = Priority.AGENT_WAITING
    seconds: float | None = None
    required_quality: float | None = None
    streaming: Streaming = "gated"
    cache: CacheUse = "use"


PLAIN = Extras()
OURS = "x-ccos-"
_HEADERS = frozenset(
    f"{OURS}{name}" for name in ("mode", "priority", "timeout-seconds", "required-quality", "stream")
)
_LONGEST_NAME = 60


def extras_of(headers: Mapping[str, str], wishes: CcosWishes | None) -> Extras:
    """Raises a Fault that names the header or field that cannot be used, or that there is not."""
    ours = [name for name in headers if name.startswith(OURS)]
    for name in ours:
        if name not in _HEADERS:
            unknown = name[:_LONGEST_NAME]
            raise bad(f"There is no header '{unknown}'; use {', '.join(sorted(_HEADERS))}.", unknown)
    if wishes is None and not ours and "cache-control" not in headers:
        return PLAIN
    given = wishes or CcosWishes()
    mode = _choice(headers, "x-ccos-mode", given.mode, [m.value for m in Mode])
    priority = _choice(headers, "x-ccos-priority", given.priority, list(PRIORITIES))
    streaming = _choice(headers, "x-ccos-stream", given.stream, list(get_args(Streaming)))
    return Extras(
        mode=None if mode is None else Mode(mode),
        priority=Priority.AGENT_WAITING if priority is None else PRIORITIES[priority],
        seconds=_number(
            headers, "x-ccos-timeout-seconds", given.timeout_seconds, SHORTEST_SECONDS, LONGEST_SECONDS
        ),
        required_quality=_number(headers, "x-ccos-required-quality", given.required_quality, 0.0, 1.0),
        streaming="pass-through" if streaming == "pass-through" else "gated",
        cache=_cache(headers.get("cache-control"), given.cache),
    )


def _choice(headers: Mapping[str, str], header: str, given: str | None, known: list[str]) -> str | None:
    value = headers.get(header, given)
    if value is not None and value not in known:
        raise bad(f"'{header}' must be one of {', '.join(known)}.", header)
    return value


def _number(
    headers: Mapping[str, str], header: str, given: float | None, least: float, most: float
) -> float | None:
    said = headers.get(header)
    try:
        value = given if said is None else float(said)
    except ValueError:
        value = float("nan")
    if value is not None and not least <= value <= most:
        raise bad(f"'{header}' must be a number from {least:g} to {most:g}.", header)
    return value


def _cache(header: str | None, given: str | None) -> CacheUse:
    if header is not None:
        asked = {part.strip().lower() for part in header.split(",")}
        return "off" if "no-store" in asked else "refresh" if "no-cache" in asked else "use"
    match given:
        case None | "use":
            return "use"
        case "refresh" | "no-cache":
            return "refresh"
        case "off" | "no-store":
            return "off"
    raise bad("'ccos.cache' must be one of use, refresh, off.", "ccos.cache")
