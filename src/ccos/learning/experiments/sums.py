"""What analyses need of many drafts: additive sums, so that any moment is a running total."""

from __future__ import annotations

from typing import NamedTuple


class Sums(NamedTuple):
    """Of an outcome y and of what was expected of it, x."""

    n: int = 0
    y: float = 0.0
    yy: float = 0.0
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def plus(self, y: float, x: float = 0.0) -> Sums:
        n, sy, syy, sx, sxx, sxy = self
        return Sums(n + 1, sy + y, syy + y * y, sx + x, sxx + x * x, sxy + x * y)

    @property
    def mean(self) -> float:
        return self.y / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of one outcome, by n - 1; 0 for fewer than two."""
        return _spread(self.n, self.y, self.yy)

    @property
    def variance_of_x(self) -> float:
        return _spread(self.n, self.x, self.xx)

    @property
    def covariance(self) -> float:
        return (self.xy - self.x * self.y / self.n) / (self.n - 1) if self.n > 1 else 0.0


def _spread(n: int, total: float, squares: float) -> float:
    return max((squares - total * total / n) / (n - 1), 0.0) if n > 1 else 0.0
