"""One state of the index on this machine, as a search sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tantivy

from ccos.knowledge import cards
from ccos.knowledge.querying import Question
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.weighing import ASKED_DEPTH, ASKING, Clause, Weigher, in_order

FREQUENCIES = "freq"

Key = tuple[int, int]
"""Where a passage lies in this state of the index."""


class View:
    """`having` says how many passages have a term in a field; it may remember."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, having: Callable[[str, str], int]
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._weigher = Weigher(searcher.num_docs, having)

    def search(self, question: Question, limit: int, recipe: Recipe) -> list[cards.Hit]:
        """About `limit` passages, best first: a few more where single sentences find others."""
        whole = self._weigher.weigh(question.whole, recipe)
        found = self._found(self._weigher.clauses(whole, recipe), limit)
        sentences = self._weigher.sentences(question, recipe)
        others: dict[Key, cards.Hit] = {}
        for each in sentences[:ASKING]:
            others |= self._found(self._weigher.clauses(each, recipe), ASKED_DEPTH)
        besides = [hit for key, hit in others.items() if key not in found]
        if not recipe.reranking:
            return [*found.values(), *besides]
        return in_order(whole, sentences, list(found.values()), besides)

    def _found(self, clauses: Iterable[Clause], limit: int) -> dict[Key, cards.Hit]:
        union = [self._weighted(clause) for clause in clauses]
        if not union:
            return {}
        hits = self._searcher.search(tantivy.Query.boolean_query(union), limit, count=False).hits
        return {
            (at.segment_ord, at.doc): cards.read(self._searcher.doc(at)["card"][0], score)
            for score, at in hits
        }

    def _weighted(self, clause: Clause) -> tuple[tantivy.Occur, tantivy.Query]:
        exact = tantivy.Query.term_query(self._schema, clause.field, clause.term, FREQUENCIES)
        return tantivy.Occur.Should, tantivy.Query.boost_query(exact, clause.weight)
