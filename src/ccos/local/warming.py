"""Lets an idle model read the texts that every prompt of a task begins with, ahead of traffic.

The engine keeps what it has read and takes it up again where a prompt begins alike, also after other prompts
had the slot. So each text is read once, by whichever slot is free, and customers come first: nothing is begun
while an answer is written, and what was begun is given up when one arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

LOOK_SECONDS = 0.25
"""How often it is seen whether a customer waits."""


async def warm(
    http: aiohttp.ClientSession,
    base_url: str,
    headers: Mapping[str, str],
    systems: Sequence[str],
    *,
    look_seconds: float = LOOK_SECONDS,
) -> int:
    """Have each system text read; how many were. Gives up quietly when the server is gone: cold is slow, not
    wrong.
    """
    read = 0
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
        for system in systems:
            # only the server knows when it is idle
            while not await _read(http, base_url, headers, system, look_seconds):  # noqa: ASYNC110
                await asyncio.sleep(look_seconds)
            read += 1
    return read


async def _read(
    http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str], system: str, look_seconds: float
) -> bool:
    """Whether the text was read to its end."""
    if await _busy(http, base_url, headers):
        return False
    reading = asyncio.create_task(_post(http, base_url, headers, system))
    try:
        while not (await asyncio.wait([reading], timeout=look_seconds))[0]:
            if await _busy(http, base_url, headers) > 1:
                return False
        await reading
        return True
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _post(http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str], system: str) -> None:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "."}]
    body = {"messages": messages, "max_tokens": 1, "stream": True, "return_progress": True}
    async with http.post(f"{base_url}/v1/chat/completions", json=body, headers=headers) as reply:
        reply.raise_for_status()
        await reply.read()


async def _busy(http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> int:
    async with http.get(f"{base_url}/slots", headers=headers) as reply:
        reply.raise_for_status()
        slots: list[dict[str, Any]] = await reply.json()
    return sum(bool(slot["is_processing"]) for slot in slots)
