"""How soon a ticket must be looked at, read from its words."""

from __future__ import annotations

import re

from ccos.domain.ticket import Priority
from ccos.providers.rules.text import bounded, fold, spaced, squash

_URGENT_KO = re.compile(
    fold(
        "(?:개인)?정보.{0,6}유출|유출.{0,8}개인정보|해킹|도용|명의도용|"
        "소비자원|소비자보호원|소비자고발|공정위|공정거래위|금감원|국민신문고|언론사|"
        "제보하|변호사|소송|고소|고발|법적|"
        "경찰서?에?신고|신고하겠|신고할|신고합|신고접수|분쟁조정|분쟁|"
        "이중결제|중복결제|두번결제|2번결제|두번.{0,4}(?:빠져|청구|승인)|"
        "2번.{0,4}(?:빠져|청구|승인)|무단결제|"
        "(?:오늘|당장|지금바로|내일)(?:까지|중으로|안에|내로|해결|처리|받아야|필요)|"
        "급합니|급해|급하|긴급|시급|"
        "다쳤|다칠|부상|화상|화재|불이붙|불났|폭발|연기가나|감전|응급실|알레르기반응"
    )
)
_URGENT_EN = re.compile(
    r"\b(?:data breach|(?:personal|my) (?:data|information)[^.]{0,25}(?:leak|exposed|"
    r"breach)|hacked|identity theft|"
    r"stolen card|fraud\w*|unauthori[sz]ed|lawyer|attorney|legal action|sue|small "
    r"claims|consumer (?:protection|agency)|"
    r"trading standards|chargeback|police|charged (?:me )?(?:twice|two times|double)|"
    r"double[- ]charged?|billed twice|"
    r"duplicate (?:charge|payment)|urgent\w*|asap|immediately|emergency|right away|by "
    r"(?:today|tonight|tomorrow)|"
    r"injur\w+|burn(?:t|ed)|caught fire|smoke|electric shock|allergic)\b"
)
_HIGH_KO = re.compile(
    fold(
        "파손|깨져|깨졌|깨진|부서|박살|찌그러|찢어|터져|누수|결제.{0,6}(?:오류|에러|실패|"
        "안되|안돼|안됨)|결제가안|"
        "오배송|잘못배송|잘못왔|다른(?:상품|제품|물건|옷|색)이?.{0,3}(?:왔|도착|배송)|"
        "분실|못받았|안왔|안옴|오지않|"
        "로그인이?(?:안|불)|계정이?(?:잠|정지)|사기|빨리|빠른(?:처리|조치|답변|확인|"
        "해결)|계속.{0,8}(?:안|없)|몇번째|몇번을|"
        "아직도|도대체|벌써.{0,6}(?:주|달|일)째|불친절|화가|화나|너무하|어이없|책임자|환불이?안|실망"
    )
)
_HIGH_EN = re.compile(
    r"\b(?:broken|damaged|cracked|shattered|torn|leaking|payment (?:failed|error|"
    r"declined)|card (?:was )?declined|"
    r"wrong (?:item|product|order|size|colou?r)|lost|stolen|missing|never (?:arrived|"
    r"received|came)|not (?:arrived|received)|"
    r"(?:can't|cannot|unable to) (?:log|sign)|locked out|scam|still (?:no|not|haven't|"
    r"waiting)|third time|again and again|"
    r"unacceptable|ridiculous|furious|manager|supervisor|rude|as soon as possible|quickly)\b"
)
_LOW_KO = re.compile(
    fold(
        "급하지않|급한건아|천천히|시간되실때|단순문의|참고로|제안드|건의|칭찬|감사인사|"
        "재입고(?:예정|계획|알림|되|문의)"
    )
)
_LOW_EN = re.compile(
    r"\b(?:no rush|not urgent|whenever you (?:can|have)|just (?:curious|wondering)|suggestion|feedback|"
    r"back in stock|compliment)\b"
)


def priority_of(text: str) -> Priority:
    """Priority by the strongest words: danger, money, privacy and authorities first; harm and delay next."""
    head = bounded(text)
    korean, english = squash(head), spaced(head)
    calm = bool(_LOW_KO.search(korean) or _LOW_EN.search(english))
    if not calm and (_URGENT_KO.search(korean) or _URGENT_EN.search(english)):
        return Priority.URGENT
    if _HIGH_KO.search(korean) or _HIGH_EN.search(english):
        return Priority.HIGH
    return Priority.LOW if calm else Priority.NORMAL
