"""Facts a reply may use, taken from the ticket only: name, order number, product. And what to leave out."""

from __future__ import annotations

import re

from ccos.domain.prompt import Language
from ccos.domain.ticket import Ticket
from ccos.providers.rules.text import bounded, unique

_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'’·-](?=[^\W\d_])){0,39}\.?")
_ORDER_LABELLED = re.compile(
    r"(?:주문\s*(?:번호|넘버|no\.?)|order\s*(?:number|no\.?|id|#)?|ord\s*#)\s*(?:은|"
    r"는|:|：|#|=|is)?\s*[#\[(]?\s*"
    r"((?=[A-Za-z-]*\d)[A-Za-z]{0,6}-?\d[A-Za-z0-9-]{3,24}(?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_ORDER_SHAPED = re.compile(
    r"(?<![A-Za-z0-9-])(?:(?:ORD|OD|ORDER|SO|PO)[-_]?\d[\d-]{4,20}|20\d{6}[-_]\d{3,9})(?![A-Za-z0-9-])",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<!\d)(?:\+?82[-. ]?)?0?1[016789][-. ]?\d{3,4}[-. ]?\d{4}(?!\d)|"
    r"(?<!\d)0\d{1,2}[-. )]\d{3,4}[-. ]\d{4}(?!\d)"
)
_QUOTED = re.compile(r"[‘'“\"「『\[<]([^‘’'“”\"「」『』\[\]<>\n]{2,40})[’'”\"」』\]>]")
_PRODUCT_LABELLED = re.compile(
    r"(?:상품명|제품명|모델명|품명|product(?: name)?|model|item)\s*[:：]\s*([^\n,;]{2,40})", re.IGNORECASE
)

_PERSONAL = re.compile(
    r"https?://\S+|www\.\S+"
    r"|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
    r"|\d{6}\s?[-–—]\s?[0-9*]{7}"
    r"|(?<![A-Za-z0-9])[A-Z]\d{12}(?!\d)"
    r"|\+?\d[\d\s().–—-]{5,}\d"
    r"|(?:[가-힣]{2,7}(?:특별시|광역시|특별자치시|도|시)\s+)?[가-힣]{1,8}(?:시|군|"
    r"구)\s+[가-힣0-9·]{1,12}(?:로|길|동|읍|"
    r"면)\s?\d[\d-]*(?:번길\s?\d[\d-]*)?(?:\s?\d+동)?(?:\s?\d+호)?"
    r"|\d{2,4}동\s?\d{2,4}호"
    r"|\d{2,3}[가-힣]\s?\d{4}(?!\d)"
)
_SELF_NAMED = re.compile(
    r"(?:제\s*이름은|이름은|이름\s*[:：]|성함\s*[:：]|예금주(?:는|\s*[:：])?|수령인(?:은|"
    r"\s*[:：])?)\s*[가-힣]{2,4}(?:입니다|이고|이에요|예요)?"
    r"|(?:저는|전|나는)\s+[가-힣]{2,4}(?:입니다|이라고\s*합니다|라고\s*합니다|이에요|예요)(?=[\s.,!]|$)"
    r"|(?:my name is|this is|i am|i'm)\s+[A-Z][a-z]+(?:\s[A-Z][a-z]+)?(?=[\s.,!]|$)"
)
_ORDER_WORDS = re.compile(
    r"\b(?:ORD|OD|ORDER|SO|PO)[-_]?\d[\d-]{4,}|(?:주문|송장|운송장)\s*번호(?:는|"
    r"은)?\s*[:：#]?\s*[A-Za-z]{0,5}-?\d[\w-]*",
    re.IGNORECASE,
)


def customer_name(ticket: Ticket | None, language: Language) -> str | None:
    """The customer's name from the desk, if it reads as a name; a Korean one is not put into English text."""
    raw = ticket.customer.name if ticket and ticket.customer else None
    name = (raw or "").strip()
    if name.endswith(("고객님", "님")):
        name = name.removesuffix("님").removesuffix("고객").strip()
    if not name or not _NAME.fullmatch(name):
        return None
    return None if language == "en" and not name.isascii() else name


def order_number(text: str) -> str | None:
    """The order number in the text when there is exactly one, as it is written there."""
    head = _PHONE.sub(" ", bounded(text))
    found = unique(
        [match.rstrip("-") for match in _ORDER_LABELLED.findall(head)] + _ORDER_SHAPED.findall(head)
    )
    return found[0] if len(found) == 1 else None


def product(text: str) -> str | None:
    """The product the customer names, labelled or in quotation marks, when there is exactly one."""
    head = bounded(text)
    labelled = unique(name.strip() for name in _PRODUCT_LABELLED.findall(head))
    found = labelled or unique(name.strip() for name in _QUOTED.findall(head))
    found = [name for name in found if not re.search(r"[{}@/\\]|[.!?]$|니다$|세요$|어요$", name)]
    return found[0] if len(found) == 1 else None


def without_personal(text: str, ticket: Ticket | None = None) -> str:
    """The text without what could point at a person, and without order and parcel numbers."""
    clean = _SELF_NAMED.sub(" ", _PERSONAL.sub(" ", _ORDER_WORDS.sub(" ", text)))
    name = (ticket.customer.name or "").strip() if ticket and ticket.customer else ""
    if len(name) >= 2:
        clean = clean.replace(name, " ")
    return clean
