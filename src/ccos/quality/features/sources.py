"""A text worked out once: its words, its clauses and facts, where each word is, and in what order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nsmallest

from ccos.quality.features.clauses import clauses
from ccos.quality.features.cues import Cues, cues, denies, either, numbers
from ccos.quality.features.stance import Stance, stance
from ccos.quality.features.text import Word, chains, letters, shared_start, shingles, words
from ccos.quality.folding import sentences
from ccos.quality.quantities import Quantity, quantities

SOURCE_CHARACTERS = 20_000
"""How much of one text is read: a passage is a tenth of it."""

SHINGLE = 5
MOST_PLACES = 16
"""Clauses one word is looked for in: it bounds the time when all clauses are alike."""

MOST_NEAR = 12

ALIKE = 0.7
"""What a word of nearly the same meaning counts for."""

_BLANKS = re.compile(r"[\W_]+")
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
    def cues(self) -> Cues:
        return cues(self.text)

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
        return either([clause.cues for clause in self.clauses])

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The clause of the sources that something is nearest to, and how near, from 0 to about 1."""

    nearness: float
    source: int
    clause: Clause
    sentence: Sentence


@dataclass(frozen=True)
class Source:
    """`places` says in which clauses a piece of a word is; `starts` groups stems by their first letters."""

    text: str
    sentences: tuple[Sentence, ...]
    clauses: tuple[Clause, ...]
    words: tuple[Word, ...]
    stems: frozenset[str]
    places: Mapping[str, tuple[int, ...]]
    starts: Mapping[str, tuple[str, ...]]
    pairs: frozenset[tuple[str, ...]]
    triples: frozenset[tuple[str, ...]]
    shingles: frozenset[str]

    @cached_property
    def numbers(self) -> frozenset[str]:
        return numbers(self.text)

    @cached_property
    def stated(self) -> tuple[Quantity, ...]:
        """The numbers, dates, amounts and periods, in order."""
        found = quantities(self.text) if _FIGURE.search(self.text) else ()
        return tuple(sorted(found, key=lambda fact: fact.start))

    @cached_property
    def facts(self) -> frozenset[str]:
        """The keys of all of them."""
        return frozenset([key for fact in self.stated for key in fact.offers])

    def facts_in(self, clause: Clause) -> list[Quantity]:
        end = clause.start + len(clause.text)
        return [fact for fact in self.stated if clause.start <= fact.start < end]

    def supports(self, word: Word, spelt: str) -> float:
        """How much of a word, `spelt` in letters, is here: all, pairs of its syllables, or its start."""
        if word.stem in self.stems:
            return 1.0
        if spelt[0].isdigit():
            return 0.0
        pieces, places = word.pieces, self.places
        share = sum([piece in places for piece in pieces]) / len(pieces)
        near = self.starts.get(spelt[:_SAME_START])
        if near is None or share == 1.0:
            return share
        begins = max([shared_start(spelt, other) for other in near]) / len(spelt)
        return max(share, begins) if begins >= _ENOUGH else share


def source(text: str) -> Source:
    """What there is to know of `text`, folded and in lower case; linear in its length."""
    text = text[:SOURCE_CHARACTERS]
    told: list[Sentence] = []
    parts: list[Clause] = []
    for start, end in sentences(text):
        mine = [_clause(text, at, to, len(told)) for at, to in clauses(text, start, end)]
        parts += mine
        found = tuple([word for part in mine for word in part.words])
        told.append(Sentence(text[start:end], tuple(mine), found, sum([part.weight for part in mine])))
    every = [word for sentence in told for word in sentence.words]
    in_order = [word.stem for word in every]
    stems = frozenset(in_order)
    return Source(
        text=text,
        sentences=tuple(told),
        clauses=tuple(parts),
        words=tuple(every),
        stems=stems,
        places=_places(parts),
        starts=_starts(in_order),
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


def _clause(text: str, start: int, end: int, sentence: int) -> Clause:
    found = tuple(words(text[start:end]))
    return Clause(text[start:end], start, found, sum([word.weight for word in found]), sentence)


def _places(parts: Sequence[Clause]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for n, clause in enumerate(parts):
        for piece in {piece for word in clause.words for piece in _keys(word)}:
            known = found.setdefault(piece, [])
            if len(known) < MOST_PLACES:
                known.append(n)
    return {piece: tuple(known) for piece, known in found.items()}


def _keys(word: Word) -> tuple[str, ...]:
    return (word.stem, *word.pieces, word.concept) if word.concept else (word.stem, *word.pieces)


def _starts(stems: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for stem in dict.fromkeys(stems):
        spelt = letters(stem)
        known = found.setdefault(spelt[:_SAME_START], [])
        if len(known) < MOST_PLACES:
            known.append(spelt)
    return {start: tuple(known) for start, known in found.items()}


def squeezed(text: str) -> str:
    """Letters and digits alone."""
    return _BLANKS.sub("", text)


def aligned(sources: Sequence[Source], said: Sequence[Word]) -> list[Nearest]:
    """The clauses of the sources that share most with what is said, the nearest first, at most `MOST_NEAR`.

    Figures do not count: it is by its words that one knows what a figure is about. A word that is in many
    clauses tells less of which one is meant.
    """
    own = {word.stem: word for word in said if not word.stem[0].isdigit()}
    weight = 1.0 + sum([word.weight for word in own.values()])
    found: list[tuple[float, int, int]] = []
    for number, known in enumerate(sources):
        shared: dict[int, float] = {}
        for word in own.values():
            for piece, counts in _told_by(word, known):
                places = known.places.get(piece)
                if places:
                    value = counts / len(places) ** 0.5
                    for n in places:
                        shared[n] = shared.get(n, 0.0) + value
        clauses = known.clauses
        found += [
            (-value / (weight * (1.0 + clauses[n].weight)) ** 0.5, number, n) for n, value in shared.items()
        ]
    return [Nearest(-nearness, *_place(sources, at, n)) for nearness, at, n in nsmallest(MOST_NEAR, found)]


def _place(sources: Sequence[Source], number: int, n: int) -> tuple[int, Clause, Sentence]:
    clause = sources[number].clauses[n]
    return number, clause, sources[number].sentences[clause.sentence]


def _told_by(word: Word, known: Source) -> tuple[tuple[str, float], ...]:
    """By what a word is looked up: itself, else its concept, else its pieces, and what each counts for."""
    if word.stem in known.places:
        return ((word.stem, word.weight),)
    if word.concept is not None and word.concept in known.places:
        return ((word.concept, ALIKE * word.weight),)
    return tuple([(piece, word.weight / len(word.pieces)) for piece in word.pieces])
