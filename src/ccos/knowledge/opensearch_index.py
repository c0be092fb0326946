"""How a build in OpenSearch is searched: two requests for all questions of a search.

The first asks how rare the terms are, when that is not remembered; the second searches for every question and
every sentence of it. What comes back is ordered as the candidates of the index on a machine are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge import cards, korean
from ccos.knowledge.cards import Hit
from ccos.knowledge.engine import Away, Damaged, best_of_items
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.opensearch import lines, whole
from ccos.knowledge.opensearch_builds import FIELDS, FILTERED, Build, Builds, conditions
from ccos.knowledge.querying import Question, Terms, inverse_frequency
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.weighing import ASKED_DEPTH, ASKING, Clause, Weigher, Weighing, in_order

SIFTED, DEEPEST = 8, 160
"""Where documents do not tell what is filtered by: so many times deeper, and for how many items at most."""

FIRST, DEPTH = 3, 6
"""Passages for each item that is wanted: the ones that are ordered first, and all that are asked for, since
several may be of one item."""

REMEMBERED_SECONDS, REMEMBERED_TERMS = 60.0, 100_000
"""How long, and of how many terms, it is remembered in how many passages they are."""

STEADY = 10_000
"""Passages from which on a change of the index does not make that out of date at once."""


_TOGETHER = "dfs_query_then_fetch"
"""Scores all shards by the same statistics; else a term is as rare as it happens to be in each shard."""


@dataclass(frozen=True, slots=True)
class _Searches:
    """What is asked for one question, and what orders the answers."""

    whole: Weighing
    sentences: Sequence[Weighing]
    unions: Sequence[Sequence[Clause]]


class ClusterIndex:
    """The build of a tenant that serves, as this process sees it."""

    def __init__(self, builds: Builds, build: Build) -> None:
        self.build = build
        self.bytes = 0
        self._builds = builds
        self._rarity = {kind: Rarity(builds, builds.name(build, kind)) for kind in EvidenceKind}

    @property
    def generation(self) -> int:
        return self.build.generation

    @property
    def seq(self) -> int:
        return self.build.seq

    def grown(self, build: Build) -> None:
        """The same build, further on."""
        if build.seq != self.build.seq:
            self.build = build
            for rarity in self._rarity.values():
                rarity.changed()

    async def ranked(
        self,
        kind: EvidenceKind,
        asked: Sequence[Question],
        limit: int,
        now: datetime,
        recipe: Recipe,
        only: Filter = EVERYTHING,
    ) -> list[list[Hit]]:
        filtered = self.build.format >= FILTERED
        deep = limit if filtered or only == EVERYTHING else min(limit * SIFTED, DEEPEST)
        sifted = conditions(only) if filtered else []
        rarity = self._rarity[kind]
        await rarity.learn(_terms_of(asked))
        weigher = Weigher(rarity.total, rarity.having)
        searches = [_searches(weigher, each, recipe) for each in asked]
        bodies = [
            self._body([rarity.levelled(clause) for clause in union], size, now, sifted)
            for each in searches
            for union, size in zip(each.unions, _sizes(each, deep), strict=True)
        ]
        found = iter(await self._found(self._builds.name(self.build, kind), bodies))
        ranked = []
        for each in searches:
            first, *others = [next(found) for _ in each.unions]
            ranked.append(best_of_items(_ordered(each, first, others, recipe, limit), now, only)[:limit])
        return ranked

    async def holding(self, terms: Collection[str]) -> frozenset[str]:
        asked, held = {"words": set(terms), "jamo": set[str]()}, set[str]()
        for rarity in self._rarity.values():
            await rarity.learn(asked)
            held |= {
                each for each in terms for field in ("words", "title_words") if rarity.having(field, each)
            }
        return frozenset(held)

    async def _found(self, name: str, bodies: Sequence[dict[str, Any] | None]) -> list[dict[str, Hit]]:
        """By document; nothing where nothing was asked."""
        asked = [body for body in bodies if body is not None]
        answers: Iterator[Mapping[str, Any]] = iter(())
        if asked:
            header = {"index": name} | ({"search_type": _TOGETHER} if self._builds.shards > 1 else {})
            request = lines(line for body in asked for line in (header, body))
            said = (await self._builds.cluster.call("POST", "/_msearch", request)).get("responses")
            if not isinstance(said, list) or len(said) != len(asked):
                raise Away("OpenSearch did not answer all searches")
            answers = iter(said)
        return [{} if body is None else _hits(whole(next(answers))) for body in bodies]

    def _body(
        self, clauses: Sequence[Clause], size: int, now: datetime, sifted: Sequence[dict[str, Any]]
    ) -> dict[str, Any] | None:
        if not clauses:
            return None
        should = [{"term": {each.field: {"value": each.term, "boost": each.weight}}} for each in clauses]
        over = {"range": {"valid_until": {"lte": now.isoformat()}}}
        query = {
            "should": should,
            "minimum_should_match": 1,
            "filter": [{"term": {"tenant": self._builds.tenant}}, *sifted],
            "must_not": [over],
        }
        return {
            "query": {"bool": query},
            "size": size,
            "_source": ["card"],
            "track_total_hits": False,
            "timeout": f"{round(self._builds.cluster.ask_seconds * 1000)}ms",
        }


class Rarity:
    """In how many passages of an index terms are: asked of all shards at once, and remembered for a while."""

    def __init__(self, builds: Builds, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._builds = builds
        self._name = name
        self._clock = clock
        self._having: dict[tuple[str, str], int] = {}
        self._passages: dict[str, int] = {}
        self._routes: list[str] = []
        self._since = float("-inf")

    @property
    def total(self) -> int:
        return max(self._passages.values(), default=0)

    def having(self, field: str, term: str) -> int:
        return min(self._having.get((field, term), 0), self.total)

    def changed(self) -> None:
        """A term that was in no passage may be in one now; in a small index all may be different."""
        if self.total < STEADY:
            self._since = float("-inf")
        self._having = {key: many for key, many in self._having.items() if many}

    def levelled(self, clause: Clause) -> Clause:
        """With the weight for an engine that counts only the passages that have the field."""
        having = self.having(clause.field, clause.term)
        counted = inverse_frequency(max(self._passages[clause.field], having), having)
        return Clause(
            clause.field, clause.term, clause.weight * inverse_frequency(self.total, having) / counted
        )

    async def learn(self, terms: Mapping[str, set[str]]) -> None:
        """Makes the numbers of these terms known, by the field without `title_`."""
        old = self._clock() - self._since >= REMEMBERED_SECONDS or len(self._having) > REMEMBERED_TERMS
        unknown = {
            field: sorted(term for term in some if old or (field, term) not in self._having)
            for field, some in terms.items()
        }
        if not any(unknown.values()):
            return
        document = {
            field: " ".join(unknown[field.removeprefix("title_")])
            for field in FIELDS
            if unknown[field.removeprefix("title_")]
        }
        having, passages = await self._asked(document)
        if old:
            self._having, self._since = {}, self._clock()
        self._having |= {(field, term): 0 for field, text in document.items() for term in text.split(" ")}
        self._having |= having
        self._passages = (self._passages if not old else {}) | passages

    async def _asked(self, document: Mapping[str, str]) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        if not self._routes:
            self._routes = await self._routes_of_shards()
        wanted = {
            "_index": self._name,
            "doc": document,
            "fields": list(document),
            "term_statistics": True,
            "field_statistics": True,
            "positions": False,
            "offsets": False,
            "payloads": False,
        }
        docs = [wanted | {"routing": route} for route in self._routes]
        answer = await self._builds.cluster.call("POST", "/_mtermvectors", {"docs": docs})
        having: dict[tuple[str, str], int] = {}
        passages = dict.fromkeys(document, 0)
        said = answer.get("docs")
        if not isinstance(said, list) or len(said) != len(docs):
            raise Away("OpenSearch did not answer for all shards")
        for each in said:
            if "error" in each:
                whole({"error": each["error"]})
            for field, vector in each.get("term_vectors", {}).items():
                passages[field] += max(vector.get("field_statistics", {}).get("doc_count", 0), 0)
                for term, facts in vector.get("terms", {}).items():
                    key = field, term
                    having[key] = having.get(key, 0) + facts.get("doc_freq", 0)
        return having, passages

    async def _routes_of_shards(self) -> list[str]:
        """A routing value that leads to each shard; found once, where there is more than one."""
        routes: dict[int, str] = {}
        for value in map(str, range(20 * self._builds.shards if self._builds.shards > 1 else 1)):
            if self._builds.shards == 1:
                return [value]
            said = await self._builds.cluster.call("GET", f"/{self._name}/_search_shards?routing={value}")
            for copies in said.get("shards", []):
                routes.setdefault(int(copies[0]["shard"]), value)
            if len(routes) >= self._builds.shards:
                break
        return list(routes.values())


def _terms_of(asked: Iterable[Question]) -> dict[str, set[str]]:
    """By field; whole words are as rare as the pieces that an index has of them."""
    found: dict[str, set[str]] = {"words": set(), "jamo": set()}
    for each in asked:
        parts: list[Terms] = [each.whole, *each.sentences]
        for part in parts:
            found["words"] |= set(part.words) | {
                piece for word in part.wholes for piece in korean.words(word)
            }
            found["jamo"] |= set(part.jamo)
    return found


def _searches(weigher: Weigher, asked: Question, recipe: Recipe) -> _Searches:
    whole_query = weigher.weigh(asked.whole, recipe)
    sentences = weigher.sentences(asked, recipe)
    unions = [list(weigher.clauses(each, recipe)) for each in (whole_query, *sentences[:ASKING])]
    return _Searches(whole_query, sentences, unions)


def _sizes(searches: _Searches, limit: int) -> list[int]:
    return [DEPTH * limit, *(ASKED_DEPTH for _ in searches.unions[1:])]


def _ordered(
    searches: _Searches,
    found: Mapping[str, Hit],
    others: Sequence[Mapping[str, Hit]],
    recipe: Recipe,
    limit: int,
) -> list[Hit]:
    """As on a machine, where fewer are asked for at first; the rest stays behind."""
    first = dict(islice(found.items(), FIRST * limit))
    besides = {key: hit for each in others for key, hit in each.items() if key not in first}
    rest = [hit for key, hit in found.items() if key not in first and key not in besides]
    if not recipe.reranking:
        return [*first.values(), *besides.values(), *rest]
    hits = in_order(searches.whole, searches.sentences, list(first.values()), list(besides.values()))
    return [*hits, *(replace(hit, score=0.0) for hit in rest)]


def _hits(answer: Mapping[str, Any]) -> dict[str, Hit]:
    try:
        return {
            each["_id"]: cards.read(each["_source"]["card"].encode(), float(each["_score"]))
            for each in answer["hits"]["hits"]
        }
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise Damaged("what OpenSearch found cannot be read") from fault
