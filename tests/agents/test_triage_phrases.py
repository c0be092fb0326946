"""Phrases written for this test, apart from the sample tickets: what people type, with the label they mean."""

from __future__ import annotations

from collections import Counter

import pytest

from ccos.agents.triage import triage
from ccos.domain.ticket import Ticket

PHRASES = [
    # Korean, as typed: spacing, slips and all
    ("신발 반품하려고요 어떻게 신청하면 되나요", "return_request"),
    ("입어보니 마음에 안들어요 환불 받고싶은데 가능한가요", "return_request"),
    ("생각했던 거랑 달라서 돌려보내고 싶습니다. 반품 절차 알려주세요", "return_request"),
    ("반품택배 기사님은 언제 오시나요 문앞에 내놨어요", "return_request"),
    ("환불 언제 들어와요", "refund_status"),
    ("반품한지 열흘됐는데 아직도 돈이 안들어왔어요", "refund_status"),
    ("주문취소했는데 카드 승인취소가 안됐네요", "refund_status"),
    ("환뷸 처리 상태 확인해주세요 벌써 일주일째에요", "refund_status"),
    ("사이즈가 작아서 한 치수 큰 걸로 교환하고 싶어요", "exchange"),
    ("검정색으로 바꿔주실 수 있나요? 색상이 생각보다 밝네요", "exchange"),
    ("교한 신청했는데 왕복배송비 얼마에요", "exchange"),
    ("제 택배 지금 어디쯤 왔나요", "delivery_status"),
    ("월요일에 주문했는데 언제쯤 도착할까요?", "delivery_status"),
    ("송장번호가 아직 안 떠요", "delivery_status"),
    ("베송 조회가 안되는데 출고는 된건가요", "delivery_status"),
    ("배송완료라고 뜨는데 저는 받은 적이 없어요", "delivery_problem"),
    ("다른 상품이 왔습니다. 저는 머그컵을 시켰는데 접시가 왔어요", "delivery_problem"),
    ("택배 상자가 다 찢어지고 안에 유리가 깨져서 왔어요", "delivery_problem"),
    ("두 개 시켰는데 하나만 왔어요 하나는 누락된 것 같아요", "delivery_problem"),
    ("배송지를 회사로 변경해주세요", "address_change"),
    ("주소를 잘못 적었어요 동호수 수정 부탁드려요", "address_change"),
    ("이사해서 그런데 받는 주소 바꿀수있나요", "address_change"),
    ("방금 주문한거 취소해주세요", "order_cancel"),
    ("실수로 두개 주문했어요 하나는 취소 가능한가요", "order_cancel"),
    ("주문취소하고싶은데 버튼이 없어요", "order_cancel"),
    ("결제가 자꾸 실패해요", "payment_problem"),
    ("카드에서 두번 빠져나갔어요 확인해주세요", "payment_problem"),
    ("결재 오류가 나면서 주문이 안되요", "payment_problem"),
    ("무통장 입금했는데 입금확인이 안되네요", "payment_problem"),
    ("현금영수증 발급 부탁드립니다", "receipt"),
    ("회사 경비처리용으로 세금계산서 끊어주세요", "receipt"),
    ("쿠폰이 적용이 안돼요", "coupon"),
    ("생일 할인쿠폰 언제까지 쓸 수 있어요?", "coupon"),
    ("적립금이 사라졌어요", "points"),
    ("포인트는 얼마부터 쓸 수 있나요", "points"),
    ("로그인이 안됩니다 비번을 까먹었어요", "account_login"),
    ("인증번호 문자가 안 와서 접속을 못하고 있습니다", "account_login"),
    ("회원탈퇴 하고 싶어요", "account_withdraw"),
    ("제 계정 삭제해 주세요 더 이상 안 쓸 거예요", "account_withdraw"),
    ("산지 한달 된 가습기가 고장났어요", "product_defect"),
    ("이어폰 왼쪽에서 소리가 안 나요 불량 같습니다", "product_defect"),
    ("충전이 안돼요. AS 받을 수 있을까요", "product_defect"),
    ("이 셔츠 소재가 뭔가요? 세탁기 돌려도 되나요", "product_question"),
    ("키 170인데 어떤 사이즈가 맞을까요", "product_question"),
    ("텀블러 식기세척기에 넣어도 되나요", "product_question"),
    ("품절된 색상 재입고 예정 있나요", "restock"),
    ("언제 다시 살 수 있어요? 다 팔렸던데", "restock"),
    ("제 개인정보 삭제 요청합니다", "privacy"),
    ("광고 문자 그만 보내세요", "privacy"),
    ("상담원이 너무 불친절하네요. 책임자 연결해주세요", "complaint"),
    ("고객센터 전화를 왜 안받습니까 응대가 엉망이네요", "complaint"),
    ("안녕하세요", "other"),
    ("제휴 제안드리고 싶습니다", "other"),
    ("ㅋㅋㅋㅋ", "other"),
    # English
    ("I'd like to return the shoes I bought last week", "return_request"),
    ("How do I send this back for a refund?", "return_request"),
    ("I returned the jacket two weeks ago and still have not got my refund", "refund_status"),
    ("When will my refund arrive?", "refund_status"),
    ("Can I swap this for a larger size?", "exchange"),
    ("Where is my order?", "delivery_status"),
    ("Do you have a tracking number for my parcel", "delivery_status"),
    ("The tracking says delivered but there is nothing here", "delivery_problem"),
    ("You sent me the wrong item", "delivery_problem"),
    ("My vase arrived broken", "delivery_problem"),
    ("Please change the shipping address on my order", "address_change"),
    ("I want to cancel my order", "order_cancel"),
    ("I was charged twice for one order", "payment_problem"),
    ("My card keeps getting declined at checkout", "payment_problem"),
    ("Could you send me an invoice?", "receipt"),
    ("My discount code doesn't work", "coupon"),
    ("My reward points disappeared", "points"),
    ("I can't log in, the password reset email never comes", "account_login"),
    ("Please delete my account", "account_withdraw"),
    ("The lamp stopped working after two days", "product_defect"),
    ("Is this mug dishwasher safe, and what is it made of?", "product_question"),
    ("Will the blue one be back in stock?", "restock"),
    ("Please unsubscribe me from your newsletter", "privacy"),
    ("Your agent was rude to me and hung up", "complaint"),
    ("Hello there", "other"),
]


@pytest.mark.parametrize(("text", "intent"), PHRASES, ids=[text[:30] for text, _ in PHRASES])
def test_a_phrase_is_read_as_what_it_means(text: str, intent: str) -> None:
    assert triage(Ticket(description=text), pii="none").intent == intent


def test_the_phrases_cover_every_intent() -> None:
    assert len(Counter(intent for _, intent in PHRASES)) == 19


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("환뷸언제되요", "환불 언제 돼요"),
        ("베송지변경해주새요", "배송지 변경해 주세요"),
        ("결재가안되요", "결제가 안 돼요"),
        ("로그인이않되요", "로그인이 안 돼요"),
    ],
)
def test_slips_and_missing_spaces_change_nothing(typed: str, meant: str) -> None:
    slip, clean = (triage(Ticket(description=text), pii="none") for text in (typed, meant))
    assert slip.intent == clean.intent
    assert slip.intent_confidence == pytest.approx(clean.intent_confidence, abs=0.05)
    assert slip.intent != "other"
