from itertools import pairwise

import pytest

from ccos.quality.pii import classify, find


def found(text: str, *names: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text, names=names)]


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("주민번호는 900101-1234568입니다", "resident", "900101-1234568"),
        ("900101 - 1234567 이요", "resident", "900101 - 1234567"),
        ("900101–1234568", "resident", "900101–1234568"),
        ("９００１０１－１２３４５６８로 등록", "resident", "９００１０１－１２３４５６８"),
        ("9001011234567", "resident", "9001011234567"),
        ("900101-1******", "resident", "900101-1******"),
        ("050101-3234567", "resident", "050101-3234567"),
        ("등록번호 880515-5123456입니다", "foreigner", "880515-5123456"),
        ("010-1234-5678입니다", "phone", "010-1234-5678"),
        ("01012345678로 연락", "phone", "01012345678"),
        ("(010) 1234-5678", "phone", "(010) 1234-5678"),
        ("011-234-5678", "phone", "011-234-5678"),
        ("+82-10-1234-5678로", "phone", "+82-10-1234-5678"),
        ("+82 10 1234 5678", "phone", "+82 10 1234 5678"),
        ("０１０－１２３４－５６７８", "phone", "０１０－１２３４－５６７８"),
        ("010\u200b-1234-\u200b5678", "phone", "010\u200b-1234-\u200b5678"),
        ("02-123-4567로", "phone", "02-123-4567"),
        ("031.1234.5678", "phone", "031.1234.5678"),
        ("0507-1234-5678", "phone", "0507-1234-5678"),
        ("070-1234-5678", "phone", "070-1234-5678"),
        ("call (415) 555-0100 please", "phone", "(415) 555-0100"),
        ("+1 415-555-0100", "phone", "+1 415-555-0100"),
        ("4111-1111-1111-1111입니다", "card", "4111-1111-1111-1111"),
        ("4111111111111111로 결제", "card", "4111111111111111"),
        ("3782 822463 10005", "card", "3782 822463 10005"),
        ("9410 1234 5678 9010", "card", "9410 1234 5678 9010"),
        ("카드 1234-5678-9012-3456", "card", "1234-5678-9012-3456"),
        ("계좌는 110-123-456789 입니다", "account", "110-123-456789"),
        ("국민은행 123456-01-123456로 입금", "account", "123456-01-123456"),
        ("입금 계좌 11012345678901", "account", "11012345678901"),
        ("220-81-62517", "business", "220-81-62517"),
        ("사업자등록번호 1234567890", "business", "1234567890"),
        ("여권 M12345678을", "passport", "M12345678"),
        ("M123A4567입니다", "passport", "M123A4567"),
        ("11-12-123456-78", "license", "11-12-123456-78"),
        ("면허 281212345678", "license", "281212345678"),
        ("통관부호 P123456789012예요", "customs", "P123456789012"),
        ("a.b+c@example.co.kr으로", "email", "a.b+c@example.co.kr"),
        ("이메일：kim＠example.com.", "email", "kim＠example.com"),
        (
            "서울시 강남구 테헤란로 123, 101동 1203호입니다",
            "address",
            "서울시 강남구 테헤란로 123, 101동 1203호",
        ),
        ("서울 종로구 세종대로 1로 보내", "address", "서울 종로구 세종대로 1"),
        ("경기도 성남시 분당구 판교역로 235번길 12", "address", "경기도 성남시 분당구 판교역로 235번길 12"),
    ],
)
def test_it_is_found_whole_and_alone(text: str, kind: str, shown: str) -> None:
    assert found(text) == [(kind, shown)]


@pytest.mark.parametrize(
    "text",
    [
        "고객센터 1588-1234, 1661-0000, 1899-9999",
        "운송장 123456789012",
        "주문번호 20261103-1234567",
        "주문번호 2611031234567",
        "운송장번호 4111111111111111",
        "12,900원을 2026-11-03에 결제",
        "991301-1234567",  # no thirteenth month
        "230230-1234567",  # no 30 February
        "4111-1111-1111-1112",
        "문의 시 카드로 2회 결제했고 앱으로 3번 시도",
        "버전 10.0.0.12에서",
        "27-12-123456-78",  # no such region
        "M12345678 부품",
        "123-45-67890",  # not a business number: wrong check digit
        "1101-2345-6789 상품",
        "@channel 확인 a@b",
        "법인등록번호 130111-0006246",
    ],
)
def test_near_misses_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_the_shape_of_a_corporate_number_alone_counts_as_a_person() -> None:
    assert found("130111-0006246") == []  # nobody who writes was born in 1813
    assert found("110111-1234563") == [("resident", "110111-1234563")]
    assert found("법인등록번호 130111-0006247") == [("resident", "130111-0006247")]  # wrong check digit


def test_names_are_found_when_passed_in_or_by_what_stands_around_them() -> None:
    assert found("김민수 고객님") == [("name", "김민수")]
    assert found("아까 김민수랑 통화했어요") == [("name", "김민수")]
    assert found("아까 신호등이랑 통화했어요") == []
    assert found("아까 김민수랑 통화했어요", "김민수") == [("name", "김민수")]
    assert found("저는 김민수입니다. 김민수로 예약했어요") == [("name", "김민수"), ("name", "김민수")]
    assert found("이 고객님", "이") == []


def test_values_compare_across_spellings() -> None:
    texts = [
        "010-1234-5678",
        "+82 10 1234 5678",
        "０１０.１２３４.５６７８",
        "01012345678",
        "82-10-1234-5678",
    ]
    assert {span.value for text in texts for span in find(text)} == {"01012345678"}


def test_spans_count_in_the_text_that_was_given() -> None:
    decomposed = "ㅎㅏㄴ①② 연락처 010-1234-5678"
    (span,) = find(decomposed)
    assert decomposed[span.start : span.end] == "010-1234-5678"


def test_several_kinds_come_in_order_and_never_overlap() -> None:
    text = "a@b.co 010-1234-5678 900101-1234568 4111 1111 1111 1111"
    spans = find(text)
    assert [span.kind for span in spans] == ["email", "phone", "resident", "card"]
    assert all(left.end <= right.start for left, right in pairwise(spans))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("배송이 언제 되나요?", "none"),
        ("010-1234-5678로 연락 주세요", "maskable"),
        ("900101-1234567", "local_only"),
        ("외국인등록번호 880515-5123456", "local_only"),
        ("고객센터 1588-1234", "none"),
        ("", "none"),
    ],
)
def test_what_may_happen_to_a_text(text: str, expected: str) -> None:
    assert classify(text) == expected
