"""Less noise by what was known before: an outcome is compared with what was expected of its ticket.

CUPED (Deng, Xu, Kohavi, Walker: Improving the Sensitivity of Online Controlled Experiments by Utilizing
Pre-Experiment Data, WSDM 2013): y - theta (x - mean of x), with theta = cov(x, y) / var(x) over both arms. As
x is known before a ticket has an arm, the difference between arms stays what it was and its variance falls by
the share corr(x, y)^2.
"""

from __future__ import annotations

from collections.abc import Sequence

from ccos.learning.experiments.sequential import Difference
from ccos.learning.experiments.sums import Sums


def theta(arms: Sequence[Sums]) -> float:
    """Pooled within arms, so that an effect of the arms is not taken for one of x; 0 where x says nothing."""
    freedom = sum(max(arm.n - 1, 0) for arm in arms)
    spread = sum(arm.variance_of_x * (arm.n - 1) for arm in arms if arm.n > 1)
    if not freedom or spread <= 1e-12 * freedom:
        return 0.0
    return sum(arm.covariance * (arm.n - 1) for arm in arms if arm.n > 1) / spread


def variance_left(arm: Sums, by: float) -> float:
    """Of one adjusted outcome of an arm."""
    return max(arm.variance - 2 * by * arm.covariance + by * by * arm.variance_of_x, 0.0)


def difference(control: Sums, arm: Sums, by: float = 0.0) -> Difference:
    """How much higher the mean of `arm` is, adjusted by `by`; 0 compares the plain means.

    The variance seen is raised by that of one more outcome in n that differs: three hundred approvals in a
    row are no proof that every draft is approved, and of few drafts the variance is itself not well known.
    """
    if not control.n or not arm.n:
        return Difference(0.0, 0.0)
    effect = arm.mean - control.mean - by * (arm.x / arm.n - control.x / control.n)
    size = max(control.yy / control.n, arm.yy / arm.n)
    return Difference(effect, sum(variance_of_mean(each, size, by) for each in (control, arm)))


def variance_of_mean(arm: Sums, size: float, by: float = 0.0) -> float:
    """Of the mean of an arm's adjusted outcomes, whose squares are about `size`."""
    return (variance_left(arm, by) + size / (arm.n + 1)) / arm.n if arm.n else 0.0


def variance_cut(arms: Sequence[Sums], by: float) -> float:
    """The share of the variance that the adjustment takes away."""
    before = sum(arm.variance * arm.n for arm in arms)
    after = sum(variance_left(arm, by) * arm.n for arm in arms)
    return max(1.0 - after / before, 0.0) if before > 0 else 0.0
