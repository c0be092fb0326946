"""Search by vectors, beside the search by words: what means the same and says it otherwise."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from ccos.domain.errors import CcosError, ProviderDown
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Passage, Shelved
from ccos.knowledge import cards
from ccos.knowledge.cards import Hit
from ccos.knowledge.dense_matrix import Matrix
from ccos.knowledge.engine import best_of_items
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.shelf import Shelf
from ccos.store import knowledge, near, vectors
from ccos.store.database import Database
from ccos.store.ending import end

log = structlog.get_logger(__name__)

SECONDS = 0.3
"""Longest wait for vectors, from the question to the hits."""

MOST_PASSAGES = 50_000
"""Of one tenant; with more it is searched by words alone."""

MOST_BYTES = 512 * 2**20
"""Of all tenants' vectors in one process; the one not searched for the longest time goes."""

MOST_SEARCHES = 8
"""That run at a time, late ones too."""

WEIGHT = 0.25
"""What a rank by vectors counts against one by words."""

RRF = 60
"""As between queries: reciprocal rank fusion's constant (Cormack, Clarke and Büttcher 2009)."""

_DEEPER = 4
"""So many passages are looked at for each item that is wanted: some are of one item, or may not be found."""

_BATCH = 500
_LOOK_SECONDS, _UPDATE_SECONDS = 0.5, 0.05
_TOLD_SECONDS = 60.0
_REMEMBERED = 128
_CHARACTERS = 600
"""Of a query: its beginning asks, and small models read 512 tokens."""


class Reader(Protocol):
    """Makes one vector for each text, in order; `personal` ones leave the machine masked or not at all.

    Raises a ProviderError, within `seconds`.
    """

    async def embed(
        self, texts: Sequence[str], *, seconds: float, tenant_id: UUID, personal: bool
    ) -> Sequence[Sequence[float]]: ...


