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


@pytest.mark.parametrize(
    "letter",
    [
        "몸은 좀 어떠신지요.",
        "언제 받으셨는지요?",
        "받아 보실는지요?",
        "먼저 확인해 볼까 합니다.",
        "많이 불편하셨겠지요.",
        "확인이 조금 더 필요한데요.",
        "마음이 급하실 텐데요.",
    ],
)
def test_endings_of_formal_letters_mix_nothing(letter: str) -> None:
    assert kinds(f"불편을 드려 죄송합니다. {letter} 사진을 보내 주시면 확인하겠습니다.") == []


def test_a_softener_does_not_hide_a_real_change_of_level() -> None:
    assert kinds("불편을 드려 죄송합니다. 어떠신지요. 사진을 보내면 바로 봐요.") == ["mixed_speech"]


@pytest.mark.parametrize(
    "text",
    [
        "안녕하세요, 고객님. 늦어져서 미안해. 수거하고 나서 바꿔 줄게.",
        "안녕하세요, 고객님. 한 번 쓴 제품은 반품이 안 돼. 상담한 날짜를 알려 주면 확인할게.",
        "고객님, 불이 날 수 있으니까 콘센트에는 꽂지 마. 사진을 보내 주면 바꿔 줄 수 있어.",
    ],
)
def test_neither_a_greeting_nor_because_is_courtesy(text: str) -> None:
    assert kinds(text) == ["informal"]


@pytest.mark.parametrize(
    ("slip", "expected"),
    [
        ("많이 놀랐겠네.", ["mixed_speech"]),
        ("나도 아쉬워.", ["mixed_speech"]),
        ("그건 안 된다.", ["mixed_speech"]),
        ("걱정하지 마.", ["mixed_speech"]),
        ("화면에 '전원을 켠다.'", []),
        ("걱정하지 마세요.", []),
        ("많이 놀라셨겠네요.", []),
        ("네.", []),
    ],
)
def test_plain_speech_between_formal_sentences(slip: str, expected: list[str]) -> None:
    assert kinds(f"불편을 드려 죄송합니다. {slip} 사진을 보내 주시면 확인하겠습니다.") == expected
