"""Passages that say nearly the same, found without comparing each with each.

MinHash (Broder 1997): the smallest of many hashes over a text's shingles agrees between two texts as often
as the share of shingles they have in common. Signatures are cut into bands, and only texts that agree in a
whole band are compared: with 16 bands of 4, of pairs that share 80 % all but one in a few thousand are met.
Hashes are multiplied and added modulo 2**64 (Dietzfelbinger 1996): nothing is divided.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
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

MOST_MET = 1_000_000
"""Pairs that are remembered, the first: more come from texts of the same few words."""

_TOLD = 10_000
"""Pairs that are numbers of Python at a time."""

_BASE, _STIR = 0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD
"""Odd numbers without a pattern, to mix by."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Numbers of two texts, the smaller first, and the share they have in common."""

    one: int
    other: int
    share: float


def shingles(text: str) -> frozenset[int]:
    """Hashes of the text's letters, `SHINGLE` in a row, without spaces and punctuation; none when short."""
    return frozenset(_hashes(text).tolist())


def _hashes(text: str) -> NDArray[np.uint64]:
    """One for each place of the text."""
    import numpy as np

    letters = korean.squeezed("".join(korean.runs(korean.normalise(text))))
    if len(letters) < SHORTEST:
        return np.empty(0, np.uint64)
    units = np.frombuffer(letters.encode("utf-16-le", "replace"), np.uint16).astype(np.uint64)
    places = len(units) - SHINGLE + 1
    hashes = np.zeros(places, np.uint64)
    for at in range(SHINGLE):
        hashes = hashes * np.uint64(_BASE) + units[at : at + places]
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(_STIR)
    return hashes ^ (hashes >> np.uint64(33))


def overlap(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard's index; 0 for two empty ones."""
    return len(one & other) / len(one | other) if one or other else 0.0


class Sketches:
    """Texts as they are added, each in 136 bytes; what is alike is then compared as it is."""

    def __init__(self) -> None:
        import numpy as np

        dice, most = np.random.default_rng(7), 2**64 - 1
        shape = BANDS * ROWS, 1
        self._factors = dice.integers(0, most, shape, np.uint64, endpoint=True) | np.uint64(1)
        self._offsets = dice.integers(0, most, shape, np.uint64, endpoint=True)
        self._numbers = array("Q")
        self._bands = array("Q")

    def add(self, number: int, text: str) -> None:
        """Short texts are left out. Numbers are below 2**32 and grow."""
        hashes = _hashes(text)
        if len(hashes):
            self._numbers.append(number)
            self._bands.frombytes(self._banded(hashes).tobytes())

    def candidates(self) -> list[tuple[int, int]]:
        """Pairs that agree in a band, the smaller number first, in order: the first `MOST_MET`."""
        return list(self.met())

    def met(self) -> Iterator[tuple[int, int]]:
        """The same one after another: texts of the same words make millions, of which few are wanted."""
        import numpy as np

        numbers = np.frombuffer(self._numbers, np.uint64)
        bands = np.frombuffer(self._bands, np.uint64).reshape(-1, BANDS)
        found = np.empty(0, np.uint64)
        for band in bands.T:
            found = np.union1d(found, _met(band, numbers))[:MOST_MET].copy()
        for start in range(0, len(found), _TOLD):
            some = found[start : start + _TOLD]
            yield from zip(
                (some >> np.uint64(32)).tolist(), (some & np.uint64(2**32 - 1)).tolist(), strict=True
            )

    def _banded(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """A number for each band, the same where all its rows are."""
        import numpy as np

        smallest = (self._factors * hashes + self._offsets).min(axis=1).reshape(BANDS, ROWS)
        keys = np.zeros(BANDS, np.uint64)
        for row in smallest.T:
            keys = (keys ^ (row >> np.uint64(32))) * np.uint64(_STIR)
            keys ^= keys >> np.uint64(29)
        return keys


def _met(keys: NDArray[np.uint64], numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Pairs of numbers with the same key, each as one number of 64 bits."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ranked, named = keys[order], numbers[order]
    _, place, size = np.unique(ranked, return_inverse=True, return_counts=True)
    few = size[place] <= MOST_IN_BUCKET
    found = []
    for apart in range(1, min(int(size.max(initial=1)), MOST_IN_BUCKET)):
        same = ranked[apart:] == ranked[:-apart]
        if apart > 1:
            same &= few[apart:]
        if not same.any():
            break
        found.append(named[:-apart][same] << np.uint64(32) | named[apart:][same])
    return np.concatenate(found) if found else np.empty(0, np.uint64)


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
