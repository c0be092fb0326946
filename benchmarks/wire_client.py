"""CPU per request of the cloud clients beside plain aiohttp, against one fake upstream in one run.

    python benchmarks/wire_client.py [--requests N]

The upstream runs in a process of its own, so that the CPU counted is the client's. Rounds alternate, the
middle one of each row is shown, and a fixed piece of work is timed first, to compare machines by.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import orjson

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.http import open_session
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.openai_wire.to_wire import to_wire

UPSTREAM = Path(__file__).parents[1] / "tests" / "support" / "fake_upstream.py"
PROMPT = Prompt(Task.SOLUTION_DRAFT, "짧게 답하세요.", (Turn("user", "언제 도착하나요?"),))
ROUNDS = 5

Call = Callable[[], Awaitable[object]]


async def measure(calls: dict[str, Call], requests: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of CPU and of wall time per request, for each call: the middle of all rounds."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(20):
            await call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(requests):
                await call()
            spent[name].append(
                (
                    (time.process_time() - cpu) / requests * 1000,
                    (time.perf_counter() - wall) / requests * 1000,
                )
            )
    return {
        name: (statistics.median(c for c, _ in rounds), statistics.median(w for _, w in rounds))
        for name, rounds in spent.items()
    }


async def compare(origin: str, requests: int) -> None:
    async with aiohttp.ClientSession() as raw, open_session() as session:
        whole = {**to_wire(PROMPT, "gpt-4o", Dialect()), "stream": False}
        streamed = {**whole, "stream": True}
        url = f"{origin}/v1/chat/completions"
        openai = OpenAIChat(session=session, base_url=f"{origin}/v1", model="gpt-4o", api_key="sk-x")
        anthropic = AnthropicMessages(
            session=session, base_url=origin, model="claude-sonnet-4-5", api_key="k"
        )

        async def post_document() -> object:
            async with raw.post(url, data=orjson.dumps(whole)) as response:
                return orjson.loads(await response.read())

        async def post_stream() -> object:
            async with raw.post(url, data=orjson.dumps(streamed)) as response:
                return await response.read()

        rows = await measure(
            {
                "aiohttp, one document": post_document,
                "aiohttp, stream read and dropped": post_stream,
                "OpenAIChat (streams)": lambda: openai.answer(PROMPT, seconds=10),
                "AnthropicMessages (streams)": lambda: anthropic.answer(PROMPT, seconds=10),
            },
            requests,
        )
    base = rows["aiohttp, stream read and dropped"][0]
    print(f"{'client':34} {'CPU ms':>8} {'wall ms':>8} {'CPU ratio':>10}")
    for name, (cpu, wall) in rows.items():
        print(f"{name:34} {cpu:8.3f} {wall:8.3f} {cpu / base:10.2f}")


def fixed_work() -> float:
    """Milliseconds of one fixed job, the best of five: says how fast, and how busy, this machine is."""

    def job() -> float:
        started = time.perf_counter()
        for i in range(3_000):
            json.dumps({"n": i, "text": "고객님 " * 20})
        return (time.perf_counter() - started) * 1000

    return min(job() for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=300, help="per round and client")
    options = parser.parse_args()
    python = sys.version.split()[0]
    print(f"fixed work {fixed_work():.0f} ms, Python {python}, {options.requests} requests a round")
    upstream = subprocess.Popen(
        [sys.executable, str(UPSTREAM), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert upstream.stdout is not None
        origin = upstream.stdout.readline().split("/v1")[0].split()[-1]
        asyncio.run(compare(origin, options.requests))
    finally:
        upstream.terminate()
        upstream.wait(timeout=10)


if __name__ == "__main__":
    main()
