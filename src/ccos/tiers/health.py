"""The health of the tiers, told from memory: nothing here waits on anyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.pulse import FORBIDDEN, Pulse

HEALTHY_ENOUGH = 2
"""So many healthy tiers make the whole healthy; with fewer it is degraded, with none down."""

MESSAGES: Mapping[str, str] = {
    "key.refused": "The provider refused its key; put a valid one into the settings and restart CCOS.",
    FORBIDDEN: "The provider forbids the request (403): look whether its key may use this model, and whether"
    " a proxy, a firewall or a rule for the region stands in between. CCOS keeps asking now and then.",
    "provider.no_price": "No price is known for this model; set CCOS_CLOUD_PRICE_IN and CCOS_CLOUD_PRICE_OUT"
    " and restart CCOS.",
}
"""What a person can do about a provider that is not used, by the reason."""

Load = Mapping[str, tuple[int, int, int]]
"""Of each deployment: calls in flight, the limit of them, calls that wait."""


def health(
    seen: Iterable[tuple[ProviderCard, Pulse]], *, now: float, at: datetime, load: Load | None = None
) -> dict[str, Any]:
    """The document of `GET /api/health/llm-tiers`. `now` is the breakers' clock, `at` the time shown."""
    by_tier: dict[Tier, list[dict[str, Any]]] = {tier: [] for tier in Tier}
    for card, pulse in seen:
        by_tier[card.tier].append(_provider(card, pulse, now, at, (load or {}).get(card.deployment)))
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
_OF_A_PROVIDER = ("provider", "model")


def _tier(providers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A tier is as healthy as its healthiest provider, and disabled only when all of them are."""
    if not providers:
        return {"status": "disabled", "latency": None, "quality_score": None, "cost": None, "breaker": None,
                "last_success": None, "providers": []}  # fmt: skip
    best = min(providers, key=lambda p: _BEST_FIRST.index(p["status"]))
    shown = {name: value for name, value in best.items() if name not in _OF_A_PROVIDER}
    return {**shown, "providers": providers}


def _provider(
    card: ProviderCard, pulse: Pulse, now: float, at: datetime, load: tuple[int, int, int] | None
) -> dict[str, Any]:
    breaker, status = pulse.breaker.state(now), _status(pulse, now)
    shown: dict[str, Any] = {
        "provider": card.name,
        "model": card.model,
        "status": status,
        "latency": pulse.seconds,
        "p95": pulse.p95_seconds,
        "first_token": pulse.first_token,
        "quality_score": pulse.quality,
        "cost": pulse.cost_usd,
        "breaker": breaker,
        "last_success": _time(pulse.last_success_at),
    }
    if status != "healthy":
        said = None if pulse.reachable is False else pulse.last_error
        shown["error"] = pulse.disabled_reason or said or "provider.unreachable"
        if shown["error"] in MESSAGES:
            shown["message"] = MESSAGES[shown["error"]]
    if breaker == "open":
        left = pulse.breaker.seconds_left(now)
        shown |= {
            "retry_in_seconds": round(left, 1),
            "retry_at": (at + timedelta(seconds=left)).isoformat(),
        }
    if load is not None:
        shown |= dict(zip(("in_flight", "limit", "waiting"), load, strict=True))
    return shown


def _status(pulse: Pulse, now: float) -> str:
    """Half-open is no health yet: it takes an answer, or at least a cheap probe that found somebody."""
    if pulse.disabled_reason is not None:
        return "disabled"
    match pulse.breaker.state(now):
        case "open":
            healthy = False
        case "half_open":
            healthy = pulse.reachable is True
        case "closed":
            healthy = pulse.reachable is not False
    return "healthy" if healthy else "unhealthy"


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
