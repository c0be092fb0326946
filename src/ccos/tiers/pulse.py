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
    """`*_at` are wall-clock seconds since the epoch, `seconds` a running mean over answered calls."""

    breaker: Breaker = field(default_factory=Breaker)
    seconds: float | None = None
    quality: float | None = None
    last_success_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None
    disabled_reason: str | None = None

    def after_success(self, seconds: float, at: float) -> Pulse:
        mean = seconds if self.seconds is None else _mix(self.seconds, seconds)
        return replace(self, breaker=self.breaker.after_success(), seconds=mean, last_success_at=at)

    def after_quality(self, quality: float) -> Pulse:
        mean = quality if self.quality is None else _mix(self.quality, quality)
        return replace(self, quality=mean)

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


def _mix(old: float, new: float) -> float:
    return (1.0 - LATENCY_WEIGHT) * old + LATENCY_WEIGHT * new
