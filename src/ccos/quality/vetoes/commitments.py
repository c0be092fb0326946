"""Does it promise or claim an action that nobody authorised or did?

A promise ("환불해 드리겠습니다", "we will refund you") needs a procedure that grants it or a recorded
action; a claim that something was done ("취소했습니다", "I have cancelled") needs a recorded action or an
agent who said so before. What a procedure says in general ("환불은 3영업일 안에 처리됩니다") is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ccos.domain.verdict import Veto
from ccos.quality.folding import plain, sentences
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

_ACTS = {
    "refund": ("환불|환급", "refund|reimburs|money back"),
    "cancellation": ("취소|철회", "cancel"),
    "compensation": ("보상|배상", "compensat"),
    "exchange": ("교환|교체|재발송|재배송", "replac|exchange|reship"),
    "discount": ("할인|쿠폰|적립금|포인트|면제", "discount|coupon|voucher|credit|waiv"),
}
_ACT_PATTERNS = {act: re.compile("|".join(words), re.IGNORECASE) for act, words in _ACTS.items()}
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
_GRANT = re.compile(
    r"드립니다|드리겠|드리며|합니다|됩니다|가능|받으실 수|받을 수|제공|지급|처리|승인|해 준다|한다|"
    r"\b(?:can|will|may|refunded|eligible|entitled|offer|issue|provide|receive|grant|waived|processed)\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"불가|않|어렵|없|못|안 됩|안 되|제외|금지|\b(?:cannot|can't|not|never|no|unable|excluded|without)\b",
    re.IGNORECASE,
)


def _look(reading: Reading) -> Iterator[Veto]:
    text = reading.folded.text
    found = [*_KOREAN.finditer(text), *_ENGLISH.finditer(text.replace("’", "'"))]
    for match in sorted(found, key=lambda m: m.start()):
        manner: Literal["done", "promise"] = "done" if match["done"] else "promise"
        act = next((a for a, words in _ACT_PATTERNS.items() if words.search(match.group())), None)
        if act is None or (manner == "promise" and _granted(act, reading)) or _recorded(act, reading):
            continue
        sentence = (
            f"The answer says that a {act} was made, and no such action is recorded."
            if manner == "done"
            else f"The answer promises a {act} that neither a procedure nor a recorded action allows."
        )
        yield Veto("commitment", sentence, "repair", reading.folded.original(*match.span()))


def _granted(act: str, reading: Reading) -> bool:
    """Whether a procedure grants the act in a sentence without a denial."""
    return _affirmed(act, reading.kb_text)


def _recorded(act: str, reading: Reading) -> bool:
    """Whether it really was done: an action of the desk, or an agent's own words in the conversation."""
    words, ticket = _ACT_PATTERNS[act], reading.grounds.ticket
    if any(words.search(done) and not _DENIAL.search(done) for done in reading.grounds.recorded_actions):
        return True
    said = [each.text for each in ticket.conversation_history if each.role == "agent"] if ticket else []
    return any(_affirmed(act, plain(text)) for text in said[-20:])


def _affirmed(act: str, text: str) -> bool:
    words = _ACT_PATTERNS[act]
    return any(
        words.search(sentence) and _GRANT.search(sentence) and not _DENIAL.search(sentence)
        for sentence in (text[start:end] for start, end in sentences(text))
    )


COMMITMENTS = Family("commitments", ("commitment",), "It promises nothing that nobody authorised.", _look)
