"""Dates and times of day."""

from __future__ import annotations

import re
from datetime import date

from ccos.quality.quantities.numerals import FIGURE, Keys, Rule

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NO_MODAL = r"(?!(?-i:may)\s(?!to\b|and\b|or\b|until\b|at\b|in\b|from\b|by\b|for\b|on\b)[a-z])"
"""A lower-case may before another word is the verb: what arrived on Nov 6 may be late."""

_DATE = re.compile(
    r"(?=\d)(?<!\d)(?:"
    r"(?P<y1>\d{4})\s?(?:년|[-./])\s?(?P<m1>\d{1,2})\s?(?:월|[-./])\s?(?P<d1>\d{1,2})(?:\s?일(?!간))?(?!\d|-\d)"
    r"|(?P<y2>\d{2})(?:년\s?|[.])(?P<m2>\d{1,2})(?:월\s?|[.])(?P<d2>\d{1,2})(?:일)?(?![\d.])"
    r"|(?P<m3>\d{1,2})월\s?(?P<earlier>(?:\d{1,2}\s?(?:[~·・‧-]|,\s?)\s?){1,5}(?=\d))?(?P<d3>\d{1,2})일(?!간)"
    r"|(?<!/)(?P<m4>\d{1,2})/(?P<d4>\d{1,2})(?![\d/])"
    rf"|(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_NO_MODAL}(?P<n5>{_MONTH})(?![a-z])(?:,?\s(?P<y5>\d{{4}}))?)",
    re.IGNORECASE,
)
_NAMED_DATE = re.compile(
    rf"(?=[adfjmnos])(?<![a-z])(?P<n>{_MONTH})\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s(?P<y>\d{{4}}))?",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{1,2}")
_YEAR_OR_MONTH = re.compile(
    r"(?=\d)(?<!\d)(?:(?P<year>(?:19|20)\d\d)년(?:도)?(?!\s?(?:동안|간))(?:\s?(?P<its_month>\d{1,2})월)?"
    r"|(?P<month>\d{1,2})월)"
)


def _dates(match: re.Match[str]) -> list[Keys]:
    groups = match.groupdict()
    earlier = _DAY.findall(groups.pop("earlier", None) or "")  # 12월 24~26일
    part = {name[0]: written for name, written in groups.items() if written}
    days = [*earlier, part["d"]]
    month = int(part["m"]) if "m" in part else _NAMES.index(part["n"][:3].casefold()) + 1
    year = int(part.get("y", 0))
    year += 2000 if 0 < year < 100 else 0
    return [each for day in days for each in _date(year, month, int(day))]


def _date(year: int, month: int, in_month: int) -> list[Keys]:
    try:
        date(year or 2024, month, in_month)
    except ValueError:
        return []
    day = f"{month:02}-{in_month:02}"
    offers = {f"date:{day}", f"month:{month}", f"day:{in_month}"}
    if not year:
        return [Keys(frozenset({f"date:{day}"}), frozenset({*offers, f"any year:{day}"}))]
    offers |= {f"date:{year}-{day}", f"year:{year}", f"n:{year}"}
    return [Keys(frozenset({f"date:{year}-{day}", f"any year:{day}"}), frozenset(offers))]


def _years_and_months(match: re.Match[str]) -> list[Keys]:
    keys = []
    if year := match["year"]:
        keys.append(
            Keys(frozenset({f"year:{year}", f"bare:{year}"}), frozenset({f"year:{year}", f"n:{year}"}))
        )
    if month := match["its_month"] or match["month"]:
        keys.append(Keys.both(f"month:{int(month)}"))
    return keys


_HALVES = {"오전": 0, "아침": 0, "새벽": 0, "a": 0, "오후": 12, "저녁": 12, "밤": 12, "낮": 12, "p": 12}
_TIME = re.compile(
    r"(?=[\d오아새저밤낮])(?:(?P<half>오전|오후|아침|새벽|저녁|밤|낮)\s?)?(?<!\d)(?:"
    r"(?P<from>\d{1,2})\s?[~-]\s?(?P<h1>\d{1,2})시(?!간|작)"
    r"|(?P<h2>\d{1,2})시(?!간|작)(?:\s?(?:(?P<m2>\d{1,2})분|(?P<thirty>반)))?"
    r"|(?P<h3>\d{1,2}):(?P<m3>\d{2})(?::\d{2})?(?!\d)(?:\s?(?P<p3>[ap])\.?m(?![a-z]))?"
    r"|(?P<h4>\d{1,2})\s?(?P<p4>[ap])\.?m(?![a-z]))",
    re.IGNORECASE,
)


def _times(match: re.Match[str]) -> list[Keys]:
    part = {name[0]: written for name, written in match.groupdict().items() if written and name not in _LONG}
    minute = int(part.get("m", 30 if match["thirty"] else 0))
    half = _HALVES.get(match["half"] or part.get("p", "").casefold())
    clear = half is not None or len(match["h3"] or "") == 2
    hours = [int(written) for written in (match["from"], part["h"]) if written]
    if minute > 59 or max(hours) > 24:
        return []
    return [_time(hour, minute, half, clear=clear) for hour in hours]


def _time(hour: int, minute: int, half: int | None, *, clear: bool) -> Keys:
    """3시 may be in the morning or in the afternoon: it agrees with both."""
    face = f"{hour % 12}:{minute:02}"
    if not clear and hour <= 12:
        return Keys(frozenset({f"face:{face}"}), frozenset({f"face:{face}", f"either:{face}"}))
    if half is not None and hour <= 12:
        hour = hour % 12 + half
    exact = f"time:{hour % 24}:{minute:02}"
    return Keys(frozenset({exact, f"either:{face}"}), frozenset({exact, f"face:{face}"}))


_LONG = frozenset({"half", "from", "thirty"})

CALENDAR = (
    Rule("date", _DATE, _dates, FIGURE),
    Rule("date", _NAMED_DATE, _dates),
    Rule("date", _YEAR_OR_MONTH, _years_and_months, FIGURE),
    Rule("time", _TIME, _times),
)
