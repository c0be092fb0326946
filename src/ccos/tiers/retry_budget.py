"""A bound on second tries: a retry storm is never larger than a share of the calls that caused it."""

from __future__ import annotations

import time
from collections.abc import Callable

_ROUNDING = 1e-9


class RetryBudget:
    """A token bucket: each first call earns `share` of a retry, each quick retry or hedge spends one.

    Beside that `minimum_per_second` flows in, so that a lone call may be tried again on a quiet day. `most`
    is what can be saved up, and what there is at the start: hours of healthy calls buy no storm. The scheme
    is that of Finagle's RetryBudget; the share of a tenth is that of "Handling Overload" in Google's Site
    Reliability Engineering (2016), chapter 21.
    """

    def __init__(
        self,
        share: float = 0.1,
        minimum_per_second: float = 0.5,
        *,
        most: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._minimum_per_second = minimum_per_second
        self._most = most
        self._clock = clock
        self._tokens = most
        self._filled_at = clock()

    def earn(self) -> None:
        """A first call is made."""
        self._add(self._share)

    def spend(self) -> bool:
        """Whether one more try may be made; if so, it is paid for."""
        self._add(0.0)
        if self._tokens < 1.0 - _ROUNDING:
            return False
        self._tokens = max(self._tokens - 1.0, 0.0)
        return True

    def _add(self, tokens: float) -> None:
        now = self._clock()
        tokens += max(now - self._filled_at, 0.0) * self._minimum_per_second
        self._filled_at = now
        self._tokens = min(self._tokens + tokens, self._most)
