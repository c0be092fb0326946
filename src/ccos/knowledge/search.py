"""Search over a tenant's knowledge: an index per process that follows the change feed before each search."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import structlog

from ccos.domain.errors import IndexUnusable
from ccos.domain.evidence import Evidence, EvidenceKind, link_to
from ccos.knowledge import answering, plain
from ccos.knowledge.asked import read
from ccos.knowledge.cards import Hit
from ccos.knowledge.dense import Dense, both
from ccos.knowledge.engine import Away, Damaged, Follower
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.following import Followed
from ccos.knowledge.gathering import once, preferring
from ccos.knowledge.keeping import Keeper
from ccos.knowledge.querying import Question, question
from ccos.knowledge.recipe import WHOLE, Recipe
from ccos.knowledge.shelf import Shelf
from ccos.knowledge.slots import Slot, node_name
from ccos.knowledge.synonyms import Groups

log = structlog.get_logger(__name__)

Source = Literal["index", "former", "store"]
"""What answered: the index, one that no longer follows and was held against the store, or the store."""

SNIPPET_CHARACTERS = 800
MOST_QUERIES = 8
MOST_TENANTS = 256
"""Indexes kept open; the one not searched for the longest time is closed."""

_RRF = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009)."""

MOST_SCANS = 3
"""Searches at a time that read the store, for want of an index; each takes a connection."""

_DEPTH = 20
"""Items per query that enter the fusion, at least."""


class Searcher:
    """Finds passages for drafts, for the console and for `kb search`. Close it with `aclose`.

    Indexes live under `home`/index. A search first takes in what changed on the shelf; when that takes longer
    than `patience_seconds` (a first build, a mass import) it answers from what is indexed so far, and the
    indexing goes on behind it. While there is no index that can be read, the store is searched, slower and
    plainer; `on_search` hears what answered. `on_change` hears of each tenant whose shelf was found changed,
    before a search answers from the change. Neither blocks or raises. With `keep_up`, indexes that were
    searched follow the shelf without waiting for the next search, and tell it how they stand. `elsewhere` has
    the followers of tenants whose index is not on this machine. What `dense` finds by vectors, in time, joins
    what the words find; who opened it closes it. Raises whatever the shelf raises.
    """

    def __init__(
        self,
        shelf: Shelf,
        home: Path,
        *,
        patience_seconds: float = 2.0,
        on_change: Callable[[UUID], None] | None = None,
        on_search: Callable[[Source], None] | None = None,
        keep_up: bool = False,
        recipe: Recipe = WHOLE,
        elsewhere: Callable[[UUID], Follower | None] = lambda _tenant: None,
        dense: Dense | None = None,
    ) -> None:
        self._shelf = shelf
        self._elsewhere = elsewhere
        self._dense = dense
        self._recipe = recipe
        self._root = home / "index"
        self._patience_seconds = patience_seconds
        self._on_change = on_change
        self._on_search = on_search or (lambda _source: None)
        self._keep_up = keep_up
        self._keeper: Keeper | None = None
        self._scanning = asyncio.Semaphore(MOST_SCANS)
        self._slot: Slot | None = None
        self._taking = asyncio.Lock()
        self._followed: OrderedDict[UUID, Follower] = OrderedDict()

    async def search(
        self,
        tenant_id: UUID,
        queries: Sequence[str],
        *,
        pool: Literal["kb", "case"],
        limit: int = 5,
        now: datetime,
        synonyms: Groups = (),
        only: Filter = EVERYTHING,
        language: str | None = None,
    ) -> list[Evidence]:
        """The best passage of each of the `limit` best items, numbered from 1.

        Several queries are fused by rank; `score` is 1 for an item that comes first for every query. Items
        past their `valid_until` are left out; internal ones are kept and say so, unless `only` forbids it.
        `synonyms` are the tenant's groups of words that mean the same. Of items
        that answer alike those in `language` come first; ones that say the same are one.
        """
        groups = synonyms if self._recipe.synonyms else None
        read = list(dict.fromkeys(queries))[:MOST_QUERIES]
        asked = {query: each for query in read if (each := question(query, groups))}
        if not asked or limit < 1:
            return []
        kind = EvidenceKind(pool)
        ranked = await self._ranked(tenant_id, kind, asked, max(limit, _DEPTH), now, only)
        best = preferring(language, once(_evidence(kind, ranked, len(asked))))[:limit]
        return [each.model_copy(update={"n": n}) for n, each in enumerate(best, start=1)]

    async def _ranked(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        asked: Mapping[str, Question],
        deep: int,
        now: datetime,
        only: Filter,
    ) -> list[list[Hit]]:
        """For each query the best items, by its words and, where there are any in time, by vectors."""
        by_words = self._by_words(tenant_id, kind, asked, deep, now, only)
        if self._dense is None or not self._recipe.dense:
            return await by_words
        by_vectors = self._dense.ranked(tenant_id, kind, list(asked), deep, now, only)
        ranked, near = await asyncio.gather(by_words, by_vectors)
        if near is None or len(near) != len(ranked):
            return ranked
        return [both(*each) for each in zip(ranked, near, strict=True)]

    async def _by_words(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        asked: Mapping[str, Question],
        deep: int,
        now: datetime,
        only: Filter,
    ) -> list[list[Hit]]:
        found = await self._indexed(tenant_id, kind, list(asked.values()), deep, now, only)
        if found is not None:
            source, ranked = found
        else:
            async with self._scanning:
                ranked = await plain.search(self._shelf, tenant_id, kind, list(asked), deep, now, only)
            source = "store"
        self._on_search(source)
        return ranked

    async def _indexed(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        asked: Sequence[Question],
        deep: int,
        now: datetime,
        only: Filter,
    ) -> tuple[Source, list[list[Hit]]] | None:
        """None when no index can answer; one that no longer follows cannot say that there is nothing."""
        try:
            followed = await self._follow(tenant_id)
        except IndexUnusable as fault:
            log.warning("search.index_unusable", tenant=str(tenant_id), reason=fault.sentence)
            return None
        for _ in range(2):
            serving = await followed.fresh(self._patience_seconds)
            if serving is None:
                break
            try:
                ranked = await serving.index.ranked(kind, asked, deep, now, self._recipe, only)
            except Damaged as fault:
                log.warning("search.index_damaged", tenant=str(tenant_id), cause=str(fault))
                followed.distrust()
                continue
            except Away as fault:
                log.warning("search.engine_away", tenant=str(tenant_id), cause=str(fault))
                return None
            if serving.current:
                return "index", ranked
            ranked = await plain.still_there(self._shelf, tenant_id, ranked)
            return ("former", ranked) if any(ranked) else None
        return None

    async def rebuild(self, tenant_id: UUID, tell: Callable[[int, int], None]) -> None:
        """Builds this machine's index to the generation that is wanted; `tell` hears of items done and all.

        Raises `IndexUnusable` when this machine cannot hold an index, and whatever the shelf raises.
        """
        await (await self._follow(tenant_id)).built(tell)

    async def answerability(self, tenant_id: UUID, text: str, evidence: Sequence[Evidence]) -> float:
        """In [0, 1]: how sure it is that evidence which a search found answers a customer's text.

        Passages of both pools count; from `answering.BAR` on it is answered. What no index can be asked, it
        gives the benefit of the doubt. Raises whatever the shelf raises.
        """
        asked = read(text)
        return answering.answerability(asked, evidence, await self.indexed(tenant_id, asked.terms))

    async def indexed(self, tenant_id: UUID, terms: frozenset[str]) -> frozenset[str]:
        """Those of the word terms that any passage or title of the tenant has; all where no index tells."""
        try:
            serving = await (await self._follow(tenant_id)).fresh(self._patience_seconds)
            return terms if serving is None else await serving.index.holding(terms)
        except (IndexUnusable, Damaged, Away):
            return terms

    async def aclose(self) -> None:
        """Ends indexing after the batch at work and frees this process's place on the disk."""
        if self._keeper is not None:
            await self._keeper.aclose()
        followed, self._followed = list(self._followed.values()), OrderedDict()
        for each in followed:
            await each.aclose()
        if self._slot is not None:
            self._slot.close()
            self._slot = None

    async def _follow(self, tenant_id: UUID) -> Follower:
        async with self._taking:
            if self._slot is None:
                self._slot = await asyncio.to_thread(Slot, self._root)
            if self._keep_up and self._keeper is None:
                node = node_name(self._root, self._slot.number)
                self._keeper = Keeper(self._shelf, node, lambda: self._followed)
        followed = self._followed.get(tenant_id)
        if followed is None:
            folder = self._root / str(tenant_id) / str(self._slot.number)
            followed = self._elsewhere(tenant_id) or Followed(self._shelf, tenant_id, folder, self._on_change)
            self._followed[tenant_id] = followed
        self._followed.move_to_end(tenant_id)
        if len(self._followed) > MOST_TENANTS:
            idle = next((key for key, each in self._followed.items() if each.idle and key != tenant_id), None)
            if idle is not None:
                del self._followed[idle]
        return followed


