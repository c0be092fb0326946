"""Does it promise or claim an action that nobody authorised or did?

A promise ("환불해 드리겠습니다", "we will refund you") needs a procedure that grants it or a recorded
action. A claim that something was done ("취소했습니다", "처리 완료했습니다", "I have cancelled") needs a
recorded action or an agent who said so before. What a procedure says in general ("환불은 3영업일 안에
처리됩니다") is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ccos.domain.verdict import Veto
from ccos.quality.folding import plain
from ccos.quality.reading import Reading
from ccos.quality.vetoes.assurances import ASSURANCES, Assurance
from ccos.quality.vetoes.family import Family
from ccos.quality.vetoes.granting import affirms, denies

_ACTS = {
    "refund": ("환불|환급", "refund|reimburs|money back"),
    "cancellation": ("취소|철회", "cancel"),
    "compensation": ("보상|배상|위로금", "compensat"),
    "exchange": ("교환|교체|재발송|재배송", "replac|exchange|reship"),
    "waiver": ("면제", "waiv"),
    "discount": ("할인|쿠폰|적립금|포인트", "discount|coupon|voucher|credit"),
}
_GIFTS = {
    "repair": ("무상\\s?수리|무료\\s?수리|무상으로|무료로|수리", "repair"),
    "payment of costs": ("부담", "cover|bear|pay"),
    "delivery": ("도착|배송|출고", "arriv|deliver"),
    "replacement": ("새\\s?(?:제품|상품)|재발송|다시\\s?(?:보내|발송)|교환", "new one|replac|resend"),
}
"""Free repairs, costs taken over, a new item: promised in other words than the acts above."""
_DEEDS = {
    "change": ("변경|수정|정정|교체", "chang|updat|correct"),
    "deletion": ("삭제|해지|탈퇴|파기", "delet|clos|remov"),
    "reset": ("초기화|복구|해제|연장|재설정", "reset|restor|unlock|extend"),
    "dispatch": ("발송|출고|재발송", "ship|dispatch|sent|send"),
    "payment": ("지급|적립|입금|송금|발급", "credit|paid|issue"),
    "registration": ("접수|등록|신청|예약", "regist|book|submit|enrol"),
    "handover": ("전달|이관|요청|접수", "forward|escalat|pass|report"),
    "processing": ("처리|조치|완료|진행", "process|handl|resolv|fix|complet"),
}
"""What only a desk can do: to claim it needs a record; to announce it is no promise of money or goods."""
_ACT_PATTERNS = {
    act: re.compile("|".join(words), re.IGNORECASE)
    for act, words in (*_GIFTS.items(), *_DEEDS.items(), *_ACTS.items())
}
_EVERY_ACT = re.compile("|".join(word for words in _ACTS.values() for word in words), re.IGNORECASE)
_KOREAN_ACT = "|".join(korean for korean, _ in _ACTS.values())
_BETWEEN = r"""
    (?:\s?(?:요청|신청|접수|건|금액|금|상품|제품|쿠폰|코드|절차|혜택)){0,3}
    (?:으로|로|이|가|을|를|은|는|도)?
    (?:\s?(?:모두|정상적으로|정상|바로|즉시|이미|전액|방금|잘|전부|우선|먼저)){0,3}
    \s?(?:처리|완료|접수|승인|진행|지급|적용|발급|발송|반영|입금|제공)?(?:을|를|이|가)?\s?(?:완료)?\s?
