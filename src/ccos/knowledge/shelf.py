"""Where knowledge is kept, as import and search need it. PostgreSQL is the real one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved
from ccos.store.kb_indexes import Standing


@dataclass(frozen=True, slots=True)
class Sighting:
    """Passage `ordinal` of an item, met without an index; it holds `matches` of the terms."""

    shelved: Shelved
    ordinal: int
    passage: Passage
    matches: int


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

    async def waiting(self, tenant_id: UUID, since: int) -> int:
        """How many items `changes` would name, were there no limit."""
        ...

    async def scan(
        self, tenant_id: UUID, kind: EvidenceKind, terms: Sequence[str], *, most: int, seconds: float
    ) -> list[Sighting]:
        """Passages that hold most of the terms (in lower case), read without an index from the newest item
        on, until `seconds` are over: at most `most`, best first, nothing archived."""
        ...

    async def generation(self, tenant_id: UUID) -> int:
        """The build that is wanted of each index: one of a lower generation is built anew."""
        ...

    async def rebuild(self, tenant_id: UUID) -> int:
        """Asks every machine to build the tenant's index anew; the generation wanted from now on."""
        ...

    async def report(self, tenant_id: UUID, node: str, standing: Standing) -> None:
        """Tells whoever asks how this machine's index stands."""
        ...
