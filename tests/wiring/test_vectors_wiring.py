"""Vectors for search through the whole product: the setting, the worker's job, and what a search finds."""

from __future__ import annotations

import asyncio

import pytest

from ccos import worker
from ccos.domain.errors import BadSetting
from ccos.settings import load
from ccos.wiring.vectors import vectors_model

SERVER = {"embedding_base_url": "http://127.0.0.1:9/v1", "embedding_model": "m"}


def setting(**given):
    names = {f"CCOS_{name.upper()}": value for name, value in given.items()}
    return load({}, **names)


@pytest.mark.parametrize(
    "given", [{}, {"embedding_base_url": "http://127.0.0.1:9/v1"}, {"embedding_model": "m"}]
)
def test_vectors_need_a_model(given):
    with pytest.raises(BadSetting) as fault:
        setting(search_vectors="on", **given)
    [sentence] = fault.value.facts["problems"]
    assert sentence.startswith("CCOS_SEARCH_VECTORS: on needs an embedding model: give its file")


def test_vectors_are_off_unless_somebody_wants_them():
    assert vectors_model(setting(**SERVER)) is None
    assert vectors_model(setting(search_vectors="on", **SERVER)) == "m"
    assert vectors_model(setting(search_vectors="on", embedding_model_path="/models/e5.gguf")) == "e5"


async def test_a_worker_without_vectors_waits_and_ends_when_it_is_told():
    class Without:
        vectors = None

    job = asyncio.create_task(worker.read_passages(Without()))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
