import pytest

from support.judging import judge, kinds, marked, passage, prompt, ticket

POLICY = passage("단순 변심은 수령 후 신청하시면 환불해 드립니다.")


@pytest.mark.parametrize(
    "text",
    [
        "전액 환불해 드리겠습니다.",
        "전액 환불해드릴게요.",
        "환불 처리하겠습니다.",
        "환불 처리해 드리겠습니다.",
        "환불을 진행해 드리겠습니다.",
        "주문을 바로 취소해 드리겠습니다.",
        "불편을 드려 보상해 드리겠습니다.",
        "새 상품으로 교환해 드리겠습니다.",
        "할인 쿠폰을 발급해 드리겠습니다.",
        "포인트로 보상해 드릴 예정입니다.",
        "배송비는 면제해 드리겠습니다.",
        "무상으로 교체해 드리겠습니다.",
    ],
)
def test_promises_nobody_authorised(text: str) -> None:
    verdict = judge(f"안녕하세요, 고객님. {text} 감사합니다.")
    assert [(veto.kind, veto.remedy) for veto in verdict.vetoes] == [("commitment", "repair")]


@pytest.mark.parametrize(
    "text",
    [
        "환불 처리했습니다.",
        "환불을 완료했습니다.",
        "환불 처리가 완료되었습니다.",
        "환불 요청이 접수되었습니다.",
        "주문을 취소했습니다.",
        "주문이 정상적으로 취소되었습니다.",
        "쿠폰을 지급해 드렸습니다.",
        "교환 접수해 드렸습니다.",
    ],
)
def test_actions_nobody_did(text: str) -> None:
    assert kinds(text) == ["commitment"]
    assert kinds(text, prompt(POLICY)) == ["commitment"]  # a procedure cannot have done it


@pytest.mark.parametrize(
    "text",
    [
        "환불은 접수 순서대로 처리됩니다.",
        "환불을 원하시면 앱에서 신청해 주세요.",
        "환불 방법을 안내해 드리겠습니다.",
        "환불 가능 여부를 확인해 드리겠습니다.",
        "환불 요청을 담당 부서에 전달하겠습니다.",
        "환불 요청을 확인했습니다.",
        "환불을 요청하셨습니다.",
        "환불이 어려운 점 양해 부탁드립니다.",
        "환불해 드리기 어렵습니다.",
        "환불이 완료되면 문자로 알려 드립니다.",
        "할인 행사가 종료되었습니다.",
        "취소 수수료가 부과되었습니다.",
        "주문이 취소되었는지 확인해 드리겠습니다.",
        "교환 절차를 도와드리겠습니다.",
        "취소하신 주문이 맞을까요?",
        "환불해 드릴까요?",
    ],
)
def test_guidance_statements_and_refusals_are_no_commitments(text: str) -> None:
    assert kinds(text) == []


def test_a_procedure_that_grants_it_backs_a_promise() -> None:
    assert kinds("환불해 드리겠습니다.", prompt(POLICY)) == []
    assert kinds("보상해 드리겠습니다.", prompt(POLICY)) == ["commitment"]


def test_a_denial_or_a_similar_case_backs_nothing() -> None:
    assert kinds("환불해 드리겠습니다.", prompt(passage("개봉한 상품은 환불이 불가합니다."))) == [
        "commitment"
    ]
    assert kinds("환불해 드리겠습니다.", prompt(passage("환불해 드립니다라고 답변", kind="case"))) == [
        "commitment"
    ]


def test_a_recorded_action_backs_both() -> None:
    asked = prompt(done=("환불 승인",))
    assert kinds("환불 처리했습니다.", asked) == []
    assert kinds("곧 환불해 드리겠습니다.", asked) == []
    assert kinds("주문을 취소했습니다.", asked) == ["commitment"]
    assert kinds("환불 처리했습니다.", prompt(done=("환불 불가",))) == ["commitment"]


def test_an_agent_who_already_said_so_backs_it() -> None:
    asked = prompt(asked=ticket("언제 들어오나요?", ("agent", "환불 처리를 승인합니다.")))
    assert kinds("환불 처리했습니다.", asked) == []
    customer = prompt(asked=ticket("언제 들어오나요?", ("customer", "환불 처리를 승인합니다.")))
    assert kinds("환불 처리했습니다.", customer) == ["commitment"]


@pytest.mark.parametrize(
    "text",
    [
        "I have refunded your order.",
        "I've already cancelled your subscription.",
        "We have issued a full refund.",
        "Your order has been cancelled.",
        "Your refund has been processed.",
        "We will compensate you for this.",
        "We'll send you a free replacement.",
        "I will gladly waive the fee.",
        "We’ll refund the full price.",
        "You will receive a full refund.",
        "We are going to give you a discount.",
    ],
)
def test_english_commitments(text: str) -> None:
    assert kinds(text, prompt(language="en")) == ["commitment"]


