"""Dates and times as people and exports write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

_KOREAN_OR_SLASHED = re.compile(r"(\d{4})\s*[./년-]\s*(\d{1,2})\s*[./월-]\s*(\d{1,2})\s*[.일]?")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?")


def instant(value: object, zone: tzinfo, *, end_of_day: bool = False) -> datetime | None:
    """The moment in UTC, or None when the value is no date.

    Takes ISO 8601, 2026.3.5, 2026/03/05, 2026년 3월 5일, and seconds or milliseconds since 1970. What
    names no zone is read in `zone`; a bare date is its first moment, with `end_of_day` the first after it.
    """
    text = str(value).strip()
    try:
        if _EPOCH.fullmatch(text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds >= 1e11 else seconds, UTC)
        day = _KOREAN_OR_SLASHED.fullmatch(text)
        if day:
            start = datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=zone)
            return (start + timedelta(days=1) if end_of_day else start).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
