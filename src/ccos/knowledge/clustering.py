"""Puts questions that ask the same beside each other: average linkage over the search's own terms.

Pure and deterministic: the same texts in the same order give the same groups, on every machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ccos.knowledge.querying import inverse_frequency, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Likeness = NDArray[np.float32]

ALIKE = 0.14
"""Mean likeness from which two groups are one; docs/knowledge-gaps.md says on what it was tuned."""

WORDS = 0.6
"""What the word terms count against the jamo grams, which forgive a typo and a missing space."""

BACKGROUND = 600
"""Texts without any of the terms that are counted beside: of three that all say the same the words are not
common words, there are only few texts."""

_NEVER = -math.inf


def likeness(texts: Sequence[str]) -> Likeness:
    """How alike each two texts are, in [0, 1]: the mean of two cosines, of word terms and of jamo grams.

    Terms are weighed as search weighs those of a query, times how rare each is among these texts. A text
    without terms is like no other.
    """
    import numpy as np

    asked = [terms(text) for text in texts]
    families = ((WORDS, [each.words for each in asked]), (1 - WORDS, [each.jamo for each in asked]))
    total: Likeness = np.zeros((len(texts), len(texts)), np.float32)
    for share, weights in families:
        _add_cosines(total, share, _units(weights))
    return total


def grouped(alike: Likeness, *, known: Sequence[Sequence[int]] = (), least: float = ALIKE) -> list[list[int]]:
    """Groups of the rows of `alike`, each in ascending order: those of `known` as they grew, then new ones.

    The two most alike are joined until none are as alike as `least`, by the mean over all pairs (average
    linkage, UPGMA; found by nearest-neighbour chains, Murtagh 1983). Groups of `known` are never joined to
    each other, and stay at their places.
    """
    import numpy as np

    taken = {row for group in known for row in group}
    members = [sorted(group) for group in known] + [[n] for n in range(len(alike)) if n not in taken]
    filled = [place for place, group in enumerate(members) if group]
    if not filled:
        return members
    mean = _means(alike, [members[place] for place in filled])
    held = [n for n, place in enumerate(filled) if place < len(known)]
    mean[np.ix_(held, held)] = _NEVER
    np.fill_diagonal(mean, _NEVER)
    for kept, gone in _joins(mean, [len(members[place]) for place in filled], least):
        members[filled[kept]] = sorted(members[filled[kept]] + members[filled[gone]])
        members[filled[gone]] = []
    return members[: len(known)] + [group for group in members[len(known) :] if group]


def heirs(groups: Sequence[Collection[int]], earlier: Sequence[Collection[int]]) -> list[int | None]:
    """For each group the earlier one that it goes on from: the one it has most in common with, each once.

    Of equals the earlier places win. None for a group that is new, or whose earlier one went on elsewhere.
    """
    of = {row: place for place, group in enumerate(earlier) for row in group}
    common = Counter((n, of[row]) for n, group in enumerate(groups) for row in group if row in of)
    found: list[int | None] = [None] * len(groups)
    given: set[int] = set()
    for (n, place), _ in sorted(common.items(), key=lambda each: (-each[1], each[0][1], each[0][0])):
        if found[n] is None and place not in given:
            found[n] = place
            given.add(place)
    return found


def by_typicality(alike: Likeness, group: Sequence[int]) -> list[int]:
    """The rows of a group, those first that are most alike to the rest of it; of equals the earlier."""
    import numpy as np

    total = alike[np.ix_(group, group)].sum(axis=1)
    return [group[n] for n in sorted(range(len(group)), key=lambda n: (-round(float(total[n]), 5), n))]


def _units(texts: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Weights times rarity, of length 1."""
    having = Counter(term for weights in texts for term in weights)
    others = len(texts) + BACKGROUND
    rare = {term: inverse_frequency(others, count) for term, count in having.items()}
    units = []
    for weights in texts:
        weighed = {term: weight * rare[term] for term, weight in weights.items()}
        length = math.sqrt(sum(each * each for each in weighed.values()))
        units.append({term: each / length for term, each in weighed.items()} if length else {})
    return units


def _add_cosines(total: Likeness, share: float, units: Sequence[Mapping[str, float]]) -> None:
    """Adds `share` times each dot product, row by row over the texts that have a term in common."""
    import numpy as np

    rows: dict[str, list[int]] = {}
    values: dict[str, list[float]] = {}
    for n, unit in enumerate(units):
        for term, value in unit.items():
            rows.setdefault(term, []).append(n)
            values.setdefault(term, []).append(value)
    where = {term: np.array(found, np.int64) for term, found in rows.items()}
    what = {term: np.array(found) for term, found in values.items()}
    for n, unit in enumerate(units):
        if unit:
            beside = np.concatenate([where[term] for term in unit])
            shared = np.concatenate([what[term] * value for term, value in unit.items()])
            total[n] += share * np.bincount(beside, shared, minlength=len(units))


def _means(alike: Likeness, groups: Sequence[Sequence[int]]) -> Likeness:
    """The mean likeness over all pairs of each two groups."""
    import numpy as np

    order = np.concatenate([np.array(group, np.int64) for group in groups])
    sizes = np.array([len(group) for group in groups])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    found: Likeness = alike[np.ix_(order, order)]
    if len(found) > len(groups):
        found = np.add.reduceat(np.add.reduceat(found, starts, axis=0), starts, axis=1)
    found /= sizes[:, None].astype(np.float32)
    found /= sizes[None, :].astype(np.float32)
    return found


def _joins(mean: Likeness, sizes: list[int], least: float) -> Iterable[tuple[int, int]]:
    """Pairs to join, one after the other: the second goes into the first. Uses up `mean`."""
    waiting = list(range(len(mean)))[::-1]
    live = [True] * len(mean)
    chain: list[int] = []
    while waiting or chain:
        if not chain:
            chain.append(waiting.pop())
            if not live[chain[-1]]:
                chain.pop()
                continue
        top = chain[-1]
        near = int(mean[top].argmax())
        if len(chain) > 1 and mean[top, chain[-2]] >= mean[top, near]:
            near = chain[-2]
        if mean[top, near] < least:  # nothing will ever be nearer: joining others only brings means down
            live[top] = False
            mean[top, :] = mean[:, top] = _NEVER
            chain.pop()
        elif len(chain) > 1 and near == chain[-2]:
            chain[-2:] = []
            kept, gone = min(top, near), max(top, near)
            whole = sizes[kept] + sizes[gone]
            mean[kept] = (sizes[kept] * mean[kept] + sizes[gone] * mean[gone]) / whole
            mean[kept, kept] = _NEVER
            mean[:, kept] = mean[kept]
            mean[gone, :] = mean[:, gone] = _NEVER
            sizes[kept], live[gone] = whole, False
            waiting.append(kept)
            yield kept, gone
        else:
            chain.append(near)
