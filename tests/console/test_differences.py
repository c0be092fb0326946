"""What was changed in a reply, piece by piece."""

import pytest

from ccos.console.differences import MOST_PIECES, Change, changes


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("7일 안에", "7일 안에", ["=7일 안에"]),
        ("3영업일 안에", "5영업일 안에", ["-3", "+5", "=영업일 안에"]),
        ("환불됩니다.", "환불됩니다. 감사합니다.", ["=환불됩니다.", "+ 감사합니다."]),
        ("바로 교환해 드립니다", "교환해 드립니다", ["-바로 ", "=교환해 드립니다"]),
        ("", "새 답", ["+새 답"]),
        ("옛 답", "", ["-옛 답"]),
        ("", "", []),
        ("<b>3만</b>", "<b>4만</b>", ["=<b>", "-3", "+4", "=만</b>"]),
        ("네 🙂", "네 🙏", ["=네 ", "-🙂", "+🙏"]),
    ],
)
def test_changes_are_told_in_words_and_numbers(before, after, told):
    marks = {"same": "=", "out": "-", "in": "+"}
    assert [marks[each.kind] + each.text for each in changes(before, after)] == told


@pytest.mark.parametrize("length", [10, MOST_PIECES])
def test_what_is_told_makes_up_both_texts_however_long_they_are(length):
    before, after = "가 나 " * length, "가 다 나 " * length
    found = list(changes(before, after))
    assert "".join(each.text for each in found if each.kind != "out") == after
    kept_and_out = "".join(each.text for each in found if each.kind != "in")
    assert kept_and_out.split() == before.split()
    assert list(changes(after, after)) == [Change("same", after)]
