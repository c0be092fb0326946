"""Names in running text: by how they are made and by what stands around them, and nothing that only looks so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccos import sample
from ccos.learning.pii_figures import measure, read_lines
from ccos.quality.pii import find
from support.steps import steps


def names(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find(text) if span.kind == "name"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("배송기사 박정훈씨가 문 앞에 두고 갔어요", "박정훈"),
        ("수령인 이름을 최은서로 바꿔 주세요", "최은서"),
        ("상담원 김다은님이 친절했어요", "김다은"),
        ("제 동생 (한지우) 앞으로 보냈어요", "한지우"),
        ("예금주는 남궁민수 입니다", "남궁민수"),
        ("응우옌 티 란 씨가 주문했어요", "응우옌 티 란"),
        ("John Smith 앞으로 보내 주세요", "John Smith"),
        ("1, 장소민, 문 앞", "장소민"),
        ("저는 류하진이라고 합니다", "류하진"),
        ("아내가 제니퍼 브라운이라는 이름을 써요", "제니퍼 브라운"),
        ("고객명: 알렉스 그린", "알렉스 그린"),
        ("I spoke with Yoon Minji yesterday", "Yoon Minji"),
        ("예금주가 지하은인데 안 된대요", "지하은"),
    ],
)
def test_a_name_is_found_where_people_write_it(text: str, shown: str) -> None:
    assert names(text) == [shown]


@pytest.mark.parametrize(
    "text",
    [
        "이유를 알려 주세요", "고객님 문의하신 상품은 품절입니다", "신한카드로 결제했어요", "담당자 변경해 주세요",
        "상담원 연결 부탁드립니다", "주소지가 바뀌었어요", "장바구니가 비었어요", "예금주 확인이 안 돼요",
        "수령인 정보가 없어요", "한진택배로 보냈어요", "왜 아직 안 나오나요", "사용자 정의하고 저장하세요",
        "16인치이고 새 제품이에요", "Do I have to pay?", "Please deliver to Jeju Island", "Power BI 고객입니다",
        "먼저 지우시고 탈퇴하세요", "공영주차장 앞이에요", "제가 이미 취소했어요", "정수기 기사님이 안 오셨어요",
    ],
)  # fmt: skip
def test_a_word_that_only_looks_like_one_is_left_alone(text: str) -> None:
    assert names(text) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("이름 홍*동 으로 떠요", ["홍*동"]),
        ("박○○ 고객님께 보냈어요", ["박○○"]),
        ("송ㅇ진 회원님이 쓰신 글", ["송ㅇ진"]),
        ("홍 길 동 이름으로 예약했어요", ["홍 길 동"]),
        ("성함 이 도윤 맞습니다", ["이 도윤"]),
        ("민수야 이거 반품해 줘", ["민수"]),
        ("예준이가 쓰던 태블릿이에요", ["예준"]),
        ("수빈이 엄마인데요", ["수빈"]),
        ("우리 수빈이 유모차예요", ["수빈"]),
        ("수진 매니저님이 알려 주셨어요", ["수진"]),
        ("환불이 늦어요.\n남기준", ["남기준"]),
        ("개명했어요. 이제 성유리로 바꿔 주세요", ["성유리"]),
        ("여준구예요, 해지하려고요", ["여준구"]),
        ("서명: 봉하늬", ["봉하늬"]),
        ("예약자: 황*", ["황*"]),
    ],
)
def test_names_hidden_in_part_spaced_or_without_surname(text: str, shown: list[str]) -> None:
    assert names(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("I talked to Brenda from your billing team.", ["Brenda"]),
        ("Signed for by J. Morrison at the desk.", ["J. Morrison"]),
        ("Hello, Emma Clarke here.", ["Emma Clarke"]),
        ("Thanks!\nLeo", ["Leo"]),
        ("-- \nNathan Cole\nAcme Ltd", ["Nathan Cole"]),
        ("Please ship c/o Daniel Ortega, 2nd floor.", ["Daniel Ortega"]),
        ("The booking is for Tomasz Nowak and Ewa Nowak.", ["Tomasz Nowak", "Ewa Nowak"]),
        ("Order placed by Lee Hyun-woo", ["Lee Hyun-woo"]),
        ("여권 영문 LIM HA NEUL 확인", ["LIM HA NEUL"]),
        ("탑승자 JANG/MINJAE", ["JANG/MINJAE"]),
        ("알렉산드라 페트로바 님 예약", ["알렉산드라 페트로바"]),
        ("사토 하루카 고객 문의", ["사토 하루카"]),
    ],
)
def test_names_of_other_peoples(text: str, shown: list[str]) -> None:
    assert names(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "이**중요**한 공지예요", "전 주 금요일에 샀어요", "이 두 개만 교환해 주세요", "안 돼 요즘", "나 한 번 더 해요", "정0원 쿠폰",
        "모험가님, 안녕하세요", "실명으로 변경해 주세요", "정가로 표기되어 있어요", "사장님 안녕하세요", "주인님 앞으로 왔어요",
        "자기야 이거 사자", "서비스가 이상해요. 정상화", "이름이 길어서 잘려요", "주문하셨는데 안 와요", "아이가 좋아해요",
        "Calvin Klein jacket from Best Western Hotel", "Delivered to Gangnam Station exit 3.", "Dear Support Team, hi there",
        "Regards,\nThe Support Team", "Mark as resolved. Grace period ended. Will it work?", "Thanks, Customer",
        "Change from Standard Shipping to Express.", "Windows Update failed on Surface Pro.",
    ],
)  # fmt: skip
def test_what_looks_like_such_a_name_is_left_alone(text: str) -> None:
    assert names(text) == []


def test_the_same_word_may_be_a_noun_or_a_name_by_what_stands_around_it() -> None:
    assert names("안경은 깨졌고 케이스는 멀쩡해요") == []
    assert names("이유는 모르겠고 이유진 고객님만 아세요") == ["이유진"]
    assert names("변경은 어디서 하나요") == names("담당자 변경은 언제 되나요") == []


def test_a_name_beside_a_name_is_one_too() -> None:
    assert names("명단: 구본하, 피재윤, 김서연") == ["구본하", "피재윤", "김서연"]


def test_a_name_shown_once_counts_everywhere() -> None:
    assert names("방문자 옥도림 님이에요. 옥도림 그 사람이 문을 찼어요") == ["옥도림", "옥도림"]


@pytest.mark.parametrize("half", ["dev", "dev2", "dev3", "test", "blind"])
def test_what_was_tuned_on_is_still_found(half: str) -> None:
    with sample.pii_path(half) as path:
        row = measure(read_lines(path)).by_kind()["name"]
    assert row["recall"] >= 0.95 and row["precision"] >= 0.97


def test_on_the_lines_first_measured_blind_precision_holds_and_no_resident_number_passes() -> None:
    with sample.pii_path("blind2") as path:
        figures = measure(read_lines(path))
    assert figures.passed == 0 and figures.precision >= 0.95 and figures.recall >= 0.95


HOSTILE = {
    "surnames": "김이박최", "names": "김민수 ", "labels": "담당자 ", "glued": "예금주", "capitals": "Kim ", "dashes": "1-",
    "foreign": "마이클 ", "vietnamese": "응우옌 티 ", "titles": "님 ", "lists": "김민수, ", "digits": "01", "marks": "김*", "spaced": "김 민 ", "given": "민수 ", "english": "Emma Clarke and ", "talk": "to ", "quotes": "이름 : \"",
}  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_cost_what_their_length_costs(part: str) -> None:
    def work(characters: int) -> Callable[[], object]:
        return lambda: find(part * (characters // len(part)))

    work(2_000)()
    assert steps(work(8_000)) < 2.3 * steps(work(4_000))
    assert steps(work(8_000)) < 8_000 * 60
