"""What stands around a word and says that it names a person, or that it does not: log-odds, in round figures."""

from __future__ import annotations

import re

from ccos.quality.pii.name_shape import has_batchim

LABEL = (
    r"(?:예금주|수령[인자]|수취[인자]|(?:받는|보내는|보낸|받을|받으실|주문한|결제한)\s?(?:분|사람|이)|주문[자인]|신청[자인]|"
    r"[성존]함|이름|성명|본명|실명|구매자|입금자|결제자|납부자|계약자|가입자|명의자?|담당자?|대리인|보호자|작성자|발신인?|"
    r"수신인?|환자|회원|고객|예약자|탑승자|피보험자|대표자?|카드주|소유[주자]|운전자|사장|점장|설치자|서명자|사용자|이용자|"
    r"등록자|여권정보|탑승객|투숙객|참석자|참가자|수강생|학생|학부모|방문자|보증인|세대주|세입자|추천인|당첨자|확인자|"
    r"책임자|관리자|서명|차주|건물주|집주인|주인|[피가]해자|[후전]임자?|후견인|입주[민자]|원장|반장|총무|교사|약사|설계사|중개사|세무사|법무사|변호사|트레이너|코치|감독|주치의|간병인|원아|원생|증인|문의[자인]|요청[자인]|의뢰인|사원|점주|팀장|과장|부장|실장|교수|작가|조합원|고인|목격자|고소인|피고소인|상대방|판매자|발급자|배송자|수하인|송하인|피?상속인|동[승행]자|동행인|수익자|계좌주|납입자|양[도수]인|위임[인자]|채[권무]자|피?신청인|신고자|제보자|이수자|응시자|지원자|승인자|작업자|배송원|배달원|동명이인|공동명의자|명단|상담[사원]?|기사|강사|의사|간호사|디자이너|매니저|직원|소장|대표이사|인솔자|"
    r"법정대리인|송금인|받는이|보내는이|인계자?|인수자?|접수자|처리자|배정|현\s?담당|담임|사용인|임차인|임대인|배송인)"
    r"(?:명|의?\s?(?:이름|성함|성명))?"
)
KIN = (
    r"(?:[큰작]?딸아?이?|[큰작]아들|막내|둘째|첫째|셋째|쌍둥이|형님|제수|형수|시누이|손주|새언니|아들래미|딸래미|딸내미|엄마|아빠|어머니|아버지|어머님|아버님|남편|아내|와이프|집사람|남동생|여동생|동생|언니|누나|누님|오빠|형|친구|남자친구|"
    r"여자친구|남친|여친|아들|자녀|아이|애기|손자|손녀|동료|지인|할머니|할아버지|외할머니|외할아버지|이모|이모부|고모|고모부|"
    r"삼촌|외삼촌|숙모|처남|처제|매형|형부|올케|사위|며느리|시어머니|시아버지|장모님?|장인|사촌|조카|배우자|신랑|룸메이트|룸메|"
    r"후배|선배|이웃|옆집|윗집|아랫집|앞집|옆동|사모님|부장님?|팀장님?|사장님|회장님?|본인|당사자)"
)
_SELF = r"(?:저는|제가|전|저|나는|나|본인은?|여긴|여기는|제)"
_OTHERS = (
    r"(?:안녕하세요|안녕하십니까|수고하세요|수고하십니다|반갑습니다|여보세요|드렸던|드린|맡은|담당하는|담당한|보낸|통화한|이었던|"
    r"아니고|말고|이라는|라는|주문한|예약한|문의한|[1-9]차(?:상담)?|발신|cc|CC|참조|귀하|이분은|이름도|이라고\s?하는|그다음은|다음은|원래는?|이전에는?|(?:개명|변경|수정|정정)\s?[전후]은?|하나는|한\s?명은|한\s?분은)"
)
_BANKS = r"(?:은행|국민|신한|우리|하나|기업|농협|수협|신협|새마을|우체국|카뱅|카카오|토스|케이뱅크)"
_PLAIN = "".join((LABEL, KIN, _SELF, _OTHERS, _BANKS))
_FIRSTS = {run[0] for run in re.findall("[가-힣]+", _PLAIN)} | set(
    "".join(re.findall(r"\[([가-힣]+)\]", _PLAIN))
)
"""What a lead can begin with: most places of a text are passed at once."""
_LEAD = re.compile(
    rf"(?=[1-9cC{''.join(sorted(_FIRSTS))}])(?:(?P<label>{LABEL})|(?P<kin>{KIN})|(?P<self>(?<![가-힣]){_SELF}(?=[\s(]))|(?P<other>{_OTHERS})"
    rf"|(?P<bank>{_BANKS})(?=[\s\d]))"
)
_QUOTES = r"[\"'“‘(\[*]{0,2}"
_GLUES = {
    group: tuple((odds, re.compile(glue)) for odds, glue in glues)
    for group, glues in {
        "label": (
            (4.0, rf"(?:입니다)?\s?(?:\([가-힣]{{1,6}}\)\s?)?[:|=→>]\s{{0,2}}{_QUOTES}"),
            (3.0, rf"(?:은|는|이|가|을|를|인|에)?\(?\s?{_QUOTES}"),
            (3.5, r"[가-힣 ]{0,14}\?{1,2}\s{0,2}\n\s{0,2}(?:고객|손님|답|A|a)\s?[.:]\s?"),
        ),
        "kin": (
            (3.5, r"\s?(?:[:(]|이름은|성함은)\s?"),
            (3.0, r"(?:인)?\s"),
            (2.5, r"(?:의|은|는|이|가)\s"),
        ),
        "self": ((2.5, r"\s?\(?"),),
        "other": ((2.5, r"[^가-힣\n]{0,4}\n?"),),
        "bank": ((3.0, r"(?:은행)?\s?[\d -]{0,20}\s(?:입니다\s)?"),),
    }.items()
}
_NAMES_OF_NAMES = re.compile(r"(?:이름|[성존]함|성명|본명|실명|예금주|명의자?)\Z")
_UNLIKE_BEFORE = (
    (-4.0, re.compile(r"\d\Z")),
    (-2.5, re.compile(r"(?:어떤|무슨|모든|이런|그런|저런|다른|새로운|각|해당|추가|전체|매|몇|총|약|및)\s\Z")),
)

