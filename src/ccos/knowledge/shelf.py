"""Where knowledge is kept, as import and search need it. PostgreSQL is the real one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved


class Shelf(Protocol):
    """Keeps items with their passages and numbers every change, per tenant.

    Change numbers grow in the order in which changes become visible: who has read up to a number has missed
    nothing before it.
    """

    async def put(self, tenant_id: UUID, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
        """Stores all entries or none; equal content touches nothing, an archived item comes back."""
        ...

    async def archive_missing(self, tenant_id: UUID, kind: EvidenceKind, present: Collection[str]) -> int:
        """Archives the items of the kind whose external id is not among `present`; how many that were."""
        ...

    async def changes(self, tenant_id: UUID, since: int, limit: int) -> list[Change]:
        """Changes after number `since` (0 for all), oldest first, each item once at its last change."""
        ...

    async def last_change(self, tenant_id: UUID) -> int:
        """The newest change's number, 0 when there is none."""
        ...

    async def load(self, tenant_id: UUID, item_ids: Collection[UUID]) -> list[Shelved]:
        """Those of the items that there are, archived ones too, in no particular order."""
        ...
