"""Finding Korean personal data in free text.

Word boundaries fail before particles (`010-1234-5678입니다`), so digits look at their neighbours instead.
Names are not guessed: only those passed in are found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ccos.domain.ticket import PiiClass
from ccos.quality.folding import fold
from ccos.quality.pii import checksums

Kind = Literal[
    "resident", "foreigner", "card", "license", "business", "customs", "passport",
    "phone", "account", "email", "address", "name",
]  # fmt: skip

LOCAL_ONLY: frozenset[Kind] = frozenset({"resident", "foreigner"})
"""Kinds the law lets nobody pass on: a text with one stays on this machine, masked or not."""


@dataclass(frozen=True, slots=True)
class PiiSpan:
    """Where personal data stands, in offsets of the text that was given.

    `value` is its comparable form: digits only, e-mail in lower case, addresses without blanks.
    """

    kind: Kind
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A match in folded text, with what stands around it."""

    text: str
    match: re.Match[str]

    @property
    def digits(self) -> str:
        return _NOT_DIGIT.sub("", self.match.group())

    @property
    def separated(self) -> bool:
        return not self.match.group().isdigit()

    def after(self, words: re.Pattern[str], reach: int = 24) -> bool:
        """Whether one of `words` stands shortly before the match, on its line."""
        start = self.match.start()
        return bool(words.search(self.text[max(0, start - reach) : start].rpartition("\n")[2]))


_NOT_DIGIT = re.compile(r"\D")
_BLANKS = re.compile(r"\s")
_SEP = r"[-. ]{0,3}"
_ALONE = r"(?<!\d)(?<!\d-)"
_END = r"(?!-?\d)"

_ORDER = re.compile(r"주문|운송장|송장|배송|접수\s?번호|예약|order|tracking|parcel|invoice", re.IGNORECASE)
_PERSON = re.compile(r"주민|외국인|등록\s?번호|resident|registration|rrn", re.IGNORECASE)
_CORPORATE = re.compile(r"법인|corporate", re.IGNORECASE)
_CARD = re.compile(r"카드|card", re.IGNORECASE)
_BUSINESS = re.compile(r"사업자|business", re.IGNORECASE)
_PASSPORT = re.compile(r"여권|passport", re.IGNORECASE)
_LICENSE = re.compile(r"면허|licen[cs]e", re.IGNORECASE)
_ACCOUNT = re.compile(
    r"계좌|입금|송금|예금주|이체|은행|농협|수협|신협|새마을|우체국|카카오뱅크|케이뱅크|토스뱅크|account|iban",
    re.IGNORECASE,
)
_NO_ACCOUNT = re.compile(r"\A(?:01[016-9]|070|050|(?:19|20)\d\d-(?:0?\d|1[0-2])-)")


def _is_person(found: _Candidate) -> bool:
    six, marker = found.match.group(1), found.match.group(2)
    if not checksums.birth_date(six, marker):
        return False
    if "*" in found.match.group():
        return True
    if found.after(_CORPORATE) and checksums.corporate(found.digits):
        return False
    return found.separated or found.after(_PERSON) or not found.after(_ORDER, 14)


def _is_card(found: _Candidate) -> bool:
    if found.after(_ORDER, 14) and not found.after(_CARD):
        return False
    if checksums.luhn(found.digits):
        return found.digits[0] in "234569"
    return found.separated and len(found.digits) == 16 and found.after(_CARD)


def _is_business(found: _Candidate) -> bool:
    return found.after(_BUSINESS) or (found.separated and checksums.business(found.digits))


def _is_account(found: _Candidate) -> bool:
    enough = 10 <= len(found.digits) <= 14 and not _NO_ACCOUNT.match(found.match.group())
    return enough and found.after(_ACCOUNT, 30) and not found.after(_ORDER, 10)


def _is_passport(found: _Candidate) -> bool:
    return found.match.group(1) is not None or found.after(_PASSPORT)


def _is_license(found: _Candidate) -> bool:
    return found.match.group().count("-") == 3 or found.after(_LICENSE)


_PHONE = rf"""
    {_ALONE}(?<!\+)(?:
        \(?(?:\+?82{_SEP}\(?0?\)?|0)1[016-9]\)?{_SEP}\d{{3,4}}{_SEP}\d{{4}}
      | \+82{_SEP}\(?0?\)?(?:2|[3-7]\d)\)?[-. ]{{1,3}}\d{{3,4}}[-. ]{{1,3}}\d{{4}}
      | \(?0(?:2|[3-6][1-5]|70|50\d?)\)?[-. ]{{1,3}}\d{{3,4}}[-. ]{{1,3}}\d{{4}}
      | (?:\+1[-. ]{{0,2}})?(?:\(\d{{3}}\)[ ]?|\d{{3}}[-.])\d{{3}}[-.]\d{{4}}
      | \+(?!82)[1-9]\d{{0,2}}[-. ](?:\d{{1,4}}[-. ]){{1,3}}\d{{3,4}}
    ){_END}
"""
_ROAD = r"""
    (?<![가-힣])(?:
        (?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충청?[북남]도?|충[북남]|전라?[북남]도?|전[북남]|경상?[북남]도?|경[북남]|제주)
        (?:특별자치|특별|광역)?[시도]?\s?(?:[가-힣]{1,6}[시군구읍면]\s?){0,3}
      | (?:[가-힣]{1,6}시\s)?[가-힣]{1,5}[군구]\s(?:[가-힣]{1,6}[읍면]\s)?
    )
    [가-힣]{1,10}\d{0,3}(?:로|길)(?:\s?\d{1,3}번?(?:가|나|다)?길)?\s?\d{1,4}(?:-\d{1,4})?
    (?!\d|\s?(?:회|개|일|시간|명|원|%|건|번|월|년|주|분|배|차))
    (?:,?\s?\d{1,4}동)?(?:,?\s?\d{1,5}호)?
"""

