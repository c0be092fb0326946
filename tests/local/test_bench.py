"""What a measurement of a model tells, on a real small one. How fast it is, is nobody's promise."""

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.bench import bench
from ccos.local.plan import ModelPlan
from support.tiny_gguf import build_tiny_gguf


async def test_every_figure_is_there_and_hangs_together(tmp_path):
    file = build_tiny_gguf(tmp_path / "m.gguf")
    steps = []
    plan = ModelPlan("bench", file, context_tokens=2048, slots=4, threads=1)
    found = await bench(plan, tokens=16, prompt_tokens=64, on_step=lambda *said: steps.append(said))
    assert [row["streams"] for row in found["streams"]] == [1, 2, 4]
    assert all(row["tokens_per_second"] > 0 and row["answer_seconds"] > 0 for row in found["streams"])
    assert found["prompt_tokens"] >= 64 and found["prompt_tokens_per_second"] > 0
    assert found["first_words_warm_seconds"] > 0 and found["first_words_cold_seconds"] > 0
    assert found["ready_seconds"] > 0 and found["threads"] == 1
    assert steps == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


async def test_a_file_that_cannot_be_loaded_is_told(tmp_path):
    with pytest.raises(ModelUnusable, match="no model file"):
        await bench(ModelPlan("bench", tmp_path / "none.gguf"))
