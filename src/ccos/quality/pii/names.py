"""Names of people, by what stands around them.

A Korean name is one of some hundred surnames and one or two syllables that names are made of; that alone
is true of many nouns (이용, 주소, 신고). So it counts beside a word that goes with people: a title behind it,
a label before it, an introduction, a signature, a telephone number or an account at its side; and alone only
when both its syllables stand where names usually have them and it is no noun that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

_SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진나지엄채원천방공현함변염여추"
    "도소석선설마길연위표명기반왕옥육인맹제모탁국어은편용예봉경"
)
_LONG_SURNAMES = "남궁|황보|제갈|선우|독고|사공|서문"
_GIVEN = (
    "가강건겸경계고관광교국권규균근금기길나남노다단담대덕도동두라란래련로록루리린림마만명모목무문미민박배백범별병보"
    "복봉부빈사산상샘생서석선설섭성세소솔송수숙순슬승시신심아안애양언여연열영예오옥온완요용우욱운웅원월유윤율은을의"
    "이익인일임자장재전정제조종주준중지진찬창채천철청초춘충치탁태택하학한해향헌혁현형혜호홍화환황회효후훈휘흔희늘결"
    "찬빛봄솜람결들꽃숲얀란말샛온별란뜰율륜겨운휼"
)
_THREE = f"(?:(?:{_LONG_SURNAMES})[{_GIVEN}]{{1,2}}|[{_SURNAMES}][{_GIVEN}]{{2}})"
_TWO = f"[{_SURNAMES}][{_GIVEN}]"
_ANY = f"(?:{_THREE}|{_TWO})"
_HERE = "(?<![가-힣])"

_TITLE = (
    r"(?:\s?(?:고객|회원|구매자|주문자|수령인|기사|상담[사원]|매니저|담당자?|선생|사장|대표|과장|팀장|대리|부장|실장|원장|교수|변호사)?님"
    r"|\s씨|씨(?=[가는의에와께도,.\s]|$))"
)
_PLAIN_TITLE = r"\s(?:고객|기사|상담[사원]|대리|과장|팀장|매니저|환자|부장|선생|씨|군|양)(?![가-힣]{2})"
_AM_CUSTOMER = r"\s(?:고객|회원)(?:입니다|이에요|이고|인데)"
_LABEL = (
    r"(?:예금주|수령[인자]|수취인|(?:받는|보내는|보낸|받을|받으실|주문한|결제한)\s?(?:분|사람|이)|주문[자인]|신청[자인]|"
    r"성함|이름|성명|본명|실명|구매자|입금자|계약자|가입자|명의자?|담당자?|대리인|보호자|작성자|발신인|환자|"
    r"회원명|고객명|예약자|탑승자|피보험자|대표자?|카드주|소유주|소유자|운전자|사장|점장|"
    r"설치자|서명자|사용자|여권정보|탑승객|투숙객|참석자|수강생|학생)(?:명|의\s?(?:이름|성함))?"
)
_GLUE = r"\s?(?:이름은|성함은|은|는|이|가|을|를|:|=|->|→|\|)?\s{0,2}[\"'“‘(\[*]{0,3}"
_BEHIND_THREE = (
    r"(?=입니다|이고|이에요|예요|이며|인데|이라|라고|으?로\b|님|\s?씨|이[가는]\s|[이가은는의께와과랑]?(?:[\s,./)\]\"'”’*|&]|$)"
    r"|에게|한테|께서|이랑|명의|건(?:으로)?\s)"
)
_BEHIND_TWO = r"(?=입니다|이에요|예요|이고|이며|이라고|라고\s|인데요|님|\s?씨[\s,.]|[,./)\]\"'”’*|]|\s*$)"
_SELF = r"(?:저는|제가|나는|전|저|여긴|여기는|본인은)\s"
_HELLO = r"(?:안녕하세요|안녕하십니까|수고하세요|반갑습니다)[,.!~\s]{0,3}(?:저는\s|고객\s|회원\s)?"
_SAYS = r"(?:이라고|라고)\s?(?:합니다|해요|하는데|하고|불러)|입니다|이에요|예요|인데요?|이고요?|이라는|이며"
_KIN = (
    r"(?:엄마|아빠|어머니|아버지|남편|아내|와이프|동생|언니|누나|오빠|친구|아들|딸|자녀|아이|학부모|보호자|동료|지인|직원|"
    r"대표|사장|변경\s?[전후]|수정\s?[전후])(?:\s?:\s?|\s)"
)
_TO_PEOPLE = r"(?:한테|에게|께서|께)(?![가-힣]{2})"
_IN_PERSON = r"\s?(?:입니다|이에요|예요|이라고\s합니다)(?=[\s.,!~]|$)"
_FIRST = r"(?:^|[.!?\n]\s*|안녕하세요[,.!~]?\s)"
_BANK = r"(?:국민|신한|우리|하나|기업|농협|수협|신협|새마을|우체국|카카오|토스|케이뱅크|부산|대구|제일|SC)"
_SIGNED = r"\s?(?:드림|올림|배상|拜上)(?![가-힣])"

_KOREAN = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        rf"{_HERE}(?P<name>{_ANY}){_TITLE}",
        rf"{_HERE}(?P<name>{_THREE}){_PLAIN_TITLE}",
        rf"{_HERE}(?P<name>{_ANY}){_AM_CUSTOMER}",
        rf"{_LABEL}{_GLUE}(?P<name>{_THREE}){_BEHIND_THREE}",
        rf"{_LABEL}{_GLUE}(?P<name>{_TWO}){_BEHIND_TWO}",
        rf"{_HERE}{_SELF}(?:\S{{1,8}}\s)?(?P<name>{_ANY})(?:{_SAYS})",
        rf"{_HELLO}(?P<name>{_THREE})(?:{_SAYS})",
        rf"{_HERE}(?P<name>{_ANY}){_SIGNED}",
        rf"{_HERE}{_KIN}(?P<name>{_THREE})"
        r"(?=[\s,./)\]]|$|[이가은는의와과랑을를]\s|입니다|이고|에게|한테|님|\s?씨)",
        rf"{_HERE}(?P<name>{_THREE}){_TO_PEOPLE}",
        rf"{_FIRST}(?P<name>{_THREE}){_IN_PERSON}",
        rf"{_HERE}(?P<name>{_THREE})\s{_BANK}(?:\s?은행)?\s?\d",
        rf"\((?P<name>{_THREE})\s?(?:대표|사장|본인|님|씨)\)",
    )
)
_FIRST_GIVEN = (
    "민서지하도예수유현은윤재승정성영미혜동준주채시태진상경우나소다보규건기병종명선순옥금말효연희세"
    "아가라철광창인"
)
_LAST_GIVEN = "수연훈은윤준우서원민현진아영희호빈재혁환석철숙경미자순정선인율린주지나라솔태규식섭형성욱한람온"
_USUAL = re.compile(
    rf"{_HERE}(?P<name>[{_SURNAMES}][{_FIRST_GIVEN}][{_LAST_GIVEN}])"
    r"(?=[\s,./)\]\"'”’:|&?!]|$|(?:이?[가는]|[은의을를와과도만]|께|에게|한테|으?로|에서|앞|입니다|이고|님|씨|이랑|이라|인데"
    r"|이에요|예요)(?:[\s,.)]|$|[가-힣]))"
    r"(?!(?:[는도를]|만은)?\s?(?:않|못|말|마시|마세|아니|모르|본인))",
    re.MULTILINE,
)
"""Names of the usual make, wherever they stand alone: a few hundred nouns apart, Korean has no such words."""
_BESIDE_AFTER = re.compile(
    rf"[\s,/()\[\]:|·-]{{1,4}}(?:(?:예금주|사장|대표|담당|본인|입니다|이고)[\s:(]{{1,3}})?(?P<name>{_THREE})(?=[\s,./)\]|]|$|입니다|이고|이에요|예요|님|\s?씨|으로|로\s|앞|명의)",
    re.MULTILINE,
)
_BESIDE_BEFORE = re.compile(rf"{_HERE}(?P<name>{_THREE})[\s,/(\[:|·-]{{1,4}}\Z")
_REACH = 12

_CAPITAL = r"(?:[A-Z]')?[A-Z][a-z]+(?:['-][A-Z][a-z]+)?"
_FULL = rf"{_CAPITAL}(?:\s[A-Z]\.)?(?:[ -]{_CAPITAL}){{1,2}}"
_ENGLISH = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"(?i:\bmy (?:full )?name is|\bname is|\bname:|\brecipient(?: is|:)?|\bholder(?: is|:)?|\battn:?"
        rf"|\battention:?|\bcontact:|\bunder the name(?: of)?|, name|\bin the name of)\s(?P<name>{_FULL}"
        rf"|{_CAPITAL}\b)",
        rf"(?i:\bi am|\bi'm|\bthis is|\bit's)\s(?P<name>{_FULL})"
        r"(?=[,.!]|\sfrom|\scalling|\swriting|\shere|\sand\s|$)",
        rf"\b(?:[Mm]rs?|[Mm]s|[Mm]iss|[Dd]r)\.?\s(?P<name>{_FULL}|{_CAPITAL})",
        rf"(?i:^(?:best |kind |warm )?(?:regards|sincerely|thanks|thank you|best|cheers|yours)),?"
        rf"\s*\n\s*(?P<name>{_FULL}|{_CAPITAL})\s*$",
        rf"(?i:\bdear|\bhi|\bhello)\s(?P<name>{_FULL})(?=,)",
    )
)

_LATIN = re.compile(r"[A-Z][a-z]")


@cache
def _nouns() -> frozenset[str]:
    """Words that are built like names and are none; the list grew by reading what was taken for a name."""
    return frozenset(files("ccos.quality.pii").joinpath("nouns.txt").read_text("utf-8").split())


_ENDINGS = "을를의도만"
_BEHIND_NOUNS = "이가은는로고나라사자인지시한해하"
"""What stands behind a noun: 변경하, 신청이, 문의고; and what makes a noun of two into one of three."""


def by_context(text: str) -> Iterator[tuple[int, int]]:
    """Spans of names in folded text; linear in its length."""
    for pattern in _KOREAN:
        for match in pattern.finditer(text):
            if _may_be_korean(match["name"]):
                yield match.span("name")
    for match in _USUAL.finditer(text):
        if _may_be_korean(match["name"]) and match["name"][:2] not in _nouns():
            yield match.span("name")
    for pattern in _ENGLISH if _LATIN.search(text) else ():
        for match in pattern.finditer(text):
            if not _nouns() & set(match["name"].split()):
                yield match.span("name")


def beside(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans of names right beside one of `spans`: a telephone number, an account, an address."""
    for start, end in spans:
        after = _BESIDE_AFTER.match(text, end, end + _REACH * 2)
        if after and _may_be_korean(after["name"]):
            yield after.span("name")
        begin = max(0, start - _REACH)
        before = _BESIDE_BEFORE.search(text[begin:start])
        if before and _may_be_korean(before["name"]):
            yield begin + before.start("name"), begin + before.end("name")


def _may_be_korean(name: str) -> bool:
    if name in _nouns():
        return False
    if len(name) != 3:
        return True
    if name[2] in _ENDINGS and name[1] not in "가노":  # 한가을, 이노을
        return False
    return not (name[:2] in _nouns() and name[2] in _BEHIND_NOUNS)
