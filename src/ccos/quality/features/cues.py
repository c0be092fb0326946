"""Small words that turn what a sentence says: not, all, only, must, free.

A sentence may share every content word with its evidence and say the opposite. What is compared is which of
these an answer's sentence has and the evidence's nearest one has not, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORDS: Mapping[str, tuple[str, str]] = {
    # in Korean and in English
    "not": (
        r"않|없|못|아니|아닙|안 |안되|말아|마세요|마십시오|불가|모르|몰랐|어렵|제외|금지|미포함",
        r"\b(?:not|no|never|cannot|without|unable|neither|nor|none|nothing)\b|n't\b",
    ),
    "none": (
        r"아무|전혀|절대|결코|조금도|하나도",
        r"\b(?:nobody|nothing|none|never|at all)\b",
    ),
    "all": (
        r"모든|모두|전부|항상|언제나|매일|완전|오직|유일|반드시|무조건|누구나|어디서나|언제든지",
        r"\b(?:all|every|always|only|everyone|everything|any|completely|entirely)\b",
    ),
    "some": (
        r"일부|어떤|몇|가끔|때때로|때로|수도|아마|경우에 따라|있을 수|가능|약간|보통|대체로"
        r"|대부분",
        r"\b(?:some|sometimes|often|usually|may|might|maybe|perhaps|can|could|many|several"
        r"|few)\b",
    ),
    "most": (
        r"매우|너무|가장|최고|최초|최대|최악|최소|훨씬|더 ",
        r"\b(?:very|most|best|first|more|too)\b",
    ),
    "because": (
        r"때문|덕분|왜냐|탓",
        r"\b(?:because|since|due to)\b",
    ),
    "limit": (
        r"만 |한해|한하여|제외|까지만|경우에만|조건|이상|전까지|뒤에는|이후에는|단,|않으면"
        r"|없으면",
        r"\b(?:only|except|unless|until|limit\w*|provided|as long as)\b",
    ),
    "must": (
        r"해야|하셔야|셔야|어야|아야|필수|필요|의무",
        r"\b(?:must|have to|need to|required)\b",
    ),
    "free": (
        r"무료|면제|비용 없이|부담하지 않|저희가 부담|공짜|무상",
        r"\b(?:free|waived|no charge)\b",
    ),
    "own": (
        r"직접|스스로|자동|저절로|저희가|담당자|상담원",
        r"\b(?:automatically|yourself|ourselves)\b",
    ),
    "think": (
        r"생각|믿[는었고]|알고|것 같|듯|추측",
        r"\b(?:think|believe|guess|feel|hope|wish|sure|probably|heard)\b",
    ),
}
NAMES = tuple(_WORDS)
NOT = NAMES.index("not")

_CUES = tuple([(re.compile(korean), re.compile(english)) for korean, english in _WORDS.values()])
_LATIN = re.compile(r"[a-z]")

_DENIES = re.compile(
    r"(?:지 ?(?:않|못|는 않|도 않|는 못|마)|없|못 ?[하합했해되됩]|불가|어렵|어려|안 ?[되돼됩됐]|아니|아닙"
    r"|제외|거절|금지|소멸|중단)[가-힣 ]{0,14}[^가-힣]*$"
    r"|\b(?:not|no|never|cannot|without|unable)\b|n't\b"
)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,:]\d+)*\s?(?:[가-힣%]{1,2})?")
_UNIT = re.compile(r"[가-힣%]+$")

Cues = tuple[bool, ...]


def cues(text: str) -> Cues:
    """Which of `NAMES` a text in lower case has."""
    if _LATIN.search(text) is None:
        return tuple([korean.search(text) is not None for korean, _ in _CUES])
    return tuple([bool(korean.search(text) or english.search(text)) for korean, english in _CUES])


def denies(text: str) -> bool:
    """Whether the predicate of a clause, which in Korean ends it, is a denial."""
    return _DENIES.search(text) is not None


def numbers(text: str) -> frozenset[str]:
    """Figures with the first syllables of their unit."""
    return frozenset([found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)])


def bare(figures: frozenset[str]) -> frozenset[str]:
    """Figures without their units."""
    return frozenset([_UNIT.sub("", figure) for figure in figures])
