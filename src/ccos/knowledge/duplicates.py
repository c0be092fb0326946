"""Passages that say nearly the same, found without comparing each with each.

MinHash (Broder 1997): the smallest of many hashes over a text's shingles agrees between two texts as often
as the share of shingles they have in common. Signatures are cut into bands, and only texts that agree in a
whole band are compared: with 16 bands of 4, of pairs that share 80 % all but one in a few thousand are met.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from ccos.knowledge import korean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIKE = 0.8
"""Share of their shingles that two passages have in common from which they count as the same."""

SHINGLE = 6
"""Letters; a Hangul syllable has two or three."""

SHORTEST = 40
"""Letters below which a passage is a heading or a phrase, alike by nature."""

BANDS, ROWS = 16, 4
MOST_IN_BUCKET = 50
"""Of more texts that agree in a band, a boilerplate that all have, neighbours are compared."""

_PRIME = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Numbers of two texts, the smaller first, and the share they have in common."""

    one: int
    other: int
    share: float


def shingles(text: str) -> frozenset[int]:
    """Hashes of the text's letters, `SHINGLE` in a row, without spaces and punctuation; none when short."""
    letters = korean.squeezed("".join(korean.runs(korean.normalise(text))))
    if len(letters) < SHORTEST:
        return frozenset()
    data = letters.encode("utf-16-le", "replace")
    width = 2 * SHINGLE
    return frozenset(zlib.crc32(data[at : at + width]) for at in range(0, len(data) - width + 1, 2))


def overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard's index; 0 for two empty ones."""
    return len(one & other) / len(one | other) if one or other else 0.0


class Sketches:
    """Texts as they are added, each in 256 bytes; what is alike is then compared as it is."""

    def __init__(self) -> None:
        import numpy as np

        dice = np.random.default_rng(7)
        self._factors = dice.integers(1, _PRIME, (BANDS * ROWS, 1), dtype=np.uint64)
        self._offsets = dice.integers(0, _PRIME, (BANDS * ROWS, 1), dtype=np.uint64)
        self._sketches: dict[int, NDArray[np.uint32]] = {}

    def add(self, number: int, text: str) -> None:
        """Short texts are left out."""
        found = shingles(text)
        if found:
            self._sketches[number] = self._sketch(found)

    def candidates(self) -> set[tuple[int, int]]:
        """Pairs that agree in a band, the smaller number first."""
        found: set[tuple[int, int]] = set()
        for band in range(BANDS):
            buckets: dict[bytes, list[int]] = defaultdict(list)
            for number, sketch in self._sketches.items():
                buckets[sketch[band * ROWS : (band + 1) * ROWS].tobytes()].append(number)
            for numbers in buckets.values():
                if len(numbers) <= MOST_IN_BUCKET:
                    found.update(combinations(sorted(numbers), 2))
                else:
                    ordered = sorted(numbers)
                    found.update(pairwise(ordered))
        return found

    def _sketch(self, found: frozenset[int]) -> NDArray[np.uint32]:
        import numpy as np

        hashes = np.fromiter(found, np.uint64, len(found)) % np.uint64(_PRIME)
        mixed = (self._factors * hashes + self._offsets) % np.uint64(_PRIME)
        sketch: NDArray[np.uint32] = mixed.min(axis=1).astype(np.uint32)
        return sketch


def alike(texts: Iterable[str], least: float = ALIKE) -> list[Pair]:
    """Pairs of nearly the same texts, by their place in `texts`, the most alike first."""
    held = list(texts)
    sketches = Sketches()
    for number, text in enumerate(held):
        sketches.add(number, text)
    return verified(sketches.candidates(), held.__getitem__, least)


def verified(
    candidates: Iterable[tuple[int, int]], text: Callable[[int], str], least: float = ALIKE
) -> list[Pair]:
    """Those of the pairs that share at least so much, the most alike first."""
    pairs = (
        Pair(one, other, overlap(shingles(text(one)), shingles(text(other)))) for one, other in candidates
    )
    return sorted(
        (pair for pair in pairs if pair.share >= least), key=lambda pair: (-pair.share, pair.one, pair.other)
    )
