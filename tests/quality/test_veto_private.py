import pytest

from support.judging import judge, kinds, marked, passage, prompt, ticket


def test_the_customers_own_data_may_be_repeated_in_any_spelling() -> None:
    asked = prompt(asked=ticket("제 번호는 01012345678이고 메일은 Kim@Example.com입니다."))
    assert kinds("010-1234-5678로 문자를, kim@example.com으로 메일을 보냈습니다.", asked) == []
    assert (
        kinds(
            "010-1234-5678로 연락드리겠습니다.", prompt(asked=ticket("전화 주세요", phone="+82 10 1234 5678"))
        )
        == []
    )


@pytest.mark.parametrize(
    "shown",
    [
        "010-9999-8888",
        "lee@example.com",
        "4111-1111-1111-1111",
        "계좌 110-123-456789",
        "서울 종로구 세종대로 1",
    ],
)
def test_data_from_nowhere_is_refused(shown: str) -> None:
    verdict = judge(f"{shown} 맞으신가요?")
    assert [veto.kind for veto in verdict.vetoes] == ["pii"]
    assert verdict.vetoes[0].remedy == "repair"
    assert marked(f"{shown} 맞으신가요?")[0] in shown


def test_a_similar_case_and_internal_passages_allow_nothing() -> None:
    leaked = "담당자 010-9999-8888로 연락해 주세요."
    assert kinds(leaked, prompt(passage("고객 010-9999-8888과 통화함", kind="case"))) == ["pii"]
    assert kinds(leaked, prompt(passage("야간 담당 010-9999-8888", internal=True))) == ["pii"]


def test_what_the_company_publishes_is_fine() -> None:
    text = "help@shop.co.kr로 보내 주시거나 02-123-4567, 1588-1234로 전화해 주세요. 계좌 110-123-456789로 입금해 주세요."
    kb = passage("문의: help@shop.co.kr, 02-123-4567. 입금 계좌 110-123-456789")
    assert kinds(text, prompt(kb, contact={"ko": "고객센터 1588-1234"})) == []


@pytest.mark.parametrize(
    "number",
    [
        "900101-1234568",
        "900101 – 1234567",
        "９００１０１－１２３４５６８",
        "880515-5123456",
        "900101-1******",
    ],
)
def test_a_resident_number_is_refused_even_when_it_is_the_customers_own(number: str) -> None:
    verdict = judge(f"주민번호 {number} 확인했습니다.", prompt(asked=f"제 주민번호는 {number}입니다"))
    assert ("pii", "stay_local") in [(veto.kind, veto.remedy) for veto in verdict.vetoes]


def test_spans_point_into_the_original_text() -> None:
    assert marked("①② 번호는 ０１０－９９９９－８８８８입니다.") == ["０１０－９９９９－８８８８"]
