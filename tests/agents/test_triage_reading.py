"""What triage reads besides the intent: language, tone, urgency, number of questions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.agents.triage import triage
from ccos.domain.prompt import Language
from ccos.domain.ticket import Message, Priority, Sentiment, Ticket


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("배송 언제 오나요", "ko"),
        ("Where is my parcel", "en"),
        ("My Samsung Galaxy S24 Ultra 케이스 주문했는데 안 와요", "ko"),
        ("iPhone 15 Pro Max USB-C LIGHTNING ADAPTER 불량이에요", "ko"),
        ("I ordered 달빛 무드등 and 구름 슬리퍼 last week, where are they?", "en"),
        ("The page says '결제에 실패했습니다' and nothing happens", "en"),
        ("TypeError: cannot read properties of undefined (reading 'pay') 결제할 때 이런 오류가 나와요", "ko"),
        ("refund plz 환불 부탁드려요", "ko"),
        ("https://shop.example/orders/12345?lang=en 이 주문이요", "ko"),
    ],
)
def test_the_language_is_that_of_the_persons_own_sentences(text: str, language: Language) -> None:
    assert triage(Ticket(description=text), pii="none").language == language


def test_the_last_customer_message_decides_the_language() -> None:
    history = (
        Message(role="customer", text="Sorry, could you answer in English?"),
        Message(role="agent", text="네"),
    )
    ticket = Ticket(description="배송이 언제 오나요?", conversation_history=history)
    assert triage(ticket, pii="none").language == "en"


@pytest.mark.parametrize(
    ("label", "language"), [("en", "en"), ("en-US", "en"), ("ko", "ko"), (None, "ko"), ("fr", "ko")]
)
def test_without_letters_the_desks_label_decides(label: str | None, language: Language) -> None:
    seen = triage(Ticket(description="12345!!!", language=label), pii="none")
    assert seen.language == language and seen.language_confidence == 0.5


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("정말 최악이네요 다시는 안 삽니다", "negative"),
        ("아직도 안 왔어요 ㅠㅠ 벌써 2주째입니다", "negative"),
        ("This is unacceptable, I am very disappointed", "negative"),
        ("상담사분이 너무 친절하셔서 정말 감사했어요 최고예요", "positive"),
        ("I love the lamp, keep up the great work", "positive"),
        ("배송지를 바꾸고 싶습니다. 감사합니다.", "neutral"),
        ("How do I use a coupon? Thanks", "neutral"),
        ("영수증 부탁드립니다", "neutral"),
    ],
)
def test_the_tone_is_read_from_the_words_not_from_manners(text: str, sentiment: Sentiment) -> None:
    assert triage(Ticket(description=text), pii="none").sentiment == sentiment


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("제 개인정보가 유출된 것 같아요", Priority.URGENT),
        ("한국소비자원에 신고하겠습니다", Priority.URGENT),
        ("오늘까지 꼭 처리해 주세요", Priority.URGENT),
        ("충전하다가 배터리가 부풀었어요", Priority.URGENT),
        ("The charger caught fire", Priority.URGENT),
        ("My lawyer will contact you", Priority.URGENT),
        ("접시가 파손돼서 왔습니다", Priority.HIGH),
        ("결제 오류가 계속 납니다", Priority.HIGH),
        ("I was charged twice", Priority.HIGH),
        ("현금영수증 신청 방법이 궁금합니다", Priority.NORMAL),
        ("반품 신청은 어디서 하나요", Priority.NORMAL),
        ("급하지 않으니 천천히 답 주세요. 등급은 언제 바뀌나요", Priority.LOW),
        ("채용 계획이 있나요", Priority.LOW),
        ("이 담요 소재가 뭐예요", Priority.LOW),
    ],
)
def test_priority_follows_danger_money_and_deadlines(text: str, priority: Priority) -> None:
    assert triage(Ticket(description=text), pii="none").priority is priority


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("이어폰이 고장났습니다", 1),
        ("반품비는 얼마예요? 그리고 쿠폰은 복원되나요?", 2),
        ("배송 언제 오나요? 확인 부탁드립니다", 1),
    ],
)
def test_questions_are_counted(text: str, count: int) -> None:
    assert triage(Ticket(description=text), pii="none").questions == count


@pytest.mark.parametrize("text", ["", "안녕하세요", "네", "???", "lorem ipsum dolor", "ㅇㅇ", "수고하세요"])
def test_weak_words_are_not_guessed_at(text: str) -> None:
    assert triage(Ticket(description=text), pii="none").intent == "other"


def test_a_close_call_names_its_runner_up_and_is_less_sure() -> None:
    clear = triage(Ticket(description="주문 취소해주세요"), pii="none")
    torn = triage(Ticket(description="쿠폰이 안 되고 적립금도 사라졌어요"), pii="none")
    assert {torn.intent, torn.runner_up} == {"coupon", "points"}
    assert torn.intent_confidence < clear.intent_confidence


def test_exchange_refused_is_not_an_exchange() -> None:
    assert triage(Ticket(description="교환 말고 환불 받고 싶어요"), pii="none").intent == "return_request"
    assert triage(Ticket(description="교환 불가 상품인가요 교환하고 싶어요"), pii="none").intent == "exchange"


def test_the_pii_class_is_passed_on() -> None:
    assert triage(Ticket(description="네"), pii="local_only").pii == "local_only"


def test_reading_is_the_same_every_time_and_bounded() -> None:
    long = Ticket(subject="환불", description="환불이 언제 들어오나요? " + "그런데 말입니다. " * 9_500)
    assert len(long.description) > 90_000
    assert triage(long, pii="none") == triage(long, pii="none")
    assert triage(long, pii="none").intent == "refund_status"


@settings(max_examples=150, deadline=None)
@given(subject=st.text(max_size=200), text=st.text(max_size=500), label=st.none() | st.text(max_size=20))
def test_any_text_can_be_read(subject: str, text: str, label: str | None) -> None:
    seen = triage(Ticket(subject=subject, description=text, language=label), pii="none")
    assert 0 <= seen.intent_confidence <= 1 and 0 <= seen.runner_up_confidence <= 1
    assert 0 <= seen.language_confidence <= 1 and seen.questions >= 0
    assert seen.runner_up != seen.intent
