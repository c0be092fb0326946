"""How much of an answer stands in its evidence: as a whole, sentence by sentence, and word for word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccos.quality.features.sources import ALIKE, Sentence, Source
from ccos.quality.features.text import Word, chains

THIN = 0.8
"""Weight of words below which a sentence claims nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of an answer; a courtesy claims nothing."""

    sentence: Sentence
    courtesy: bool

    @property
    def claims(self) -> bool:
        return not self.courtesy and self.sentence.weight >= THIN


class Held:
    """How much of each word each source has; every word is looked up once.

    `asked`, what the customer said, counts for `known` alone.
    """

    def __init__(self, words: Sequence[Word], sources: Sequence[Source], asked: Source | None = None) -> None:
        self.sources = sources
        self._by_source: dict[str, list[float]] = {}
        self._most: dict[str, float] = {}
        self._meant: dict[str, float] = {}
        self._known: dict[str, float] = {}
        for stem, word in {word.stem: word for word in words}.items():
            each = [1.0 if stem in source.stems else source.partly(word) for source in sources]
            most = meant = max(each, default=0.0)
            concept = word.concept if most < ALIKE else None
            if concept is not None and any(concept in source.places for source in sources):
                meant = ALIKE
            self._by_source[stem], self._most[stem], self._meant[stem] = each, most, meant
            self._known[stem] = most if asked is None or most == 1.0 else max(most, asked.supports(word))

    def of(self, words: Sequence[Word]) -> float:
        """The share of the words, by weight, that the sources together have."""
        return _share(words, self._most)

    def meaning(self, words: Sequence[Word]) -> float:
        """Likewise, where a word of nearly the same meaning counts too."""
        return _share(words, self._meant)

    def known(self, words: Sequence[Word]) -> float:
        """Likewise, where what the customer said counts too."""
        return _share(words, self._known)

    def by(self, words: Sequence[Word]) -> list[float]:
        """The share of the words that each source has by itself."""
        total = sum([word.weight for word in words])
        if not total:
            return [0.0] * len(self.sources)
        each = [(word.weight, self._by_source[word.stem]) for word in words]
        return [sum([weight * held[n] for weight, held in each]) / total for n in range(len(self.sources))]

    def knows(self, word: Word) -> bool:
        """Whether anybody, the customer too, brought up half of a word or one of its meaning."""
        return max(self._known[word.stem], self._meant[word.stem]) >= 0.5

    def each(self, words: Sequence[Word]) -> list[float]:
        return [self._most[word.stem] for word in words]


def _share(words: Sequence[Word], held: Mapping[str, float]) -> float:
    total = sum([word.weight for word in words])
    return sum([word.weight * held[word.stem] for word in words]) / total if total else 0.0


def supported(said: Sequence[Said], held: Held) -> dict[str, float]:
    """Where nothing is claimed, what is said is measured as it is."""
    claiming = [one.sentence for one in said if one.claims]
    claims = claiming or [one.sentence for one in said]
    every = [word for one in said for word in one.sentence.words]
    words = [word for one in claims for word in one.words]
    shares = [held.of(one.words) for one in claims]
    telling = held.each([word for word in words if word.weight >= 0.5])
    fresh = sum([value < 0.5 for value in telling])
    length = sum([len(one.sentence.text) for one in said])
    return {
        "support": held.of(words),
        "support_all": held.of(every),
        "support_known": held.known(every),
        "support_mean": sum(shares) / len(shares) if shares else 0.0,
        "support_weakest": min(shares, default=0.0),
        "support_best_passage": max(held.by(words), default=0.0),
        "weakest_word": min(telling, default=0.0),
        "fresh_words": math.log1p(fresh),
        "fresh_share": fresh / max(1, len(telling)),
        "claims": math.log1p(len(claiming)),
        "no_claim": float(not claiming),
        "courtesy_share": 1.0 - sum([len(one.text) for one in claiming]) / max(1, length),
    }


def copied(answer: Source, sources: Sequence[Source]) -> dict[str, float]:
    """Overlap of chains of 2 and 3 words, and the longest span, in words, that was copied."""
    words = len(answer.words)
    pairs = _known(answer, [source.pairs for source in sources], 2)
    triples = _known(answer, [source.triples for source in sources], 3)
    longest = run = 0
    for hit in pairs:
        run = run + 1 if hit else 0
        longest = max(longest, run)
    span = longest + 1 if longest else 0
    return {
        "pairs": sum(pairs) / max(1, len(pairs)),
        "triples": sum(triples) / max(1, len(triples)),
        "longest_copy": math.log1p(span),
        "longest_copy_share": span / max(1, words),
    }


def _known(answer: Source, sources: Sequence[frozenset[tuple[str, ...]]], size: int) -> list[bool]:
    own = list(chains([word.stem for word in answer.words], size))
    distinct = frozenset(own)
    known = frozenset().union(*[distinct & source for source in sources])
    return [chain in known for chain in own]


def used(answer: Source, passages: Sequence[Source]) -> float:
    """The largest share of one passage's words that the answer takes up."""
    return max((_taken(answer, passage) for passage in passages), default=0.0)


def _taken(answer: Source, passage: Source) -> float:
    total = sum([word.weight for word in passage.words])
    return sum([word.weight for word in passage.words if word.stem in answer.stems]) / total if total else 0.0
