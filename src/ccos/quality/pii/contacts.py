"""How a person is reached: telephone, e-mail, address."""

from __future__ import annotations

import re

from ccos.quality.pii.spans import ALONE, END, ORDER, SEP, Candidate, recogniser, words

_CALL = words(
    r"전화|연락|휴대|핸드폰|폰|번호는|번호:|통화|문자|tel|phone|call|mobile|cell|text|sms|whatsapp|contact"
)
_COMPACT = re.compile(r"\d+")


def _is_phone(found: Candidate) -> bool:
    shown = found.shown
    if found.after(ORDER):
        return bool(re.match(r"\(?(?:\+?82|0)\W*1", shown))
    if _COMPACT.fullmatch(shown) and not re.match(r"01|070|050", shown):
        return found.after(_CALL)
    return not re.match(r"10\D", shown) or found.after(_CALL)


_CLOSE = r"[-.\s)~·ㅡᅳ/]{1,4}"
_PHONE = rf"""
    {ALONE}(?<!\+)(?:
        \(?(?:(?:\+|00\d?[-\s]?)?82{SEP}\(?0?\)?|0)1{SEP}[016-9]\)?{SEP}\d{{3,4}}{SEP}\d{{4}}
      | (?:\+|00\d?[-\s]?)82{SEP}\(?0?\)?(?:2|[3-7]\d){_CLOSE}\d{{3,4}}{_CLOSE}\d{{4}}
      | \(?0(?:2|[3-6][1-5]|70|50\d?){_CLOSE}\d{{3,4}}{_CLOSE}\d{{4}}
      | 0(?:70|50\d)\d{{7,8}}
      | 0(?:2|[3-6][1-5])\d{{7,8}}
      | 10[-. ]\d{{4}}[-. ]\d{{4}}
      | (?:\+1[-. ]{{0,2}})?(?:\([2-9]\d{{2}}\)[ ]?|[2-9]\d{{2}}[-.])[2-9]\d{{2}}[-.]\d{{4}}
      | \+1[-. ]\d{{3}}[-. ]\d{{3}}[-. ]\d{{4}}
      | (?:\+(?!82)[1-9]\d{{0,2}}[-. ]|00(?!82)[1-9]\d{{0,2}}[- ])(?:\(?\d{{1,4}}\)?[-. ]){{1,3}}\d{{3,4}}
      | \+[1-9]\d{{8,14}}
    ){END}
  | {ALONE}010[-.\s]{{1,3}}\d{{4}}[-.\s]{{1,3}}\d{{4}}(?=\d{{1,2}}(?!\d))
"""
_AT = r"(?:\s?@\s?|\s?[(\[](?:at|골뱅이)[)\]]\s?|\s?골뱅이\s?)"
_DOT = r"(?:\.|\s?[(\[]dot[)\]]\s?|\s?닷\s?)"
_EMAIL = rf"""
    (?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{{1,64}}
    {_AT}[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{1,63}}){{0,4}}{_DOT}[A-Za-z]{{2,24}}(?![A-Za-z0-9-])
"""

