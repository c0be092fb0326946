"""What people do to numbers and names, and what only looks like one."""

from __future__ import annotations

import pytest

from ccos.quality.pii import find, mask, restore, without_people


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("제 번호는 공일공 일이삼사 오육칠팔이에요", "phone", "공일공 일이삼사 오육칠팔"),
        ("공일공에 일이삼사에 오육칠팔입니다", "phone", "공일공에 일이삼사에 오육칠팔"),
        ("0 1 0 1 2 3 4 5 6 7 8 로", "phone", "0 1 0 1 2 3 4 5 6 7 8"),
        ("o1o-1234-5678", "phone", "o1o-1234-5678"),
        ("010ㅡ1234ㅡ5678", "phone", "010ㅡ1234ㅡ5678"),
        ("**010**-1234-\n5678", "phone", "010**-1234-\n5678"),
        ("주민번호 앞 900101 뒷자리 1234567", "resident", "900101 뒷자리 1234567"),
        ("구공공일공일 일이삼사오육팔", "resident", "구공공일공일 일이삼사오육팔"),
        ("900101-1●●●●●●", "resident", "900101-1●●●●●●"),
        ("kim (at) example (dot) com", "email", "kim (at) example (dot) com"),
        ("역삼동 123-4번지예요", "address", "역삼동 123-4번지"),
        ("한빛아파트 101동 1203호", "address", "한빛아파트 101동 1203호"),
        ("차량번호 12가3456 맞아요", "plate", "12가3456"),
        ("123가4567입니다", "plate", "123가4567"),
        ("생년월일은 1990년 4월 17일입니다", "birth", "1990년 4월 17일"),
        ("예금주 김민수", "name", "김민수"),
        ("남궁민수 고객님", "name", "남궁민수"),
        ("my name is Jane Miller.", "name", "Jane Miller"),
        ("CVC 번호 123", "card", "123"),
        ("여권번호 123456789", "passport", "123456789"),
        (f"CI {'a1B/' * 21}Zz==", "ci", f"{'a1B/' * 21}Zz=="),
    ],
)
def test_it_is_found_however_it_is_spelled(text: str, kind: str, shown: str) -> None:
    assert found(text) == [(kind, shown)]


@pytest.mark.parametrize(
    "text",
    [
        "고객님 안녕하세요, 담당자님께 전달했습니다. 선생님 감사합니다.",
        "예금주 변경 신청은 마이페이지에서 하세요",
        "담당자 지정이 안 돼요. 수령인 정보 수정이요",
        "저는 성인입니다. 저는 주부인데요",
        "주문번호 261103-1234567",
        "쿠폰 1234-5678-9012-3456",
        "자동 12-3, 이동 45번, 활동 30일",
        "반드시 필요하므로 1을 더합니다",
        "생일 쿠폰은 2026-11-03까지",
        "상품코드 12가3456",
        "여권 케이스 M12345678",
        "하루가 지나지 않아 구하지 못해, 명의 도용이 걱정돼요",
        "이사 오십 육만 칠천 팔백 구십 원 일이 삼사 일",
        "법인등록번호: 130111-0006246",
        "My name is spelled wrong. MS Office, Dear Customer,",
        "192.168.010.123 v10.0.0.12",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "said",
    ["[전화번호 1]", "[전화번호1]", "［전화번호_1］", "[전화번호＿1]", "전화번호_1", "[전화번호\\_1]", "[ 전화번호_01 ]", "{전화번호_1}"],
)  # fmt: skip
def test_a_placeholder_a_model_mangled_is_put_back(said: str) -> None:
    _, known = mask(["010-1234-5678"])
    assert restore(f"{said}로 연락드리겠습니다", known) == "010-1234-5678로 연락드리겠습니다"


@pytest.mark.parametrize(
    "said", ["[전화번호_12]", "[전화번호_2]", "전화번호 1", "[이메일_1]", "전화번호_12", "[전화번호]"]
)
def test_and_never_into_anothers(said: str) -> None:
    _, known = mask(["010-1234-5678"])
    assert restore(said, known) == said


def test_who_writes_a_mangled_placeholder_gets_it_back_as_written() -> None:
    (masked,), known = mask(["[전화번호 1] 그리고 010-1234-5678, 전화번호_1"])
    assert "010" not in masked and "[전화번호 1]" not in masked
    assert restore(masked, known) == "[전화번호 1] 그리고 010-1234-5678, 전화번호_1"


def test_a_name_that_one_text_shows_is_masked_in_all() -> None:
    masked, _ = mask(["독고탁탁이랑 통화했어요", "저는 독고탁탁입니다"])
    assert masked == ("[이름_1]이랑 통화했어요", "저는 [이름_1]입니다")


def test_without_people_a_text_reads_on() -> None:
    assert (
        without_people("김민수 고객님, 010-1234-5678로 보냈습니다")
        == "[이름] 고객님, [전화번호]로 보냈습니다"
    )