_PERSON_NUMBER = rf"{_ALONE}(\d{{6}}){_SEP}([%s])(?:\d{{6}}|\*{{6}}){_END}"
_CARD_NUMBER = rf"""
    {_ALONE}(?:
        \d{{4}}[-. ]?\d{{4}}[-. ]?\d{{4}}[-. ]?\d{{1,4}}
      | 3[47]\d\d[-. ]?\d{{6}}[-. ]?\d{{5}}
    ){_END}
"""
_LICENSE_NUMBER = rf"{_ALONE}(?:1[1-9]|2[0-68])[- ]?\d{{2}}[- ]?\d{{6}}[- ]?\d{{2}}{_END}"
_PASSPORT_NUMBER = r"(?<![A-Za-z0-9])[MSRODmsrod](?:(\d{3}[A-Za-z]\d{4})|\d{8})(?![A-Za-z0-9])"
_EMAIL = r"""
    (?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}
    @[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}(?![A-Za-z0-9-])
"""


class _Recogniser(NamedTuple):
    kind: Kind
    pattern: re.Pattern[str]
    test: Callable[[_Candidate], bool] | None = None


def _recogniser(kind: Kind, pattern: str, test: Callable[[_Candidate], bool] | None = None) -> _Recogniser:
    return _Recogniser(kind, re.compile(pattern, re.VERBOSE), test)


_RECOGNISERS = (
    _recogniser("resident", _PERSON_NUMBER % "0-49", _is_person),
    _recogniser("foreigner", _PERSON_NUMBER % "5-8", _is_person),
    _recogniser("card", _CARD_NUMBER, _is_card),
    _recogniser("license", _LICENSE_NUMBER, _is_license),
    _recogniser("business", rf"{_ALONE}\d{{3}}-?\d{{2}}-?\d{{5}}{_END}", _is_business),
    _recogniser("customs", r"(?<![A-Za-z0-9])[Pp]\d{12}(?![A-Za-z0-9])"),
    _recogniser("passport", _PASSPORT_NUMBER, _is_passport),
    _recogniser("phone", _PHONE),
    _recogniser("account", rf"{_ALONE}\d{{2,14}}(?:[- ]\d{{2,8}}){{0,3}}{_END}", _is_account),
    _recogniser("email", _EMAIL),
    _recogniser("address", _ROAD),
)
"""In order of priority: a later recogniser takes nothing from an earlier one."""


def find(text: str, *, names: Sequence[str] = ()) -> list[PiiSpan]:
    """All personal data in `text`, in order; time linear in its length.

    `names` are the customer's own, two characters or longer.
    """
    folded = fold(text)
    taken = bytearray(len(folded.text))  # one mark a character: matches of one pattern never overlap
    found = []
    for kind, value, start, end in _matches(folded.text, names):
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            found.append(PiiSpan(kind, *folded.original(start, end), value))
    return sorted(found, key=lambda span: span.start)


def classify(text: str) -> PiiClass:
    """What may happen to the text: sent on, sent on masked, or kept on this machine."""
    kinds = {span.kind for span in find(text)}
    if kinds & LOCAL_ONLY:
        return "local_only"
    return "maskable" if kinds else "none"


def _matches(text: str, names: Sequence[str]) -> Iterator[tuple[Kind, str, int, int]]:
    for kind, pattern, test in _RECOGNISERS:
        for match in pattern.finditer(text):
            candidate = _Candidate(text, match)
            if test is None or test(candidate):
                yield kind, _comparable(kind, candidate), match.start(), match.end()
    for name in names:
        wanted = fold(name).text.strip()
        if len(wanted) >= 2:
            for match in re.finditer(re.escape(wanted), text, re.IGNORECASE):
                yield "name", wanted.casefold(), match.start(), match.end()


def _comparable(kind: Kind, found: _Candidate) -> str:
    if kind in ("email", "address", "passport", "customs"):
        return _BLANKS.sub("", found.match.group()).casefold()
    digits = found.digits
    return "0" + digits[2:].lstrip("0") if kind == "phone" and digits.startswith("82") else digits
