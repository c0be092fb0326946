"""Something is said now and then, with how often it was left out: an outage under load makes no flood."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

EVERY_SECONDS = 10.0


class Seldom:
    """Counts by what is said; there should be few different things."""

    def __init__(
        self, seconds: float = EVERY_SECONDS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[tuple[Hashable, ...], tuple[float | None, int]] = {}

    def due(self, *what: Hashable) -> int | None:
        """None when it was said less than `seconds` ago; else how often it was left out since it was."""
        now = self._clock()
        at, left_out = self._said.get(what, (None, 0))
        if at is not None and 0.0 <= now - at < self._seconds:
            self._said[what] = (at, left_out + 1)
            return None
        self._said[what] = (now, 0)
        return left_out
