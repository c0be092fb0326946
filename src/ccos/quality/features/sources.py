"""A text worked out once: its words, its clauses and facts, where each word is, and in what order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from ccos.quality.features.clauses import clauses
from ccos.quality.features.cues import Cues, cues, denies, numbers
from ccos.quality.features.stance import Stance, stance
from ccos.quality.features.text import MOST_WORDS, Word, chains, of_passages, shared_start, words
from ccos.quality.folding import sentences
from ccos.quality.quantities import Quantity, quantities

SOURCE_CHARACTERS = 20_000
"""How much of one text is read: a passage is a tenth of it."""

MOST_PLACES = 16
"""Clauses one word is looked for in: it bounds the time when all clauses are alike."""

MOST_NEAR = 12

ALIKE = 0.7
"""What a word of nearly the same meaning counts for."""

_FIGURE = re.compile(r"\d|하루|이틀|사흘|나흘|닷새|엿새|열흘|보름|일주일|[한두세네] ?[달주번해]")
_SAME_START = 3
_ENOUGH = 0.5


@dataclass(frozen=True)
class Clause:
    """One thing that is said, at `start` of its text, in sentence number `sentence`.

    What only some clauses are asked for is worked out when it is asked for.
    """

    text: str
    start: int
    words: tuple[Word, ...]
    weight: float
    sentence: int

    @cached_property
    def denies(self) -> bool:
        return denies(self.text)

    @cached_property
    def stance(self) -> Stance:
        return stance(self.text)


@dataclass(frozen=True)
class Sentence:
    text: str
    clauses: tuple[Clause, ...]
    words: tuple[Word, ...]
    weight: float

    @cached_property
    def cues(self) -> Cues:
        return cues(self.text)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)


class Nearest(NamedTuple):
    """The clause of the sources that something is nearest to, and how near, from 0 to about 1."""

    nearness: float
    source: int
    clause: Clause
    sentence: Sentence


@dataclass(frozen=True)
class Source:
    """`places` says in which clauses a piece of a word is; `starts` groups stems by their first letters;
    `read` are its quantities where they were read before."""

    text: str
    sentences: tuple[Sentence, ...]
    clauses: tuple[Clause, ...]
    words: tuple[Word, ...]
    stems: frozenset[str]
    places: Mapping[str, tuple[int, ...]]
    starts: Mapping[str, tuple[str, ...]]
    read: tuple[Quantity, ...] | None = None

    @cached_property
    def pairs(self) -> frozenset[tuple[str, ...]]:
        return frozenset(chains([word.stem for word in self.words], 2))

    @cached_property
    def triples(self) -> frozenset[tuple[str, ...]]:
        return frozenset(chains([word.stem for word in self.words], 3))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)

    @cached_property
    def stated(self) -> tuple[Quantity, ...]:
        """The numbers, dates, amounts and periods, in order."""
        found: Iterable[Quantity] = () if self.read is None else self.read
        if self.read is None and _FIGURE.search(self.text):
            found = quantities(self.text)
        return tuple(sorted(found, key=lambda fact: fact.start))

    @cached_property
    def facts(self) -> frozenset[str]:
        """The keys of all of them."""
        return frozenset([key for fact in self.stated for key in fact.offers])

    def facts_in(self, clause: Clause) -> list[Quantity]:
        end = clause.start + len(clause.text)
        return [fact for fact in self.stated if clause.start <= fact.start < end]

    def supports(self, word: Word) -> float:
        """How much of a word is here: all, pairs of its syllables, or its start."""
        return 1.0 if word.stem in self.stems else self.partly(word)

    def partly(self, word: Word) -> float:
        """Likewise, of a word that is not here as a whole."""
        pieces, places = word.pieces, self.places
        if len(pieces) == 1:
            share = 1.0 if pieces[0] in places else 0.0
        else:
            hits = 0
            for piece in pieces:
                if piece in places:
                    hits += 1
            share = hits / len(pieces)
        spelt = word.spelt
        near = self.starts.get(spelt[:_SAME_START])
        if near is None or share == 1.0 or spelt[0].isdigit():
            return share
        begins = max([shared_start(spelt, other) for other in near]) / len(spelt)
        return max(share, begins) if begins >= _ENOUGH else share


def source(
    text: str, known: dict[str, Word] | None = None, read: tuple[Quantity, ...] | None = None
) -> Source:
    """What there is to know of `text`, folded and in lower case; linear in its length.

    Words are worked out once for all texts that are given the same `known`. `read` are the quantities of the
    text where somebody has read them already, at the same places.
    """
    lexicon = {} if known is None else known
    text = text[:SOURCE_CHARACTERS]
    told: list[Sentence] = []
    parts: list[Clause] = []
    for start, end in sentences(text):
        mine = [_clause(text, at, to, len(told), lexicon) for at, to in clauses(text, start, end)]
        parts += mine
        found = tuple([word for part in mine for word in part.words])
        told.append(Sentence(text[start:end], tuple(mine), found, sum([part.weight for part in mine])))
    every = [word for sentence in told for word in sentence.words]
    by_stem = {word.stem: word for word in every}
    return Source(
        text=text,
        sentences=tuple(told),
        clauses=tuple(parts),
        words=tuple(every),
        stems=frozenset(by_stem),
        places=_places(parts),
        starts=_starts([word.spelt for word in by_stem.values()]),
        read=read,
    )


@lru_cache(maxsize=256)
def passage_source(text: str) -> Source:
    """Likewise, remembered: passages of the knowledge base are retrieved again and again.

    Only for these: texts of tickets and similar cases are kept nowhere.
    """
    if len(of_passages) > MOST_WORDS:
        of_passages.clear()
    return source(text, of_passages)


def _clause(text: str, start: int, end: int, sentence: int, known: dict[str, Word]) -> Clause:
    found = tuple(words(text[start:end], known))
    return Clause(text[start:end], start, found, sum([word.weight for word in found]), sentence)


def _places(parts: Sequence[Clause]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for n, clause in enumerate(parts):
        pieces: set[str] = set()
        for word in clause.words:
            pieces.add(word.stem)
            pieces.update(word.pieces)
            if word.concept:
                pieces.add(word.concept)
        for piece in pieces:
            known = found.get(piece)
            if known is None:
                found[piece] = [n]
            elif len(known) < MOST_PLACES:
                known.append(n)
    return {piece: tuple(known) for piece, known in found.items()}


def _starts(spellings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for spelt in spellings:
        known = found.setdefault(spelt[:_SAME_START], [])
        if len(known) < MOST_PLACES:
            known.append(spelt)
    return {start: tuple(known) for start, known in found.items()}


def aligned(sources: Sequence[Source], said: Sequence[Word]) -> list[Nearest]:
    """The clauses of the sources that share most with what is said, the nearest first, at most `MOST_NEAR`.

    Figures do not count: it is by its words that one knows what a figure is about.
    """
    own = {word.stem: word for word in said if not word.stem[0].isdigit()}.values()
    weight = 1.0 + sum([word.weight for word in own])
    found: list[tuple[float, int, int]] = []
    for number, known in enumerate(sources):
        shared: dict[int, float] = {}
        for places, counts in _looked_up(own, known.places):
            value = counts / _ROOTS[len(places)]
            for n in places:
                shared[n] = shared.get(n, 0.0) + value
        clauses = known.clauses
        found += [
            (-value / (weight * (1.0 + clauses[n].weight)) ** 0.5, number, n) for n, value in shared.items()
        ]
    found.sort()
    nearest = []
    for nearness, number, n in found[:MOST_NEAR]:
        clause = sources[number].clauses[n]
        nearest.append(Nearest(-nearness, number, clause, sources[number].sentences[clause.sentence]))
    return nearest


_ROOTS = [n**0.5 for n in range(MOST_PLACES + 1)]
"""A word that is in many clauses tells less of which one is meant."""


def _looked_up(
    own: Iterable[Word], known: Mapping[str, tuple[int, ...]]
) -> list[tuple[tuple[int, ...], float]]:
    """Where each word is found and what that counts: by itself, else by its concept, else by its pieces."""
    told = known.get
    found = []
    for word in own:
        if places := told(word.stem):
            found.append((places, word.weight))
        elif word.concept is not None and (places := told(word.concept)):
            found.append((places, ALIKE * word.weight))
        elif len(word.pieces) > 1:
            counts = word.weight / len(word.pieces)
            found += [(places, counts) for piece in word.pieces if (places := told(piece))]
    return found
