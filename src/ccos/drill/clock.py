"""The clock of a drill: idle time can be skipped on it, so that nobody sits through a breaker's rest."""

from __future__ import annotations

import time
from collections.abc import Callable


class DrillClock:
    """Real seconds plus those that were skipped. Skip only while no draft is under way."""

    def __init__(self, real: Callable[[], float] = time.monotonic) -> None:
        self._real = real
        self._start = real()
        self.skipped = 0.0

    def __call__(self) -> float:
        return self._real() + self.skipped

    @property
    def elapsed(self) -> float:
        """Seconds since the drill began, skipped ones included."""
        return self._real() - self._start + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += seconds
