"""A circuit breaker as a value: time and jitter come in as numbers, nothing here sleeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

State = Literal["closed", "open", "half_open"]

BUCKET_SECONDS, BUCKETS = 10.0, 6
"""The window that the share of bad calls is taken over: the last 50 to 60 seconds."""
LEAST_CALLS, BAD_SHARE = 20, 0.5
JITTER = 0.2
"""A rest is up to this share longer or shorter: breakers that opened together do not probe together."""
PROBE_SECONDS = 45.0
"""When a probe that never reported back frees its place. No call that leaves the machine takes longer."""
LOCAL_PROBE_SECONDS = 660.0
"""The same for who is slow by nature: a batch of drafts gives a local model up to 600 s for one call."""
RECOVERED_CALLS, RECOVERY_SECONDS = 16, 30.0
"""After the probe's success calls come back in steps, up to so many at once, or until the time is over."""


class Bucket(NamedTuple):
    """What was reported in one stretch of BUCKET_SECONDS, by its number."""

    number: int
    calls: int
    bad: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens on failures in a row or on a bad share of many calls, rests, then lets exactly one probe through.

    It opens after `trips_after` failures in a row, or when of the window's calls (at least LEAST_CALLS) half
    were bad. A call is bad when it failed or when its first words came late. A slow success ends the row, for
    the provider does answer; but a probe that is slow has not shown that it can be used again.

    Each rest that ends in a failed probe doubles the next, up to `longest_rest_seconds`. The longest is short
    on purpose: a provider that came back is in use again half a minute later, and a probe costs one request.
    After a good probe it is closed, but only 2 calls at once are let in, one more with each good one: the
    requests that waited out the outage do not all fall on a provider that has just stood up.

    Reports name when their call was admitted. A call that was let in before it opened says nothing later: it
    tells what was known already. What was let in after the rest is a probe, and its report counts, even when
    it took so long that its place went to another meanwhile. Once one of two such has reported, the other is
    an old call, so a failure doubles the rest once. `probe_seconds` is longer than a call may take, so that
    two are rare.

    Times are only ever compared over short spans that lie behind `now`. So a clock that jumps, either way,
    ends a rest, a recovery or a probe's claim early, and at worst costs a probe.
    """

    trips_after: int = 5
    rest_seconds: float = 5.0
    longest_rest_seconds: float = 25.0
    probe_seconds: float = PROBE_SECONDS
    failures: int = 0
    trips: int = 0
    window: tuple[Bucket, ...] = ()
    opened_at: float | None = None
    rests_for: float = 0.0
    probing_since: float | None = None
    closed_at: float | None = None
    ramp: int = 0
    in_flight: int = 0

    def state(self, now: float) -> State:
        if self.opened_at is None:
            return "closed"
        return "open" if _within(now, self.opened_at, self.rests_for) else "half_open"

    def allows(self, now: float) -> bool:
        match self.state(now):
            case "closed":
                return not self.recovering(now) or self.in_flight < self.ramp
            case "open":
                return False
            case "half_open":
                return not self.probing(now)

    def probing(self, now: float) -> bool:
        """Whether a probe is on its way."""
        return self.probing_since is not None and _within(now, self.probing_since, self.probe_seconds)

    def recovering(self, now: float) -> bool:
        """Whether it has closed just now and lets in no more than `ramp` calls at once."""
        return self.ramp > 0 and self.closed_at is not None and _within(now, self.closed_at, RECOVERY_SECONDS)

    def seconds_left(self, now: float) -> float:
        """Seconds until the rest is over; 0 when there is none."""
        if self.opened_at is None or self.state(now) != "open":
            return 0.0
        return self.opened_at + self.rests_for - now

    @property
    def longest_seconds(self) -> float:
        """No rest is longer, jitter included."""
        return self.longest_rest_seconds * (1.0 + JITTER)

    def admit(self, now: float) -> Self:
        """A call is let through: at half-open it takes the probe's place. Ask `allows` just before."""
        if self.state(now) == "half_open":
            return replace(self, probing_since=now)
        return replace(self, in_flight=self.in_flight + 1) if self.recovering(now) else self

    def after_success(
        self, admitted_at: float, *, now: float | None = None, slow: bool = False, jitter: float = 0.0
    ) -> Self:
        """`slow`: its first words came late. `now` may be left out where no time has passed."""
        now = admitted_at if now is None else now
        if self._is_late(now, admitted_at):
            return self
        if self.opened_at is not None:
            return self._open(now, jitter) if slow else self._close(now)
        counted = self._counted(now, bad=slow)._give_back(now)
        counted = replace(counted, failures=0)
        if slow:
            return counted._open(now, jitter) if counted._mostly_bad else counted
        if not counted.recovering(now):
            return counted
        ramp = counted.ramp + 1
        return replace(counted, ramp=ramp) if ramp < RECOVERED_CALLS else counted._recovered()

    def after_failure(self, now: float, admitted_at: float, jitter: float = 0.0) -> Self:
        """`jitter` in [-1, 1] makes the rest up to JITTER shorter or longer."""
        if self._is_late(now, admitted_at):
            return self
        if self.opened_at is not None:
            return self._open(now, jitter)
        counted = self._counted(now, bad=True)._give_back(now)
        counted = replace(counted, failures=counted.failures + 1)
        trips = counted.failures >= self.trips_after or counted._mostly_bad
        return counted._open(now, jitter) if trips else counted

    def after_nothing(self, admitted_at: float) -> Self:
        """The call ended without a word on the provider's health: the place it took is free again."""
        if admitted_at == self.probing_since:
            return replace(self, probing_since=None)
        in_recovery = self.ramp > 0 and self.closed_at is not None and admitted_at >= self.closed_at
        return replace(self, in_flight=max(self.in_flight - 1, 0)) if in_recovery else self

    def after_claim_lost(self, now: float, seconds: float) -> Self:
        """Another process sends the probe: ours is taken back, and its end is looked at after `seconds`."""
        if self.opened_at is None:
            return self
        return replace(self, opened_at=now, rests_for=seconds, probing_since=None)

    def opened_elsewhere(self, now: float, *, seconds: float, trips: int) -> Self:
        """Another process opened it, and `seconds` of its rest are left."""
        rests_for = min(max(seconds, 0.0), self.longest_seconds)
        return replace(self._emptied(), trips=max(trips, 1), opened_at=now, rests_for=rests_for)

    def closed_elsewhere(self, now: float) -> Self:
        """Another process' probe was answered."""
        return self._close(now) if self.opened_at is not None else self

    def _is_late(self, now: float, admitted_at: float) -> bool:
        """Whether the call was let in before the last change of state.

        One that seems to come from the future was let in before the clock was set back.
        """
        if self.opened_at is not None:
            return (
                admitted_at != self.probing_since
                and not self.opened_at + self.rests_for <= admitted_at <= now
            )
        return self.closed_at is not None and admitted_at < self.closed_at <= now

    def _open(self, now: float, jitter: float) -> Self:
        on = self.opened_at is not None or self.recovering(now)
        trips = self.trips + 1 if on else 1
        rest = min(self.rest_seconds * 2.0 ** (min(trips, 32) - 1), self.longest_rest_seconds)
        rests_for = rest * (1.0 + JITTER * max(-1.0, min(jitter, 1.0)))
        return replace(
            self._emptied(), failures=self.failures, trips=trips, opened_at=now, rests_for=rests_for
        )

    def _close(self, now: float) -> Self:
        """What follows is a recovery: `trips` stay, so that a relapse rests longer."""
        return replace(self._emptied(), trips=self.trips, closed_at=now, ramp=2)

    def _recovered(self) -> Self:
        return replace(self, trips=0, ramp=0, in_flight=0)

    def _emptied(self) -> Self:
        return replace(
            self, failures=0, window=(), opened_at=None, rests_for=0.0, probing_since=None, closed_at=None,
            ramp=0, in_flight=0,
        )  # fmt: skip

    def _give_back(self, now: float) -> Self:
        if self.recovering(now):
            return replace(self, in_flight=max(self.in_flight - 1, 0))
        return self._recovered() if self.ramp else self

    def _counted(self, now: float, *, bad: bool) -> Self:
        number = int(now // BUCKET_SECONDS)
        last = self.window[-1].number if self.window else number
        if 0 < last - number < BUCKETS:
            number = last  # reports need not come in the order of their times
        kept = [b for b in self.window if number - BUCKETS < b.number <= number]
        now_bucket = kept.pop() if kept and kept[-1].number == number else Bucket(number, 0, 0)
        kept.append(Bucket(number, now_bucket.calls + 1, now_bucket.bad + bad))
        return replace(self, window=tuple(kept))

    @property
    def _mostly_bad(self) -> bool:
        calls, bad = sum(b.calls for b in self.window), sum(b.bad for b in self.window)
        return calls >= LEAST_CALLS and bad >= BAD_SHARE * calls


def _within(now: float, since: float, seconds: float) -> bool:
    return since <= now < since + seconds
