import pytest

from ccos.quality import HeuristicBaseline
from support.judging import reading

FULL = "고객님, 안녕하세요. 말씀하신 문제는 설정 메뉴에서 해결할 수 있습니다. 아래 순서대로 확인 부탁드립니다. 감사합니다."


@pytest.mark.parametrize(
    ("text", "tenths"),
    [
        ("", 0),
        (FULL, 10),
        ("customer support will check it." + " padding" * 5, 8),  # everything but Hangul
        ("가" * 49, 2),
        ("가" * 50, 4),
        ("가" * 1000, 4),
        ("가" * 1001, 2),
        ("고객", 5),
        ("문의", 7),  # one word is in both lists
        ("x.", 1),
    ],
)
def test_points(text: str, tenths: int) -> None:
    score, parts = HeuristicBaseline().score(reading(text))
    assert score == tenths / 10
    assert round(sum(value for _, value in parts) * 10) == tenths


def test_eight_tenths_reach_a_bar_of_eight_tenths() -> None:
    text = "customer support will check it." + " padding" * 5
    assert HeuristicBaseline().score(reading(text))[0] >= 0.8


def test_it_says_that_it_is_a_baseline() -> None:
    assert HeuristicBaseline.name == "heuristic-baseline"
    assert "no signal" in (HeuristicBaseline.__doc__ or "")
