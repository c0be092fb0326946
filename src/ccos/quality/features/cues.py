"""Small words that turn what a sentence says: not, all, only, must, free; and pairs of opposites.

A sentence may share every content word with its evidence and say the opposite. What is compared is which of
these an answer's sentence has and the evidence's nearest one has not, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_CUES: Mapping[str, re.Pattern[str]] = {
    "not": re.compile(
        r"않|없|못|아니|아닙|안 |안되|말아|마세요|마십시오|불가|모르|몰랐|어렵|제외|금지|미포함"
        r"|\b(?:not|no|never|cannot|without|unable|neither|nor|none|nothing)\b|n't\b"
    ),
    "none": re.compile(r"아무|전혀|절대|결코|조금도|하나도|\b(?:nobody|nothing|none|never|at all)\b"),
    "all": re.compile(
        r"모든|모두|전부|항상|언제나|매일|완전|오직|유일|반드시|무조건|누구나|어디서나|언제든지"
        r"|\b(?:all|every|always|only|everyone|everything|any|completely|entirely)\b"
    ),
    "some": re.compile(
        r"일부|어떤|몇|가끔|때때로|때로|수도|아마|경우에 따라|있을 수|가능|약간|보통|대체로|대부분"
        r"|\b(?:some|sometimes|often|usually|may|might|maybe|perhaps|can|could|many|several|few)\b"
    ),
    "most": re.compile(
        r"매우|너무|가장|최고|최초|최대|최악|최소|훨씬|더 |\b(?:very|most|best|first|more|too)\b"
    ),
    "because": re.compile(r"때문|덕분|왜냐|탓|\b(?:because|since|due to)\b"),
    "limit": re.compile(
        r"만 |한해|한하여|제외|까지만|경우에만|조건|이상|전까지|뒤에는|이후에는|단,|않으면|없으면"
        r"|\b(?:only|except|unless|until|limit\w*|provided|as long as)\b"
    ),
    "must": re.compile(r"해야|하셔야|셔야|어야|아야|필수|필요|의무|\b(?:must|have to|need to|required)\b"),
    "free": re.compile(
        r"무료|면제|비용 없이|부담하지 않|저희가 부담|공짜|무상|\b(?:free|waived|no charge)\b"
    ),
    "own": re.compile(
        r"직접|스스로|자동|저절로|저희가|담당자|상담원|\b(?:automatically|yourself|ourselves)\b"
    ),
    "think": re.compile(
        r"생각|믿[는었고]|알고|것 같|듯|추측|\b(?:think|believe|guess|feel|hope|wish|sure|probably|heard)\b"
    ),
}
NAMES = tuple(_CUES)
NOT = NAMES.index("not")

_DENIES = re.compile(
    r"(?:지 ?(?:않|못|는 않|도 않|는 못|마)|없|못 ?[하합했해되됩]|불가|어렵|어려|안 ?[되돼됩됐]|아니|아닙"
    r"|제외|거절|금지|소멸|중단)[가-힣 ]{0,14}[^가-힣]*$"
    r"|\b(?:not|no|never|cannot|without|unable)\b|n't\b"
)
_OPPOSITES = """
무료 / 유료 부담 차감; 면제 / 부담 청구; 이상 / 이하 미만; 초과 / 이하 미만; 이내 이전 / 이후 지나
오전 / 오후; 평일 / 주말 공휴일 휴일; 포함 / 제외; 국내 / 해외 국외; 가능 / 불가 어렵 없
전액 / 일부 부분 차감; 자동 / 수동 직접; 필수 / 선택; 온라인 / 오프라인 매장; 즉시 바로 / 영업일
왕복 / 편도; 같은 동일 / 다른 별도; 먼저 / 나중; 많 / 적은 적다; 높 / 낮
시작 / 종료 중단; 증가 / 감소; 기존 / 새로; 모두 전부 / 일부; 현금 / 포인트
당일 오늘 / 다음 내일; 후에 뒤에 / 전에 전까지; free / paid charge; before / after; include / exclude
minimum / maximum; can / cannot can't; full / partial; first / last; weekday / weekend
increase / decrease; domestic / international overseas
"""
_SIDES: dict[str, list[tuple[int, int]]] = {}
for _number, _pair in enumerate(_OPPOSITES.replace("\n", ";").split(";")):
    for _side, _words in enumerate(_pair.split("/") if _pair.strip() else ()):
        for _word in _words.split():
            _SIDES.setdefault(_word, []).append((_number, _side))
_LENGTHS = sorted({len(word) for word in _SIDES}, reverse=True)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,:]\d+)*\s?(?:[가-힣%]{1,2})?")
_UNIT = re.compile(r"[가-힣%]+$")

Cues = tuple[bool, ...]
Sides = frozenset[tuple[int, int]]


def cues(text: str) -> Cues:
    """Which of `NAMES` a text in lower case has."""
    return tuple([cue.search(text) is not None for cue in _CUES.values()])


def denies(text: str) -> bool:
    """Whether the predicate of a clause, which in Korean ends it, is a denial."""
    return _DENIES.search(text) is not None


def either(each: Iterable[Cues]) -> Cues:
    """What any of several has."""
    return tuple(map(any, zip(*each, strict=True)))


def sides(written: Iterable[str]) -> Sides:
    """Which side of which pair of opposites words begin with."""
    found: set[tuple[int, int]] = set()
    for word in written:
        for length in _LENGTHS:
            known = _SIDES.get(word[:length])
            if known:
                found.update(known)
                break
    return frozenset(found)


def opposed(one: Sides, other: Sides) -> bool:
    """Whether one names a side of a pair, and the other the other side alone."""
    return any(
        (pair, 1 - side) in other and (pair, side) not in other and (pair, 1 - side) not in one
        for pair, side in one
    )


def numbers(text: str) -> frozenset[str]:
    """Figures with the first syllables of their unit."""
    return frozenset([found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)])


def bare(figures: frozenset[str]) -> frozenset[str]:
    """Figures without their units."""
    return frozenset([_UNIT.sub("", figure) for figure in figures])
