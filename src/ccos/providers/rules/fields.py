"""Field proposals from closed lists: category by intent, tags by the words the customer used."""

from __future__ import annotations

import re
from functools import lru_cache

from ccos.domain.tenant import TenantSettings
from ccos.providers.rules.text import bounded, spaced, squash

MAX_TAGS = 5

# Words that mean the same on a tag and in a ticket. A tag that contains one is proposed when the ticket
# contains any of its group.
_SAME = tuple(
    tuple(group.split("|"))
    for group in (
        "환불|refund",
        "반품|return|returns",
        "교환|exchange",
        "배송|택배|delivery|shipping|shipment|parcel",
        "지연|늦어|늦게|delay|delayed|late",
        "파손|깨져|깨졌|찌그러|damage|damaged|broken|crushed",
        "불량|하자|고장|결함|defect|defective|faulty",
        "오배송|잘못왔|다른상품|다른제품|wrong item|misdelivery",
        "분실|lost|missing",
        "취소|cancel|cancellation|cancelled",
        "결제|payment|paid|charge|charged|billing",
        "이중결제|중복결제|두번결제|charged twice|double charge",
        "쿠폰|coupon|voucher|promo code",
        "적립금|포인트|마일리지|points|rewards",
        "영수증|현금영수증|receipt",
        "세금계산서|tax invoice|invoice",
        "로그인|login|log in|sign in",
        "비밀번호|비번|password",
        "탈퇴|delete my account|close my account|withdraw",
        "개인정보|privacy|personal data|personal information",
        "유출|leak|breach",
        "주소|배송지|address",
        "재입고|품절|입고|restock|back in stock|sold out|out of stock",
        "사이즈|치수|size",
        "제주|도서산간|jeju|island",
        "단순변심|마음에안들|change of mind|changed my mind",
        "해외|국제|overseas|international",
        "선물|gift",
        "카드|card",
        "무통장|가상계좌|계좌이체|bank transfer",
        "불만|불친절|컴플레인|complaint|rude",
        "소비자원|분쟁|consumer agency|dispute|chargeback",
        "사진|photo|picture",
        "배송비|shipping fee|delivery fee",
    )
)
_TAG_PARTS = re.compile(r"[/·,]")
_TAG_SPLIT = re.compile(r"[\s_:-]+")
_HANGUL = re.compile(r"[가-힣]")


def category_for(intent: str, settings: TenantSettings) -> str:
    """The first active category that lists the intent, or "" when none does."""
    return next((c.name for c in settings.categories if c.active and intent in c.intents), "")


def tags_for(text: str, settings: TenantSettings) -> list[str]:
    """Tags of the closed list whose word, or a word of the same meaning, the customer used; at most five."""
    head = bounded(text)
    korean, english = squash(head), f" {spaced(head)} "
    return [tag for tag in settings.tags if _mentions(_cues(tag), korean, english)][:MAX_TAGS]


@lru_cache(maxsize=4_096)
def _cues(tag: str) -> tuple[tuple[str, ...], tuple[re.Pattern[str], ...]]:
    """Korean and English words that stand for a tag; each part of "A·B" or "A/B" stands for it."""
    words: set[str] = set()
    for part in _TAG_PARTS.split(tag):
        name, joined = _TAG_SPLIT.sub(" ", part).strip().lower(), squash(part)
        if len(joined) >= 2:
            words.add(name)
        for group in _SAME:
            if name in group or joined in map(squash, group):
                words.update(group)
    korean = tuple(squash(word) for word in words if _HANGUL.search(word))
    english = tuple(re.compile(rf"\b{re.escape(word)}\b") for word in words if not _HANGUL.search(word))
    return korean, english


def _mentions(cues: tuple[tuple[str, ...], tuple[re.Pattern[str], ...]], korean: str, english: str) -> bool:
    return any(word in korean for word in cues[0]) or any(word.search(english) for word in cues[1])
