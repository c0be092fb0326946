"""What a contact centre knows: procedures and solved cases, and the pieces they are found by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from ccos.domain.evidence import EvidenceKind, Visibility


@dataclass(frozen=True, slots=True)
class Item:
    """A procedure or a case as its source has it; `updated_at` is the source's time.

    `external_id` is unique within its kind. From `valid_until` on, the item is no longer found.
    """

    kind: EvidenceKind
    external_id: str
    title: str
    body: str
    url: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    locale: str | None = None
    updated_at: datetime | None = None
    valid_until: datetime | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an item that can be found and cited; `heading` is the path of headings above it."""

    heading: str
    body: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """A stored item with its passages; an archived one is there but must not be found."""

    id: UUID
    item: Item
    passages: tuple[Passage, ...]
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    id: UUID
    outcome: Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """Change number `seq` of a tenant's knowledge: the item was created, changed or archived."""

    seq: int
    item_id: UUID
