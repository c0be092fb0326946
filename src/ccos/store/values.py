"""How our values become the database's, and back."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from ccos.domain.errors import NotFound

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def new_id() -> UUID:
    """A random id that sorts by time of making (RFC 9562, version 7), so that new rows sit together."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=bits & ~(0x3 << 62) | (0x2 << 62))


def uuid_of(text: str | UUID) -> UUID:
    """The id as a UUID. Raises `NotFound`: nothing can have an id that is not one."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is nothing with the id {clean(text)[:50]!r}.") from None


def utc(moment: datetime | None) -> datetime | None:
    """The moment with its time zone; one without is taken as UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def clean(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL cannot store (a model may well emit one)."""
    return _UNSTORABLE.sub("", text)


def storable(value: Any) -> Any:
    """The value with every text in it cleaned; anything that is not text, list or dict is left alone."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(str(key)): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value]
        case _:
            return value


def json_of(value: Any) -> Jsonb:
    """A pydantic model, or plain JSON values, as a jsonb parameter."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return Jsonb(storable(plain), dumps=orjson.dumps)