_PEOPLE = (
    r"(?:고객|회원|상담[사원]|매니저|대리|과장|팀장|부장|실장|주임|사원|차장|사장|점장|소장|원장|선생|교수|강사|변호사|"
    r"간호사|디자이너|여사|어르신|할머니|할아버지|학부모|학생|환자|담당자?|기사|배달원|주무관|계장|원우|작가|대표|부친|모친|이사)"
)
_WEAK = r"(?:이|가|은|는|을|를|의|도|만|과|와|랑|이랑|하고|으?로|에서|까지|부터|처럼|보다|이[가는를의도]|이한테|이랑은|으?로는|만은|으?로서|조차|마저|밖에|대신|이?야|아|[꺼거건껀]|이나)"
TAIL = re.compile(
    r"(?:(?P<title>님|씨)[가-힣]{0,5}"
    r"|(?P<person>(?:이?한테|에게|께서|께|더러|앞으로|네)(?:[는도만서]|에서|로)?)"
    r"|(?P<says>이?라고(?:요|도|만)?|이?라는|이란|란|입니다만?|이?에요|예요|이예요|인데[요도]?|이?고요?|이며|이었나요?|였나요?|"
    r"이(?:었|라면|니까?|든지|면|네요|시|신|십|세|죠|지[요만]|거든|랍|래|잖)[가-힣]{0,4}|[였셨][가-힣]{1,4}|래요|랍니다|죠|거든요|니까요?|"
    r"이?라는데요?|이?라서요?|이?라|이신데|이요|요|인지|이거든요|이구요|구요|인가요?|이세요|이십니다|이시고|꺼예요|맞[가-힣]{1,3})"
    r"|(?P<nick>이[가는를])"
    rf"|(?P<weak>{_WEAK})"
    rf"|(?P<glued>{_PEOPLE})(?:님[가-힣]{{0,4}}|[이가은는을를의께]|입니다)?"
    r"|명의[가-힣]?|)(?![가-힣])"
)
"""What may follow a name within its word; nothing at all as well."""
_AFTER = tuple(
    (odds, re.compile(pattern, re.MULTILINE))
    for odds, pattern in (
        (4.5, r"\s?\(?(?:님|씨)(?![가-힣]{3})"),
        (4.5, r"\s?(?:드림|올림|배상|拜上|귀하|귀중)(?![가-힣])"),
        (3.0, rf"\s?[(\s]{_PEOPLE}(?:[님분][가-힣]{{0,4}}|[이가은는을를의께도와과로]|께서|한테|에게|이?랑|하고|으로|입니다|이에요|예요|인데|외)?(?![가-힣])"),
        (2.5, r"\s(?:앞으로|앞(?=[\s,.)]|$)|명의|이름으?로|이름|본인|공동|외\s?\d|등\s?\d+[명인])"),
        (3.5, r"\s(?:군|양)(?:[은이의과]|에게|께서)?\s"),
        (2.5, r"\s?[,(]\s?만?\s?\d{1,2}(?:세|살)"),
        (2.5, r"\s(?:\d{6}(?!\d)|만?\s?\d{1,2}(?:세|살)|[두세]\s?(?:글자|분|명|사람)|[남여](?:자|성)?(?=[\s,./)]))"),
        (2.0, r"\s(?:건데|[거꺼]는|것[은이만도]|엄마|아빠|어머니|아버지|어머님|아버님|부모|보호자|남편|아내|가족|누나|오빠|언니)"),
        (2.5, r"\s(?:\d+\s?번|께서|이라는|라는|이라고|라고|이란)\s"),
        (1.5, r"\s?\(\s?(?:본인|배우자|남편|아내|부|모|자녀|아들|딸|대리|예금주|\d|여|남|님)"),
        (2.5, rf"\s{_BANKS}(?:\s?은행)?\s?\d"),
        (2.0, r"\s[\d,]{1,12}\s?(?:만\s?)?원|\s?(?:합니다|해요|하는데요?|하고요?|불러)(?![가-힣])|\s(?:꺼|거)(?:예요|에요|라|인)"),
        (1.0, r"\s(?:사[는시]|주문[한해]|결제[한해]|신청[한해했]|가입[한해했]|예약[한해했]|문의[한해했]|연락|전화|보낸|보내[주신]|추천해|못\s받|대신\s|받으[실시]|찾으러|결제했|주문했|입금했|말한|말씀|했[고는다대어]|하기로)"),
        (1.5, r"\s(?:건(?:입니다|이[에요고]|은|도|으로|인데)|아니[라고]|말고)"),
        (1.0, r"\s(?:계정|아이디|계좌|통장|카드|댁|사원증|학생증|여권|면허|자리로?|택배|소포|등기|짐|차량|서명|사인|도장|생일|부재|휴가|출장|담당)"),
        (1.0, r"\s(?:통화|맞으|맞나|맞습|맞죠|이 사람|둘 다|올림|[\w.+-]{1,30}@|<)"),
    )
)  # fmt: skip
_REFUSED = re.compile(r"\s?(?:않|못(?!\s받)|말(?:고\s)?|마시|마세|모르)")
_DONE = re.compile(
    r"\s?(?:하[고여는지면기게세]|해[요서주도야]|했|합니|할\s|되[고는지면]|돼|됐|됩니|시켜|시키|있[는으어]|없[는으어])"
)
_REACH = 28
_FIELD_BEFORE = re.compile(r"(?:^|[|,/\t;:·(\[→>-])\s{0,2}\Z", re.MULTILINE)
_FIELD_AFTER = re.compile(r"\s{0,2}(?:$|[|,/\t;·)\]→<(-])", re.MULTILINE)