@pytest.mark.parametrize(
    "text",
    [
        "Refunds are processed by our billing team.",
        "You can request a refund in the app.",
        "We will check whether a refund is possible.",
        "We will let you know about your refund.",
        "Unfortunately we cannot refund opened items.",
        "If your order has not been cancelled, please tell us.",
        "I have read your refund request.",
    ],
)
def test_english_near_misses(text: str) -> None:
    assert kinds(text, prompt(language="en")) == []


def test_english_backing() -> None:
    kb = passage("Damaged items can be refunded on request.")
    assert kinds("We will refund you.", prompt(kb, language="en")) == []
    assert kinds("I have refunded you.", prompt(kb, language="en")) == ["commitment"]
    assert kinds("I have refunded you.", prompt(language="en", done=("refund accepted",))) == []


def test_the_commitment_is_marked() -> None:
    assert marked("네, 고객님. 전액 환불해 드리겠습니다.") == ["환불해 드리겠"]


@pytest.mark.parametrize(
    "text",
    [
        "요청하신 건 처리 완료했습니다.",
        "문의하신 내용은 모두 조치되었습니다.",
        "배송지를 변경했습니다.",
        "배송지를 새 주소로 변경해 드렸습니다.",
        "반품 접수를 완료했습니다.",
        "계정을 바로 삭제했습니다.",
        "비밀번호 초기화해 드렸습니다.",
        "상품을 오늘 출고했습니다.",
        "영수증 발급해 드렸습니다.",
        "담당 부서에 전달했습니다.",
        "이용 기간을 연장해 드렸어요.",
    ],
)
def test_deeds_of_the_desk_need_a_record(text: str) -> None:
    assert kinds(text) == ["commitment"]


@pytest.mark.parametrize(
    "text",
    [
        "내용을 확인했습니다.",
        "문의를 확인했습니다.",
        "배송지 변경 방법을 안내해 드렸습니다.",
        "배송지를 변경하셨습니다.",
        "주문을 접수하셨는지 확인해 주세요.",
        "결제가 완료되었습니다.",
        "접수가 완료되면 기사님이 방문합니다.",
        "담당 부서에 전달하겠습니다.",
        "신청하시면 바로 처리됩니다.",
        "발송했다는 문자를 받으셨나요?",
        "탈퇴하면 포인트는 소멸됩니다.",
        "변경된 주소를 알려 주세요.",
    ],
)
def test_what_the_customer_did_or_will_happen_is_no_deed(text: str) -> None:
    assert kinds(text) == []


def test_a_record_or_an_agents_word_backs_a_deed() -> None:
    assert kinds("배송지를 변경했습니다.", prompt(done=("배송지 변경 완료",))) == []
    assert kinds("배송지를 변경했습니다.", prompt(done=("쿠폰 발급",))) == ["commitment"]
    told = prompt(asked=ticket("됐나요?", ("agent", "배송지 변경 처리합니다.")))
    assert kinds("배송지를 변경했습니다.", told) == []


@pytest.mark.parametrize(
    "text",
    [
        "왕복 배송비는 저희가 부담하겠습니다.",
        "무료로 수리해 드리겠습니다.",
        "새 제품으로 보내 드리겠습니다.",
        "내일까지 도착하게 하겠습니다.",
    ],
)
def test_gifts_in_other_words(text: str) -> None:
    assert kinds(text) == ["commitment"]


def test_a_procedure_may_grant_such_a_gift() -> None:
    free = passage("보증 기간에는 무상으로 수리해 드립니다.")
    assert kinds("무료로 수리해 드리겠습니다.", prompt(free)) == []
    assert kinds("무료로 수리해 드리겠습니다.", prompt(passage("침수 제품은 무상 수리가 불가합니다."))) == [
        "commitment"
    ]


@pytest.mark.parametrize("text", ["I have updated your address.", "We've forwarded your case to the team."])
def test_english_deeds(text: str) -> None:
    assert kinds(text, prompt(language="en")) == ["commitment"]


def test_english_announcements_are_no_deeds() -> None:
    text = "Once you have updated your address, we will ship the parcel. I have checked your order."
    assert kinds(text, prompt(language="en")) == []


@pytest.mark.parametrize(
    ("procedure", "promise"),
    [
        ("절판되어 같은 책이 없으면 책값을 환불합니다.", "환불해 드리겠습니다."),
        ("환불이 안 되는 경우를 제외하고 환불합니다.", "환불해 드리겠습니다."),
        ("교환은 어렵고 환불만 가능합니다.", "환불해 드리겠습니다."),
        ("환불이 안 되면 교환해 드립니다.", "교환해 드리겠습니다."),
        ("영수증이 없어도 환불됩니다.", "환불해 드리겠습니다."),
        ("개봉하지 않으셨다면 환불됩니다.", "환불해 드리겠습니다."),
        ("위약금 없이 취소하실 수 있습니다.", "취소해 드리겠습니다."),
        ("교환이나 환불을 선택하시면 다음 영업일에 처리해 드립니다.", "환불해 드리겠습니다."),
        ("개봉한 상품을 제외하고 환불해 드립니다.", "환불해 드리겠습니다."),
        ("단순 변심은 환불되지 않으며 불량은 환불해 드립니다.", "환불해 드리겠습니다."),
        ("환불은 가능하지만 사용한 상품은 안 됩니다.", "환불해 드리겠습니다."),
        ("If the item cannot be repaired, it can be refunded.", "We will refund you."),
        ("Refunds are not possible, but we will replace it.", "We will replace it."),
    ],
)
def test_each_mention_is_judged_by_its_own_clause(procedure: str, promise: str) -> None:
    assert kinds(promise, prompt(passage(procedure), language="en" if promise.isascii() else "ko")) == []


