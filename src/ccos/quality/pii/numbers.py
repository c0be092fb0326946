"""Numbers the state, a bank or a card network gave to a person."""

from __future__ import annotations

import re

from ccos.quality.pii import checksums
from ccos.quality.pii.spans import ALONE, END, ORDER, PRODUCT, SEP, Candidate, Kind, recogniser, words

_PERSON = words(r"주민|외국인|거소|resident|alien|foreigner|rrn")
_CORPORATE = words(
    r"(?:법인(?:등록)?\s?(?:번호|no\.?)|"
    r"corporate (?:registration )?(?:number|no\.?))[\s은는이가:=(\"'-]{0,4}\Z"
)
_CORPORATE_BEHIND = words(r"\A\s?\(?(?:은|는)?\s?법인")
_CARD = words(r"카드|card|visa|master|amex")
_BUSINESS = words(r"사업자|business|brn")
_PASSPORT = words(r"여권|passport")
_OF_PASSPORT = words(r"(?:여권|passport)\s?(?:케이스|커버|지갑|파우치|홀더|case|cover|holder|wallet)")
_LICENSE = words(r"면허|licen[cs]e")
_BANKS = (
    r"(?:국민|신한|우리|하나|기업|산업|씨티|대구|부산|경남|광주|전북|제주|수출입|저축|SC제일|제일|아이엠|im)\s?은행"
    r"|은행|농협|수협|신협|새마을|우체국|카카오|카뱅|케이뱅크|토스|뱅크|bank"
)
_ACCOUNT = words(
    rf"계좌|입금|송금|예금주|이체|환불\s?받|{_BANKS}|(?:국민|신한|우리|하나|기업|농협)\s?\Z|account|iban|deposit"
)
_ACCOUNT_LABEL = words(r"(?:계좌|통장|account)(?:번호|\s?(?:no\.?|number))?[가-힣]?[\s:=(\"'-]{0,4}\Z")
_ACCOUNT_BEHIND = words(rf"\A[\s,(/]{{0,3}}(?:{_BANKS}|국민|신한|우리|하나|기업|예금주|계좌)")
_NO_ACCOUNT = re.compile(r"\A(?:01[016-9]|070|050|(?:19|20)\d\d-(?:0?\d|1[0-2])-)")
_MOMENT = re.compile(r"\A(?:19|20)\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])(?:[ -]?\d{4,6})?\Z")
_PLATE = words(r"차량|차\s?번호|차는|자동차|번호판|주차|렌터카|오토바이|plate|vehicle|car\b")
_GROUPS = re.compile(r"\d+")
_HIDDEN = "*xX●○•"

_UNLIKELY_FROM, _UNLIKELY_TO = 20, 35
"""Years (19)20-35 and (20)20-35 of a number that is called an order's: its date, and nobody's birth."""


def is_person(found: Candidate) -> bool:
    digits = found.digits
    six, marker = digits[:6], digits[6]
    if not checksums.birth_date(six, marker):
        return False
    if len(digits) < 13 or found.after(_PERSON):
        return True
    if checksums.corporate(digits) and (
        marker in "09" or found.after(_CORPORATE) or found.before(_CORPORATE_BEHIND)
    ):
        return False
    if found.after(ORDER):
        return found.separated and not _UNLIKELY_FROM <= int(six[:2]) <= _UNLIKELY_TO
    if not found.separated and found.after(_ACCOUNT_LABEL):
        return checksums.resident(digits) or checksums.foreigner(digits)
    return True


def _is_dotted(found: Candidate) -> bool:
    """90.01.01-1234567; days of the last years stand before other numbers."""
    likely = not _UNLIKELY_FROM <= int(found.digits[:2]) <= _UNLIKELY_TO
    return likely and is_person(found) and not found.after(PRODUCT)


def _is_halves(found: Candidate) -> bool:
    digits = found.digits
    return checksums.birth_date(digits[:6], digits[6])


def _is_card(found: Candidate) -> bool:
    digits = found.digits
    groups = [len(group) for group in _GROUPS.findall(found.shown)]
    if found.after(ORDER) or (len(groups) > 1 and groups[:3] != [4, 4, 4] and groups != [4, 6, 5]):
        return False
    named = found.after(_CARD)
    if checksums.luhn(digits):
        return named or (digits[0] in "234569" and (found.separated or len(digits) >= 15))
    return named and len(digits) in (15, 16) and (found.separated or digits[0] in "23459")


def _is_business(found: Candidate) -> bool:
    return found.after(_BUSINESS) or (found.separated and checksums.business(found.digits))


