from hypothesis import given
from hypothesis import strategies as st

from ccos.quality.pii import NO_PSEUDONYMS, PLACEHOLDER, find, mask, restore

PIECES = st.sampled_from(
    [
        "010-1234-5678", "０１０－９８７６－５４３２", "a.b@example.com", "900101-1234568", "4111-1111-1111-1111", "김민수",
        "서울 종로구 세종대로 1", "P123456789012", "[전화번호_1]", "[전화번호_2]", "[이메일_1]", "[표기_1]", "[주문번호]",
        "입니다. ", "으로 ", " ", "\n", "\u200b", "주문 ", "계좌 110-123-456789 ", "ㅎㅏㄴ", "①",
    ]
)  # fmt: skip
TEXTS = st.lists(st.lists(PIECES | st.text(max_size=8), max_size=8).map("".join), min_size=1, max_size=4)


@given(TEXTS, TEXTS)
def test_what_was_masked_comes_back_exactly_even_over_two_calls(first: list[str], second: list[str]) -> None:
    masked_first, known = mask(first, names=["김민수"])
    masked_second, grown = mask(second, known, names=["김민수"])
    assert [restore(text, grown) for text in (*masked_first, *masked_second)] == [*first, *second]


@given(TEXTS)
def test_nothing_of_it_is_left_to_be_found(texts: list[str]) -> None:
    (masked, pseudonyms) = mask(texts)
    for original, text in zip(texts, masked, strict=True):
        for span in find(original):
            shown = original[span.start : span.end]
            assert shown in pseudonyms.values.values()
        assert all(match.group() in pseudonyms.values for match in PLACEHOLDER.finditer(text))


def test_placeholders_are_typed_and_the_same_in_all_texts() -> None:
    masked, known = mask(["010-1234-5678로", "또는 010-9999-8888, 010-1234-5678", "a@b.co"])
    assert masked == ("[전화번호_1]로", "또는 [전화번호_2], [전화번호_1]", "[이메일_1]")
    (again,), _ = mask(["010-9999-8888입니다"], known)
    assert again == "[전화번호_2]입니다"


def test_the_customers_name_is_replaced_when_it_is_known() -> None:
    (masked,), known = mask(["김민수입니다"], names=["김민수"])
    assert masked == "[이름_1]입니다"
    assert restore("[이름_1] 고객님", known) == "김민수 고객님"


def test_nobody_can_ask_for_another_value_by_writing_its_placeholder() -> None:
    _, known = mask(["010-1234-5678"])
    (masked,), grown = mask(["제 번호 [전화번호_1] 맞나요?"], known)
    assert "[전화번호_1]" not in masked
    assert restore(masked, grown) == "제 번호 [전화번호_1] 맞나요?"


def test_placeholders_nobody_knows_stay() -> None:
    assert restore("[전화번호_9]로 연락 주세요", NO_PSEUDONYMS) == "[전화번호_9]로 연락 주세요"