@pytest.mark.parametrize(
    ("procedure", "promise"),
    [
        ("환불해 드리지 않습니다.", "환불해 드리겠습니다."),
        ("교환은 어렵고 환불만 가능합니다.", "교환해 드리겠습니다."),
        ("환불이 안 되면 교환해 드립니다.", "환불해 드리겠습니다."),
        ("사진이 없으면 환불이 어렵습니다.", "환불해 드리겠습니다."),
        ("환불은 사진이 없으면 어렵습니다.", "환불해 드리겠습니다."),
        ("교환 없이 환불해 드립니다.", "교환해 드리겠습니다."),
        ("이벤트 상품은 환불에서 제외됩니다.", "환불해 드리겠습니다."),
        ("배송비는 환불하지 않으며, 상품값은 그대로입니다.", "환불해 드리겠습니다."),
        ("환불 규정은 홈페이지에서 확인할 수 있습니다.", "환불해 드리겠습니다."),
        ("쿠폰을 드립니다. 적립금도 지급합니다.", "이용료를 면제해 드리겠습니다."),
        ("Items can be exchanged but not refunded.", "We will refund you."),
        ("Refunds are not possible, but we will replace it.", "We will refund you."),
    ],
)
def test_a_denial_in_its_own_clause_backs_nothing(procedure: str, promise: str) -> None:
    asked = prompt(passage(procedure), language="en" if promise.isascii() else "ko")
    assert kinds(promise, asked) == ["commitment"]


@pytest.mark.parametrize(
    "text",
    [
        "금요일까지는 꼭 도착하게 해 드리겠습니다.",
        "12월 12일에는 반드시 받으실 수 있게 맞추어 드리겠습니다.",
        "토요일 전에는 꼭 받으시게 하겠습니다.",
        "한 장을 따로 맡아 두었다가 먼저 보내 드리겠습니다.",
        "서류 없이 저희가 먼저 초기화를 마쳐 드리겠습니다.",
        "심사를 기다리지 않고 진행하겠습니다.",
        "제가 담당자에게 승인받아 두겠습니다.",
        "그 기사는 바로 해고 조치하겠습니다.",
        "사과의 뜻으로 위로금을 지급해 드리겠습니다.",
    ],
)
def test_assurances_nobody_authorised(text: str) -> None:
    asked = prompt(asked="11월 20일 주문이고 12월 12일 행사예요.")
    assert kinds(text, asked) == ["commitment"]


@pytest.mark.parametrize(
    "text",
    [
        "반드시 받으신 날부터 7일 안에 신청해 주세요.",
        "꼭 받아 보시기 바랍니다.",
        "꼭 받으실 수 있도록 방법을 안내해 드리겠습니다.",
        "별도 절차 없이 자동으로 처리됩니다.",
        "서류 없이도 앱에서 신청하실 수 있습니다.",
        "승인을 받으시면 문자로 알려 드리겠습니다.",
        "상품을 따로 보관해 두셨다가 기사님께 주세요.",
    ],
)
def test_what_sounds_like_an_assurance_and_is_none(text: str) -> None:
    assert kinds(text, prompt(asked="받은 지 7일 됐어요.")) == []


def test_a_procedure_may_allow_an_assurance() -> None:
    kept = passage("교환 상품은 14일 동안 따로 잡아 둡니다. 도착 날짜는 보장하지 않습니다.")
    assert kinds("한 벌을 따로 맡아 두겠습니다.", prompt(kept)) == []
    assert kinds("내일 꼭 도착하게 하겠습니다.", prompt(kept)) == ["commitment"]
    assert kinds("내일 꼭 도착하게 하겠습니다.", prompt(passage("새벽 배송은 도착을 보장합니다."))) == []


def test_english_assurances() -> None:
    kit = passage("Alerts do not reserve a kit.")
    assert kinds("I will put one aside for you.", prompt(kit, language="en")) == ["commitment"]
    assert kinds("I promise that it is quiet.", prompt(kit, language="en")) == ["commitment"]
    assert kinds("I will set the language to Korean.", prompt(kit, language="en")) == []
    held = passage("The new size is reserved on request.")
    assert kinds("We will hold the large one for you.", prompt(held, language="en")) == []
    assert kinds("We will hold the large one for you.", prompt(kit, language="en")) == ["commitment"]


def test_commitments_come_in_reading_order() -> None:
    assert marked("환불해 드리겠습니다. 내일 꼭 도착하게 하겠습니다. 쿠폰을 지급했습니다.") == [
        "환불해 드리겠",
        "꼭 도착하게 하겠",
        "쿠폰을 지급했",
    ]
