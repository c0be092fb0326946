import pytest

from ccos.domain.ticket import Ticket
from support.judging import judge, kinds, marked, passage, prompt


def test_banned_phrases_in_any_spacing_and_case() -> None:
    asked = prompt(banned_phrases=("규정상 안 됩니다", "No way", " "))
    assert kinds("규정상  안\n됩니다. 죄송합니다.", asked) == ["banned"]
    assert marked("그건 규정상 안 됩니다. 죄송합니다.", asked) == ["규정상 안 됩니다"]
    assert kinds("NO WAY 라고요?", asked) == ["banned"]
    assert kinds("규정상 어렵습니다.", asked) == []


def test_a_banned_latin_word_counts_only_alone() -> None:
    asked = prompt(banned_phrases=("ass",))
    assert kinds("Boarding pass를 보여 주세요.", asked) == []
    assert kinds("ass를 보여 주세요.", asked) == ["banned"]


def test_length() -> None:
    asked = prompt(reply_max_characters=100)
    text = "설정 화면에서 알림을 켜 주세요. 앱을 다시 실행해 주세요. 그래도 안 되면 기기를 다시 켜 주세요. 로그인도 다시 해 주세요. 화면 사진도 보내 주시면 좋습니다. 감사합니다."
    assert len(text) <= 100 and kinds(text, asked) == []
    longer = text + " 언제든지 다시 문의해 주세요."
    assert kinds(longer, asked) == ["too_long"]
    assert judge(longer, asked).vetoes[0].span == (100, len(longer))


def test_a_channel_may_take_less() -> None:
    text = "설정 화면에서 알림을 켜 주세요. 앱을 다시 실행해 주세요. 그래도 안 되면 기기를 다시 켜 주세요. 감사합니다."
    asked = Ticket(description="알림이 안 와요", channel="Kakao")
    assert 50 < len(text) < 100
    assert kinds(text, prompt(asked=asked)) == []
    assert kinds(text, prompt(asked=asked, channel_max_characters={"kakao": 50})) == ["too_long"]
    board = asked.model_copy(update={"channel": "board"})
    assert kinds(text, prompt(asked=board, channel_max_characters={"kakao": 50})) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("설정에서 켭니다 [1].", []),
        ("설정에서 켭니다 [1, 2].", []),
        ("설정에서 켭니다 [1][2].", []),
        ("설정에서 켭니다 [3].", ["citation"]),
        ("설정에서 켭니다 [1, 3].", ["citation"]),
        ("설정에서 켭니다 [0].", ["citation"]),
        ("설정에서 켭니다 ［９］.", ["citation"]),
        ("[필독] 설정에서 켭니다.", []),
    ],
)
def test_citations_point_at_passages(text: str, expected: list[str]) -> None:
    assert kinds(text, prompt(passage("설정에서 켭니다"), passage("앱에서 켭니다", n=2))) == expected


def test_a_citation_without_any_evidence() -> None:
    verdict = judge("설정에서 켭니다 [1].")
    assert [(veto.kind, veto.remedy) for veto in verdict.vetoes] == [("citation", "repair")]
