"""What recent calls say of each provider: breaker, latency, last success. Kept in memory, read by health."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ccos.domain.errors import ProviderError, ProviderRefused
from ccos.tiers.breaker import Breaker
from ccos.tiers.deciding import counts_against_health

LATENCY_WEIGHT = 0.2
"""Share of the newest call in the running mean of seconds (about the last ten calls count)."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """`*_at` are wall-clock seconds since the epoch; `seconds`, `cost_usd` and `quality` running means.

    `reachable` is what the last cheap probe saw, None before the first.
    """

    breaker: Breaker = field(default_factory=Breaker)
    seconds: float | None = None
    cost_usd: float | None = None
    quality: float | None = None
    reachable: bool | None = None
    last_success_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None
    disabled_reason: str | None = None

    def after_success(self, seconds: float, cost_usd: float, at: float) -> Pulse:
        return replace(
            self,
            breaker=self.breaker.after_success(),
            seconds=_mix(self.seconds, seconds),
            cost_usd=_mix(self.cost_usd, cost_usd),
            reachable=True,
            last_success_at=at,
        )

    def after_quality(self, quality: float) -> Pulse:
        return replace(self, quality=_mix(self.quality, quality))

    def after_probe(self, reachable: bool) -> Pulse:
        return replace(self, reachable=reachable)

    def after_failure(self, fault: ProviderError, *, now: float, at: float) -> Pulse:
        """A wrong key disables the provider for this process: only a new key can help."""
        breaker = (
            self.breaker.after_failure(now) if counts_against_health(fault) else self.breaker.after_cancel()
        )
        wrong_key = isinstance(fault, ProviderRefused) and fault.facts.get("status") in (401, 403)
        return replace(
            self,
            breaker=breaker,
            last_error=fault.code,
            last_error_at=at,
            disabled_reason="key.refused" if wrong_key else self.disabled_reason,
        )


def _mix(old: float | None, new: float) -> float:
    return new if old is None else (1.0 - LATENCY_WEIGHT) * old + LATENCY_WEIGHT * new
