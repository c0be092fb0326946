"""What a clause leaves the customer to do, and words that mean the same."""

from __future__ import annotations

import pytest

from ccos.quality.features.sources import source
from ccos.quality.features.stance import stance
from ccos.quality.features.support import Held


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("반품하실 수 있습니다", "allowed"),
        ("반품하실 수 없습니다", "refused"),
        ("반품은 어렵습니다", "refused"),
        ("사진을 보내셔야 합니다", "bound"),
        ("사진은 보내지 않으셔도 됩니다", "spared"),
        ("따로 신청하실 필요는 없습니다", "spared"),
        ("상품은 창고에 있습니다", ""),
        ("you do not need to send it back", "spared"),
        ("you cannot send it back", "refused"),
        ("you must send it back", "bound"),
        ("you can send it back", "allowed"),
    ],
)
def test_a_clause_allows_refuses_binds_or_spares(text, told):
    assert stance(text) == told


def test_another_word_for_the_same_thing_counts_for_the_meaning():
    said, known = source("오가는 운임은 고객님이 내십니다."), source("왕복 배송비는 고객님이 부담하십니다.")
    held = Held(said.words, [known])
    assert held.meaning(said.words) > held.of(said.words)
    assert all(held.knows(word) for word in said.words if word.written == "운임은")
