"""The health of the tiers, told from memory: nothing here waits on anyone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.tiers.pulse import Pulse

HEALTHY_ENOUGH = 2
"""So many healthy tiers make the whole healthy; with fewer it is degraded, with none down."""


def health(seen: Iterable[tuple[ProviderCard, Pulse]], *, now: float, at: datetime) -> dict[str, Any]:
    """The document of `GET /api/health/llm-tiers`. `now` is the breakers' clock, `at` the time shown."""
    by_tier: dict[Tier, list[tuple[ProviderCard, Pulse]]] = {tier: [] for tier in Tier}
    for card, pulse in seen:
        by_tier[card.tier].append((card, pulse))
    tiers = {tier.value: _tier(found, now) for tier, found in by_tier.items()}
    healthy = sum(t["status"] == "healthy" for t in tiers.values())
    overall = "healthy" if healthy >= HEALTHY_ENOUGH else "degraded" if healthy else "down"
    return {
        "overall_status": overall,
        "healthy_tiers": f"{healthy}/{len(tiers)}",
        "tiers": tiers,
        "timestamp": at.isoformat(),
    }


def _tier(found: Sequence[tuple[ProviderCard, Pulse]], now: float) -> dict[str, Any]:
    """A tier is as healthy as its healthiest provider."""
    if not found:
        return {"status": "disabled", "latency": None, "quality_score": None, "cost": None, "breaker": None,
                "last_success": None, "providers": []}  # fmt: skip
    providers = [_provider(card, pulse, now) for card, pulse in found]
    best = min(providers, key=lambda p: p["status"] != "healthy")
    return {**{key: best[key] for key in _SHOWN if key in best}, "providers": providers}


_SHOWN = ("status", "latency", "quality_score", "cost", "error", "breaker", "last_success")


def _provider(card: ProviderCard, pulse: Pulse, now: float) -> dict[str, Any]:
    breaker = pulse.breaker.state(now)
    healthy = pulse.disabled_reason is None and breaker != "open" and pulse.reachable is not False
    error = pulse.disabled_reason or (None if healthy else pulse.last_error or "provider.unreachable")
    shown: dict[str, Any] = {
        "provider": card.name,
        "model": card.model,
        "status": "healthy" if healthy else "unhealthy",
        "latency": pulse.seconds,
        "quality_score": pulse.quality,
        "cost": pulse.cost_usd,
        "breaker": breaker,
        "last_success": _time(pulse.last_success_at),
    }
    return {**shown, "error": error} if error else shown


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
