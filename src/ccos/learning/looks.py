"""When it is worth looking at labels again: every look takes from the confidence of all later ones.

Look j may err with a share delta / (j (j + 1)) of the chance there is (`certifying.at_look`), so the bound
of look j + 1 is drawn at a higher confidence. By the normal approximation the distance between the observed
share p of bad answers and its bound is z * sqrt(p (1 - p) / n), z the quantile of that confidence. With the
same share the bound of the next look is no wider only if labels have grown by (z' / z)^2: 1.67 after the
first look, 1.27 after the second, ever less later. Fewer new labels cannot pay for the look unless they are
of another kind than the old ones. `GROWTH` asks for more than that from the second look on: by a half, the
bound comes nearer by a fifth, and looks grow with the logarithm of the labels and not with them.

How many labels are wanted goes by counts alone and never by what labels say: a look that is taken because the
last labels were good ones would be a test at a moment of its own choosing, and its confidence worth nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Tier
from ccos.learning.certifying import LEAST, LEAST_OF_A_TIER, Rated, at_look, certificates
from ccos.store.certificates import Group, Look
from ccos.store.labels import StoredLabel

GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Due:
    """`looks` are to be taken now. `gone` have too few labels left to be looked at beside those that are, so
    what they had certified ends. `missing` new labels make the next look possible.
    """

    looks: tuple[Look, ...]
    gone: tuple[Group, ...]
    missing: int


def due(counted: Iterable[StoredLabel], known: Iterable[Look]) -> Due:
    """What is to be looked at by the labels that count, after the looks there have been."""
    last = {(look.task, look.tier): look for look in known}
    apart: dict[Group, list[StoredLabel]] = {}
    for label in counted:
        for tier in (None, label.tier):
            apart.setdefault((label.task, tier), []).append(label)
    looks, missing = list[Look](), list[int]()
    for (task, tier), those in apart.items():
        before = last.get((task, tier))
        fresh = sum(before is None or label.decided_at > before.labels_until for label in those)
        number = before.number if before else 0
        more = max(wanted(number, len(those) - fresh) - fresh, _least(tier) - len(those))
        if more <= 0:
            looks.append(Look(task, tier, number + 1, len(those), max(each.decided_at for each in those)))
            more = wanted(number + 1, len(those))
        missing.append(more)
    whole = {look.task for look in looks if look.tier is None}
    gone = (
        (task, tier)
        for task, tier in last
        if tier is not None and task in whole and len(apart.get((task, tier), ())) < _least(tier)
    )
    return Due(tuple(looks), tuple(gone), min(missing, default=LEAST))


def certified(
    counted: Iterable[StoredLabel], looks: Sequence[Look], *, scorer: str
) -> tuple[Certificate, ...]:
    """Of each task and tier that is looked at, at the confidence of its look."""
    rated = [Rated(label.task, label.tier, label.quality, label.good) for label in counted]
    found: list[Certificate] = []
    for number in sorted({look.number for look in looks}):
        seen = {(look.task, look.tier) for look in looks if look.number == number}
        made = certificates(rated, scorer=scorer, source="tenant", confidence=at_look(number))
        found += [each for each in made if (each.task, each.tier) in seen]
    return tuple(found)


def _least(tier: Tier | None) -> int:
    return LEAST if tier is None else LEAST_OF_A_TIER


def wanted(look: int, labels: int) -> int:
    """New labels without which the look after number `look`, at so many labels from before, cannot pay."""
    return max(1, math.ceil(labels * (_growth(look) - 1) - 1e-9)) if look else 1


@lru_cache(maxsize=256)
def _growth(look: int) -> float:
    stricter = _quantile(look + 1) / _quantile(look)
    return max(GROWTH, stricter * stricter)


def _quantile(look: int) -> float:
    return NormalDist().inv_cdf(at_look(look))
