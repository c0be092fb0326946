"""What kind of thing was asked for, could be had from the evidence, and is not in what the answer claims.

A greeting that echoes the question answers nothing, so that only claims count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccos.quality.features.sources import Source
from ccos.quality.features.support import Said

_COSTS = re.compile(
    r"얼마(?!나 (?:걸|기))|비용|요금|가격|수수료|배송비|금액|돈|관세|위약금"
    r"|\b(?:how much|cost|price|fee|charge)\b"
)
_FREE = re.compile(r"무료|무상|없이|\b(?:free|no (?:charge|cost|fee))\b")
_MONEY = re.compile(r"\d ?원|[$₩€£] ?\d|\d ?(?:dollars|won)\b")
_KINDS = (
    # what asks for it, and what it is
    (
        re.compile(r"언제|며칠|얼마나 (?:걸|기다)|기간|기한|몇 ?일|\b(?:when|how long|how soon)\b"),
        re.compile(
            r"\d ?(?:영업)?일|\d ?(?:시|분|주|개월|월|년)|오늘|내일|당일|즉시|바로|이틀|사흘|나흘|닷새"
            r"|하루|일주일|열흘|보름|다음 ?날|\b(?:hours?|days?|weeks?|months?|today|tomorrow)\b"
        ),
    ),
    (
        _COSTS,
        re.compile(
            r"\d ?(?:원|만|천|%)|무료|무상|없이|비용|부담|수수료|요금|배송비|관세|세금|위약금"
            r"|[$₩€£] ?\d|\b(?:free|cost|fee|charge)\w*"
        ),
    ),
    (
        re.compile(r"어떻게|방법|어디서|어디에|어디로|하려면|어떡|\b(?:how (?:do|can|to)|where)\b"),
        re.compile(
            r">|메뉴|버튼|페이지|내역|누르|눌러|선택|고르|골라|신청|접수|링크|앱|입력|설정|등록|연락|문의|보내"
            r"|\b(?:click|open|select|go to|page|send|contact)\b"
        ),
    ),
    (
        re.compile(r"왜|이유|원인|\b(?:why|reason)\b"),
        re.compile(
            r"때문|이유|원인|탓|위해|따라|[어아여]서|라서|므로|이라 |니까|[은는]데"
            r"|\b(?:because|since|due to|so)\b"
        ),
    ),
)


def left_out(said: Sequence[Said], asked: Source, passages: Sequence[Source]) -> dict[str, float]:
    """How many kinds were asked for, stand in the evidence, and are in no claim; and whether a sum is."""
    claims = " ".join([one.sentence.text for one in said if one.claims])
    known = " ".join([passage.text for passage in passages])
    left = [
        wants.search(asked.text) is not None and not has.search(claims) and has.search(known) is not None
        for wants, has in _KINDS
    ]
    money = _COSTS.search(asked.text) and _MONEY.search(known)
    return {
        "kinds_left": float(sum(left)),
        "money_left": float(bool(money) and not _MONEY.search(claims) and not _FREE.search(claims)),
    }
