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


POINTS = passage("3,500P 적립, 2,000원 할인 쿠폰, 1,200마일.")


@pytest.mark.parametrize(
    "text",
    [
        "3,500P가 쌓입니다.",
        "3500포인트입니다.",
        "3천5백 포인트입니다.",
        "3,500점입니다.",
        "1,200 마일리지입니다.",
    ],
)
def test_points_are_numbers_with_a_unit_in_any_spelling(text: str) -> None:
    assert marked(text, prompt(POINTS)) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("3,600P가 쌓입니다.", "3,600P"),
        ("2,000P가 쌓입니다.", "2,000P"),  # those are won
        ("3,500원이 쌓입니다.", "3,500원"),  # and these are points
        ("1,200포인트입니다.", "1,200포인트"),  # miles are another currency
        ("코드 KB-8300P를 넣어 주세요.", "KB-8300P"),
    ],
)
def test_points_money_and_miles_are_different_things(text: str, what: str) -> None:
    assert marked(text, prompt(POINTS)) == [what]


@pytest.mark.parametrize(
    "asked", ["포인트 -3,500 뜨는데 뭐죠?", "와이프 3,500 저 1,000 있어요", "went from 3,500 to 0"]
)
def test_a_customer_may_leave_the_unit_of_points_out(asked: str) -> None:
    assert marked("3,500P가 쌓이면 됩니다.", prompt(asked=asked)) == []
    assert marked("3,500P가 쌓이면 됩니다.", prompt(asked="3,500원 냈어요")) == ["3,500P"]


def test_few_points_may_be_marks_or_spots() -> None:
    assert marked("밝은 점 12개, 별점 5점입니다.", prompt(asked="별점 5 주었고 점이 12 있어요")) == []
    assert marked("별점 4점입니다.", prompt(asked="별점 5점")) == ["4점"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4·8·12개월 주기로 바꿉니다.", []),
        ("4, 8, 12개월 주기로 바꿉니다.", []),
        ("4/8/12개월 주기로 바꿉니다.", []),
        ("4ㆍ8ㆍ12개월 주기로 바꿉니다.", []),
        ("2,3일 걸립니다.", []),
        ("2~3일 걸립니다.", []),
        ("S/M/L 가운데 고르세요.", []),
        ("4·6·12개월 주기로 바꿉니다.", ["4·6·12개월"]),
        ("2, 5일 걸립니다.", ["2, 5일"]),
        ("2,300일 걸립니다.", ["2,300일"]),
        ("KB-2231, 3일 걸립니다.", []),  # a code before a comma lists nothing
    ],
)
def test_a_list_shares_the_unit_of_its_last_number(text: str, expected: list[str]) -> None:
    kb = passage("필터는 4개월, 8개월, 12개월마다. KB-2231 배송은 2일에서 3일. 총 300개.")
    assert marked(text, prompt(kb)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What arrived on Nov 6 may still be on its way.", []),
        ("What arrived on 6 May may still be on its way.", ["6 May"]),
        ("It arrived on 6 may.", ["6 may."]),
        ("Open from 6 may to Nov 6.", ["6 may"]),
    ],
)
def test_the_verb_may_is_no_month(text: str, expected: list[str]) -> None:
    assert marked(text, prompt(asked="It came on 2026-11-06", language="en")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("이달 27일에 들어옵니다.", []),
        ("이달 27일입니다.", []),
        ("27일 오후에 들어옵니다.", []),
        ("12월 24~26일은 성수기입니다.", []),
        ("이달 28일입니다.", ["28일"]),
        ("28일 오후에 들어옵니다.", ["28일"]),
        ("12월 24~27일은 성수기입니다.", ["12월 24~27일"]),
        ("27일 안에 들어옵니다.", ["27일"]),  # a day of the month is no period
        ("이달 9일입니다.", ["9일"]),  # nor a period a day of the month
    ],
)
def test_days_of_the_month_are_no_periods(text: str, expected: list[str]) -> None:
    kb = passage("11월 27일에 들어옵니다. 성수기는 12월 24일과 12월 26일. 9일 이내 발송.")
    assert marked(text, prompt(kb)) == expected


def test_a_business_basis_in_brackets() -> None:
    kb = prompt(passage("영업일 기준 1~3일 걸립니다."))
    assert marked("하루에서 사흘(영업일)이 걸립니다.", kb) == []
    assert marked("1~3일(영업일 기준) 걸립니다.", kb) == []
    assert marked("하루에서 사흘이 걸립니다.", kb) == ["사흘"]
    assert marked("하루에서 나흘(영업일)이 걸립니다.", kb) == ["나흘"]
    assert marked("Takes 3 days (business days).", prompt(passage("3 business days."), language="en")) == []


COSTS = prompt(passage("상품 45,000원, 왕복 배송비 6,000원, 설치비 20,000원."))


@pytest.mark.parametrize(
    "text",
    [
        "45,000원에서 배송비 6,000원을 뺀 39,000원이 환불됩니다.",
        "배송비 6,000원과 설치비 20,000원을 더해 26,000원입니다.",
        "39,000원은 45,000원에서 6,000원을 뺀 금액입니다.",
        "상품은 45,000원입니다. 배송비는 6,000원입니다. 차감하면 39,000원이 환불됩니다.",
        "45,000원과 6,000원, 20,000원을 모두 더하면 71,000원입니다.",
        "45,000원에서 6,000원과 20,000원을 빼면 19,000원입니다.",
    ],
)
def test_an_amount_that_is_worked_out_openly_needs_no_source(text: str) -> None:
    assert marked(text, COSTS) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("45,000원에서 배송비 6,000원을 뺀 38,000원이 환불됩니다.", ["38,000원"]),
        ("39,000원이 환불됩니다.", ["39,000원"]),
        ("상품은 45,000원입니다. 배송비는 6,000원입니다. 그래서 39,000원입니다.", ["39,000원"]),
        ("45,000원에서 수수료 5,000원을 뺀 40,000원이 환불됩니다.", ["5,000원", "40,000원"]),
        (
            "상품은 45,000원, 배송비는 6,000원입니다. 합계 39,000원입니다.",
            ["39,000원"],
        ),  # the wrong way round
        ("45,000원에서 6,000원을 뺀 39,000P가 쌓입니다.", ["39,000P"]),
    ],
)
def test_a_miscalculated_or_hidden_sum_is_marked(text: str, what: list[str]) -> None:
    assert marked(text, COSTS) == what
