"""Does the answer take up what was asked, point by point, and could the evidence answer it?"""

from __future__ import annotations

import math
import re

from ccos.quality.features.courtesy import is_courtesy
from ccos.quality.features.sources import Clause, Source
from ccos.quality.features.support import Held

MOST_POINTS = 12
MISSED = 0.25
"""A point is missed when the answer takes up less of its words than this."""

_ASKING = re.compile(
    r"\?|나요|까요|는지|은지|인지|궁금|알려|문의|어떻게|언제|얼마|어디|무엇|뭐|왜|방법|가능|싶"
    r"|해 ?주세요|부탁|되죠|되는"
    r"|안 ?되|않"
    r"|\b(?:how|when|what|where|why|which|who|can|could|do|does|is|are|want|need|please|would)\b"
)
_KINDS = (
    # what a question of each kind asks for, and what an answer to it has
    (
        re.compile(r"언제|며칠|얼마나 (?:걸|기다)|기간|까지|기한|when|how long"),
        re.compile(
            r"\d ?(?:일|시|분|주|개월|월|년|영업)|오늘|내일|당일|즉시|바로|닷새|사흘|이틀|하루|일주일"
            r"|열흘|보름|날|때|days?|hours?|weeks?"
        ),
    ),
    (
        re.compile(r"얼마|비용|요금|가격|수수료|배송비|금액|how much|cost|price|fee"),
        re.compile(r"\d ?(?:원|만|천|%|퍼센트)|무료|비용|요금|부담|없이|수수료|배송비|차감|won|free|\$"),
    ),
    (
        re.compile(r"어떻게|방법|어디서|어디에|어디로|하려면|how (?:do|can|to)|where"),
        re.compile(
            r">|메뉴|버튼|페이지|내역|누르|선택|신청|접수|링크|앱|입력|설정|등록|연락|문의해|click|open"
            r"|select|go to|page"
        ),
    ),
    (
        re.compile(r"되나요|될까요|가능|할 수|되는지|되죠|돼요\?|되나|수 있|can i|possible|may i|allowed"),
        re.compile(
            r"가능|수 (?:있|없)|어렵|됩니다|돼요|되지|안 ?되|않|불가|네,|아니|못|can|cannot|not|yes|no"
        ),
    ),
    (
        re.compile(r"왜|이유|원인|why|reason"),
        re.compile(r"때문|이유|원인|위해|따라|어서|아서|라서|because|due to|since"),
    ),
)  # fmt: skip


def points(question: Source) -> list[Clause]:
    """Each thing a customer asks; all clauses where none asks."""
    told = [clause for clause in question.clauses if clause.weight >= 1.0]
    asked = [clause for clause in told if _ASKING.search(clause.text) and not _only_polite(clause.text)]
    return (asked or told)[-MOST_POINTS:]


def _only_polite(part: str) -> bool:
    return is_courtesy(part) and "?" not in part and len(part) < 30


def covered(question: Source, answer: Source, by_evidence: Held) -> dict[str, float]:
    """Coverage of the asked points by the answer, and of the whole question by the evidence.

    A question for a price, a time, a way or a yes should find one. `by_evidence` holds the question's words.
    """
    asked = points(question)
    whole = [word for point in asked for word in point.words]
    by_answer = Held(whole, [answer])
    shares = [by_answer.meaning(point.words) for point in asked]
    kinds = [has for point in asked for wants, has in _KINDS if wants.search(point.text)]
    met = sum(has.search(answer.text) is not None for has in kinds)
    return {
        "covered": sum(shares) / len(shares) if shares else 0.0,
        "covered_least": min(shares, default=0.0),
        "points_missed": sum(share < MISSED for share in shares) / max(1, len(shares)),
        "points": math.log1p(len(asked)),
        "kinds_met": met / len(kinds) if kinds else 1.0,
        "answerable": by_evidence.of(whole),
        "no_question": float(not asked),
    }
