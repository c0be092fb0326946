"""Lists: marks for the next page of one that is ordered by time and id, and words to look for."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from ccos.domain.errors import BadInput


def mark(at: datetime, last_id: UUID) -> str:
    """Where the page after the row with this time and id starts."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {last_id}".encode()).decode()


def read_mark(text: str | None) -> tuple[datetime | None, UUID | None]:
    """Time and id of the last row seen; nothing for no mark. Raises `BadInput` for one that is not ours."""
    if text is None:
        return None, None
    try:
        at, _, last_id = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(last_id)
    except (binascii.Error, ValueError):
        raise BadInput("The page mark is not one that was given out; start from the first page.") from None


def pattern(text: str) -> str:
    """For LIKE: what holds the text as it is."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
