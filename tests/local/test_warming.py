"""Prompts read ahead of traffic: by an idle model, once each, and never before a customer's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ccos.local.supervisor import LocalModel
from ccos.local.warming import warm
from support.local_models import busy_slots, post, running, until
from support.tiny_gguf import build_tiny_gguf

SYSTEMS = (
    "You help customers of a shoe shop. " * 8,
    "당신은 고객센터 상담사를 돕습니다. " * 8,
    "Search the shelf. " * 9,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("model") / "slow.gguf", width=512, layers=6)


async def ask(model: LocalModel, system: str, number: int = 0, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"hello {number}"}]
    return await post(model, "/v1/chat/completions", {"messages": messages, "max_tokens": 1, **more})


def cached_share(answer: dict[str, Any]) -> float:
    usage = answer["usage"]
    return usage["prompt_tokens_details"]["cached_tokens"] / usage["prompt_tokens"]


async def test_an_idle_model_reads_every_text_and_keeps_them_all(tiny, tmp_path):
    async with running(tiny, tmp_path, warm_system=SYSTEMS) as model:
        await model.endpoint(seconds=30)
        await until(lambda: _read_so_far(model, len(SYSTEMS)))
        for number in range(2):
            assert [cached_share(await ask(model, s, number)) > 0.7 for s in SYSTEMS] == [True] * 3


async def _read_so_far(model: LocalModel, wanted: int) -> bool:
    """Each text is its own prompt: the engine has counted the tokens of all of them, and rests."""
    endpoint = await model.endpoint(seconds=1)
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{endpoint.base_url}/metrics") as reply,
    ):
        lines = (await reply.text()).splitlines()
    done = [float(line.split()[1]) for line in lines if line.startswith("llamacpp:tokens_predicted_total")]
    return bool(done) and done[0] >= wanted and not await busy_slots(model)


async def test_a_customer_comes_first(slow, tmp_path):
    """While an answer is written nothing is warmed, and what was begun is given up."""
    async with running(slow, tmp_path) as model:
        endpoint = await model.endpoint(seconds=30)
        headers = {"Authorization": f"Bearer {endpoint.api_key}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            customer = asyncio.create_task(ask(model, "-", max_tokens=300, ignore_eos=True))
            await until(lambda: busy_slots(model))
            warming = asyncio.create_task(
                warm(http, endpoint.base_url, headers, SYSTEMS[:1], look_seconds=0.01)
            )
            most = 0
            while not customer.done():
                most = max(most, await busy_slots(model))
            assert most == 1
            await customer
            assert await warming == 1
        assert cached_share(await ask(model, SYSTEMS[0])) > 0.7


async def test_a_server_that_goes_away_ends_it_quietly(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        endpoint = await model.endpoint(seconds=30)
    async with aiohttp.ClientSession() as http:
        assert await warm(http, endpoint.base_url, {}, SYSTEMS) == 0