_BATCHIM_TAILS = (
    "이",
    "은",
    "을",
    "과",
    "으로",
    "이라",
    "이에요",
    "이고",
    "이며",
    "이랑",
    "이요",
    "이란",
    "이네",
)
_OPEN_TAILS = ("가", "는", "를", "와", "로", "라고", "라는", "예요", "고", "랑", "요", "란")


def within(name: str, tail: re.Match[str]) -> float:
    """What the end of the word says of the name before it."""
    shown = tail.group()
    odds = {"title": 4.5, "person": 3.0, "says": 1.5, "glued": 3.0, "nick": 1.5, "weak": 0.0}.get(
        tail.lastgroup or "", 0.2
    )
    if tail.lastgroup == "person" and shown.startswith("네"):
        odds = 0.5
    if tail.lastgroup == "says" and "라" in shown[:2]:
        odds = 2.5
    if name[-1] in "하되" and shown.startswith(("고", "는", "며", "라", "였", "셨")):
        odds -= 4.0  # 정의하고, 유명하고
    if len(name) == 2 and shown == "고":
        odds -= 2.0  # 지우고
    if name[-1] == "해" and shown.startswith(("야", "도")):
        odds -= 4.0  # 명심해야
    if name[-1] in "나시세" and shown[:1] in ("요", "고", "는", "면"):
        odds -= 4.0  # 나오나요, 지우시고
    if tail.lastgroup in ("says", "weak"):
        final = has_batchim(name[-1])
        liquid = (ord(name[-1]) - 0xAC00) % 28 == 8
        after_vowel = shown in _OPEN_TAILS and not (liquid and shown == "로")
        if (final and after_vowel) or (not final and shown.startswith(_BATCHIM_TAILS)):
            odds -= 1.0
    return odds


def leads(text: str) -> dict[int, float]:
    """Where a name may begin by what stands before it, with the odds; one walk through the text."""
    places: dict[int, float] = {}
    for match in _LEAD.finditer(text):
        for odds, glue in _GLUES[match.lastgroup or ""]:
            if glued := glue.match(text, match.end()):
                if match.lastgroup == "label" and glued.end() == match.end() and odds == 3.0:
                    odds = 2.5  # 예금주김민수
                if odds == 3.0 and match.lastgroup == "label" and _NAMES_OF_NAMES.search(match.group()):
                    odds = 3.5
                places[glued.end()] = max(odds, places.get(glued.end(), 0.0))
    return places


def unlike(text: str, start: int) -> float:
    """What stands before common nouns."""
    near = text[max(0, start - 6) : start]
    return sum(odds for odds, pattern in _UNLIKE_BEFORE if pattern.search(near))


def after(text: str, tail: re.Match[str]) -> float:
    """The strongest word behind the name and its particles."""
    near = text[tail.end() : tail.end() + _REACH]
    strongest = max((odds for odds, pattern in _AFTER if pattern.match(near)), default=0.0)
    if _REFUSED.match(near):
        strongest -= 4.0
    if not tail.group() and _DONE.match(near):
        strongest -= 2.0
    return strongest


def is_field(text: str, start: int, end: int) -> bool:
    """Whether it stands alone between separators, as in a table or a list."""
    return bool(
        _FIELD_BEFORE.search(text[max(0, start - 3) : start]) and _FIELD_AFTER.match(text[end : end + 3])
    )
