"""How soon a ticket must be looked at, read from its words and what it is about."""

from __future__ import annotations

import re

from ccos.domain.ticket import Priority
from ccos.providers.rules.text import bounded, fold, spaced, squash

# Danger, leaked data, authorities and said deadlines.
_URGENT_KO = re.compile(
    fold(
        "정보.{0,6}유출|유출.{0,8}개인정보|해킹|도용|소비자원|소비자보호원|소비자고발|"
        "공정위|공정거래위|금감원|국민신문고|제보하|변호사|소송|고소|고발|법적|"
        "경찰서?에?신고|신고하겠|신고할|신고합|신고접수|분쟁|무단결제|"
        "(?:오늘|당장|지금바로)(?:까지|중으로|안에|내로|해결|처리|받아야|필요|나가기전)|"
        "급합니|급해|급하|긴급|시급|아직안늦|"
        "다쳤|다칠|부상을|화상|화재|불이붙|불났|폭발|연기가|타는냄새|감전|응급실|"
        "알레르기반응|배터리.{0,8}(?:부풀|볼록)"
    )
)
_URGENT_EN = re.compile(
    r"\b(?:data breach|(?:personal|my) (?:data|information)[^.]{0,25}(?:leak|exposed|"
    r"breach)|hacked|identity theft|stolen card|fraud\w*|unauthori[sz]ed|lawyer|"
    r"attorney|legal action|sue|small claims|consumer (?:protection|agency)|trading "
    r"standards|chargeback|police|urgent\w*|asap|immediately|emergency|right away|by "
    r"(?:today|tonight)|injur\w+|burn(?:t|ed)|caught fire|smoke|electric shock|"
    r"allergic reaction|swollen battery|battery (?:is )?(?:swollen|bulging))\b"
)
# Something is broken, money is held, or time runs out.
_HIGH_KO = re.compile(
    fold(
        "파손|깨져|깨졌|깨진|박살|찌그러|파편|누수|결제.{0,6}(?:오류|에러|실패|안되|"
        "안됨)|결제가안|이중결제|중복결제|(?:두|2)번.{0,4}(?:빠져|청구|승인|결제)|분실|"
        "빨리.{0,3}(?:처리|해결|조치|답)|빠른(?:처리|조치|해결)|세번째|몇번째|몇번을|"
        "도대체|불친절|책임자|사기|제발|포장전|출고전에|나가기전|내일.{0,6}(?:까지|써야|"
        "필요|출국)|"
        "(?:이름|번호|주소).{0,20}(?:찍혀|노출|공개)|환불이?안(?:됐|되고|들어)|돈이?안들어"
    )
)
_HIGH_EN = re.compile(
    r"\b(?:broken|damaged|cracked|shattered|leaking|payment (?:failed|error|declined)|"
    r"card (?:was )?declined|charged (?:me )?twice|double[- ]charged?|billed twice|"
    r"lost|stolen|scam|third time|second time|unacceptable|ridiculous|furious|manager|"
    r"supervisor|rude|as soon as possible|by tomorrow|leaving (?:the country|korea|"
    r"on)|before (?:i leave|then|the \d+)|says? delivered|marked (?:as )?delivered)\b"
)
_LOW_KO = re.compile(fold("급하지않|급한건아|천천히|시간되실때|단순문의|건의|감사인사"))
_LOW_EN = re.compile(
    r"\b(?:no rush|not urgent|whenever you (?:can|have)|just (?:curious|wondering)|suggestion)\b"
)
_ORDER = re.compile(r"(?<!\d)20\d{6}[-_]?\d{3,}|주문\s?번호|order (?:number|no)", re.IGNORECASE)

_ASKING_ONLY = frozenset({"other", "restock", "product_question"})
_MONEY_HELD = frozenset({"payment_problem"})
_WORSE_WHEN_UPSET = frozenset({"delivery_problem", "refund_status", "privacy", "product_defect"})


def priority_of(text: str, intent: str = "", *, upset: bool = False) -> Priority:
    """Priority by the strongest words: danger, leaks, authorities and deadlines; then harm, money and delay.

    `intent` raises what holds a customer's money and lowers mere questions that concern no order; `upset`
    says the tone is negative.
    """
    head = bounded(text)
    korean, english = squash(head), spaced(head)
    calm = bool(_LOW_KO.search(korean) or _LOW_EN.search(english))
    if calm and not upset:
        return Priority.LOW
    if not calm and (_URGENT_KO.search(korean) or _URGENT_EN.search(english)):
        return Priority.URGENT
    harmed = _HIGH_KO.search(korean) or _HIGH_EN.search(english)
    if harmed or intent in _MONEY_HELD or (upset and intent in _WORSE_WHEN_UPSET):
        return Priority.HIGH
    return (
        Priority.LOW if intent in _ASKING_ONLY and not upset and not _ORDER.search(head) else Priority.NORMAL
    )
