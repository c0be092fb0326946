"""What a contact centre knows: procedures and solved cases, and the pieces they are found by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from ccos.domain.evidence import EvidenceKind, Use, Visibility

LEVELS, BETWEEN = 3, " > "
"""Of a category: how deep it may be, and what stands between the levels."""

_SEPARATORS = re.compile("[>＞›]")


@dataclass(frozen=True, slots=True)
class Item:
    """A procedure or a case as its source has it; `updated_at` is the source's time.

    `external_id` is unique within its kind. From `valid_until` on, the item is no longer found. `category` is
    a path of up to three levels, as `category_path` writes it.
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
    use: Use = Use.DRAFT


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an item that can be found and cited; `heading` is the path of headings above it."""

    heading: str
    body: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """A stored item with its passages; an archived one is there but must not be found.

    So is one whose category is switched off. `version` counts the item's contents from 1.
    """

    id: UUID
    item: Item
    passages: tuple[Passage, ...]
    archived: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class Put:
    id: UUID
    outcome: Literal["created", "changed", "unchanged"]
    version: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """Change number `seq` of a tenant's knowledge: the item was created, changed or archived."""

    seq: int
    item_id: UUID


def category_path(levels: str | Iterable[str] | None) -> str | None:
    """One spelling for a category: "배송>지연 " and ["배송", "지연"] are "배송 > 지연".

    Levels past the third are left out; None when no level has a name.
    """
    parts = _SEPARATORS.split(levels) if isinstance(levels, str) else levels or ()
    named = [" ".join(part.split()) for level in parts for part in _SEPARATORS.split(level)]
    return BETWEEN.join([name for name in named if name][:LEVELS]) or None


def category_levels(path: str | Iterable[str]) -> int:
    """How many levels somebody gave, before any is left out."""
    parts = [path] if isinstance(path, str) else path
    return sum(bool(name.strip()) for part in parts for name in _SEPARATORS.split(part))