_PROVINCE = (
    r"(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충청?[북남]도?|충[북남]|전라?[북남]도?|전[북남]|경상?[북남]도?|경[북남]|제주)"
    r"(?:특별자치|특별|광역)?[시도]?\s?"
)
_NO_CITY = r"(?!(?:반드|[다즉혹역잠일임동표택무몇필당수게제예명지감전접멸응과암경실개])시\s)"
_NO_STREET = (
    r"(?!(?:바|서|새|따|별|절|스스|그대|이대|때|주|실제|도|앞으|진짜|처음으|세|가|반대|멋대|맘대|마음대)로\s)"
)
_DISTRICTS = r"(?:[가-힣]{1,6}[시군구읍면]\s?){0,3}"
_AREA = (
    rf"(?:{_PROVINCE}{_DISTRICTS}|(?:[가-힣]{{1,6}}시\s)?[가-힣]{{1,5}}[군구]\s(?:[가-힣]{{1,6}}[읍면]\s)?"
    rf"|{_NO_CITY}[가-힣]{{2,5}}시\s)"
)
_STREET = (
    _NO_STREET + r"[가-힣]{1,10}\d{0,3}(?<![으므])(?:로|길)(?:\s?\d{1,3}번?(?:가|나|다)?길)?"
    r"\s?(?:지하\s?)?\d{1,4}(?:-\d{1,4})?"
)
_NOT_COUNTED = (
    r"(?!\d|\s?(?:회|개|일|시간|명|원|%|건|번(?!지)|월|년|주|분|배|차|만|천|박|점|장|매|인(?![데지가것])))"
)
_LOT_NUMBER = r"\s?(?:산\s?)?\d{1,4}(?:-\d{1,4})?(?:\s?번지)?"
_BUILDING = (
    r"(?:,?\s?(?:[가-힣A-Za-z0-9]{0,12}"
    r"(?:아파트|빌라|오피스텔|맨션|빌딩|타워|하이츠|자이|푸르지오|힐스테이트|래미안|더샵|롯데캐슬|자이|아이파크|e편한세상|주공)))?"
)
_ROOM = (
    r"(?:,?\s?(?:[A-Z가나다]\s?|\d{1,4})동(?=[\s,\d-]))?"
    r"(?:,?\s?(?:지하\s?)?\d{1,2}층)?(?:,?\s?[A-Z]?\d{1,5}호)?"
)
_REST = rf"(?:\s?\([가-힣0-9,\s]{{2,20}}\))?{_BUILDING}{_ROOM}"
_NO_QUARTER = r"(?![자이수연작변활운행감진노공아구가율유제충부기발선파격약소고난환전출냉합]동)"
_KOREAN_ROAD = rf"(?<![가-힣]){_AREA}{_STREET}{_NOT_COUNTED}{_REST}"
_KOREAN_LOT = (
    rf"(?<![가-힣]){_AREA}(?:[가-힣]{{1,5}}\d?(?:동|가)|[가-힣]{{1,5}}[읍면]\s?[가-힣]{{1,4}}리|[가-힣]{{1,4}}리)"
    rf"{_LOT_NUMBER}{_NOT_COUNTED}{_REST}"
)
_BARE_ROAD = (
    rf"(?<![가-힣])[가-힣]{{1,8}}(?:대로|로|길)(?:\s?\d{{1,3}}번?길)?\s?\d{{1,4}}(?:-\d{{1,4}})?{_NOT_COUNTED}"
    rf"(?:\s?\([가-힣0-9,\s]{{2,20}}\))?{_BUILDING}"
    r"(?:,?\s?\d{1,4}동\s?\d{1,5}호|,?\s?(?:지하\s?)?\d{1,2}층(?:\s?\d{1,5}호)?|,?\s?[A-Z]?\d{1,5}호)"
)
_LABELLED_ROAD = (
    r"(?:주소|배송지|배달지|수령지|사는\s?곳|거주지|집)(?:은|는|이|가|를|지는)?[\s:=]{1,3}"
    rf"([가-힣]{{1,8}}(?<!으)(?:대로|로|길)(?:\s?\d{{1,3}}번?길)?\s?\d{{1,4}}(?:-\d{{1,4}})?{_NOT_COUNTED}{_REST})"
)
_BARE_LOT = (
    rf"(?<![가-힣]){_NO_QUARTER}(?:[가-힣]{{1,5}}[구군]\s)?[가-힣]{{1,4}}\d?동\s?"
    rf"(?:\d{{1,4}}-\d{{1,4}}(?:\s?번지)?|\d{{1,4}}\s?번지){_NOT_COUNTED}(?!-){_REST}"
)
_FLAT = (
    r"(?:(?<![가-힣])(?:[가-힣]{2,5}동\s)?(?:[가-힣A-Za-z0-9]{1,12}\s?(?:아파트|빌라|오피스텔|자이|푸르지오|힐스테이트|래미안|더샵|롯데캐슬|주공)"
    r"(?:\s?\d{1,2}(?:차|단지))?\s?))?(?<!\d)(?<!\d-)\d{1,4}동[\s,]{0,2}\d{1,5}호"
)
_ENGLISH_KOREAN = (
    r"(?:(?:\#|No\.\s?|Apt\.?\s|Unit\s|Room\s)?\d{1,5}(?:-\d{1,5})?(?:-(?:dong|ho))?,?\s){1,3}[A-Z][A-Za-z]{1,20}(?:\s?\d{1,3})?(?:beon)?-?(?:daero|ro|gil)\b"
    r"(?:\s?\d{1,3}(?:beon)?-gil)?(?:,\s[A-Z][A-Za-z-]{1,20}){0,4}(?:\s\d{5})?"
)
_ENGLISH = (
    r"\b\d{1,5}\s(?:[NSEW]\.?\s)?(?:[A-Z][a-z]{1,15}\s){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Terrace)\b\.?"
    r"(?:,?\s(?:Apt|Unit|Suite|Flat)\.?\s?\#?\w{1,6})?(?:,\s[A-Z][a-z]{1,15}(?:\s[A-Z][a-z]{1,15})?){0,2}(?:,?\s[A-Z]{2}\s?\d{5})?"
)

EMAILS = (recogniser("email", _EMAIL, needs=r"[@골(\[](?:(?<=@)|뱅이|at[)\]])"),)
PHONES = (recogniser("phone", _PHONE, _is_phone),)
ADDRESSES = tuple(
    recogniser("address", pattern, group=group, hints=hints, needs=needs)
    for pattern, group, hints, needs in (
        (_KOREAN_ROAD, 0, (), r"[로길]\s?(?:지하\s?)?\d"),
        (_KOREAN_LOT, 0, (), r"[동가리]\s?(?:산\s?)?\d"),
        (_BARE_ROAD, 0, ("호", "층"), r"[로길]\s?\d"),
        (_LABELLED_ROAD, 1, ("주소", "배송지", "배달지", "수령지", "사는", "거주", "집"), r"[로길]\s?\d"),
        (_BARE_LOT, 0, (), r"동\s?\d"),
        (_FLAT, 0, ("호",), r"동[\s,]{0,2}\d"),
        (_ENGLISH_KOREAN, 0, ("-ro", "-gil", "daero"), ""),
        (_ENGLISH, 0, ("St", "Av", "R", "L", "Dr", "B", "C", "Way", "Pl", "T"), r"\d\s[a-z]"),
    )
)
