"""From the terms of a query to what an engine is asked: the rarest of them, each with its weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ccos.knowledge import korean, ranking
from ccos.knowledge.cards import Hit
from ccos.knowledge.querying import (
    MOST_JAMO,
    MOST_WHOLES,
    MOST_WORDS,
    Question,
    Terms,
    inverse_frequency,
    rarest,
)
from ccos.knowledge.recipe import Recipe

JAMO, TITLE = ranking.JAMO, 1.5
"""What a jamo gram counts against a word, and the title against the body."""

ASKING, ASKED_DEPTH = 4, 10
"""Sentences of a query that are searched by themselves, the most telling ones; passages taken from each."""

SCORED, SENTENCE = 12, 0.35
"""Sentences that order the candidates; the share of a query's most terms that each may have."""

RANKED = 32
"""Of the passages that the whole query found, the first that are ordered anew; the others stay behind."""

FIELDS = ("words", "jamo")
"""Fields of terms; each has a sister `title_...`."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Terms by field, the rarest, with their weights in the query; and what each is worth by its rarity."""

    weights: Mapping[str, Mapping[str, float]]
    rarity: Mapping[str, float]
    ranked: ranking.Weighed


@dataclass(frozen=True, slots=True)
class Clause:
    """A term to be matched in a field, and what the engine's own score of it is multiplied with."""

    field: str
    term: str
    weight: float


class Weigher:
    """`total` passages, of which `having(field, term)` have a term in a field; it may remember."""

    def __init__(self, total: int, having: Callable[[str, str], int]) -> None:
        self._total = total
        self._having = having

    def weigh(self, terms: Terms, recipe: Recipe, share: float = 1.0) -> Weighing:
        """`share` of the most terms a query may have, for a sentence of it."""
        words = {term: self._rarity("words", term) for term in terms.words} if recipe.words else {}
        jamo = {term: self._rarity("jamo", term) for term in terms.jamo} if recipe.jamo else {}
        wholes = {term: self._whole_rarity(term) for term in terms.wholes}
        weights = {
            "words": rarest({term: terms.words[term] for term in words}, words, round(share * MOST_WORDS)),
            "jamo": rarest({term: terms.jamo[term] for term in jamo}, jamo, round(share * MOST_JAMO)),
        }
        ranked = ranking.Weighed(
            {t: w * words[t] for t, w in weights["words"].items() if ranking.telling(t)},
            {t: w * jamo[t] for t, w in weights["jamo"].items()},
            {t: w * wholes[t] for t, w in rarest(terms.wholes, wholes, MOST_WHOLES).items()},
        )
        return Weighing(weights, words | jamo, ranked)

    def sentences(self, question: Question, recipe: Recipe) -> list[Weighing]:
        """The most telling sentences first."""
        if not recipe.sentences:
            return []
        weighed = [self.weigh(each, recipe, SENTENCE) for each in question.sentences]
        return sorted(weighed, key=lambda each: -each.ranked.worth)[:SCORED]

    def clauses(self, weighing: Weighing, recipe: Recipe) -> Iterator[Clause]:
        """A plain union, which an engine can prune.

        An engine scores a title term by its rarity among titles, where every common word is rare; the weight
        takes that back, so that a term is worth the same wherever it is.
        """
        for field, boost in zip(FIELDS, (1.0, JAMO), strict=True):
            title = f"title_{field}"
            for term, weight in weighing.weights[field].items():
                if self._having(field, term):
                    yield Clause(field, term, weight * boost)
                if recipe.titles and (titled := self._having(title, term)):
                    level = weighing.rarity[term] / inverse_frequency(self._total, titled)
                    yield Clause(title, term, weight * boost * TITLE * level)

    def _rarity(self, field: str, term: str) -> float:
        having = max(self._having(field, term), self._having(f"title_{field}", term))
        return inverse_frequency(self._total, having)

    def _whole_rarity(self, whole: str) -> float:
        """A whole word is not in the index; it is at least as rare as the rarest piece of it."""
        return max((self._rarity("words", piece) for piece in korean.words(whole)), default=0.0)


def in_order(
    whole: Weighing, sentences: Sequence[Weighing], found: Sequence[Hit], others: Iterable[Hit]
) -> list[Hit]:
    """The first of what the whole query found and what single sentences found besides, ordered anew; behind
    them the rest of the former.
    """
    first = [*found[:RANKED], *(replace(hit, score=0.0) for hit in others)]
    scores = ranking.scores(whole.ranked, [each.ranked for each in sentences], first)
    scored = sorted(zip(scores, first, strict=True), key=lambda each: (-each[0], each[1].external_id))
    ordered = [replace(hit, score=score) for score, hit in scored]
    return ordered + [replace(hit, score=0.0) for hit in found[RANKED:]]
