import pytest

from support.judging import judge, kinds, marked, prompt

LONG = "안녕하세요, 고객님. 문의하신 내용을 확인했습니다. 설정 메뉴에서 알림을 끄신 다음 앱을 다시 실행해 주세요. "
ENGLISH = "Thank you for writing to us. Please open the settings page and sign in again with your account. "


@pytest.mark.parametrize("text", ["", "   \n", "...", "—", "\u200b\u200b", "**", "😀"])
def test_no_words(text: str) -> None:
    verdict = judge(text)
    assert [(veto.kind, veto.remedy) for veto in verdict.vetoes] == [("empty", "escalate")]
    assert verdict.quality == 0


@pytest.mark.parametrize("text", ["네", "네.", "OK", "확인했습니다"])
def test_a_short_answer_is_an_answer(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    "tail",
    [
        "문제가 계속되면 앱의 캐시를 지운 뒤에 기기를 다시 시작하시고",
        "그래도 해결되지 않으면 고객센터로",
        "그래도 해결되지 않으면 설정 화면을",
        "다음 정보를 알려 주세요: 기기 이름,",
        "기기 이름 및",
        "```\ncode",
    ],
)
def test_korean_that_stops_in_the_middle(tail: str) -> None:
    assert "truncated" in kinds(LONG + tail)


def test_english_that_stops_in_the_middle() -> None:
    asked = prompt(language="en")
    assert kinds(ENGLISH + "If that does not help, please send us a screenshot of the", asked) == [
        "truncated"
    ]
    assert kinds(ENGLISH + "If that does not help, please send us a screensh", asked) == ["truncated"]


def test_a_provider_that_ran_out_of_tokens_is_believed() -> None:
    assert kinds(LONG, finish="length") == ["truncated"]
    assert kinds("네, 확인했습니다.", finish="length") == ["truncated"]


@pytest.mark.parametrize(
    "tail",
    [
        "감사합니다",
        "확인 후 다시 연락드리겠습니다 :)",
        "그래도 안 되면 말씀해 주세요",
        "감사합니다.\n고객센터 김상담 드림",
        "\n- 기기 이름과 운영 체제의 버전, 그리고 오류 화면 사진",
        "자세한 내용은 여기를 보세요: https://help.example.com/articles/notifications/turn-off",
        "**꼭 앱을 다시 실행해 주세요**",
        "필요한 서류: 신분증 사본 및 신청서 (서명 포함)",
        "```\ncode\n```",
        "감사합니다 😀",
    ],
)
def test_endings_that_are_whole(tail: str) -> None:
    assert "truncated" not in kinds(LONG + tail)


def test_an_english_signature_is_an_ending() -> None:
    assert kinds(ENGLISH + "\n\nBest regards,\nThe support team", prompt(language="en")) == []
    assert kinds(ENGLISH + "\n\nKind regards,", prompt(language="en")) == []


@pytest.mark.parametrize(
    "text",
    [
        "앱을 다시 실행해 주세요. " * 20,
        "앱을 다시 실행해 주세요.\n" * 3,
        "네 " * 60,
        "확인" * 80,
        LONG + "하" * 40,
        LONG + "그리고 다시 그리고 다시 그리고 다시 " * 20,
        "a" * 100_000,
        "가나다라마바사아자차카타파하 " * 6_000,
    ],
)
def test_going_round_in_circles(text: str) -> None:
    assert "looping" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        LONG + "\n" + "-" * 60 + "\n감사합니다.",
        "1. 설정 > 계정 > 알림\n2. 설정 > 계정 > 보안\n3. 설정 > 계정 > 언어\n4. 설정 > 화면\n위 순서로 확인해 주세요.",
        "감사합니다. " + LONG + "감사합니다. 감사합니다.",
        "하하하하하하하하 " + LONG,
        "|이름|값|\n|---|---|\n|가|나|\n|다|라|\n" + LONG,
    ],
)
def test_repetition_that_is_no_loop(text: str) -> None:
    assert "looping" not in kinds(text)


def test_the_last_sentence_is_marked_as_cut() -> None:
    assert marked(LONG + "그래도 해결되지 않으면 설정 화면을") == ["그래도 해결되지 않으면 설정 화면을"]
