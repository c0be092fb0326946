"""The proof of an adapter in the real engine: how likely each finds replies it never learnt."""

import math

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.learning.lora.preparing import Example
from ccos.learning.lora.proving import MOST_REPLIES, prove
from support.tiny_adapter import build_adapter
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build_tiny_gguf(tmp_path_factory.mktemp("base") / "base.gguf")


def examples(count: int) -> list[Example]:
    asked = ({"role": "system", "content": "답합니다."}, {"role": "user", "content": "환불은 언제 되나요?"})
    return [Example(asked, f'{{"reply":"{n}일 안에 됩니다."}}', "ko", f"t{n}") for n in range(count)]


async def test_an_adapter_changes_how_likely_replies_are_and_one_of_nothing_does_not(base, tmp_path):
    told: list[tuple[int, int]] = []
    strong = build_adapter(tmp_path / "strong.gguf", seed=3, strength=1.0)
    found = await prove(base, strong, examples(2), threads=1, tell=lambda *now: told.append(now))
    assert found.replies == 2 and told == [(1, 2), (2, 2)]
    assert 1.0 < found.before < math.inf and 1.0 < found.after < math.inf
    assert abs(math.log(found.after / found.before)) > 0.05
    assert found.better == (found.after < found.before)

    nothing = build_adapter(tmp_path / "nothing.gguf", strength=0.0)
    same = await prove(base, nothing, examples(2), threads=1)
    assert same.before == pytest.approx(found.before, rel=0.01) == pytest.approx(same.after, rel=0.01)


async def test_no_more_replies_are_asked_than_prove_something(base, tmp_path):
    adapter = build_adapter(tmp_path / "a.gguf")
    assert (await prove(base, adapter, examples(MOST_REPLIES + 3), threads=1)).replies == MOST_REPLIES


async def test_what_cannot_be_loaded_is_told(base, tmp_path):
    other = build_adapter(tmp_path / "other.gguf", architecture="qwen2")
    with pytest.raises(ModelUnusable, match="architecture qwen2"):
        await prove(base, other, examples(1), threads=1)
    with pytest.raises(ModelUnusable, match="no model file"):
        await prove(tmp_path / "none.gguf", other, examples(1), threads=1)
