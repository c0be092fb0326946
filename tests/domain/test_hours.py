"""By when a customer is to have a reply: in the desk's working hours, whatever the calendar does."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from ccos.domain.hours import Hours, priority_of, standing
from ccos.domain.ticket import Priority

SEOUL = ZoneInfo("Asia/Seoul")
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-12:00", "13:00-18:00"))
DESK = Hours(week=WEEK, holidays=(date(2026, 12, 25),))


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("since", "priority", "due"),
    [
        ("2026-11-23 09:30", "urgent", "2026-11-23 10:30"),
        ("2026-11-23 11:30", "urgent", "2026-11-23 13:30"),  # lunch does not count
        ("2026-11-23 12:15", "urgent", "2026-11-23 14:00"),
        ("2026-11-23 17:30", "urgent", "2026-11-24 09:30"),
        ("2026-11-23 03:00", "urgent", "2026-11-23 10:00"),
        ("2026-11-20 17:00", "high", "2026-11-23 12:00"),  # over the weekend
        ("2026-11-21 10:00", "urgent", "2026-11-23 10:00"),
        ("2026-12-24 17:30", "urgent", "2026-12-28 09:30"),  # a holiday and a weekend
        ("2026-11-23 09:00", "normal", "2026-11-23 18:00"),  # to the last minute of the day
        ("2026-11-23 09:00", "low", "2026-11-25 18:00"),
        ("2026-11-23 09:00", None, "2026-11-23 18:00"),
    ],
)
def test_a_reply_is_due_within_working_hours(since, priority, due):
    found = DESK.due(seoul(since), Priority(priority) if priority else None, SEOUL)
    assert found == seoul(due)


def test_a_desk_that_never_closes_counts_every_minute():
    assert Hours().due(seoul("2026-11-21 23:30"), Priority.URGENT, SEOUL) == seoul("2026-11-22 00:30")


def test_a_shift_past_midnight_belongs_to_the_day_it_began_on():
    night = Hours(week={"fri": ("22:00-26:00",)}, first_reply_minutes={"urgent": 180})
    assert night.due(seoul("2026-11-20 23:30"), Priority.URGENT, SEOUL) == seoul("2026-11-27 22:30")
    assert night.due(seoul("2026-11-21 00:30"), Priority.URGENT, SEOUL) == seoul("2026-11-27 23:30")


def test_clocks_that_are_put_forward_shorten_a_night_shift():
    """In New York 2 o'clock was 3 o'clock on 8 March 2026: four hours on the wall are three."""
    york = ZoneInfo("America/New_York")
    night = Hours(week={"sat": ("23:00-28:00",)}, first_reply_minutes={"urgent": 240})
    since = datetime(2026, 3, 7, 23, tzinfo=york)
    due = night.due(since, Priority.URGENT, york)
    assert due == since.astimezone(UTC) + timedelta(hours=4)
    assert due.astimezone(york).hour == 4


@pytest.mark.parametrize("hours", [
    Hours(week={"mon": ()}, first_reply_minutes={"high": 5}),
    Hours(week={"mon": ("09:00-10:00",)}, holidays=tuple(date(2026, 11, 23) + timedelta(weeks=n) for n in range(60))),
])  # fmt: skip
def test_where_nobody_ever_works_or_nothing_is_promised_nothing_is_due(hours):
    assert hours.due(seoul("2026-11-23 09:00"), Priority.NORMAL, SEOUL) is None


@pytest.mark.parametrize(
    "span", ["9-18", "18:00-09:00", "09:00-09:00", "09:00-34:00", "25:00-26:00", "09:60-10:00", ""]
)
def test_hours_that_are_none_are_refused_with_how_to_write_them(span):
    with pytest.raises(ValidationError, match="09:00-18:00"):
        Hours(week={"mon": (span,)})


@pytest.mark.parametrize(
    ("now", "replied", "told"),
    [("10:00", None, "due"), ("11:00", None, "soon"), ("12:00", None, "overdue"), ("15:00", "12:00", "kept"),
     ("15:00", "12:01", "late")],
)  # fmt: skip
def test_how_a_promise_stands(now, replied, told):
    at = lambda clock: seoul(f"2026-11-23 {clock}")  # noqa: E731
    assert standing(at("12:00"), at(now), at(replied) if replied else None) == told


def test_a_tickets_own_priority_goes_before_the_one_that_was_read():
    assert priority_of("high", {"priority": "low"}) is Priority.HIGH
    assert priority_of(None, {"priority": "low"}) is Priority.LOW
    assert priority_of("soon", {"priority": ["x"]}) is priority_of(None, None) is None
