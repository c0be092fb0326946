"""What an index keeps beside the terms of a passage, to show it without asking the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccos.domain.evidence import Use, Visibility
from ccos.domain.knowledge import Passage, Shelved
from ccos.knowledge.chunking import first_line


@dataclass(frozen=True, slots=True)
class Hit:
    """Passage `ordinal` of an item, as its `version` has it; `item` is the same for all passages of one.

    It is `titled` when its title is its own and not made of its text.
    """

    item: str
    external_id: str
    title: str
    titled: bool
    heading: str
    text: str
    url: str | None
    visibility: Visibility
    use: Use
    locale: str | None
    version: int
    ordinal: int
    updated_at: datetime | None
    valid_until: datetime | None
    score: float
    category: str | None = None


def is_titled(shelved: Shelved) -> bool:
    """Whether the title says more than the text: one that was made of the text, for want of one, does not."""
    return not any(shelved.item.title == first_line(passage.body) for passage in shelved.passages[:1])


def written(shelved: Shelved, ordinal: int, passage: Passage) -> bytes:
    item = shelved.item
    card = {
        "item": shelved.id.hex,
        "external_id": item.external_id,
        "title": item.title,
        "titled": is_titled(shelved),
        "heading": passage.heading,
        "text": passage.body,
        "url": item.url,
        "visibility": item.visibility.value,
        "use": item.use.value,
        "locale": item.locale,
        "category": item.category,
        "version": shelved.version,
        "ordinal": ordinal,
        "updated_at": item.updated_at and item.updated_at.isoformat(),
        "valid_until": item.valid_until and item.valid_until.isoformat(),
    }
    return json.dumps(card, ensure_ascii=False).encode(errors="replace")


def read(card: bytes, score: float) -> Hit:
    """Raises ValueError, LookupError or TypeError for what `written` did not write."""
    values: dict[str, Any] = json.loads(card)
    return Hit(
        **values
        | {
            "visibility": Visibility(values["visibility"]),
            "use": Use(values["use"]),
            "updated_at": _instant(values["updated_at"]),
            "valid_until": _instant(values["valid_until"]),
            "score": score,
        }
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
