"""Does the answer widen a rule that the evidence bounds: even then, regardless, any time?

"실버 등급이면 무료" and "실버 등급이 아니어도 무료" share all words that count. What turns the one into the
other is an ending, and it is an offence only where the evidence's nearest sentence has none of its kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.agreement import Part

_EVEN = re.compile(
    r"[가-힣](?:[아어해셔워와려겨라]도|더라도) (?!됩|돼|되|괜|좋|상관)"
    r"|\beven (?:if|when|after|without|though|for)\b|\bwhether or not\b"
)
_ALSO = re.compile(r"[가-힣]{2}도 (?!됩|돼|되|괜|좋)|\b(?:as well|even|too|also)\b")
_ALWAYS = re.compile(
    r"관계 ?없|상관 ?없|무관|언제든|언제라도|어느 [가-힣]+(?:든|에서나)|누구나|무조건|똑같|예외 없"
    r"|\b(?:regardless|no matter|any ?time|anyone|always|whenever|unconditionally|no exceptions?)\b"
)
_WIDENS = (_EVEN, _ALSO, _ALWAYS)
_BOUND = re.compile(
    r"[으하시되이라]면|경우|때|이내|까지|이상|미만|한해|조건|전에|부터|만 "
    r"|\b(?:if|when|unless|within|until|only|before|after|at least|less than)\b"
)


def widened(found: Sequence[Part]) -> dict[str, float]:
    """How near a sentence of the evidence is to a clause that widens it; twice that where it sets bounds."""
    new = [0.0] * len(_WIDENS)
    count = 0
    for part in found:
        if part.near is None:
            continue
        has = [widens.search(part.clause.text) is not None for widens in _WIDENS]
        if not any(has):
            continue
        there = part.near.sentence.text
        known = [widens.search(there) is not None for widens in _WIDENS]
        near = part.nearness * (2.0 if _BOUND.search(there) else 1.0)
        count += not any(known)
        new = [
            max(most, near) if mine and not theirs else most
            for most, mine, theirs in zip(new, has, known, strict=True)
        ]
    _, also, always = new
    return {"widens": math.log1p(count), "widens_also": also, "widens_always": always}
