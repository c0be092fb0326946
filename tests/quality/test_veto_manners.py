import pytest

from ccos.quality.vetoes.manners import level, levels
from support.judging import kinds, prompt


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
        "지금 확인했습니다. 설정에서 알림을 켜야 해요.",
        "확인했습니다. 감사합니다.",
        "설정에서 켠다. 그다음 저장해 주세요.",
        "확인했어.",
        "설정 > 계정\n알림 끄기",
    ],
)
def test_a_mixture_or_one_slip_is_not_refused(text: str) -> None:
    assert kinds(text) == []


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