def _is_account(found: Candidate) -> bool:
    digits = found.digits
    if not 10 <= len(digits) <= 14 or _NO_ACCOUNT.match(found.shown) or found.after(ORDER):
        return False
    if _MOMENT.match(found.shown) and not found.after(_ACCOUNT_LABEL):
        return False
    return found.after(_ACCOUNT, 30) or found.before(_ACCOUNT_BEHIND)


def _is_passport(found: Candidate) -> bool:
    if found.after(_PASSPORT) and not found.after(_OF_PASSPORT):
        return True
    return found.match.group(1) is not None and not (found.after(PRODUCT) or found.after(ORDER))


def _is_license(found: Candidate) -> bool:
    return found.shown.count("-") == 3 or found.after(_LICENSE)


def _is_customs(found: Candidate) -> bool:
    return not (found.after(PRODUCT) or found.after(ORDER)) or found.after(words("통관|세관|customs"))


def _is_plate(found: Candidate) -> bool:
    if found.after(_PLATE, 16):
        return True
    return found.match.group(1) is not None and not found.after(PRODUCT) and not found.after(ORDER)


_PERSON_NUMBER = (
    rf"{ALONE}\d{{6}}[,:(]?{SEP}[%s](?:{SEP}\d{{6}}|\d\d[- ]?\d[- ]?\d{{3}}|[{_HIDDEN}]{{4,7}}){END}"
)
_HALVES = r"(?<!\d)\d{6}[^\d\n]{1,16}뒷?\s?(?:자리|번호)[^\d\n]{0,8}[%s]\d{6}(?!\d)"
_APART = rf"{ALONE}\d{{6}}(?:[^\w\n]{{1,8}}|&[a-z#0-9]{{1,6}};|%%2[dD])[%s]\d{{6}}{END}"
"""With anything but words between: blanks, brackets, arrows, and what the web makes of a dash."""
_SAID_APART = (
    r"(?<!\d)\d{6}[가-힣]{0,2}\s?(?:뒷?|뒤에|하이픈|다시|대시|빼기|작대기|그리고|이고|에)[가-힣]{0,2}\s?"
    r"[%s]\d{6}(?!\d|\s?[원개건])"
)
_DOTTED = (
    r"(?<!\d)(?<!\d[./-])\d\d([./ -])(?:0\d|1[0-2])\1[0-3]\d(?:\s?[-~:]\s?|\s)[%s]\d{6}(?!\d|\s?[원개건]|,\d)"
)
_LABELLED = (
    r"(?:주민|외국인|거소|[Rr]esident|[Aa]lien|RRN|rrn)[^\n]{0,24}?(?<!\d)"
    rf"(\d\d[-./]?\d\d[-./]?\d\d[^\d\n]{{0,12}}[%s](?:\d{{6}}|(?=\d{{0,5}}[{_HIDDEN}])[\d{_HIDDEN}]{{6}}))(?!\d)"
)
_BEHIND = r"(?:생|주민)[^\n]{0,24}?뒤?뒷?(?:에|쪽)?\s?(?:자리|뒤|번호)[^\d\n]{0,8}([%s]\d{6})(?!\d)"
_FRONT = rf"주민(?:등록)?\s?번호[^\d\n]{{0,14}}(\d{{6}}{SEP}[%s])(?!\d)"
_CARD_NUMBER = rf"""
    {ALONE}(?:
        \d{{4}}{SEP}\d{{4}}{SEP}\d{{4}}{SEP}\d{{1,4}}
      | 3[47]\d\d{SEP}\d{{6}}{SEP}\d{{5}}
    ){END}
"""
_REGION = r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)"
_LICENSE_NUMBER = rf"""
    {ALONE}(?:1[1-9]|2[0-68])[- ]?\d{{2}}[- ]?\d{{6}}[- ]?\d{{2}}{END}
  | {_REGION}\s?\d{{2}}-\d{{6}}-\d{{2}}{END}
"""
_PASSPORT_NUMBER = (
    r"(?<![A-Za-z0-9])(?:[MSRODmsrod](?:(\d{3}[A-Za-z]\d{4})|\d{8})|[A-Z]{1,2}\d{6,8})(?![A-Za-z0-9])"
)
_FOREIGN_PASSPORT = r"(?i:여권|passport)(?:\s?(?:번호|no\.?|number))?[\s은는:=(]{0,4}(?:is\s)?(\d{9})(?!\d)"
_PLATE_LETTERS = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호배바사아자"
_PLATE_NUMBER = (
    rf"(?<![\d.,])(?<!\d-)\d{{2,3}}(?:([{_PLATE_LETTERS}])|\s?[{_PLATE_LETTERS}]\s?)"
    r"\d{4}(?!\d|,\d|[원년월개])"
)
_DATE = r"""(?:
    (?:19|20)\d\d\s?[-./년]\s?(?:0?[1-9]|1[0-2])\s?[-./월]\s?(?:3[01]|[12]\d|0?[1-9])(?:\s?일)?
  | (?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])
  | \d\d\s?[-./년]\s?(?:0?[1-9]|1[0-2])\s?[-./월]\s?(?:3[01]|[12]\d|0?[1-9])(?:\s?일)?
  | \d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])
  | \d{1,2}/\d{1,2}/(?:19|20)\d\d
  | (?:\d{1,2}\s)?(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?
    (?:\s\d{1,2},)?\s(?:19|20)\d\d
)(?!\d)"""
_BIRTH = rf"""
    (?:생년\s?월일|생일|출생(?:일자?)?|태어난\s?날|앞\s?자리
      |(?i:date\s of\s birth|birth\s?date|birthday|d\.?o\.?b\.?|born(?:\s on)?))
    (?:은|는|이|가|을|를)?[\s:=("'*-]{{0,4}}(?:(?i:is|was)\s)?(?:양력|음력)?\s?({_DATE})(?!\s?(?:까지|부터|이후|이전|[-~]))
"""
_BORN = rf"(?<!\d)({_DATE}\s?(?:일)?\s?생)(?=[\s,.)이입인은의/]|$)"
_CI = r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"

