"""A passage a draft may stand on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class EvidenceKind(StrEnum):
    KB = "kb"
    CASE = "case"


class Visibility(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class Evidence(BaseModel):
    """Passage number `n` (from 1) of a KB procedure or of a similar solved case.

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
    updated_at: datetime | None = None