"""
_KOREAN = re.compile(
    rf"""(?:{_KOREAN_ACT}){_BETWEEN}(?:
        (?P<done>(?:했|하였|해\s?드렸)(?!는|던|을)|해\s?두었|(?:되었|됐)(?:습니다|어요|으며|으니)|완료입니다)
      | (?P<promise>(?:해|하여)?\s?(?:드리겠|드릴게|드립니다|드릴\s?예정)|하겠|할게요|될\s?예정)
    )""",
    re.VERBOSE,
)
_KOREAN_GIFT = re.compile(
    r"""(?:무상으로|무료로)\s?(?:\w+\s){0,2}(?:수리|교체|설치|방문|점검)\w{0,2}\s?(?:해|하여)?\s?(?:드리겠|드릴게|드립니다|하겠)
    |(?:저희|본사|당사|자사)\w{0,4}\s?(?:모두|전액|전부)?\s?부담(?:하겠|할게|할\s?예정|해\s?드리겠|해\s?드릴게)
    |부담(?:하겠|해\s?드리겠|해\s?드릴게)
    |새\s?(?:제품|상품|것|걸)\w{0,2}\s?(?:\w+\s){0,2}(?:보내|발송해|배송해)\s?드(?:리겠|릴게)
    |(?:오늘|내일|모레|이번\s?주)\w{0,3}\s?(?:중으로|까지|안에)?\s?(?:반드시|꼭|무조건)?\s?(?:도착|배송|발송|출고)\w{0,2}\s?(?:하게|되도록|완료)\s?(?:하|해\s?드리)겠""",
    re.VERBOSE,
)
_KOREAN_DEED = re.compile(
    r"""(?<!확인\s)(?P<deed>변경|수정|정정|교체|삭제|해지|탈퇴|파기|초기화|복구|해제|연장|재설정|발송|출고|지급|적립|입금|송금
        |발급|접수|등록|신청|예약|전달|이관|처리|조치|진행)
    (?:\s?(?:요청|건|작업|절차|내용|사항|처리|신청|조치|접수|등록|발송)){0,2}
    (?:을|를|까지|도)?(?:\s?(?:모두|정상적으로|정상|바로|즉시|이미|방금|잘|전부|우선|먼저|대신)){0,2}\s?
    (?:완료\s?)?(?:(?:했|하였|해\s?드렸|해드렸|해\s?두었|해\s?놓았|마쳤|드렸)(?:습니다|어요|으며|으니|고\s)|완료했|완료하였|완료해\s?드렸)
    |(?P<whole>(?:요청|문의|말씀)(?:하신|주신)\s?(?:것|건|내용|사항|부분|대로)\w{0,2}\s?(?:\w+\s){0,2}(?:완료|처리|조치)(?:\s?완료)?(?:했|하였|해\s?드렸|되었|됐)습니다)""",
    re.VERBOSE,
)
_VERB = r"(?:refund|reimburse|cancel|compensate|exchange|replace|reship|credit|waive|discount)"
_PAST = (
    r"(?:refunded|reimbursed|cancell?ed|compensated|exchanged|replaced|reshipped|credited|waived|discounted)"
)
_NOUN = (
    r"(?:refund|reimbursement|cancell?ation|compensation|exchange|replacement|discount|coupon|voucher|credit)"
)
_SENT = r"(?:processed|issued|approved|applied|arranged|completed|sent)"
_MANY = r"(?:\w+\s){0,4}"
_SOON = r"(?:(?:now|already|just|also|gladly|happily|immediately|fully|then)\s)?"
_WILL = r"(?:will|'ll|shall|am going to|are going to|'re going to|promise to)"
_ENGLISH = re.compile(
    rf"\b(?:(?P<done>(?:i|we)(?: have|'ve) {_SOON}{_PAST}"
    rf"|(?:i|we)(?: have|'ve)? {_SOON}{_SENT} {_MANY}{_NOUN}\b"
    rf"|your {_MANY}(?:has|have) been {_SOON}{_PAST}"
    rf"|your (?:\w+ ){{0,2}}{_NOUN} (?:has|have) been {_SOON}{_SENT})"
    rf"|(?P<promise>(?:i|we) ?{_WILL} {_SOON}"
    rf"(?:{_VERB}\b|(?:give|offer|issue|send|process|provide|grant|arrange|apply) {_MANY}{_NOUN}\b)"
    rf"|you will (?:receive|get) (?:a|an|the|your) (?:full |partial )?{_NOUN}\b))",
    re.IGNORECASE,
)
_ENGLISH_DEED = re.compile(
    rf"\b(?:i|we)(?: have|'ve) {_SOON}(?:changed|updated|corrected|deleted|closed|removed|reset|restored"
    rf"|unlocked|extended|shipped|dispatched|registered|booked|submitted|forwarded|escalated|passed"
    rf"|processed|resolved|fixed)\b",
    re.IGNORECASE,
)
_OF_DEEDS = (_KOREAN_DEED, _ENGLISH_DEED)


def _look(reading: Reading) -> Iterator[Veto]:
    text = reading.folded.text
    said = text.replace("’", "'")
    found = [*_KOREAN.finditer(text), *_ENGLISH.finditer(said)]
    assured = [(each, match) for each in ASSURANCES for match in each.said.finditer(said)]
    taken = [match.span() for match in (*found, *(match for _, match in assured))]
    more = (*_KOREAN_GIFT.finditer(text), *_KOREAN_DEED.finditer(text), *_ENGLISH_DEED.finditer(said))
    found += [m for m in more if not any(start < m.end() and m.start() < end for start, end in taken)]
    backed: dict[tuple[str | Assurance, bool], bool] = {}  # each is looked up once, however often it is said
    unbacked = []
    for match, what in (*((m, _act(m)) for m in found), *((m, each) for each, m in assured)):
        promise = isinstance(what, Assurance) or _manner(match) == "promise"
        if what is None:
            continue
        if (what, promise) not in backed:
            backed[what, promise] = _backed(what, promise, reading)
        if not backed[what, promise]:
            act = what if isinstance(what, str) else what.act
            unbacked.append((match.span(), (_PROMISED if promise else _DONE).format(act)))
    for span, sentence in sorted(unbacked):
        yield Veto("commitment", sentence, "repair", reading.folded.original(*span))


_PROMISED = "The answer promises a {} that neither a procedure nor a recorded action allows."
_DONE = "The answer says that a {} was made, and no such action is recorded."


def _backed(what: str | Assurance, promise: bool, reading: Reading) -> bool:
    """Whether a procedure grants a promise, or a recorded action what was promised or done."""
    if isinstance(what, Assurance):
        done = (each for each in reading.grounds.recorded_actions if not denies(each))
        return any(map(what.backed.search, done)) or affirms(what.backed, _EVERY_ACT, reading.kb_text)
    granted = promise and affirms(_ACT_PATTERNS[what], _EVERY_ACT, reading.kb_text)
    return granted or _recorded(what, reading)


def _manner(match: re.Match[str]) -> Literal["done", "promise"]:
    groups = match.groupdict()
    return "promise" if match.re is _KOREAN_GIFT or groups.get("promise") else "done"


def _act(match: re.Match[str]) -> str | None:
    """What is claimed or promised: money and goods before the mere deeds of a desk."""
    kinds = _GIFTS if match.re is _KOREAN_GIFT else _DEEDS if match.re in _OF_DEEDS else _ACTS
    return next((act for act in kinds if _ACT_PATTERNS[act].search(match.group())), None)


def _recorded(act: str, reading: Reading) -> bool:
    """Whether it really was done: an action of the desk, or an agent's own words in the conversation."""
    words, ticket = _ACT_PATTERNS[act], reading.grounds.ticket
    if any(words.search(done) and not denies(done) for done in reading.grounds.recorded_actions):
        return True
    said = [each.text for each in ticket.conversation_history if each.role == "agent"] if ticket else []
    return any(affirms(words, _EVERY_ACT, plain(text)) for text in said[-20:])


COMMITMENTS = Family("commitments", ("commitment",), "It promises nothing that nobody authorised.", _look)
