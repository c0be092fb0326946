"""What recent calls say of each provider: breaker, latency, last success. Kept in memory, read by health."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ccos.domain.errors import ProviderBusy, ProviderError, ProviderRefused
from ccos.tiers.breaker import Breaker
from ccos.tiers.deciding import counts_against_health

LATENCY_WEIGHT = 0.2
"""Share of the newest call in the running mean of seconds (about the last ten calls count)."""


BUSY_SECONDS, LONGEST_BUSY_SECONDS = 1.0, 300.0
"""How long a provider that asks to slow down rests when it names no time, and at most."""


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
    busy_until: float = 0.0

    def admit(self, now: float) -> Pulse:
        return replace(self, breaker=self.breaker.admit(now))

    def after_success(self, seconds: float, cost_usd: float, *, at: float, admitted_at: float) -> Pulse:
        return replace(
            self,
            breaker=self.breaker.after_success(admitted_at),
            seconds=_mix(self.seconds, seconds),
            cost_usd=_mix(self.cost_usd, cost_usd),
            reachable=True,
            last_success_at=at,
        )

    def after_quality(self, quality: float) -> Pulse:
        return replace(self, quality=_mix(self.quality, quality))

    def after_probe(self, reachable: bool) -> Pulse:
        return replace(self, reachable=reachable)

    def after_cancel(self, admitted_at: float) -> Pulse:
        return replace(self, breaker=self.breaker.after_nothing(admitted_at))

    def after_failure(self, fault: ProviderError, *, now: float, at: float, admitted_at: float) -> Pulse:
        """A wrong key disables the provider for this process: only a new key can help.

        One that asks to slow down is left alone for as long as it says, within reason.
        """
        counts = counts_against_health(fault)
        breaker = (
            self.breaker.after_failure(now, admitted_at)
            if counts
            else self.breaker.after_nothing(admitted_at)
        )
        busy_until = self.busy_until
        if isinstance(fault, ProviderBusy):
            asked = float(fault.facts.get("retry_after_seconds") or BUSY_SECONDS)
            busy_until = now + min(asked, LONGEST_BUSY_SECONDS)
        wrong_key = isinstance(fault, ProviderRefused) and fault.facts.get("status") in (401, 403)
        return replace(
            self,
            breaker=breaker,
            busy_until=busy_until,
            last_error=fault.code,
            last_error_at=at,
            disabled_reason="key.refused" if wrong_key else self.disabled_reason,
        )


def _mix(old: float | None, new: float) -> float:
    return new if old is None else (1.0 - LATENCY_WEIGHT) * old + LATENCY_WEIGHT * new
