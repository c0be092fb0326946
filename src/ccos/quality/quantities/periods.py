"""Periods in seconds, months or business days: 24 hours are a day, 3 business days are not 3 days."""

from __future__ import annotations

import re

from ccos.quality.quantities.numerals import FIGURE, HEAD, RANGE, Keys, Rule, key, values

_DAY = 86_400
_SECONDS = {
    **dict.fromkeys(("초", "second", "sec"), 1),
    **dict.fromkeys(("분", "minute", "min"), 60),
    **dict.fromkeys(("시간", "hour", "hr"), 3_600),
    **dict.fromkeys(("일", "day"), _DAY),
    **dict.fromkeys(("주", "주일", "week"), 7 * _DAY),
}
_MONTHS = {"개월": 1, "달": 1, "month": 1, "년": 12, "year": 12}
_ENGLISH = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNTS = {
    **{word: n for n, word in enumerate(_ENGLISH, 1)},
    **{word: n for n, word in enumerate(("한", "두", "세", "네", "다섯", "여섯"), 1)},
    "fourteen": 14,
    "fifteen": 15,
    "thirty": 30,
}
_NATIVE_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "일주일": 7, "열흘": 10, "보름": 15}

_COUNTED = re.compile(
    rf"{HEAD}{RANGE}[\s-]?(?:(?P<business>영업일|업무일|(?:business|working)[\s-]?days?)"
    r"|(?P<unit>개월|주일|시간|일|주(?!문|소|차|년|요|제|었|셨|시|신|실)|달(?!러)|년|분(?!의)|초(?!과|반)"
    r"|(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)(?![a-z])))",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    r"(?=[efnost한두세네다여하이사나닷일열보])(?:(?<![a-z])(?P<count>one|two|three|four|five|six|seven|eight|nine|ten|fourteen|fifteen|thirty)[\s-]"
    r"(?P<business>(?:business|working)[\s-])?(?P<unit>hour|day|week|month|year)s?(?![a-z])"
    r"|(?<![가-힣])(?P<korean_count>한|두|세|네|다섯|여섯)\s?(?P<korean_unit>시간|달(?!러)|주(?!문|소|제|차))"
    r"|(?<![가-힣])(?P<days>하루|이틀|사흘|나흘|닷새|일주일|열흘|보름))",
    re.IGNORECASE,
)
_BUSINESS_BASIS = re.compile(
    r"(?:영업일|업무일)\s?(?:기준|로)|(?:영업일|업무일)\s?(?:약|최대|최소|평균|보통|대략)?\s?\Z"
)
_IN_BRACKETS = re.compile(r"\s?\(\s?(?:영업일|업무일|(?:business|working)\s?days?)", re.IGNORECASE)
_OF_THE_MONTH = re.compile(r"(?:이달|이번\s?달|다음\s?달|지난\s?달|내달|당월|매달|매월|돌아오는)\s?\Z")
_TIME_OF_DAY = re.compile(
    r"\s?(?:오전|오후|아침|저녁|밤|새벽|정오|자정|\([월화수목금토일]\)|[월화수목금토일]요일)"
)
_ON_THE_DAY = re.compile(r"\s?(?:에|자|부터|까지|\()")


def _counted(match: re.Match[str]) -> list[Keys]:
    counts = values(match)
    before = match.string[max(0, match.start() - 16) : match.start()].rpartition("\n")[2]
    unit = (match["unit"] or "").casefold()
    if match["business"] or (unit in ("일", "day", "days") and _in_business_days(match, before)):
        return [Keys.both(key("business days", count)) for count in counts]
    base, size = _base(unit)
    if unit == "일" and (_OF_THE_MONTH.search(before) or _TIME_OF_DAY.match(match.string, match.end())):
        return [Keys.both(key("day", n)) for n in counts]
    if unit == "일" and _ON_THE_DAY.match(match.string, match.end()):  # "3일에" may be a day of the month
        return [Keys.both(key(base, n * size), key("day", n)) for n in counts]
    return [Keys.both(key(base, count * size)) for count in counts]


def _in_business_days(match: re.Match[str], before: str) -> bool:
    """The basis stands before the number, or beside it in brackets."""
    return bool(_BUSINESS_BASIS.search(before) or _IN_BRACKETS.match(match.string, match.end()))


def _spelled(match: re.Match[str]) -> list[Keys]:
    before = match.string[max(0, match.start() - 16) : match.start()].rpartition("\n")[2]
    if native := match["days"]:
        days = _NATIVE_DAYS[native]
        business = _in_business_days(match, before)
        span = key("business days", days) if business else key("seconds", days * _DAY)
        # "하루 빨리" promises nothing, so a day in words is a source but no claim
        return [Keys(frozenset(), frozenset({span}))] if native == "하루" else [Keys.both(span)]
    count = _COUNTS[(match["count"] or match["korean_count"]).casefold()]
    if match["business"]:
        return [Keys.both(key("business days", count))]
    base, size = _base((match["unit"] or match["korean_unit"]).casefold())
    return [Keys.both(key(base, count * size))]


def _base(unit: str) -> tuple[str, int]:
    name = unit.removesuffix("s") if unit.isascii() else unit
    return ("seconds", _SECONDS[name]) if name in _SECONDS else ("months", _MONTHS[name])


PERIODS = (
    Rule("period", _COUNTED, _counted, FIGURE),
    Rule("period", _SPELLED, _spelled, needs=re.compile(r"[A-Za-z시달주하이사나닷일열보]")),
)
