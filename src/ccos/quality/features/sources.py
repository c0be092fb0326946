"""A text an answer may stand on, worked out once: what words it has, where, and how they follow each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from ccos.quality.features.text import Word, chains, letters, shared_start, shingles, words
from ccos.quality.folding import sentences

SOURCE_CHARACTERS = 20_000
"""How much of one source is read: a passage is a tenth of it."""

SHINGLE = 5
MOST_PLACES = 16
"""Sentences one word is looked for in: it bounds the time when all sentences are alike."""

_BLANKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Source:
    """`places` says in which sentences a piece of a word is; `starts` groups stems by their first letters."""

    sentences: tuple[str, ...]
    weights: tuple[float, ...]
    stems: frozenset[str]
    places: Mapping[str, tuple[int, ...]]
    starts: Mapping[str, tuple[str, ...]]
    pairs: frozenset[tuple[str, ...]]
    triples: frozenset[tuple[str, ...]]
    shingles: frozenset[str]

    def supports(self, word: Word) -> float:
        """How much of a word is here, from 0 to 1: all of it, its pairs of syllables, or how it begins."""
        if word.stem in self.stems:
            return 1.0
        size = len(word.stem)
        if size < 2 or not word.stem.isalpha():
            return 0.0
        share = 0.0
        if len(word.pieces) > 1 or size == 2:
            share = sum([piece in self.places for piece in word.pieces]) / len(word.pieces)
        spelt = letters(word.stem)
        near = self.starts.get(spelt[:_SAME_START])
        if near is None or share == 1.0:
            return share
        begins = max([shared_start(spelt, other) for other in near]) / len(spelt)
        return max(share, begins if begins >= _ENOUGH else 0.0)


_SAME_START = 3
_ENOUGH = 0.5


def source(text: str) -> Source:
    """What there is to know of `text`, folded and in lower case; linear in its length."""
    text = text[:SOURCE_CHARACTERS]
    told = [text[start:end] for start, end in sentences(text)]
    each = [words(sentence) for sentence in told]
    all_words = [word for sentence in each for word in sentence]
    places: dict[str, list[int]] = {}
    for n, sentence in enumerate(each):
        for piece in {piece for word in sentence for piece in (word.stem, *word.pieces)}:
            known = places.setdefault(piece, [])
            if len(known) < MOST_PLACES:
                known.append(n)
    starts: dict[str, list[str]] = {}
    stems = dict.fromkeys(word.stem for word in all_words)
    for stem in stems:
        spelt = letters(stem)
        known_starts = starts.setdefault(spelt[:_SAME_START], [])
        if len(known_starts) < MOST_PLACES:
            known_starts.append(spelt)
    in_order = [word.stem for word in all_words]
    return Source(
        sentences=tuple(told),
        weights=tuple(sum(word.weight for word in sentence) for sentence in each),
        stems=frozenset(stems),
        places={piece: tuple(found) for piece, found in places.items()},
        starts={start: tuple(found) for start, found in starts.items()},
        pairs=frozenset(chains(in_order, 2)),
        triples=frozenset(chains(in_order, 3)),
        shingles=frozenset(shingles(squeezed(text), SHINGLE)),
    )


@lru_cache(maxsize=256)
def passage_source(text: str) -> Source:
    """Likewise, remembered: passages of the knowledge base are retrieved again and again.

    Only for these: texts of tickets and similar cases are kept nowhere.
    """
    return source(text)


def squeezed(text: str) -> str:
    """Letters and digits alone."""
    return _BLANKS.sub("", text)


def best_sentence(sources: Iterable[Source], said: Iterable[Word]) -> str:
    """The sentence of the sources that shares most with what is said, "" when none shares anything."""
    pieces = {piece: word.weight for word in said for piece in (word.stem, *word.pieces)}
    best, most = "", 0.0
    for known in sources:
        shared: dict[int, float] = {}
        for piece, weight in pieces.items():
            for n in known.places.get(piece, ()):
                shared[n] = shared.get(n, 0.0) + weight
        for n, weight in shared.items():
            relative = weight / (4.0 + known.weights[n])
            if relative > most:
                best, most = known.sentences[n], relative
    return best


def first(texts: Iterable[str], most: int) -> Iterator[str]:
    return islice((text for text in texts if text.strip()), most)
