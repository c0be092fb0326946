"""Certified thresholds: the laxest quality from which on a promise about answers holds, by labels.

Learn then test with a fixed sequence (Angelopoulos, Bates, Candès, Jordan, Lei: Learn then Test, 2021): the
thresholds are walked from strict to lax, each is tested at level delta = 1 - confidence, and the first one
that fails ends the walk. The family of tests then errs with a chance of at most delta without any
correction, provided that the sequence does not depend on the labels: here it is the order of the qualities
and nothing else, and which of them are tested (`STEP`) goes by counts of answers. The test of one threshold
is exact: of n accepted answers k were bad, and the upper bound of the share of bad ones is the one of Clopper
and Pearson (1934), BetaInv(confidence; k + 1, n - k).

Labels must be like the answers to come: of the same kind of tickets, and not those the scorer was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task, Tier
from ccos.learning.repeats import one_each

CONFIDENCE = 0.9
LEAST = 30
"""The strictest threshold that is tested accepts at least this many labelled answers."""

SPARE = 3
"""The strictest threshold that is tested could pass with so many bad answers among those it accepts, or with
fewer where that would take more than half of the labels: the first to fail ends the walk, and of a high
promise one bad answer among the best would be the end. It goes by counts, as it must.
"""

STEP = 1.05
"""Each threshold that is tested accepts at least so many times as many as the one before. Tested at every
label, a walk ends at its luckiest moment: on public labels steps of 5 % left coverage as it was (within .01,
mostly) and halved the share of promises that broke.
"""

LEAST_OF_A_TIER = 200
"""From so many labels on a task's tier has certificates of its own."""

RECERTIFY_EVERY = 50
"""New labels after which thresholds are certified again."""

LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""The required qualities that are certified: .5, .55 ... .95."""

_DIGITS = 9
"""Qualities closer than this are one: the gate compares them with 1e-9 of slack."""


@dataclass(frozen=True, slots=True)
class Found:
    """The laxest threshold that was certified, with its evidence.

    `threshold` is None, the counts 0 and the bound None, when the labels certify nothing.
    """

    threshold: float | None = None
    accepted: int = 0
    bad: int = 0
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Rated:
    """One labelled answer as a threshold sees it. A negative `quality` is never accepted: it was vetoed.

    Of one `ticket` the answer with the least `turn` is counted, and no other (`repeats.one_each`); without a
    ticket each is.
    """

    task: Task
    tier: Tier | None
    quality: float
    good: bool
    ticket: Hashable = None
    turn: str = ""


def certify(
    qualities: ArrayLike,
    good: ArrayLike,
    *,
    required: float,
    confidence: float = CONFIDENCE,
    least: int = LEAST,
) -> Found:
    """The laxest threshold from which on answers are good with a chance of `required`, with `confidence`.

    Answers of the same quality are accepted or refused together. A negative quality stands for an answer
    that a veto refused: it is never accepted. Raises ValueError for shares that are not inside (0, 1).
    """
    alpha = round(1 - required, 12)
    if not 0 < alpha < 1 or not 0 < confidence < 1:
        raise ValueError("what is required and the confidence must lie between 0 and 1")
    values = np.round(np.asarray(qualities, dtype=float), _DIGITS)
    bad = ~np.asarray(good, dtype=bool)
    kept = values >= 0
    values, bad = values[kept], bad[kept]
    order = np.argsort(-values, kind="stable")
    values, failures = values[order], np.cumsum(bad[order])
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # the last of each run of equals
    room = allowed(len(values), alpha, confidence)
    ends = _walked(ends, max(least, 1))
    ends = ends[ends + 1 >= _patience(room)]
    if not len(ends):
        return Found()
    passed = failures[ends] <= room[ends + 1]
    last = len(ends) if passed.all() else int(np.argmin(passed))
    if not last:
        return Found()
    end = int(ends[last - 1])
    accepted, failed = end + 1, int(failures[end])
    return Found(float(values[end]), accepted, failed, upper_bound(failed, accepted, confidence))


def _patience(room: NDArray[np.int64]) -> int:
    """How many answers the first tested threshold accepts at least; `room` is what `allowed` gives."""
    firsts = [int(np.searchsorted(room, spare)) for spare in range(SPARE + 1)]
    return max(firsts[0], *(first for first in firsts if 2 * first < len(room)), 0)


def _walked(ends: NDArray[np.intp], least: int) -> NDArray[np.intp]:
    """Those of the possible last places that are tested: `least` accepted at first, then in steps."""
    if not len(ends) or ends[-1] + 1 < least:
        return ends[:0]
    steps = 1 + math.ceil(math.log((ends[-1] + 1) / least) / math.log(STEP))
    wanted = least * STEP ** np.arange(steps)
    places = np.searchsorted(ends + 1, wanted - 1e-9)
    return ends[np.unique(places[places < len(ends)])]


def certificates(
    rated: Iterable[Rated],
    *,
    scorer: str,
    source: Literal["shipped", "tenant"],
    confidence: float = CONFIDENCE,
    levels: Sequence[float] = LEVELS,
) -> tuple[Certificate, ...]:
    """Of each task, and of each of its tiers that has enough labels, a certificate for each level.

    Tickets are what is independent, so a certificate's labels are of one answer each.
    """
    every = list(rated)
    apart: dict[tuple[Task, Tier | None], list[Rated]] = {}
    for one in every:
        apart.setdefault((one.task, None), []).append(one)
        if one.tier is not None:
            apart.setdefault((one.task, one.tier), []).append(one)
    counted = {key: _trials(those) for key, those in apart.items()}
    return tuple(
        _certificate(task, tier, level, those, scorer, source, confidence)
        for (task, tier), those in sorted(counted.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        if tier is None or len(those) >= LEAST_OF_A_TIER
        for level in levels
    )


def _trials(rated: Sequence[Rated]) -> list[Rated]:
    places = one_each([one.ticket for one in rated], [one.turn for one in rated])
    return [rated[place] for place in places]


def _certificate(
    task: Task,
    tier: Tier | None,
    required: float,
    rated: Sequence[Rated],
    scorer: str,
    source: Literal["shipped", "tenant"],
    confidence: float,
) -> Certificate:
    found = certify(
        [one.quality for one in rated],
        [one.good for one in rated],
        required=required,
        confidence=confidence,
    )
    return Certificate(
        task=task,
        tier=tier,
        required=required,
        threshold=found.threshold,
        labels=len(rated),
        accepted=found.accepted,
        bad=found.bad,
        risk_bound=found.bound,
        scorer=scorer,
        source=source,
        confidence=confidence,
    )


def at_look(look: int, confidence: float = CONFIDENCE) -> float:
    """The confidence to certify with at look number `look` (from 1), so that all looks together keep it.

    Bonferroni with weights: look j may err with delta / (j (j + 1)), and these shares sum to delta however
    often one looks. A threshold that was certified at any look is then broken with at most delta.
    """
    if look < 1:
        raise ValueError("looks are counted from 1")
    return 1 - (1 - confidence) / (look * (look + 1))


def least_labels(required: float, confidence: float = CONFIDENCE) -> int:
    """Accepted answers without which nothing is certified even when all are good: 5, 7, 11, 22 for .6 to .9.

    From required^n <= 1 - confidence, the bound of no bad one among n.
    """
    return math.ceil(math.log(1 - confidence) / math.log(required) - 1e-9)


def upper_bound(bad: int, count: int, confidence: float = CONFIDENCE) -> float:
    """Of the share of bad ones (Clopper and Pearson): the p with P(Bin(count, p) <= bad) = 1 - confidence."""
    if bad >= count:
        return 1.0
    low, high = bad / count, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if at_most(bad, count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def at_most(k: int, n: int, p: float) -> float:
    """P(Bin(n, p) <= k), summed in logarithms."""
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    steps = np.arange(1, k + 1)
    terms = np.cumsum(np.log((n - steps + 1) / steps)) + steps * math.log(p / (1 - p))
    logs = n * math.log1p(-p) + np.concatenate(([0.0], terms))
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def allowed(most: int, alpha: float, confidence: float = CONFIDENCE) -> NDArray[np.int64]:
    """For n = 0 .. `most`: how many of n may be bad for a bound of `alpha`; -1 where n is too few."""
    room = 1 << max(9, (most - 1).bit_length())  # tables of a few lengths serve all calls
    return _allowed(room, alpha, confidence)[: most + 1]


@lru_cache(maxsize=64)
def _allowed(most: int, alpha: float, confidence: float) -> NDArray[np.int64]:
    """Steps from n to n + 1, where at most one more may be bad: keeps P(X <= k) and P(X = k) as it goes."""
    delta = round(1 - confidence, 12)
    table = np.full(most + 1, -1, dtype=np.int64)
    k, below, exact = -1, 0.0, 0.0
    for n in range(1, most + 1):
        if k < 0:
            following = (1 - alpha) ** n
        else:
            below -= alpha * exact
            exact *= (1 - alpha) * n / (n - k)
            following = exact * (n - k) / (k + 1) * alpha / (1 - alpha)
        if below + following <= delta + 1e-12:
            k, below, exact = k + 1, below + following, following
        table[n] = k
    table.flags.writeable = False
    return table
