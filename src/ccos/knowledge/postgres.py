"""The shelf in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved
from ccos.store import knowledge
from ccos.store.database import Database


class PostgresShelf:
    """Each call is one transaction of its tenant. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant_id: UUID, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
        async with self._database.tenant(tenant_id) as tx:
            return [await knowledge.put(tx, item, passages) for item, passages in entries]

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
