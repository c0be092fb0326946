"""The fixed sentences of the rule tier, in the formal polite Korean style and in plain English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ccos.domain.prompt import Language

Table = Mapping[str, str]

_TOPIC_KO = {
    "return_request": "반품",
    "refund_status": "환불 진행",
    "exchange": "교환",
    "delivery_status": "배송 진행",
    "delivery_problem": "배송 문제",
    "address_change": "배송지 변경",
    "order_cancel": "주문 취소",
    "payment_problem": "결제",
    "receipt": "영수증·증빙 발급",
    "coupon": "쿠폰",
    "points": "적립금",
    "account_login": "로그인",
    "account_withdraw": "회원 탈퇴",
    "product_defect": "상품 이상",
    "product_question": "상품",
    "restock": "재입고",
    "privacy": "개인정보",
    "complaint": "이용 중 불편",
}
_TOPIC_EN = {
    "return_request": "your return",
    "refund_status": "your refund",
    "exchange": "your exchange",
    "delivery_status": "your delivery",
    "delivery_problem": "the problem with your delivery",
    "address_change": "changing your delivery address",
    "order_cancel": "cancelling your order",
    "payment_problem": "your payment",
    "receipt": "your receipt or invoice",
    "coupon": "your coupon",
    "points": "your points",
    "account_login": "signing in to your account",
    "account_withdraw": "closing your account",
    "product_defect": "the problem with your item",
    "product_question": "your product question",
    "restock": "the item's availability",
    "privacy": "your personal data",
    "complaint": "your experience with us",
}
TOPIC: Mapping[Language, Table] = MappingProxyType({"ko": _TOPIC_KO, "en": _TOPIC_EN})

_ASK_KO = {
    "order": "주문번호",
    "photo": "문제가 보이는 사진",
    "product": "상품명 또는 상품 페이지 주소",
    "payment": "결제하신 날짜와 결제 수단",
    "coupon": "사용하려는 쿠폰 이름",
    "screen": "화면에 나온 안내 문구",
    "content": "문의하시려는 내용",
}
_ASK_EN = {
    "order": "Your order number",
    "photo": "A photo that shows the problem",
    "product": "The product name or a link to its page",
    "payment": "The date and method of the payment",
    "coupon": "The name of the coupon",
    "screen": "The message you see on the screen",
    "content": "What you would like us to help with",
}
ASK: Mapping[Language, Table] = MappingProxyType({"ko": _ASK_KO, "en": _ASK_EN})

# What must be known before a case of this intent can be looked up.
NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "return_request": ("order",),
        "refund_status": ("order",),
        "exchange": ("order",),
        "delivery_status": ("order",),
        "delivery_problem": ("order", "photo"),
        "address_change": ("order",),
        "order_cancel": ("order",),
        "payment_problem": ("order", "payment"),
        "receipt": ("order",),
        "coupon": ("coupon",),
        "account_login": ("screen",),
        "product_defect": ("order", "photo"),
        "product_question": ("product",),
        "restock": ("product",),
    }
)


def greeting(language: Language, name: str | None, company: str | None) -> str:
    if language == "en":
        hello = f"Hello {name}," if name else "Hello,"
        return f"{hello} this is {company} customer support." if company else hello
    who = f"{name} 고객님" if name else "고객님"
    return f"안녕하세요, {who}." + (f" {company} 고객센터입니다." if company else "")


def sympathy(language: Language) -> str:
    return "We are sorry for the trouble." if language == "en" else "이용에 불편을 드려 죄송합니다."


def restating(language: Language, intent: str) -> str:
    topic = TOPIC[language].get(intent)
    if language == "en":
        return f"Here is what we can tell you about {topic}." if topic else "Here is what we can tell you."
    return f"{topic} 관련 문의에 대해 안내해 드립니다." if topic else "문의하신 내용에 대해 안내해 드립니다."


def holding(language: Language, intent: str) -> str:
    topic = TOPIC[language].get(intent)
    if language == "en":
        about = f" about {topic}" if topic else ""
        return f"Thank you for your message{about}. A member of our team is checking it and will reply here."
    about = f"{topic} 관련 문의" if topic else "문의"
    return f"남겨 주신 {about}를 담당자가 확인하고 있으며, 확인한 내용을 이 문의에 답변드리겠습니다."


def asking(language: Language, missing: tuple[str, ...]) -> str:
    lead = (
        "To check it properly, please reply with the following:"
        if language == "en"
        else "정확히 확인할 수 있도록 아래 내용을 회신해 주시기 바랍니다."
    )
    return "\n".join((lead, *(f"- {ASK[language][fact]}" for fact in missing)))


def closing(language: Language) -> str:
    if language == "en":
        return "If you have any other questions, please reply to this message. Thank you."
    return "추가로 궁금하신 점은 언제든지 문의해 주시기 바랍니다. 감사합니다."


def thanks(language: Language) -> str:
    return "Thank you for your patience." if language == "en" else "감사합니다."


def last_resort(language: Language) -> str:
    """What may always be said."""
    return "\n\n".join((greeting(language, None, None), holding(language, "other"), thanks(language)))


NO_ASSISTANT: Mapping[Language, str] = MappingProxyType(
    {
        "ko": "죄송합니다. 지금은 자동 답변을 드릴 수 없습니다. "
        "고객센터로 문의해 주시면 담당자가 도와드리겠습니다.",
        "en": "We are sorry, the assistant is not available right now. Please contact our support team; "
        "a person will help you.",
    }
)
"""For a chat: what no model could answer is not guessed at."""
