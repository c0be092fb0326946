"""What recent calls say of a deployment: breaker, latency, last success. Kept in memory, read by health."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, inf

from ccos.domain.errors import NoPrice, ProviderBusy, ProviderError, ProviderRefused, ProviderTimeout
from ccos.tiers.breaker import Breaker
from ccos.tiers.deciding import counts_against_health

LATENCY_WEIGHT = 0.2
"""Share of the newest call in the running mean of seconds (about the last ten calls count)."""
KEPT_LATENCIES, LEAST_LATENCIES = 32, 8
"""How many successes the 95th percentile is taken over, and how many it needs to mean anything."""
LOST_RACE_SHARE = 1.25
"""A lost race counts as this many times the time it had: the least the answer would have taken, and some."""
SLOW_FIRST_TOKEN_SECONDS = 8.0
"""First words of a remote provider later than this count against it, though an answer came."""
BUSY_SECONDS, LONGEST_BUSY_SECONDS = 1.0, 300.0
"""How long a provider that asks to slow down rests when it names no time, and at most."""
FORBIDDEN = "provider.forbidden"
"""The `last_error` of a call that was refused with 403."""
LOST_CLAIM_SECONDS = 1.0
"""How soon to look again whether another process' probe was answered."""
SILENT_SECONDS = 5.0
"""Where every slot is taken, this long without one answer is more than a busy moment."""
LONGEST_CALL_SECONDS = 3_600.0
"""A call that seems to have taken longer, or less than nothing, was measured by a clock that jumped."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """`*_at` are wall-clock seconds since the epoch; `seconds`, `first_token`, `cost_usd` and `quality`
    running means; `latencies` the seconds of the last successes and lost races.

    `reachable` is what a cheap probe saw since the last failure that counted, None before it.
    `in_flight` calls are out, and none has been answered since `silent_since` on the breaker's clock.
    `slow_first_token_seconds`: first words later than that are bad; infinite for who is slow by nature.
    """

    breaker: Breaker = field(default_factory=Breaker)
    slow_first_token_seconds: float = SLOW_FIRST_TOKEN_SECONDS
    seconds: float | None = None
    first_token: float | None = None
    latencies: tuple[float, ...] = ()
    cost_usd: float | None = None
    quality: float | None = None
    reachable: bool | None = None
    last_success_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None
    disabled_reason: str | None = None
    busy_until: float = 0.0
    named_until: float = 0.0
    in_flight: int = 0
    silent_since: float = 0.0

    @property
    def p95_seconds(self) -> float | None:
        """95 % of the last calls kept in `latencies` were as fast or faster (nearest rank)."""
        if len(self.latencies) < LEAST_LATENCIES:
            return None
        return sorted(self.latencies)[ceil(0.95 * len(self.latencies)) - 1]

    def busy(self, now: float) -> bool:
        """Whether it asked to be left alone until later. A clock that jumped back makes that no longer."""
        return now < self.busy_until <= now + LONGEST_BUSY_SECONDS

    def comes_back(self, now: float) -> float | None:
        """In how many seconds it asked to be called again; None when it named no moment, or that is over."""
        return self.named_until - now if self.busy(now) and self.named_until == self.busy_until else None

    def silent(self, now: float) -> bool:
        """Whether calls are out and none was answered for longer than it takes. Not asked of who is slow by
        nature: such a one may well need minutes.
        """
        if self.in_flight == 0 or self.slow_first_token_seconds == inf:
            return False
        usual = self.p95_seconds or 2.0 * (self.seconds or 0.0)
        return now - self.silent_since > max(usual, SILENT_SECONDS)

    def admit(self, now: float) -> Pulse:
        return replace(
            self,
            breaker=self.breaker.admit(now),
            in_flight=self.in_flight + 1,
            silent_since=self.silent_since if self.in_flight else now,
        )

    def _back(self) -> int:
        """Calls out when one of them has ended."""
        return max(self.in_flight - 1, 0)

    def after_success(
        self,
        seconds: float,
        cost_usd: float,
        *,
        at: float,
        admitted_at: float,
        first_token_seconds: float | None = None,
        jitter: float = 0.0,
    ) -> Pulse:
        """It answered after `seconds`; `first_token_seconds` None: nobody saw when its first words came."""
        slow = first_token_seconds is not None and first_token_seconds > self.slow_first_token_seconds
        breaker = self.breaker.after_success(admitted_at, now=admitted_at + seconds, slow=slow, jitter=jitter)
        told = replace(
            self,
            breaker=breaker,
            cost_usd=_mix(self.cost_usd, cost_usd),
            reachable=True,
            last_success_at=at,
            in_flight=self._back(),
            silent_since=admitted_at + seconds,
        )
        if not 0.0 <= seconds <= LONGEST_CALL_SECONDS:
            return told
        first = (
            self.first_token if first_token_seconds is None else _mix(self.first_token, first_token_seconds)
        )
        latencies = _kept(self.latencies, seconds)
        return replace(told, seconds=_mix(self.seconds, seconds), first_token=first, latencies=latencies)

    def after_quality(self, quality: float) -> Pulse:
        return replace(self, quality=_mix(self.quality, quality))

    def after_probe(self, reachable: bool) -> Pulse:
        return replace(self, reachable=reachable)

    def after_cancel(
        self, admitted_at: float, *, now: float | None = None, jitter: float = 0.0, at: float | None = None
    ) -> Pulse:
        """Its caller went away: as bad as a timeout when it had been silent for too long, else nothing.

        Too long is longer than a whole answer hardly ever takes (the 95th percentile) and than first words
        may take. Whether words had come is not known here; an answer that is still being written after both
        is so late that it does no harm to count it. `now` None: nobody knows how long it was.
        """
        took = 0.0 if now is None else now - admitted_at
        longest = max(self.p95_seconds or 0.0, self.slow_first_token_seconds)
        if now is None or not longest < took <= LONGEST_CALL_SECONDS:
            return replace(self, breaker=self.breaker.after_nothing(admitted_at), in_flight=self._back())
        return self._after_silence(now, admitted_at, jitter, at)

    def after_outrun(
        self, admitted_at: float, *, now: float, jitter: float = 0.0, at: float | None = None
    ) -> Pulse:
        """A rival that set out at this one's 95th percentile was accepted first: as bad as a timeout.

        A provider that is well loses such a race in about 5 % of its calls: five of them in a row come once
        in some million calls, and half of a window's never, so it stays closed. One that hangs loses every
        race and is open after five; counted as nothing, it never would be. What the call would have taken is
        kept among the latencies: without its slowest calls the percentile would sink race by race, and a
        provider that is well would lose nearly all of them. A local model that loses one is not ill.
        """
        took = now - admitted_at
        if self.slow_first_token_seconds == inf or not 0.0 <= took <= LONGEST_CALL_SECONDS:
            return replace(self, breaker=self.breaker.after_nothing(admitted_at), in_flight=self._back())
        told = self._after_silence(now, admitted_at, jitter, at)
        if self.breaker.opened_at is not None:
            return told  # an outage is no measure: its probes would lift the percentile without end
        return replace(told, latencies=_kept(self.latencies, LOST_RACE_SHARE * took))

    def _after_silence(self, now: float, admitted_at: float, jitter: float, at: float | None) -> Pulse:
        return replace(
            self,
            breaker=self.breaker.after_failure(now, admitted_at, jitter),
            reachable=None,
            last_error=ProviderTimeout.code,
            last_error_at=self.last_error_at if at is None else at,
            in_flight=self._back(),
        )

    def after_claim_lost(self, now: float) -> Pulse:
        """Another process sends the probe: the place it had here is given back."""
        breaker = self.breaker.after_claim_lost(now, LOST_CLAIM_SECONDS)
        return replace(self, breaker=breaker, in_flight=self._back())

    def after_failure(
        self, fault: ProviderError, *, now: float, at: float, admitted_at: float, jitter: float = 0.0
    ) -> Pulse:
        """A key that is not known (401) disables the provider for this process: only a new key can help.

        One that is forbidden (403) counts like an outage. A proxy, a firewall or a rule for a region says so
        as well, and that may pass: the breaker rests and asks again.
        One that asks to slow down is left alone for as long as it says, within reason. `jitter` in [-1, 1]
        spreads the breaker's rests.
        """
        forbidden = isinstance(fault, ProviderRefused) and fault.facts.get("status") == 403
        counts = forbidden or counts_against_health(fault)
        breaker = (
            self.breaker.after_failure(now, admitted_at, jitter)
            if counts
            else self.breaker.after_nothing(admitted_at)
        )
        busy_until = _busy_until(fault, now, self.busy_until)
        named = fault.facts.get("retry_after_seconds") is not None
        return replace(
            self,
            breaker=breaker,
            reachable=None if counts else self.reachable,
            busy_until=busy_until,
            named_until=busy_until if named else self.named_until,
            last_error=FORBIDDEN if forbidden else fault.code,
            last_error_at=at,
            disabled_reason=_disables(fault) or self.disabled_reason,
            in_flight=self._back(),
        )


def _disables(fault: ProviderError) -> str | None:
    if isinstance(fault, NoPrice):
        return fault.code
    wrong_key = isinstance(fault, ProviderRefused) and fault.facts.get("status") == 401
    return "key.refused" if wrong_key else None


def _busy_until(fault: ProviderError, now: float, before: float) -> float:
    """An overloaded provider may name its time as well (503 with Retry-After)."""
    asked = fault.facts.get("retry_after_seconds")
    if not isinstance(fault, ProviderBusy) and asked is None:
        return before
    return now + min(max(float(asked or BUSY_SECONDS), 0.0), LONGEST_BUSY_SECONDS)


def _kept(latencies: tuple[float, ...], newest: float) -> tuple[float, ...]:
    return (*latencies[-KEPT_LATENCIES + 1 :], newest)


def _mix(old: float | None, new: float) -> float:
    return new if old is None else (1.0 - LATENCY_WEIGHT) * old + LATENCY_WEIGHT * new
