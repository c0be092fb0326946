"""A shelf in memory: for tests, and for trying things without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved
from ccos.knowledge.shelf import Sighting
from ccos.store.kb_indexes import Standing


@dataclass
class _Tenant:
    items: dict[UUID, Shelved] = field(default_factory=dict)
    ids: dict[tuple[EvidenceKind, str], UUID] = field(default_factory=dict)
    feed: dict[UUID, int] = field(default_factory=dict)
    last: int = 0
    generation: int = 0
    nodes: dict[str, Standing] = field(default_factory=dict)

    def keep(self, shelved: Shelved) -> None:
        self.items[shelved.id] = shelved
        self.last += 1
        self.feed.pop(shelved.id, None)
        self.feed[shelved.id] = self.last


class MemoryShelf:
    def __init__(self) -> None:
        self._tenants: dict[UUID, _Tenant] = {}

    async def put(self, tenant_id: UUID, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        return [_put(tenant, item, tuple(passages)) for item, passages in entries]

    async def archive_missing(self, tenant_id: UUID, kind: EvidenceKind, present: Collection[str]) -> int:
        tenant, kept = self._tenants.get(tenant_id, _Tenant()), set(present)
        gone = [
            shelved
            for shelved in tenant.items.values()
            if shelved.item.kind == kind and not shelved.archived and shelved.item.external_id not in kept
        ]
        for shelved in gone:
            tenant.keep(replace(shelved, archived=True))
        return len(gone)

    async def changes(self, tenant_id: UUID, since: int, limit: int) -> list[Change]:
        feed = self._tenants.get(tenant_id, _Tenant()).feed
        return [Change(seq, item_id) for item_id, seq in feed.items() if seq > since][:limit]

    async def last_change(self, tenant_id: UUID) -> int:
        return self._tenants.get(tenant_id, _Tenant()).last

    async def load(self, tenant_id: UUID, item_ids: Collection[UUID]) -> list[Shelved]:
        items = self._tenants.get(tenant_id, _Tenant()).items
        return [items[item_id] for item_id in item_ids if item_id in items]

    async def waiting(self, tenant_id: UUID, since: int) -> int:
        return sum(seq > since for seq in self._tenants.get(tenant_id, _Tenant()).feed.values())

    async def scan(
        self,
        tenant_id: UUID,
        kind: EvidenceKind,
        terms: Sequence[str],
        *,
        most: int,
        seconds: float,  # noqa: ARG002
    ) -> list[Sighting]:
        found = []
        for shelved in reversed(self._tenants.get(tenant_id, _Tenant()).items.values()):
            if shelved.archived or shelved.item.kind is not kind:
                continue
            for ordinal, passage in enumerate(shelved.passages, start=1):
                held = f"{shelved.item.title} {passage.heading} {passage.body}".lower()
                if matches := sum(term in held for term in terms):
                    found.append(Sighting(shelved, ordinal, passage, matches))
        return sorted(found, key=lambda each: -each.matches)[:most]

    async def generation(self, tenant_id: UUID) -> int:
        return self._tenants.get(tenant_id, _Tenant()).generation

    async def rebuild(self, tenant_id: UUID) -> int:
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        tenant.generation += 1
        return tenant.generation

    async def report(self, tenant_id: UUID, node: str, standing: Standing) -> None:
        self._tenants.setdefault(tenant_id, _Tenant()).nodes[node] = standing


def _put(tenant: _Tenant, item: Item, passages: tuple[Passage, ...]) -> Put:
    key = (item.kind, item.external_id)
    known = tenant.ids.get(key)
    if known is None:
        known = tenant.ids[key] = uuid4()
        tenant.keep(Shelved(known, item, passages))
        return Put(known, "created")
    before = tenant.items[known]
    same = (before.item, before.passages) == (item, passages)
    fresh = Shelved(known, item, passages, version=before.version if same else before.version + 1)
    if before == fresh:
        return Put(known, "unchanged", before.version)
    tenant.keep(fresh)
    return Put(known, "changed", fresh.version)