_MARKERS: tuple[tuple[Kind, str], ...] = (("resident", "0-49"), ("foreigner", "5-8"))

PEOPLE = tuple(
    recogniser(kind, pattern % markers, test, group=group, hints=hints, needs=needs)
    for kind, markers in _MARKERS
    for pattern, test, group, hints, needs in (
        (_PERSON_NUMBER, is_person, 0, (), ""),
        (_HALVES, _is_halves, 0, ("자리", "번호"), r"\d{6}"),
        (_FRONT, _is_halves, 1, ("주민",), r"\d{6}"),
        (_APART, is_person, 0, (), ""),
        (_SAID_APART, is_person, 0, (), ""),
        (_DOTTED, _is_dotted, 0, (), ""),
        (_LABELLED, _is_halves, 1, ("주민", "외국인", "거소", "esident", "lien", "RRN", "rrn"), ""),
        (_BEHIND, None, 1, ("생", "주민"), r"\d{6}"),
    )
)
"""Resident and foreigner numbers: whole, with hidden digits, told in two halves, or the front alone."""

PAPERS = (
    recogniser("ci", _CI, hints=("==",)),
    recogniser("card", _CARD_NUMBER, _is_card),
    recogniser(
        "card",
        r"(?i:\bcv[cv]|시브이시)2?\s?(?:번호|코드)?[^\d\n]{0,4}(\d{3,4})(?!\d)",
        group=1,
        hints=("cv", "시브이시"),
    ),
    recogniser("license", _LICENSE_NUMBER, _is_license),
    recogniser("business", rf"{ALONE}\d{{3}}[- ]?\d{{2}}[- ]?\d{{5}}{END}", _is_business),
    recogniser("customs", r"(?<![A-Za-z0-9])[Pp]\d{12}(?![A-Za-z0-9])", _is_customs),
    recogniser("passport", _PASSPORT_NUMBER, _is_passport),
    recogniser("passport", _FOREIGN_PASSPORT, group=1, hints=("여권", "passport")),
)

THINGS = (
    recogniser("account", rf"{ALONE}\d{{2,14}}(?:[- ]{{1,3}}\d{{1,8}}){{0,3}}{END}", _is_account),
    recogniser(
        "plate",
        rf"(?:{_REGION}\s?)?{_PLATE_NUMBER}",
        _is_plate,
        needs=rf"\d\s?[{_PLATE_LETTERS}]\s?\d{{4}}",
    ),
    recogniser(
        "birth",
        _BIRTH,
        group=1,
        hints=("생년", "생일", "출생", "태어난", "앞", "birth", "born", "dob", "d.o.b"),
    ),
    recogniser("birth", _BORN, group=1, hints=("생",)),
    recogniser(
        "birth",
        rf"(?:생년\s?월일|생일)[가-힣]{{0,2}}\s?{_DATE}[가-힣\s→>-]{{1,10}}?(?<!\d)({_DATE})(?=\s?(?:으?로|이에요|인데|입니다|$))",
        group=1,
        hints=("생",),
    ),
)
