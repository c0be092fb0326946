"""Search over a tenant's knowledge: an index per process that follows the change feed before each search."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from ccos.domain.evidence import Evidence, EvidenceKind, link_to
from ccos.knowledge.answering import answerability
from ccos.knowledge.cards import Hit
from ccos.knowledge.following import Followed
from ccos.knowledge.index import Damaged, TenantIndex
from ccos.knowledge.querying import Question, question
from ccos.knowledge.recipe import WHOLE, Recipe
from ccos.knowledge.shelf import Shelf
from ccos.knowledge.slots import Slot
from ccos.knowledge.synonyms import Groups

SNIPPET_CHARACTERS = 800
MOST_QUERIES = 8
MOST_TENANTS = 256
"""Indexes kept open; the one not searched for the longest time is closed."""

_RRF = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009)."""

_DEPTH, _DEEPEST = 20, 1_000
"""Items per query that enter the fusion, at least; passages that are looked at, at most."""


class Searcher:
    """Finds passages for drafts, for the console and for `kb search`. Close it with `aclose`.

    Indexes live under `home`/index. A search first takes in what changed on the shelf; when that takes longer
    than `patience_seconds` (a first build, a mass import) it answers from what is indexed so far, and the
    indexing goes on behind it. `on_change` hears of each tenant whose shelf was found changed, before a
    search answers from the change; it neither blocks nor raises. Raises `IndexUnusable` when this machine
    cannot hold an index, and whatever the shelf raises.
    """

    def __init__(
        self,
        shelf: Shelf,
        home: Path,
        *,
        patience_seconds: float = 2.0,
        on_change: Callable[[UUID], None] | None = None,
        recipe: Recipe = WHOLE,
    ) -> None:
        self._shelf = shelf
        self._recipe = recipe
        self._root = home / "index"
        self._patience_seconds = patience_seconds
        self._on_change = on_change
        self._slot: Slot | None = None
        self._taking = asyncio.Lock()
        self._followed: OrderedDict[UUID, Followed] = OrderedDict()

    async def search(
        self,
        tenant_id: UUID,
        queries: Sequence[str],
        *,
        pool: Literal["kb", "case"],
        limit: int = 5,
        now: datetime,
        synonyms: Groups = (),
    ) -> list[Evidence]:
        """The best passage of each of the `limit` best items, numbered from 1.

        Several queries are fused by rank; `score` is 1 for an item that comes first for every query. Items
        past their `valid_until` are left out; internal ones are kept and say so. `synonyms` are the tenant's
        groups of words that mean the same.
        """
        groups = synonyms if self._recipe.synonyms else None
        asked = [question(query, groups) for query in list(dict.fromkeys(queries))[:MOST_QUERIES]]
        asked = [each for each in asked if each]
        if not asked or limit < 1:
            return []
        kind = EvidenceKind(pool)
        followed = await self._follow(tenant_id)
        index = await followed.fresh(self._patience_seconds)
        try:
            ranked = await asyncio.to_thread(_ranked, index, kind, asked, limit, now, self._recipe)
        except Damaged:
            followed.distrust()
            index = await followed.fresh(self._patience_seconds)
            ranked = await asyncio.to_thread(_ranked, index, kind, asked, limit, now, self._recipe)
        return _evidence(kind, ranked, len(asked))[:limit]

    def answerability(self, queries: Sequence[str], evidence: Sequence[Evidence]) -> float:
        return answerability(queries, evidence)

    async def aclose(self) -> None:
        """Ends indexing after the batch at work and frees this process's place on the disk."""
        followed, self._followed = list(self._followed.values()), OrderedDict()
        for each in followed:
            await each.aclose()
        if self._slot is not None:
            self._slot.close()
            self._slot = None

    async def _follow(self, tenant_id: UUID) -> Followed:
        async with self._taking:
            if self._slot is None:
                self._slot = await asyncio.to_thread(Slot, self._root)
        followed = self._followed.get(tenant_id)
        if followed is None:
            folder = self._root / str(tenant_id) / str(self._slot.number)
            followed = self._followed[tenant_id] = Followed(self._shelf, tenant_id, folder, self._on_change)
        self._followed.move_to_end(tenant_id)
        if len(self._followed) > MOST_TENANTS:
            idle = next((key for key, each in self._followed.items() if each.idle and key != tenant_id), None)
            if idle is not None:
                del self._followed[idle]
        return followed


def _ranked(
    index: TenantIndex,
    kind: EvidenceKind,
    asked: Sequence[Question],
    limit: int,
    now: datetime,
    recipe: Recipe,
) -> list[list[Hit]]:
    return [_items(index, kind, each, max(limit, _DEPTH), now, recipe) for each in asked]


def _items(
    index: TenantIndex, kind: EvidenceKind, asked: Question, limit: int, now: datetime, recipe: Recipe
) -> list[Hit]:
    """The best passage of each item; looks deeper while one item's passages or expired ones fill the top."""
    depth = 3 * limit
    while True:
        hits = index.search(kind, asked, depth, recipe)
        best: dict[str, Hit] = {}
        for hit in hits:
            if hit.valid_until is None or hit.valid_until > now:
                best.setdefault(hit.item, hit)
        if len(best) >= limit or len(hits) < depth or depth >= _DEEPEST:
            return list(best.values())[:limit]
        depth *= 4


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
