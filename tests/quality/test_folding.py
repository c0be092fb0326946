import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ccos.quality.folding import fold, sentences, storable

KOREAN = st.text(
    alphabet="가힣ㅎㅏㄴ각한①ﬁ０１２９～（）　-–—\u200b\u00ad\u1112\u1161\u11abé\u0301 az09.\n", max_size=60
)


@given(KOREAN | st.text(max_size=40))
def test_every_folded_character_knows_where_it_came_from(text: str) -> None:
    folded = fold(text)
    last = 0
    for at in range(len(folded.text)):
        start, end = folded.original(at, at + 1)
        assert 0 <= start < end <= len(text)
        assert start >= last
        last = start


@given(st.text(alphabet="가각힣한\u1112\u1161\u11ab０９Ａ（）①㎏é\u0301az09 .", max_size=40))
def test_it_is_nfkc(text: str) -> None:
    assert fold(text).text == unicodedata.normalize("NFKC", text)


def test_dashes_are_one_and_joiners_vanish() -> None:
    assert fold("1–2—3−4\u200b5\ufeff６").text == "1-2-3-456"


def test_split_hangul_is_composed_and_its_span_is_whole() -> None:
    text = "\u1112\u1161\u11ab글"
    folded = fold(text)
    assert folded.text == "한글"
    assert folded.original(0, 1) == (0, 3)
    assert folded.original(1, 2) == (3, 4)


def test_sentences_end_at_stops_and_lines_but_not_inside_numbers() -> None:
    text = "금액은 3.5만원입니다.확인해 주세요!  감사합니다.\n\n- 설정 > 계정\nv1.2 is out. Bye"
    assert [text[a:b] for a, b in sentences(text)] == [
        "금액은 3.5만원입니다.",
        "확인해 주세요!",
        "감사합니다.",
        "- 설정 > 계정",
        "v1.2 is out.",
        "Bye",
    ]


def test_what_cannot_be_stored_is_dropped_at_any_depth() -> None:
    assert storable({"a\0": ["x\ud800y", {"b": "\0"}, 1, None]}) == {"a": ["xy", {"b": ""}, 1, None]}
