"""A passage a draft may stand on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field


class EvidenceKind(StrEnum):
    KB = "kb"
    CASE = "case"


class Visibility(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class Use(StrEnum):
    """draft: a reply may be written from it. hint: agents see it, and no model or rule reads it."""

    DRAFT = "draft"
    HINT = "hint"


class Evidence(BaseModel):
    """Citation number `n` (from 1): a KB procedure or a similar solved case, by what of it was found.

    `id` is the item's external id, the same for all passages of one item. `snippet` is the passage's
    text, `score` the search engine's own (only its order means something).
    """

    model_config = ConfigDict(frozen=True)

    n: int
    kind: EvidenceKind
    id: str
    title: str
    snippet: str
    score: float
    url: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    use: Use = Use.DRAFT
    locale: str | None = None
    updated_at: datetime | None = None
    version: int | None = Field(None, description="The item's version that this is; None: nobody kept it")
    passages: tuple[int, ...] = Field((), description="Which passages of that version, from 1")
    link: str | None = Field(None, description="Where that version is read over HTTP")
    also: tuple[str, ...] = Field((), description="Ids of items that say the same, and are not shown")


def link_to(kind: EvidenceKind, external_id: str, version: int) -> str:
    """Where a version of an item is read over HTTP."""
    return f"/api/kb/{quote(external_id)}?kind={kind.value}&version={version}"


def for_writing(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """What models and rules may read: all but hints."""
    return tuple(each for each in evidence if each.use is Use.DRAFT)


def for_customers(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """What may be told a customer: of that, what is public."""
    return tuple(each for each in for_writing(evidence) if each.visibility is Visibility.PUBLIC)
