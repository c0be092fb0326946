"""Small words that turn what a sentence says: not, all, some, most, because.

A sentence may share every content word with its evidence and say the opposite. What is compared here is which
of these words an answer's sentence has and the evidence's nearest sentence has not, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    "think": re.compile(
        r"생각|믿[는었고]|알고|것 같|듯|추측|\b(?:think|believe|guess|feel|hope|wish|sure|probably|heard)\b"
    ),
}
NAMES = tuple(_CUES)

_OPPOSITES = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("무료", "유료"), ("무료|부담하지 않", "고객 부담|부담하|차감"), ("이상", "이하|미만"), ("초과", "이하|미만"), ("이내|안에|이전", "이후|지나|뒤에"),
        ("오전", "오후"), ("평일|영업일", "주말|공휴일|휴일"), ("포함", "제외"), ("국내", "해외|국외"), ("가능", "불가|어렵|않|없"),
        ("전액", "일부|부분|차감"), ("자동", "수동|직접"), ("필수|필요", "선택|필요 없|필요하지 않"), ("온라인", "오프라인|매장|방문"), ("즉시|바로", "영업일|이내|뒤에"),
        ("왕복", "편도"), ("동일|같은", "다른|별도"), ("먼저", "나중"), ("많", "적[다은어었]"), ("높", "낮"), ("좋", "나쁘|싫"), ("시작", "끝|종료|중단"),
        ("열", "닫"), ("증가|늘", "감소|줄"), ("앞", "뒤"), ("새로", "기존"), ("전화", "이메일|채팅"), ("현금", "카드|포인트"),
        (r"\bfree\b", r"\bpaid\b|\bcharge"), (r"\bbefore\b", r"\bafter\b"), (r"\binclud", r"\bexclud"), (r"\bminimum\b", r"\bmaximum\b"),
        (r"\bcan\b", r"\bcannot\b|\bcan't\b|\bnot\b"), (r"\bfull\b", r"\bpartial\b"), (r"\bfirst\b", r"\blast\b"), (r"\bopen", r"\bclos"),
        (r"\bweekday", r"\bweekend"), (r"\bincreas", r"\bdecreas"), (r"\bdomestic\b", r"\binternational\b|\boverseas\b"),
    )
)  # fmt: skip
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,:]\d+)*\s?(?:[가-힣%]{1,2})?")


@dataclass(frozen=True, slots=True)
class Turned:
    """One sentence of an answer beside the evidence's nearest one."""

    has: tuple[bool, ...]
    nearest_has: tuple[bool, ...]
    opposite: bool
    numbers: int
    numbers_elsewhere: int


def turned(sentence: str, nearest: str) -> Turned:
    own, other = numbers(sentence), numbers(nearest)
    return Turned(
        has=tuple([bool(cue.search(sentence)) for cue in _CUES.values()]),
        nearest_has=tuple([bool(cue.search(nearest)) for cue in _CUES.values()]),
        opposite=bool(nearest) and _opposite(sentence, nearest),
        numbers=len(own),
        numbers_elsewhere=len(own - other) if other else 0,
    )


def numbers(text: str) -> set[str]:
    """Figures with the first syllables of their unit."""
    return {found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)}


def _opposite(sentence: str, nearest: str) -> bool:
    for one, other in _OPPOSITES:
        if one.search(sentence):
            if not one.search(nearest) and other.search(nearest) and not other.search(sentence):
                return True
        elif other.search(sentence) and one.search(nearest) and not other.search(nearest):
            return True
    return False


def compared(claims: Sequence[Turned], support: Sequence[float]) -> dict[str, float]:
    """Shares of the claims that have a cue, that have it against the evidence, and that lack it against it.

    `contradicts` is the worst of them: how much of a sentence stands in the evidence while its sense does not.
    """
    n = max(1, len(claims))
    found: dict[str, float] = {}
    for at, name in enumerate(NAMES):
        found[f"cue_{name}"] = sum(c.has[at] for c in claims) / n
        found[f"new_{name}"] = sum(c.has[at] and not c.nearest_has[at] for c in claims) / n
        found[f"lost_{name}"] = sum(c.nearest_has[at] and not c.has[at] for c in claims) / n
    found["opposite"] = sum(c.opposite for c in claims) / n
    found["opposite_any"] = float(any(c.opposite for c in claims))
    not_at = NAMES.index("not")
    found["contradicts"] = max(
        (s for c, s in zip(claims, support, strict=True) if c.has[not_at] != c.nearest_has[not_at]),
        default=0.0,
    )
    total = sum(c.numbers for c in claims)
    found["numbers_elsewhere"] = sum(c.numbers_elsewhere for c in claims) / max(1, total)
    return found


def missing_numbers(answer: str, sources: Iterable[str]) -> float:
    """The share of the answer's figures, units aside, that no source has."""
    own = {re.sub(r"[가-힣%]+$", "", number) for number in numbers(answer)}
    known = {re.sub(r"[가-힣%]+$", "", number) for text in sources for number in numbers(text)}
    return len(own - known) / len(own) if own else 0.0
