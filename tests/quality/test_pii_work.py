"""Hostile texts cost what their length costs, and what overlaps goes to the recogniser that comes first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.quality.folding import fold
from ccos.quality.pii import PiiSpan, find, mask
from ccos.quality.pii.recognisers import _matches
from support.steps import steps

PARTS = st.sampled_from(
    ["010-1234-5678", "900101-1234568", "4111-1111-1111-1111", "110-123-456789", "계좌 ", "카드 ", "여권 M12345678",
     "a@b.co", "서울 강남구 테헤란로 1", "김하늘", "하늘", " ", "-", "1", "０１０", "\u200b", "\n", "주문 "]
)  # fmt: skip


def by_definition(text: str, names: list[str]) -> list[PiiSpan]:
    """A match counts when it overlaps none that counted before."""
    folded = fold(text)
    taken: list[tuple[int, int]] = []
    spans = []
    for kind, value, start, end in _matches(folded.text, names):
        if all(end <= left or right <= start for left, right in taken):
            taken.append((start, end))
            spans.append(PiiSpan(kind, *folded.original(start, end), value))
    return sorted(spans, key=lambda span: span.start)


@given(st.lists(PARTS, max_size=12).map("".join))
def test_a_match_counts_when_it_overlaps_none_before_it(text: str) -> None:
    names = ["김하늘", "하늘"]
    assert find(text, names=names) == by_definition(text, names)


def phones(n: int) -> str:
    return " ".join(f"010-{1000 + i // 10_000}-{i % 10_000:04}" for i in range(n))


@pytest.mark.parametrize("work", [find, lambda text: mask([text])])
def test_twice_the_text_is_twice_the_work(work: Callable[[str], object]) -> None:
    once, twice = phones(300), phones(600)
    work(once)
    assert steps(lambda: work(twice)) < 2.2 * steps(lambda: work(once))


def test_the_longest_texts_are_searched_whole() -> None:
    text = phones(400_000 // 14)
    assert len(find(text)) == 400_000 // 14
    (masked,), known = mask([text])
    assert len(known.values) == 400_000 // 14 and "010-" not in masked
