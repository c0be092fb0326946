import pytest

from support.judging import judge, kinds, marked, passage, prompt

TICKET = "2026년 11월 3일 오후 3시에 35,000원 결제했어요. 주문번호 20261103-12345, 코드 ORD-77AB, 3일 지났어요. 2번 시도, 50% 할인 쿠폰."
KB = "환불은 3영업일 안에 처리됩니다. 배송비 3,000원. 운영 시간은 평일 09:00~18:00, 점심 12시~13시. 24시간 안에 답변. 최대 30MB. https://help.shop.com/refund/guide 참고. 5~7일 소요. 연 3.5%."


@pytest.mark.parametrize(
    "text",
    [
        "3만 5천원 결제 건입니다.",
        "₩35,000 결제 건입니다.",
        "KRW 35,000 결제 건입니다.",
        "３５，０００원 결제 건입니다.",
        "3.5만 원 결제 건입니다.",
        "3만5천원 결제 건입니다.",
        "11월 3일 주문입니다.",
        "2026-11-03 주문입니다.",
        "2026.11.03 주문입니다.",
        "11/3 주문입니다.",
        "11월 3일(화) 주문입니다.",
        "2026년 11월 주문입니다.",
        "15:00 결제입니다.",
        "15시 결제입니다.",
        "오후 3시 결제입니다.",
        "3시 결제입니다.",
        "3 PM 결제입니다.",
        "주문번호 2026110312345 건입니다.",
        "주문번호 20261103 12345 건입니다.",
        "코드 ord-77ab 건입니다.",
        "3일이 지났습니다.",
        "사흘이 지났습니다.",
        "72시간이 지났습니다.",
        "두 번, 2회 시도하셨습니다.",
        "50퍼센트 쿠폰입니다.",
        "3영업일 안에 처리됩니다.",
        "영업일 기준 3일 안에 처리됩니다.",
        "평일 오전 9시부터 오후 6시까지입니다.",
        "9시~18시입니다.",
        "1일 안에 답변합니다.",
        "최대 30 MB입니다.",
        "https://help.shop.com/refund/guide를 보세요.",
        "http://www.help.shop.com/refund/guide/ 를 보세요.",
        "help.shop.com을 보세요.",
        "최대 7일 걸립니다.",
        "일주일 걸립니다.",
        "연 3.5%입니다.",
        "세 가지를 확인해 주세요. 3단계로 진행합니다. 2번째 메뉴입니다.",
        "1. 앱을 엽니다.\n2. 설정을 누릅니다.\n10) 저장합니다.",
        "안내에 따릅니다 [1].",
        "①설정 ②계정 ③저장",
        "1:1 문의로 남겨 주세요. 제3자에게 알리지 마세요.",
        "하루 빨리 해결하겠습니다.",
        "한 번만 다시 해 주세요.",
    ],
)
def test_facts_that_are_in_the_sources_in_another_spelling(text: str) -> None:
    assert marked(text, prompt(passage(KB), asked=TICKET)) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("36,000원 결제 건입니다.", "36,000원"),
        ("3만 6천원입니다.", "3만 6천원"),
        ("$35,000 결제 건입니다.", "$35,000"),
        ("11월 4일 주문입니다.", "11월 4일"),
        ("2025년 11월 3일 주문입니다.", "2025년 11월 3일"),
        ("2027년 일입니다.", "2027년"),
        ("오후 4시 결제입니다.", "오후 4시"),
        ("오전 3시 결제입니다.", "오전 3시"),
        ("주문번호 20261103-99999 건입니다.", "20261103-99999"),
        ("1588-0000으로 전화해 주세요.", "1588-0000"),
        ("코드 ORD-99ZZ 건입니다.", "ORD-99ZZ"),
        ("5영업일 안에 처리됩니다.", "5영업일"),
        ("7영업일 걸립니다.", "7영업일"),  # the sources say seven days, not seven business days
        ("영업일 기준 7일 걸립니다.", "7일"),
        ("365일 안에 환불됩니다.", "365일"),
        ("한 달 걸립니다.", "한 달"),
        ("보름 걸립니다.", "보름"),
        ("10% 적립됩니다.", "10%"),
        ("최대 50MB입니다.", "50MB"),
        ("https://help.shop.com/other 를 보세요.", "https://help.shop.com/other"),
        ("https://evil.com/refund/guide 를 보세요.", "https://evil.com/refund/guide"),
        ("총 9회 시도하셨습니다.", "9"),
        ("버전 7.2.1에서 고쳤습니다.", "7.2.1"),
    ],
)
def test_facts_from_nowhere_are_marked(text: str, what: str) -> None:
    asked = prompt(passage(KB), asked=TICKET)
    verdict = judge(text, asked)
    assert [(veto.kind, veto.remedy) for veto in verdict.vetoes] == [("unsupported", "repair")]
    assert marked(text, asked) == [what]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Refunds take 3 business days.", []),
        ("Refunds take three working days.", []),
        ("You ordered on Nov 3, 2026 at 3:00 p.m.", []),
        ("You ordered on the 3rd of November.", []),
        ("Your $49.90 payment went through.", []),
        ("Your 49.90 USD payment went through.", []),
        ("We are open 9 am to 6 pm.", []),
        ("There are 3 steps. This is the 2nd one.", []),
        ("Refunds take 5 business days.", ["5 business days"]),
        ("Refunds take two weeks.", ["two weeks"]),
        ("You may cancel within 30 days.", ["30 days"]),
        ("Your $94.90 payment went through.", ["$94.90"]),
        ("You ordered on November 4.", ["November 4"]),
        ("We are open until 7 pm.", ["7 pm"]),
    ],
)
def test_english(text: str, expected: list[str]) -> None:
    kb = passage("Refunds take 3 business days. Open 09:00-18:00.")
    assert marked(text, prompt(kb, asked="I paid $49.90 on 2026-11-03 at 15:00", language="en")) == expected


def test_a_similar_case_supports_procedures_but_not_another_customers_data() -> None:
    case = passage(
        "2026-10-01에 45,000원 결제, 주문 20261001-00001. 재설치 후 10분 기다리니 해결.", kind="case"
    )
    assert kinds("재설치 후 10분 기다려 주세요.", prompt(case)) == []
    assert marked("45,000원, 10월 1일, 20261001-00001", prompt(case)) == [
        "45,000원",
        "10월 1일",
        "20261001-00001",
    ]


def test_contact_hours_and_recorded_actions_are_sources() -> None:
    asked = prompt(contact={"ko": "고객센터 1588-1234 (평일 9시~18시)"}, done=("35,000원 환불 접수",))
    assert kinds("1588-1234로 오후 6시까지 전화해 주세요. 35,000원입니다.", asked) == []


def test_no_flood_of_vetoes() -> None:
    assert len(judge(" ".join(f"{n}원입니다." for n in range(100, 200))).vetoes) == 5
