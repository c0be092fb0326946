"""Inference that holds at every moment: who looks after each ticket is fooled no more often than promised.

The mixture sequential probability ratio test of Johari, Koomen, Pekelis, Walsh (Always Valid Inference:
Continuous Monitoring of A/B Tests, Operations Research 2022), in the form for estimates that are nearly
normal (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic
confidence sequences, 2024; Howard, Ramdas, McAuliffe, Sekhon: Time-uniform, nonparametric, nonasymptotic
confidence sequences, Annals of Statistics 2021). With an estimate d of variance V, and effects mixed by a
normal of mean 0 and standard deviation t, the evidence against "no difference" is

    L = sqrt(V / (V + t^2)) * exp(t^2 d^2 / (2 V (V + t^2)))

and the chance that it ever reaches 1/a is at most a. It is normal only when both arms have some drafts:
nothing is said before `LEAST` of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

LEAST = 30
"""Decided drafts an arm must have before anything is said of it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An estimated `effect` and the variance of that estimate."""

    effect: float
    variance: float


def log_evidence(found: Difference, *, spread: float) -> float:
    """The logarithm of L. `spread` is t, the size of effects to look for: best where the truth is near it."""
    if found.variance <= 0:
        return 0.0
    v, tt = found.variance, spread * spread
    return 0.5 * math.log(v / (v + tt)) + tt * found.effect**2 / (2 * v * (v + tt))


def reach(variance: float, *, spread: float, alpha: float) -> float:
    """How far the interval goes to each side of the estimate: where L would be 1/alpha."""
    if variance <= 0:
        return math.inf
    v, tt = variance, spread * spread
    return math.sqrt(2 * v * (v + tt) / tt * (math.log(1 / alpha) + 0.5 * math.log((v + tt) / v)))


def log_harm(excess: Difference, *, spread: float) -> float:
    """Evidence that `excess` is above 0, one-sided: the same with only the positive half of the mixture.

    L = 2 sqrt(V / (V + t^2)) exp(t^2 d^2 / (2 V (V + t^2))) Phi(t d / sqrt(V (V + t^2))): Howard, Ramdas,
    McAuliffe, Sekhon: Time-uniform Chernoff bounds via nonnegative supermartingales, 2020, one-sided normal
    mixture. Under any excess of at most 0 it reaches 1/a with a chance of at most a.
    """
    if excess.variance <= 0:
        return 0.0
    v, tt = excess.variance, spread * spread
    lean = spread * excess.effect / math.sqrt(v * (v + tt))
    return math.log(2) + log_evidence(excess, spread=spread) + _log_below(lean)


def _log_below(z: float) -> float:
    """The logarithm of the normal's share below z; far below by its tail, which floats cannot hold."""
    if z > -30:
        return math.log(math.erfc(-z / math.sqrt(2)) / 2)
    return -z * z / 2 - math.log(-z * math.sqrt(2 * math.pi)) - 1 / (z * z)


def p_value(log_likelihood: float) -> float:
    """Of the most evidence seen so far; it never grows, and may be read at any moment."""
    return min(1.0, math.exp(-log_likelihood)) if log_likelihood > 0 else 1.0


def wanted(
    variances: tuple[float, float],
    parts: tuple[float, float],
    *,
    effect: float,
    alpha: float,
    power: float = 0.8,
) -> int:
    """How many drafts, both arms together, until such an effect would show with that chance.

    `variances` are those of one outcome in each arm, `parts` each arm's part of the drafts.
    """
    beyond = NormalDist().inv_cdf(power)

    def shows(n: float) -> bool:
        variance = sum(one / (part * n) for one, part in zip(variances, parts, strict=True))
        return reach(variance, spread=effect, alpha=alpha) + beyond * math.sqrt(variance) <= effect

    if sum(variances) <= 0:
        return 0
    high = 1.0
    while not shows(high) and high < 1e12:
        high *= 2
    low = high / 2
    while high - low > max(1.0, 1e-3 * high):
        middle = (low + high) / 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return math.ceil(high)
