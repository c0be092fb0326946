"""Orders the candidates of a search by what the engine cannot see: whole words, and single sentences.

The engine scores syllable pairs and letter grams over the whole query. A ticket has sentences that are not
the question, and a pair of syllables belongs to many words. So each candidate is scored three times, each
score is taken as a share of the best candidate's, and the shares are summed with learned weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ccos.knowledge import korean

ENGINE, SENTENCE, WHOLE_WORDS = 1.0, 0.6, 0.45
"""What the three shares count; see `benchmarks/ranking.py` for how they were found."""

TITLE = 1.5
"""What a title of its own counts beside the text, whose first line the title is in any case."""

JAMO = 0.3
"""What a jamo gram counts against a word, as in the engine."""

_K1, _B = 1.2, 0.75
_SHORT = 3
"""Characters of a Latin word or number below which finding it inside another says nothing."""


class Candidate(Protocol):
    """A passage with the engine's score, 0 when a single sentence alone found it."""

    @property
    def title(self) -> str: ...
    @property
    def titled(self) -> bool: ...
    @property
    def heading(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def score(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """Terms of a query or of a sentence of it, each with its weight times how rare it is."""

    words: Mapping[str, float]
    jamo: Mapping[str, float]
    wholes: Mapping[str, float]

    @property
    def worth(self) -> float:
        return sum(self.words.values())


def scores(
    whole: Weighed, sentences: Sequence[Weighed], candidates: Sequence[Candidate]
) -> tuple[float, ...]:
    """A score for each candidate, in [0, 1]: comparable among the candidates of one query only."""
    if not candidates:
        return ()
    texts = [korean.normalise(f"{each.title}\n{each.heading}\n{each.text}") for each in candidates]
    titles = [korean.normalise(each.title) if each.titled else "" for each in candidates]
    average, title_average = _average(texts), _average(titles)
    asked = sentences or (whole,)
    best_sentence, whole_words = [], []
    for text, title in zip(texts, titles, strict=True):
        letters, length, title_length = korean.squeezed(text), len(text) / average, len(title) / title_average
        best_sentence.append(
            max(
                _bm25(each.words, text, length)
                + JAMO * _bm25(each.jamo, letters, length)
                + TITLE * _bm25(each.words, title, title_length)
                for each in asked
            )
        )
        whole_words.append(
            _bm25(whole.wholes, text, length) + TITLE * _bm25(whole.wholes, title, title_length)
        )
    shares = zip(
        _shares([each.score for each in candidates]),
        _shares(best_sentence),
        _shares(whole_words),
        strict=True,
    )
    total = ENGINE + SENTENCE + WHOLE_WORDS
    return tuple(
        (ENGINE * engine + SENTENCE * sentence + WHOLE_WORDS * words) / total
        for engine, sentence, words in shares
    )


def telling(term: str) -> bool:
    """Whether finding the term inside a text says that the text has it: 3 is in 13, ip in shipping."""
    return len(term) >= _SHORT or not term.isascii()


def _bm25(weights: Mapping[str, float], text: str, length: float) -> float:
    """Okapi BM25 (Robertson and Zaragoza 2009) with substring counts; `length` against the average."""
    saturation = _K1 * (1 - _B + _B * length)
    score = 0.0
    for term, weight in weights.items():
        if count := text.count(term):
            score += weight * count * (_K1 + 1) / (count + saturation)
    return score


def _average(texts: Sequence[str]) -> float:
    """Characters of those that have any; 1 when none has."""
    lengths = [len(text) for text in texts if text]
    return sum(lengths) / len(lengths) if lengths else 1.0


def _shares(values: Sequence[float]) -> list[float]:
    best = max(values)
    return [value / best for value in values] if best > 0 else [0.0 for _ in values]
