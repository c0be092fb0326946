"""The shelf in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from uuid import UUID

from ccos.domain.errors import DatabaseUnavailable
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved
from ccos.knowledge.shelf import Sighting
from ccos.store import kb_indexes, kb_scan, knowledge
from ccos.store.database import Database
from ccos.store.kb_indexes import Standing


class PostgresShelf:
    """Each call is one transaction of its tenant. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant_id: UUID, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
        async with self._database.tenant(tenant_id) as tx:
            return await knowledge.put_all(tx, entries)

    async def archive_missing(self, tenant_id: UUID, kind: EvidenceKind, present: Collection[str]) -> int:
        async with self._database.tenant(tenant_id) as tx:
            return await knowledge.archive_missing(tx, kind, present)

    async def changes(self, tenant_id: UUID, since: int, limit: int) -> list[Change]:
        async with self._database.tenant(tenant_id) as tx:
            return await knowledge.changes_since(tx, since, limit=limit)

    async def last_change(self, tenant_id: UUID) -> int:
        async with self._database.tenant(tenant_id) as tx:
            return await knowledge.last_change(tx)

    async def load(self, tenant_id: UUID, item_ids: Collection[UUID]) -> list[Shelved]:
        async with self._database.tenant(tenant_id) as tx:
            return await knowledge.shelved(tx, item_ids)

    async def waiting(self, tenant_id: UUID, since: int) -> int:
        async with self._database.tenant(tenant_id) as tx:
            return await kb_indexes.waiting(tx, since)

    async def scan(
        self, tenant_id: UUID, kind: EvidenceKind, terms: Sequence[str], *, most: int, seconds: float
    ) -> list[Sighting]:
        """What was found in time when a statement takes too long."""
        found: list[kb_scan.Seen] = []
        place: kb_scan.Place | None = kb_scan.NEWEST
        end = time.monotonic() + seconds
        try:
            async with self._database.tenant(tenant_id, seconds=seconds) as tx:
                while place is not None and time.monotonic() < end:
                    seen, place = await kb_scan.scan(tx, kind, terms, after=place, most=most)
                    found = sorted([*found, *seen], key=lambda each: -each.matches)[:most]
        except DatabaseUnavailable:
            if not found:
                raise
        return [
            Sighting(
                Shelved(each.stored.id, each.stored.item, (each.passage,), version=each.stored.version),
                each.ordinal,
                each.passage,
                each.matches,
            )
            for each in found
        ]

    async def generation(self, tenant_id: UUID) -> int:
        async with self._database.tenant(tenant_id) as tx:
            return await kb_indexes.generation(tx)

    async def rebuild(self, tenant_id: UUID) -> int:
        async with self._database.tenant(tenant_id) as tx:
            return await kb_indexes.rebuild(tx)

    async def report(self, tenant_id: UUID, node: str, standing: Standing) -> None:
        async with self._database.tenant(tenant_id) as tx:
            await kb_indexes.report(tx, node, standing)
