"""When a desk works, and by when a customer is to have a reply. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ccos.domain.ticket import Priority

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_DAYS = 370
"""No desk is closed for longer; a time that lies further away is none."""

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([0-4]\d):([0-5]\d)")
_DAY = 24 * 60


def _span(text: str) -> str:
    begin, end = _minutes(text)
    if not begin < end <= begin + _DAY:
        raise PydanticCustomError(
            "hours", "Write hours as 09:00-18:00; an end past midnight counts on, as in 22:00-26:00"
        )
    return text


@lru_cache(1_000)
def _minutes(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        return 0, 0
    hours, minutes, until, past = map(int, found.groups())
    return hours * 60 + minutes, until * 60 + past


Span = Annotated[str, AfterValidator(_span)]


class Hours(BaseModel):
    """Spans of each weekday in which the desk works, such as 09:00-12:00 and 13:00-18:00; none: always.

    `first_reply_minutes` is how long a customer may wait for a reply, in minutes of those hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    week: dict[Weekday, tuple[Span, ...]] = Field(
        default_factory=dict, description="Hours by weekday, mon to sun; none at all: round the clock"
    )
    holidays: tuple[date, ...] = Field((), max_length=1_000, description="Days on which nobody works")
    first_reply_minutes: dict[Priority, Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default_factory=lambda: {
            Priority.URGENT: 60,
            Priority.HIGH: 240,
            Priority.NORMAL: 480,
            Priority.LOW: 1_440,
        },
        description="Working minutes until the first reply is due, by priority",
    )

    def due(self, since: datetime, priority: Priority | None, zone: ZoneInfo) -> datetime | None:
        """When the reply to a customer who waits `since` then is due; None where it never is.

        A ticket without a priority is a normal one.
        """
        minutes = self.first_reply_minutes.get(priority or Priority.NORMAL)
        if minutes is None:
            return None
        left = timedelta(minutes=minutes)
        if not any(self.week.values()):
            return since + left
        for begin, end in self._open(since, zone):
            from_then = max(begin, since)
            if from_then + left <= end:
                return from_then + left
            left -= max(end - from_then, timedelta())
        return None

    def _open(self, since: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The spans that end after `since`, in order, as times in UTC."""
        day = since.astimezone(zone).date() - timedelta(days=1)  # whose last span may go past midnight
        for _ in range(LONGEST_DAYS):
            if day not in self.holidays:
                for span in sorted(self.week.get(WEEKDAYS[day.weekday()], ()), key=_minutes):
                    begin, end = (_at(day, minutes, zone) for minutes in _minutes(span))
                    if end > since:
                        yield begin, end
            day += timedelta(days=1)


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """So many minutes after a day's midnight by the clock on the wall."""
    days, rest = divmod(minutes, _DAY)
    return datetime.combine(day + timedelta(days=days), time(*divmod(rest, 60)), zone).astimezone(UTC)


Standing = Literal["due", "soon", "overdue", "kept", "late"]


def standing(due: datetime, now: datetime, replied_at: datetime | None = None) -> Standing:
    """How a promise stands: `soon` is within an hour, `kept` and `late` are of a reply that went out."""
    if replied_at is not None:
        return "kept" if replied_at <= due else "late"
    if now >= due:
        return "overdue"
    return "soon" if due - now <= timedelta(hours=1) else "due"


def priority_of(name: str | None, read: Mapping[str, object] | None = None) -> Priority | None:
    """The ticket's own priority, else the one that was read from it."""
    for value in (name, (read or {}).get("priority")):
        if value in Priority.__members__.values():
            return Priority(str(value))
    return None
