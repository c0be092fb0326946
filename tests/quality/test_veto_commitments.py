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
