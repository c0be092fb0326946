import pytest

from ccos.quality.vetoes.manners import level, levels
from support.judging import kinds, marked, passage, prompt


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("확인했습니다.", "formal"),
        ("무엇을 도와드릴까요?", "polite"),
        ("무엇을 도와 드립니까?", "formal"),
        ("눌러 주십시오", "formal"),
        ("눌러 주세요.", None),
        ("지금 처리 중이에요~", "polite"),
        ("그렇죠!", "polite"),
        ("지금 확인했어.", "casual"),
        ("설정에서 켜야지", "casual"),
        ("다시 해 봐.", "casual"),
        ("설정에서 켠다.", "casual"),
        ("설정 > 계정 > 알림", None),
        ("Please wait.", None),
    ],
)
def test_levels(sentence: str, expected: str | None) -> None:
    assert level(sentence) == expected


def test_casual_speech_throughout_is_refused() -> None:
    assert kinds("지금 확인했어. 설정에서 알림을 켜야 해. 다시 해 봐.") == ["informal"]


@pytest.mark.parametrize(
    "text",
    [
        "확인했습니다. 감사합니다.",
        "지금 켜 드릴게요. 감사합니다.",
        "확인했습니다. 다른 궁금한 점이 있으실까요?",
        "필요. 소요.",
        "설정에서 켠다. 그다음 저장해 주세요.",
        "아래 순서로 해 주세요.\n1. 앱을 켜\n2. 설정을 눌러 저장합니다.",
        "확인했어.",
        "설정 > 계정\n알림 끄기",
    ],
)
def test_fragments_lists_and_shared_endings_mix_nothing(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("지금 확인했습니다. 설정에서 알림을 켜야 해요.", "지금 확인했습니다."),
        (
            "교환은 7일 안에 돼요. 배송비는 무료예요. 사진을 보내 주세요. 환불은 어렵습니다.",
            "환불은 어렵습니다.",
        ),
        ("환불은 영업일 기준 3일 걸립니다. 조금만 기다려.", "조금만 기다려."),
        ("접수해 주시면 확인합니다. 사진도 보내 줘.", "사진도 보내 줘."),
    ],
)
def test_two_levels_in_one_reply_are_refused_where_they_meet(text: str, slip: str) -> None:
    asked = prompt(passage("교환은 7일 안에 하시고, 환불은 영업일 기준 3일 걸립니다."))
    assert kinds(text, asked) == ["mixed_speech"]
    assert marked(text, asked) == [slip]


def test_one_slip_in_a_long_reply_is_let_pass() -> None:
    formal = "상품을 확인했습니다. 사진을 받았습니다. 기사님이 방문합니다. 비용은 없습니다. 곧 연락드립니다. "
    assert kinds(formal + "포장은 그대로면 돼요.") == []
    assert kinds(formal + "포장은 그대로면 돼요. 상자도 있으면 좋아요.") == ["mixed_speech"]


def test_a_note_without_any_courtesy_is_refused() -> None:
    note = "반품 상품 회수 뒤 검수 진행. 검수 후 카드사로 취소 요청. 카드사에 따라 소요 기간 차이 있음."
    assert kinds(note) == ["informal"]
    assert kinds(f"{note} 감사합니다.") == []
    assert kinds("- 회수\n- 검수\n- 취소 요청 뒤 카드사로 전송되고 결과는 문자로 발송") == []


def test_english_has_no_speech_levels() -> None:
    assert (
        kinds(
            "OK 했어. 다시 해 봐. Please open the page and sign in again with the new password.",
            prompt(language="en"),
        )
        == []
    )


def test_each_sentence_is_looked_at() -> None:
    assert levels("확인했습니다. 감사해요!\n다시 해 봐") == ["formal", "polite", "casual"]
