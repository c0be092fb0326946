import pytest

from support.judging import kinds, marked, passage, prompt

ENGLISH = "Thank you for your message. Please open the settings page and sign in again."
KOREAN = "문의 주셔서 감사합니다. 설정 화면을 여신 뒤 다시 로그인해 주세요."


def test_the_wrong_language_altogether() -> None:
    assert kinds(ENGLISH) == ["language"]
    assert kinds(KOREAN, prompt(language="en")) == ["language"]


@pytest.mark.parametrize(
    "text",
    [
        KOREAN,
        "Chrome에서 Ctrl+Shift+Delete를 눌러 Cache와 Cookie를 지워 주세요.",
        "Settings > Account > Privacy > Data Export 메뉴를 여세요.",
        "https://help.example.com/en/articles/sign-in-again-with-your-account 를 봐 주세요.",
        "Microsoft 365 Business Standard 구독은 Microsoft 365 관리 센터에서 바꿉니다.",
        "OK",
    ],
)
def test_korean_with_technical_words_is_korean(text: str) -> None:
    asked = prompt(asked="Microsoft 365 https://help.example.com/en/articles/sign-in-again-with-your-account")
    assert "language" not in kinds(text, asked)


def test_an_english_sentence_inside_a_korean_reply_is_marked() -> None:
    stray = "Please let me know if you have any other questions."
    assert kinds(f"{KOREAN} {stray}") == ["language"]
    assert marked(f"{KOREAN} {stray}") == [stray]


def test_an_error_message_somebody_quoted_may_be_repeated() -> None:
    message = "The file you are trying to open is in use by another process"
    text = f'화면에 나온 안내는 다음과 같습니다.\n"{message}"\n파일을 닫고 다시 열어 주세요.'
    assert kinds(text) == ["language"]
    assert kinds(text, prompt(asked=f"오류가 나요: {message}")) == []
    assert kinds(text, prompt(passage(message))) == []


def test_an_english_reply_may_name_korean_things() -> None:
    asked = prompt(language="en", asked="My 카카오페이 card does not work")
    assert kinds("Please open 카카오페이 and add your card again.", asked) == []
    assert kinds("Please open the menu 설정 and sign in again.", asked) == []


@pytest.mark.parametrize("stray", ["您好", "ありがとう", "Спасибо", "مرحبا"])
def test_another_script_in_between_is_refused(stray: str) -> None:
    assert kinds(f"{stray} {KOREAN}") == ["language"]
    assert kinds(f"{stray} {ENGLISH}", prompt(language="en")) == ["language"]
    assert kinds(f"{stray} {KOREAN}", prompt(asked=f"제품 이름이 {stray} 입니다")) == []


def test_one_stray_hanja_is_usual() -> None:
    assert kinds(f"{KOREAN} 前 담당자에게도 알렸습니다.") == []
