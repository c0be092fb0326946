"""A circuit breaker as a value: time comes in as a number, nothing here sleeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens after `trips_after` failures in a row, rests, then lets exactly one probe through.

    Each rest that ends in a failed probe doubles the next, up to `longest_rest_seconds`.
    A probe that never reports back (a killed task) frees its place after one rest.

    Reports name when their call was admitted. While it is open only the probe's report counts: calls that
    were let through before say what was known already, however many of them fail late.
    """

    trips_after: int = 5
    rest_seconds: float = 30.0
    longest_rest_seconds: float = 300.0
    failures: int = 0
    trips: int = 0
    resting_until: float | None = None
    probing_since: float | None = None

    def state(self, now: float) -> State:
        if self.resting_until is None:
            return "closed"
        return "open" if now < self.resting_until else "half_open"

    def allows(self, now: float) -> bool:
        match self.state(now):
            case "closed":
                return True
            case "open":
                return False
            case "half_open":
                return self.probing_since is None or now >= self.probing_since + self._rest(self.trips)

    def admit(self, now: float) -> Self:
        """A call is let through: at half-open it takes the probe's place. Ask `allows` just before."""
        return replace(self, probing_since=now) if self.state(now) == "half_open" else self

    def after_success(self, admitted_at: float) -> Self:
        if not self._counts(admitted_at):
            return self
        return replace(self, failures=0, trips=0, resting_until=None, probing_since=None)

    def after_failure(self, now: float, admitted_at: float) -> Self:
        if not self._counts(admitted_at):
            return self
        failures = self.failures + 1
        if self.resting_until is None and failures < self.trips_after:
            return replace(self, failures=failures)
        trips = self.trips + 1
        until = now + self._rest(trips)
        return replace(self, failures=failures, trips=trips, resting_until=until, probing_since=None)

    def after_nothing(self, admitted_at: float) -> Self:
        """The call ended without a word on the provider's health: if it was the probe, its place is free."""
        return replace(self, probing_since=None) if admitted_at == self.probing_since else self

    def _counts(self, admitted_at: float) -> bool:
        return self.resting_until is None or admitted_at == self.probing_since

    def _rest(self, trips: int) -> float:
        return min(self.rest_seconds * 2.0 ** max(0, min(trips, 32) - 1), self.longest_rest_seconds)
