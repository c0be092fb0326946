"""How fast a model file is on this machine, as the product runs it: the supervised child, asked over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from ccos.domain.errors import ModelUnusable
from ccos.local.machine import private_bytes
from ccos.local.plan import ModelPlan
from ccos.local.registry.verifying import started
from ccos.local.supervisor import Endpoint

CALL_SECONDS = 3_600.0
_WORDS = (
    "안녕하세요 고객님, 주문하신 상품의 환불을 접수해 드리겠습니다. 배송은 영업일 기준 3일 안에 완료됩니다. "
)
_FEW = 2


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: tokens read of the prompt and written, seconds until the first words and in all."""

    read: int
    cached: int
    written: int
    first_seconds: float
    seconds: float


async def bench(
    plan: ModelPlan,
    *,
    streams: Sequence[int] = (1, 2, 4),
    tokens: int = 64,
    prompt_tokens: int = 256,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[str, Any]:
    """Tokens a second, seconds to the first words, memory in bytes, seconds from start to ready.

    `plan` needs as many slots as the most streams. Raises ModelUnusable.
    """
    steps = len(streams) + 2
    async with started(plan) as (model, endpoint):
        limit = aiohttp.ClientTimeout(total=CALL_SECONDS)
        connector = aiohttp.TCPConnector(force_close=True)  # the engine closes after every stream
        async with aiohttp.ClientSession(timeout=limit, connector=connector) as http:
            await _ask(http, endpoint, "warm", tokens=_FEW)
            on_step(1, steps)
            system = _text(prompt_tokens)
            cold = await _ask(http, endpoint, "처음", system=system, tokens=_FEW)
            warm = await _ask(http, endpoint, "다음", system=system, tokens=_FEW)
            on_step(2, steps)
            rows = []
            for count in streams:
                rows.append(await _together(http, endpoint, count, tokens))
                on_step(len(rows) + 2, steps)
        status = model.status
        memory = private_bytes(status.pid) if status.pid is not None else None
    return {
        "ready_seconds": round(status.load_seconds or 0.0, 3),
        "threads": plan.threads,
        "prompt_tokens": cold.read,
        "prompt_tokens_per_second": round((cold.read - cold.cached) / cold.first_seconds, 2),
        "first_words_cold_seconds": round(cold.first_seconds, 4),
        "first_words_warm_seconds": round(warm.first_seconds, 4),
        "memory_bytes": memory,
        "streams": rows,
    }


async def _together(
    http: aiohttp.ClientSession, endpoint: Endpoint, count: int, tokens: int
) -> dict[str, Any]:
    """Tokens a second that all streams write together, their short prompts included."""
    began = time.perf_counter()
    answers = await asyncio.gather(*(_ask(http, endpoint, f"{n}", tokens=tokens) for n in range(count)))
    seconds = time.perf_counter() - began
    written = sum(answer.written for answer in answers)
    return {
        "streams": count,
        "tokens_per_second": round(written / seconds, 2),
        "answer_seconds": round(seconds, 4),
    }


async def _ask(
    http: aiohttp.ClientSession, endpoint: Endpoint, text: str, *, tokens: int, system: str = "-"
) -> Answered:
    """Raises ModelUnusable when the answer breaks off."""
    body = {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": text}],
        "max_tokens": tokens,
        "temperature": 0.2,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    began, first, usage = time.perf_counter(), None, None
    try:
        async with http.post(f"{endpoint.base_url}/v1/chat/completions", json=body, headers=headers) as reply:
            reply.raise_for_status()
            async for line in reply.content:
                if not line.startswith(b"data: {"):
                    continue
                said = json.loads(line[6:])
                if first is None and any(
                    choice["delta"].get("content") is not None for choice in said.get("choices", ())
                ):
                    first = time.perf_counter() - began
                usage = said.get("usage") or usage
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as fault:
        raise ModelUnusable(f"The model broke off in the middle ({type(fault).__name__}).") from fault
    if usage is None:
        raise ModelUnusable("The model answered without saying how many tokens it read and wrote.")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    whole = time.perf_counter() - began
    # A few tokens may make no whole letter, and then nothing is sent before the end.
    return Answered(usage["prompt_tokens"], cached, usage["completion_tokens"], first or whole, whole)


def _text(tokens: int) -> str:
    """About so many tokens or more: a Korean syllable is seldom less than half of one."""
    return (_WORDS * (tokens // 30 + 1))[: tokens * 2]
