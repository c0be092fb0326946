"""A model that makes vectors of texts, in the same supervised child as one that chats."""

from __future__ import annotations

import math
from pathlib import Path

import aiohttp
import gguf
import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import read_model_file
from ccos.local.plan import pooling
from ccos.local.supervisor import State
from support.local_models import post, running
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


async def vectors(model, *texts: str) -> list[list[float]]:
    found = await post(model, "/v1/embeddings", {"input": list(texts), "model": "tiny"})
    return [row["embedding"] for row in sorted(found["data"], key=lambda row: row["index"])]


async def test_texts_become_vectors_of_length_one_and_the_same_text_the_same_vector(tiny, tmp_path) -> None:
    async with running(tiny, tmp_path, context_tokens=512, embeds=True) as model:
        one, other, again = await vectors(model, "환불을 접수했습니다", "배송은 3일", "환불을 접수했습니다")
        assert len(one) == 64 and math.hypot(*one) == pytest.approx(1.0, abs=1e-5)
        assert math.dist(one, again) < 1e-4 < math.dist(one, other)
        assert model.state is State.UP


async def test_texts_that_are_read_together_get_the_vectors_they_get_alone(tiny, tmp_path) -> None:
    texts = ["환불 " * (n % 7 + 1) + f"문의 {n}번" for n in range(20)]
    async with running(tiny, tmp_path, context_tokens=256, embeds=True) as model:
        together = await vectors(model, *texts)
        alone = [(await vectors(model, text))[0] for text in texts]
    assert max(math.dist(*pair) for pair in zip(together, alone, strict=True)) < 0.01


async def test_a_text_longer_than_the_context_is_refused_and_the_child_lives_on(tiny, tmp_path) -> None:
    async with running(tiny, tmp_path, context_tokens=256, embeds=True) as model:
        with pytest.raises(aiohttp.ClientResponseError):
            await vectors(model, "긴 문장입니다. " * 300)
        assert len(await vectors(model, "짧은 문장")) == 1
        assert model.status.restarts == 0


async def test_a_chat_model_makes_no_vectors_and_is_as_it_was(tiny, tmp_path) -> None:
    async with running(tiny, tmp_path) as model:
        with pytest.raises(aiohttp.ClientResponseError):
            await vectors(model, "안녕하세요")
        said = await post(
            model,
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "안녕"}], "max_tokens": 3},
        )
        assert said["usage"]["completion_tokens"] >= 1


@pytest.mark.parametrize(
    ("told", "means"),
    [
        (None, "mean"),
        (gguf.PoolingType.NONE, "mean"),
        (gguf.PoolingType.CLS, "cls"),
        (gguf.PoolingType.LAST, "last"),
    ],
)
def test_tokens_are_pooled_as_the_file_says(tmp_path, told, means: str) -> None:
    assert pooling(read_model_file(build_tiny_gguf(tmp_path / "m.gguf", pooling=told))) == means


async def test_how_it_pools_is_what_the_engine_does(tmp_path) -> None:
    found = []
    for told in (gguf.PoolingType.MEAN, gguf.PoolingType.LAST):
        file = build_tiny_gguf(tmp_path / f"{told.name}.gguf", pooling=told)
        async with running(file, tmp_path / told.name, context_tokens=256, embeds=True) as model:
            found += await vectors(model, "환불은 언제 되나요?")
    assert math.dist(*found) > 0.1


async def test_a_model_that_ranks_is_no_embedder_and_is_not_started_again(tmp_path) -> None:
    file = build_tiny_gguf(tmp_path / "rank.gguf", pooling=gguf.PoolingType.RANK)
    async with running(file, tmp_path, embeds=True) as model:
        with pytest.raises(ModelUnusable, match="give an embedding model's file"):
            await model.endpoint(seconds=30)
        assert model.state is State.BROKEN and model.status.restarts == 0
