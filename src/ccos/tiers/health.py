"""The health of the tiers, told from memory: nothing here waits on anyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ccos.domain.errors import ProviderBusy
from ccos.domain.money import Level
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.pulse import FORBIDDEN, Pulse

EXHAUSTED, SATURATED = "budget.exhausted", "provider.saturated"
UNREACHABLE, OPEN = "provider.unreachable", "breaker.open"
HEALTHY_ENOUGH = 2
"""So many healthy tiers make the whole healthy; with fewer it is degraded, with none down."""

MESSAGES: Mapping[str, str] = {
    "key.refused": "The provider refused its key; put a valid one into the settings and restart CCOS.",
    FORBIDDEN: "The provider forbids the request (403): look whether its key may use this model, and whether"
    " a proxy, a firewall or a rule for the region stands in between. CCOS keeps asking now and then.",
    "provider.no_price": "No price is known for this model; set CCOS_CLOUD_PRICE_IN and CCOS_CLOUD_PRICE_OUT"
    " and restart CCOS.",
    UNREACHABLE: "Nobody answers at its address; see that its server runs, that this machine reaches it, and"
    " that its key is good. It is looked at again every 20 seconds.",
    EXHAUSTED: "The day's money is used up, so nothing that costs money is asked until the next day begins;"
    " DAILY_LLM_COST_LIMIT sets how much there is.",
    SATURATED: "All calls it gets at once are under way and none was answered for seconds: it may hang.",
}
"""What a person can do about a provider that is not used, by the reason."""

NOT_LOADED = "model.not_loaded"

Load = Mapping[str, tuple[int, int, int]]
"""Of each deployment: calls in flight, the limit of them, calls that wait."""

Notices = Mapping[str, tuple[bool, str]]
"""Of deployments that say so themselves: whether they can answer, and a sentence for people, or none."""


Insides = Mapping[str, Mapping[str, Any]]
"""Of deployments that are made of parts, servers or a process: what is shown of them, by name."""


def health(
    seen: Iterable[tuple[ProviderCard, Pulse]],
    *,
    now: float,
    at: datetime,
    load: Load | None = None,
    money: Level = Level.OK,
    notices: Notices | None = None,
    insides: Insides | None = None,
) -> dict[str, Any]:
    """The document of `GET /api/health/llm-tiers`. `now` is the breakers' clock, `at` the time shown.

    `money` is how far the day's money of everyone has gone: without any, nobody who is paid is of use.
    """
    told = notices or {}
    by_tier: dict[Tier, list[dict[str, Any]]] = {tier: [] for tier in Tier}
    for card, pulse in seen:
        own_load, own = (load or {}).get(card.deployment), told.get(card.deployment, (True, ""))
        inside = (insides or {}).get(card.deployment, {})
        if "local" in inside:  # it says by itself at once whether it is up; the last look may be older
            pulse = replace(pulse, reachable=None)
        shown = _provider(card, pulse, now, at, own_load, money, own)
        by_tier[card.tier].append(shown | dict(inside))
    tiers = {tier.value: _tier(providers) for tier, providers in by_tier.items()}
    healthy = sum(t["status"] == "healthy" for t in tiers.values())
    overall = "healthy" if healthy >= HEALTHY_ENOUGH else "degraded" if healthy else "down"
    return {
        "overall_status": overall,
        "healthy_tiers": f"{healthy}/{len(tiers)}",
        "tiers": tiers,
        "timestamp": at.isoformat(),
    }


_BEST_FIRST = ("healthy", "unhealthy", "disabled")
_OF_A_PROVIDER = ("provider", "model", "servers", "local")


def _tier(providers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A tier is as healthy as its healthiest provider, and disabled only when all of them are."""
    if not providers:
        return {"status": "disabled", "latency": None, "quality_score": None, "cost": None, "breaker": None,
                "last_success": None, "providers": []}  # fmt: skip
    best = min(providers, key=lambda p: _BEST_FIRST.index(p["status"]))
    shown = {name: value for name, value in best.items() if name not in _OF_A_PROVIDER}
    return {**shown, "providers": providers}


def _provider(
    card: ProviderCard,
    pulse: Pulse,
    now: float,
    at: datetime,
    load: tuple[int, int, int] | None,
    money: Level,
    notice: tuple[bool, str],
) -> dict[str, Any]:
    breaker, (ready, words) = pulse.breaker.state(now), notice
    wrong = _wrong(card, pulse, now, load, money) if ready or pulse.disabled_reason else NOT_LOADED
    shown: dict[str, Any] = {
        "provider": card.name,
        "model": card.model,
        "status": "disabled" if pulse.disabled_reason else "unhealthy" if wrong else "healthy",
        "latency": _rounded(pulse.seconds, 3),
        "p95": _rounded(pulse.p95_seconds, 3),
        "first_token": _rounded(pulse.first_token, 3),
        "quality_score": _rounded(pulse.quality, 4),
        "cost": _rounded(pulse.cost_usd, 6),
        "breaker": breaker,
        "last_success": _time(pulse.last_success_at),
    }
    if wrong is not None:
        shown["error"] = wrong
        if wrong in MESSAGES:
            shown["message"] = MESSAGES[wrong]
    if words:
        shown["message"] = words
    rest = pulse.busy_until - now if pulse.busy(now) else 0.0
    if not pulse.disabled_reason and (left := max(pulse.breaker.seconds_left(now), rest)) > 0:
        shown |= {
            "retry_in_seconds": round(left, 1),
            "retry_at": (at + timedelta(seconds=left)).isoformat(),
        }
    if load is not None:
        shown |= dict(zip(("in_flight", "limit", "waiting"), load, strict=True))
    return shown


def _wrong(
    card: ProviderCard, pulse: Pulse, now: float, load: tuple[int, int, int] | None, money: Level
) -> str | None:
    """Why no answer is to be had of it, as a stable code; None when it is healthy.

    Half-open is no health yet, whatever a cheap probe saw: a list of models proves nothing about answers.
    """
    if pulse.disabled_reason is not None:
        return pulse.disabled_reason
    if pulse.breaker.state(now) != "closed":
        said = pulse.last_error or OPEN
        return UNREACHABLE if pulse.reachable is False else said
    if pulse.reachable is False:
        return UNREACHABLE
    if pulse.busy(now):
        return ProviderBusy.code
    if card.paid and money is Level.EXHAUSTED:
        return EXHAUSTED
    full = load is not None and load[0] >= load[1]
    return SATURATED if full and pulse.silent(now) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
