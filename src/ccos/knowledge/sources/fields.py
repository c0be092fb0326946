"""Reading JSON that others wrote: what is not of the shape we know is nothing, and never a crash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ccos.domain.errors import SourceUnreadable
from ccos.knowledge.formats.instants import instant

Record = dict[str, Any]


def record(value: object) -> Record:
    return value if isinstance(value, dict) else {}


def records(value: object) -> list[Record]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def listed(document: object, *names: str) -> list[Record]:
    """The list of records under one of the names. Raises `SourceUnreadable` when there is none."""
    for name in names:
        value = record(document).get(name)
        if isinstance(value, list):
            return records(value)
    raise SourceUnreadable


def text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def identity(value: object) -> str:
    """An id, which products give as a number or as a text; "" for neither."""
    return str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""


def moment(value: object) -> datetime | None:
    """A time as products write it: ISO 8601, or seconds since 1970 (0 is none)."""
    if isinstance(value, bool) or not value or not isinstance(value, (str, int, float)):
        return None
    return instant(value, UTC)


def newest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)


def path(*parts: str) -> str | None:
    """A category path as it is stored; None for no parts."""
    return " > ".join(part for part in parts if part) or None


def words(value: object) -> list[str]:
    return (
        [each.strip() for each in value if isinstance(each, str) and each.strip()]
        if isinstance(value, list)
        else []
    )
