"""Long tickets are cut where nothing personal is torn apart."""

from __future__ import annotations

import pytest

from ccos.agents.prompts import _cut
from ccos.quality.pii import find


@pytest.mark.parametrize("value", ["010-1234-5678", "010 1234 5678", "900101-1234568", "김민수 고객님"])
@pytest.mark.parametrize("into", range(1, 14, 2))
def test_no_fragment_of_personal_data_is_left(value: str, into: int) -> None:
    most = 600
    before = ("가나 " * 300)[: most - into - 1] + " "
    cut = _cut(f"{before}{value} 로 연락 주세요" + " 끝" * 300, most)
    assert len(cut) <= most
    assert "010" not in cut or any(span.kind == "phone" for span in find(cut))
    assert "9001" not in cut or any(span.kind == "resident" for span in find(cut))
    assert "김" not in cut or "김민수" in cut


def test_words_stay_whole() -> None:
    assert _cut("하나 두울 세엣", 7) == "하나 두울"
    assert _cut("하나 두울", 5) == "하나 두울"
    assert _cut("하나 두울 ", 5) == "하나 두울"


def test_a_text_without_blanks_is_cut_all_the_same() -> None:
    assert _cut("가" * 900, 600) == "가" * 600
