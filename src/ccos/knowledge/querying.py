"""From what a person wrote to weighted search terms: the rare words of it, its first line before the rest."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ccos.knowledge import korean, synonyms
from ccos.knowledge.filler import FILLER, without_particles

MOST_CHARACTERS = 4_000
"""Of a longer query the beginning is read: the question comes first, then logs and quoted mail."""

MOST_WORDS, MOST_JAMO, MOST_WHOLES = 32, 48, 24
"""Terms that are searched, the rarest first. A whole ticket holds hundreds, most of them filler."""

MOST_SENTENCES = 40

FIRST_LINE, LATIN, FILLING = 2.0, 1.5, 0.3
"""What a term of the first line (a ticket's subject), a Latin word or code, and a filler count, against 1."""

_SENTENCE_END = re.compile(r"(?<=[.!?。…])\s+|\n+")
_SHORTEST = 9
"""Characters of a sentence that may ask something by itself."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Search terms with their weights in the query, before the index says how rare each is.

    `wholes` are words as they stand, without their particles; they order candidates and find none.
    """

    words: Mapping[str, float]
    jamo: Mapping[str, float]
    wholes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Question:
    """A query as it is searched: as one text and, when it has several sentences, each by itself."""

    whole: Terms
    sentences: tuple[Terms, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.whole.words or self.whole.jamo)


def question(query: str, groups: synonyms.Groups | None = ()) -> Question:
    """`groups` are the tenant's synonyms; None for neither these nor the ones of every desk."""
    read = query[:MOST_CHARACTERS].strip()
    sentences = [each for each in _SENTENCE_END.split(read) if len(each) >= _SHORTEST]
    parts = sentences[:MOST_SENTENCES] if len(sentences) > 1 else ()
    return Question(_asked(read, groups), tuple(_asked(each, groups) for each in parts))


def _asked(text: str, groups: synonyms.Groups | None) -> Terms:
    """Words that were not said join at a lower weight; no letter grams of them."""
    said = terms(text)
    others = [] if groups is None else synonyms.alternatives(text, groups)
    if not others:
        return said
    more = terms(" / ".join(others))
    return Terms(
        {word: synonyms.WEIGHT * weight for word, weight in more.words.items()} | {**said.words},
        said.jamo,
        {word: synonyms.WEIGHT * weight for word, weight in more.wholes.items()} | {**said.wholes},
    )


def terms(query: str) -> Terms:
    """Weights grow with the logarithm of how often a term is said: 1 + ln(count)."""
    first, _, rest = query[:MOST_CHARACTERS].strip().partition("\n")
    weighed = {
        word: weight * (FILLING if word in FILLER else 1.0 if _syllabic(word) else LATIN)
        for word, weight in _weights(korean.words, first, rest).items()
    }
    return Terms(weighed, _weights(korean.jamo, first, rest), _weights(_wholes, first, rest))


def rarest(weights: Mapping[str, float], idf: Mapping[str, float], most: int) -> dict[str, float]:
    """The `most` terms that can add the most to a score; a term that no document has adds nothing."""
    worth = {term: weight * idf[term] for term, weight in weights.items()}
    best = sorted((term for term in worth if worth[term] > 0), key=lambda term: (-worth[term], term))
    return {term: weights[term] for term in best[:most]}


def inverse_frequency(documents: int, having: int) -> float:
    """BM25's ln(1 + (N - n + 0.5) / (n + 0.5)) (Robertson and Zaragoza 2009); 0 for a term nobody has."""
    return math.log(1 + (documents - having + 0.5) / (having + 0.5)) if having else 0.0


def _weights(split: Callable[[str], Iterable[str]], first: str, rest: str) -> dict[str, float]:
    subject: Counter[str] = Counter(split(first))
    body: Counter[str] = Counter(split(rest))
    emphasis = FIRST_LINE if body else 1.0
    return {term: 1 + math.log(max(emphasis * subject[term] + body[term], 1.0)) for term in subject | body}


def _wholes(text: str) -> list[str]:
    """Words of two letters and more without their particles, and Latin words and codes."""
    return [word for word in korean.runs(without_particles(text)) if len(word) > 1]


def _syllabic(term: str) -> bool:
    return not (term[0].isascii() or term[0].isdigit())