class Dense:
    """Finds the passages nearest to a query, of those that have a vector of `model`. Close it with `aclose`.

    A tenant's vectors are read into memory by its first search, behind it, and follow the change feed. What
    is found is read from the shelf anew: nothing that is archived, has run out or says something else by now.
    """

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        reader: Reader,
        model: str,
        *,
        query_prefix: str = "",
        seconds: float = SECONDS,
        most_passages: int = MOST_PASSAGES,
    ) -> None:
        """`query_prefix` is what the model wants before a question; what it wants before passages is part of
        the name `model` that their vectors are kept under."""
        self.model = model
        self._query_prefix = query_prefix
        self.failed: Counter[str] = Counter()
        """Searches that went on without vectors, by why."""
        self._database = database
        self._shelf = shelf
        self._reader = reader
        self._seconds = seconds
        self._most_passages = most_passages
        self._tenants: OrderedDict[UUID, _Vectors] = OrderedDict()
        self._running: set[asyncio.Task[list[list[Hit]]]] = set()
        self._asked: OrderedDict[bytes, Sequence[float]] = OrderedDict()
        self._told: dict[str, float] = {}

    async def ranked(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        queries: Sequence[str],
        limit: int,
        now: datetime,
        only: Filter = EVERYTHING,
    ) -> list[list[Hit]] | None:
        """For each query the best passage of each of the `limit` nearest items: valid at `now`, and `only`.

        None when there is no answer in time, whatever the reason: it is counted, and never an error.
        """
        if len(self._running) >= MOST_SEARCHES:
            self._count("busy")
            return None
        task = asyncio.create_task(
            self._ranked(tenant_id, kind, queries, limit, now, only), name="search vectors"
        )
        self._running.add(task)
        task.add_done_callback(self._ended)
        # A late one is not cancelled, it has deadlines of its own: what waits for a database may not hear it.
        done, _ = await asyncio.wait({task}, timeout=self._seconds)
        try:
            if done:
                return task.result()
            self._count("late")
        except _NotNow as fault:
            self._count(str(fault))
        except CcosError as fault:
            self._count(str(fault.facts.get("cause", fault.code)))
        except Exception:
            log.error("vectors.broke", exc_info=True)
            self._count("broke")
        return None

    async def ready(self, tenant_id: UUID) -> None:
        """Waits until all vectors of the tenant there are now can be searched. Raises StoreError."""
        await self._of(tenant_id).updated()

    async def aclose(self) -> None:
        await end([*self._running, *(each.task for each in self._tenants.values() if each.task)])
        self._tenants.clear()

    async def _ranked(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        queries: Sequence[str],
        limit: int,
        now: datetime,
        only: Filter,
    ) -> list[list[Hit]]:
        known = self._of(tenant_id)
        update = known.begin()
        if not known.loaded:
            raise _NotNow("loading")
        if known.too_many:
            places = await self._in_store(tenant_id, kind, queries, _DEEPER * limit)
        elif not len(known.matrix):
            return [[] for _ in queries]
        else:
            places = await self._in_memory(known, update, tenant_id, kind, queries, _DEEPER * limit)
        ids = {item for of_one in places for (item, _, _), _ in of_one}
        shelved = {each.id: each for each in await self._shelf.load(tenant_id, ids)}
        hits = [
            [
                hit
                for (item, ordinal, text), likeness in of_one
                if (hit := _hit(shelved.get(item), ordinal, text, likeness)) is not None
            ]
            for of_one in places
        ]
        return [best_of_items(each, now, only)[:limit] for each in hits]

    async def _in_memory(
        self,
        known: _Vectors,
        update: asyncio.Task[None] | None,
        tenant_id: UUID,
        kind: EvidenceKind,
        queries: Sequence[str],
        most: int,
    ) -> list[list[_Place]]:
        asked = await self._vectors(tenant_id, queries)
        if update is not None:
            await asyncio.wait({update}, timeout=_UPDATE_SECONDS)
        try:
            found = await asyncio.to_thread(known.matrix.nearest, kind, asked, most)
        except ValueError:
            raise ProviderDown(cause="another_width") from None
        return [
            [(place, likeness) for row, likeness in of_one for place in known.matrix.users(row, kind)]
            for of_one in found
        ]

    async def _in_store(
        self, tenant_id: UUID, kind: EvidenceKind, queries: Sequence[str], most: int
    ) -> list[list[_Place]]:
        """By the index of pgvector, where somebody has made one (`ccos kb vectors`)."""
        async with self._database.tenant(tenant_id, seconds=self._seconds) as tx:
            width = await near.width(tx, self.model)
        if width is None:
            raise _NotNow("too_many")
        asked = await self._vectors(tenant_id, queries)
        if any(len(each) != width for each in asked):
            raise ProviderDown(cause="another_width")
        async with self._database.tenant(tenant_id, seconds=self._seconds) as tx:
            found = [await near.nearest(tx, self.model, kind, each, most, dimensions=width) for each in asked]
        return [[((n.item_id, n.ordinal, n.hash), n.likeness) for n in of_one] for of_one in found]

    async def _vectors(self, tenant_id: UUID, queries: Sequence[str]) -> list[Sequence[float]]:
        """Both pools are asked the same: a query is read once, and kept for a while under its hash."""
        keys = [_digest(f"{tenant_id}\x1f{query}") for query in queries]
        fresh = {
            key: self._query_prefix + query[:_CHARACTERS] for key, query in zip(keys, queries, strict=True)
        }
        found = {key: self._asked[key] for key in keys if key in self._asked}
        fresh = {key: query for key, query in fresh.items() if key not in found}
        if fresh:
            read = await self._reader.embed(
                list(fresh.values()), seconds=self._seconds, tenant_id=tenant_id, personal=True
            )
            found |= dict(zip(fresh, read, strict=True))
            self._asked.update((key, found[key]) for key in fresh)
            while len(self._asked) > _REMEMBERED:
                self._asked.popitem(last=False)
        return [found[key] for key in keys]

    def _of(self, tenant_id: UUID) -> _Vectors:
        known = self._tenants.get(tenant_id)
        if known is None:
            known = _Vectors(self._database, tenant_id, self.model, self._most_passages)
            self._tenants[tenant_id] = known
        self._tenants.move_to_end(tenant_id)
        for key in list(self._tenants):
            idle = self._tenants[key].task is None and key != tenant_id
            if idle and sum(each.matrix.size for each in self._tenants.values()) > MOST_BYTES:
                del self._tenants[key]
        return known

    def _ended(self, task: asyncio.Task[list[list[Hit]]]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # who waited has heard of it, or did not wait

    def _count(self, why: str) -> None:
        self.failed[why] += 1
        now = asyncio.get_running_loop().time()
        if now - self._told.get(why, float("-inf")) >= _TOLD_SECONDS:
            self._told[why] = now
            log.info("search.without_vectors", reason=why, times=self.failed[why])


_Place = tuple[tuple[UUID, int, bytes], float]
"""An item's passage with the hash of its text, and how like the question it is."""


class _NotNow(Exception):
    """Why a tenant's vectors cannot be searched now."""


class _Vectors:
    """One tenant's matrix, kept in step with the feed of changes and of vectors by one task at a time."""

    def __init__(self, database: Database, tenant_id: UUID, model: str, most: int) -> None:
        self.matrix = Matrix()
        self.loaded = self.too_many = False
        self.task: asyncio.Task[None] | None = None
        self._database = database
        self._tenant_id = tenant_id
        self._model = model
        self._most = most
        self._seq = 0
        self._made: int | None = None
        self._looked_at = float("-inf")

    def begin(self) -> asyncio.Task[None] | None:
        """The look at the feeds that goes on, or a new one when the last was long enough ago."""
        now = asyncio.get_running_loop().time()
        if self.task is None and not self.too_many and now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self.task = asyncio.create_task(self._update(), name="follow vectors")
            self.task.add_done_callback(self._ended)
        return self.task

    async def updated(self) -> None:
        while (task := self.task) is not None:
            await asyncio.wait({task})
        self._looked_at = float("-inf")
        task = self.begin()
        if task is not None:
            await asyncio.wait({task})
            task.result()

    async def _update(self) -> None:
        if self._made is None:
            async with self._database.tenant(self._tenant_id) as tx:
                copied = await near.width(tx, self._model) is not None
                if copied and await near.more_than(tx, self._model, self._most):
                    self._give_up()
                    return
                self._made = await vectors.last_made(tx, self._model)
        for take_in in (self._take_in_changes, self._take_in_vectors):
            more = True
            while more:
                more = await take_in()
                if len(self.matrix) > self._most:
                    self._give_up()
                    return
        self.loaded = True

    async def _take_in_changes(self) -> bool:
        """Whether there may be more."""
        async with self._database.tenant(self._tenant_id) as tx:
            changes = await knowledge.changes_since(tx, self._seq, limit=_BATCH)
            if not changes:
                return False
            ids = [change.item_id for change in changes]
            wanting = self.matrix.place(ids, await vectors.held(tx, ids))
            self.matrix.take(await vectors.made_of(tx, self._model, wanting) if wanting else [])
        self._seq = changes[-1].seq
        return len(changes) == _BATCH

    async def _take_in_vectors(self) -> bool:
        assert self._made is not None
        async with self._database.tenant(self._tenant_id) as tx:
            made = await vectors.made_since(tx, self._model, self._made, limit=_BATCH)
        if not made:
            return False
        self.matrix.take(made)
        self._made = made[-1].seq
        return len(made) == _BATCH

    def _give_up(self) -> None:
        self.matrix, self.loaded, self.too_many = Matrix(), True, True
        log.warning("search.too_many_vectors", tenant=str(self._tenant_id), most=self._most)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.task = None
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log.warning("vectors.not_followed", tenant=str(self._tenant_id), cause=type(fault).__name__)


def both(by_words: Sequence[Hit], by_vectors: Sequence[Hit], *, weight: float = WEIGHT) -> list[Hit]:
    """One list of items by reciprocal rank; the passage that the words found is shown before the other."""
    scores: dict[str, float] = {}
    shown: dict[str, Hit] = {}
    for hits, counts in ((by_words, 1.0), (by_vectors, weight)):
        for rank, hit in enumerate(hits, start=1):
            scores[hit.item] = scores.get(hit.item, 0.0) + counts / (RRF + rank)
            shown.setdefault(hit.item, hit)
    return [shown[item] for item in sorted(scores, key=lambda item: -scores[item])]


def _hit(shelved: Shelved | None, ordinal: int, text: bytes, likeness: float) -> Hit | None:
    """None when the item is not there any more, or its passage says something else."""
    if shelved is None or shelved.archived or not 0 < ordinal <= len(shelved.passages):
        return None
    passage = shelved.passages[ordinal - 1]
    if text_hash(shelved.item.title, passage) != text:
        return None
    return cards.read(cards.written(shelved, ordinal, passage), likeness)


def text_hash(title: str, passage: Passage) -> bytes:
    """What `kb_text_hash` of the store says."""
    return hashlib.sha256(f"{title}\x1f{passage.heading}\x1f{passage.body}".encode(errors="replace")).digest()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
