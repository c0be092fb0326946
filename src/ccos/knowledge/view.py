"""One state of an index, as a search sees it: how rare terms are, and what matches a union of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import tantivy

from ccos.knowledge import cards, korean, ranking
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

FREQUENCIES = "freq"

Key = tuple[int, int]
"""Where a passage lies in this state of the index."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Terms by field, the rarest, with their weights in the query; and what each is worth by its rarity."""

    weights: Mapping[str, Mapping[str, float]]
    rarity: Mapping[str, float]
    ranked: ranking.Weighed


class View:
    """`having` says how many passages have a term in a field; it may remember."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, having: Callable[[str, str], int]
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._having = having
        self._total = searcher.num_docs

    def search(self, question: Question, limit: int, recipe: Recipe) -> list[cards.Hit]:
        """About `limit` passages, best first: a few more where single sentences find others."""
        whole = self.weigh(question.whole, recipe)
        found = dict(self.found(whole, limit, recipe))
        if not recipe.reranking and not recipe.sentences:
            return list(found.values())
        first, rest = list(found.values())[:RANKED], list(found.values())[RANKED:]
        sentences = self._sentences(question, recipe)
        for each in sentences[:ASKING]:
            for key, hit in self.found(each, ASKED_DEPTH, recipe):
                if key not in found:
                    found[key] = replace(hit, score=0.0)
                    first.append(found[key])
        if not recipe.reranking:
            return list(found.values())
        scores = ranking.scores(whole.ranked, [each.ranked for each in sentences], first)
        scored = sorted(zip(scores, first, strict=True), key=lambda each: (-each[0], each[1].external_id))
        return [
            *(replace(hit, score=score) for score, hit in scored),
            *(replace(hit, score=0.0) for hit in rest),
        ]

    def _sentences(self, question: Question, recipe: Recipe) -> list[Weighing]:
        """The most telling sentences first."""
        if not recipe.sentences:
            return []
        weighed = [self.weigh(each, recipe, SENTENCE) for each in question.sentences]
        return sorted(weighed, key=lambda each: -each.ranked.worth)[:SCORED]

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

    def found(self, weighing: Weighing, limit: int, recipe: Recipe) -> Iterator[tuple[Key, cards.Hit]]:
        """Up to `limit` passages, best first."""
        query = self._query(weighing, recipe)
        if query is None:
            return
        for score, address in self._searcher.search(query, limit, count=False).hits:
            card = self._searcher.doc(address)["card"][0]
            yield (address.segment_ord, address.doc), cards.read(card, score)

    def _query(self, weighing: Weighing, recipe: Recipe) -> tantivy.Query | None:
        """A plain union of weighted terms, which the engine can prune; None when nothing can be found.

        The engine scores a title term by its rarity among titles, where every common word is rare; the weight
        takes that back, so that a term is worth the same wherever it is.
        """
        union: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for field, boost in (("words", 1.0), ("jamo", JAMO)):
            title = f"title_{field}"
            for term, weight in weighing.weights[field].items():
                if self._having(field, term):
                    union.append(self._weighted(field, term, weight * boost))
                if recipe.titles and (titled := self._having(title, term)):
                    level = weighing.rarity[term] / inverse_frequency(self._total, titled)
                    union.append(self._weighted(title, term, weight * boost * TITLE * level))
        return tantivy.Query.boolean_query(union) if union else None

    def _weighted(self, field: str, term: str, weight: float) -> tuple[tantivy.Occur, tantivy.Query]:
        exact = tantivy.Query.term_query(self._schema, field, term, FREQUENCIES)
        return tantivy.Occur.Should, tantivy.Query.boost_query(exact, weight)

    def _rarity(self, field: str, term: str) -> float:
        having = max(self._having(field, term), self._having(f"title_{field}", term))
        return inverse_frequency(self._total, having)

    def _whole_rarity(self, whole: str) -> float:
        """A whole word is not in the index; it is at least as rare as the rarest piece of it."""
        return max((self._rarity("words", piece) for piece in korean.words(whole)), default=0.0)