def _evidence(kind: EvidenceKind, ranked: Sequence[Sequence[Hit]], queries: int) -> list[Evidence]:
    """Reciprocal rank fusion; of one item the passage that ranked best is shown."""
    fused: dict[str, float] = {}
    shown: dict[str, tuple[int, Hit]] = {}
    for hits in ranked:
        for rank, hit in enumerate(hits, start=1):
            fused[hit.item] = fused.get(hit.item, 0.0) + (_RRF + 1) / (_RRF + rank) / queries
            if hit.item not in shown or rank < shown[hit.item][0]:
                shown[hit.item] = (rank, hit)
    order = sorted(fused, key=lambda item: (-fused[item], shown[item][0], shown[item][1].external_id))
    return [
        Evidence(
            n=n,
            kind=kind,
            id=hit.external_id,
            title=hit.title,
            snippet=snippet(hit.text),
            score=round(fused[item], 6),
            url=hit.url,
            visibility=hit.visibility,
            use=hit.use,
            locale=hit.locale,
            updated_at=hit.updated_at,
            version=hit.version,
            passages=(hit.ordinal,),
            link=link_to(kind, hit.external_id, hit.version),
        )
        for n, item in enumerate(order, start=1)
        for _, hit in [shown[item]]
    ]


def snippet(text: str) -> str:
    """The text, cut at the last line or word end before `SNIPPET_CHARACTERS`."""
    if len(text) <= SNIPPET_CHARACTERS:
        return text
    cut = text[: SNIPPET_CHARACTERS - 1]
    end = max(cut.rfind("\n"), cut.rfind(". ") + 1, cut.rfind(" "))
    return cut[: end if end > SNIPPET_CHARACTERS // 2 else len(cut)].rstrip() + "…"
