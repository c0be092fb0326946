"""Two real llama.cpp servers as one tier, and one of them killed while both work."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.supervisor import LocalModel
from ccos.providers.http import open_session
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.pool import Pool
from support.local_models import asking, running, until
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough that an answer is still being written when its server is killed."""
    return build_tiny_gguf(tmp_path_factory.mktemp("model") / "slow.gguf", width=256, layers=4)


async def pool_of(stack: AsyncExitStack, *models: LocalModel) -> Pool:
    session = await stack.enter_async_context(open_session(keepalive_seconds=0))
    servers = []
    for number, model in enumerate(models, start=1):
        endpoint = await model.endpoint(seconds=30)
        servers.append(
            OpenAIChat(
                session=session,
                base_url=endpoint.base_url,
                api_key=endpoint.api_key,
                model="tiny",
                tier=Tier.LOCAL_MINIMAX,
                name=f"server-{number}",
                paid=False,
                leaves_machine=False,
                slots=model.plan.slots,
                dialect=Dialect(schema="none", extra={"ignore_eos": True}),
            )
        )
    return Pool(servers, ProviderCard(Tier.LOCAL_MINIMAX, "minimax", "tiny", slots=4))


async def test_a_server_killed_under_load_costs_no_answer(slow: Path, tmp_path: Path) -> None:
    async with (
        AsyncExitStack() as stack,
        running(slow, tmp_path / "a") as a,
        running(slow, tmp_path / "b") as b,
    ):
        pool = await pool_of(stack, a, b)
        slots = asyncio.Semaphore(4)
        ended: list[str] = []

        async def one(number: int) -> None:
            prompt = asking(f"주문 {number}번은 언제 오나요?", max_tokens=120)
            async with slots:
                answer = await pool.answer(prompt, seconds=60)
            assert answer.text
            ended.append(answer.provider)

        calls = [asyncio.create_task(one(number)) for number in range(24)]

        def both_worked_and_the_first_does() -> bool:
            return set(ended) == {"server-1", "server-2"} and pool.loads[0].in_flight > 0

        await until(both_worked_and_the_first_does, seconds=60)
        left = 24 - len(ended)
        assert a.status.pid is not None
        os.kill(a.status.pid, signal.SIGKILL)
        await asyncio.gather(*calls)

        assert len(ended) == 24, "every question was answered, and once"
        assert left > 4 and set(ended[-(left - 4) :]) == {"server-2"}
        assert {load.name: bool(load.failures) for load in pool.loads} == {
            "server-1": True,
            "server-2": False,
        }


async def test_the_model_list_of_a_real_server_wakes_it_again(slow: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, running(slow, tmp_path / "a") as a:
        pool = await pool_of(stack, a)
        assert await pool.alive(seconds=5)
        await a.close(seconds=0)
        assert not await pool.alive(seconds=5)
