"""Real local models for tests: a tiny file, the real engine, the real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from ccos.domain.prompt import Prompt, ProviderCard, Turn
from ccos.domain.tier import Task, Tier
from ccos.local.grammar import to_gbnf
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel, Patience, State
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat

QUICK = Patience(load_seconds=30, heartbeat_seconds=0.2, backoff_seconds=0.05, exits_allowed=3)
"""The real supervision with short waits, so that a test of it does not take minutes; a busy machine may take
its time over one look all the same.
"""


def model_processes() -> list[psutil.Process]:
    """Our living children that hold a model; a test run has others (a browser, a server, a tracker)."""
    found = []
    for child in psutil.Process().children():
        try:
            if child.status() != psutil.STATUS_ZOMBIE and "ccos.local.worker" in child.cmdline():
                found.append(child)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it ended while we looked
    return found


@asynccontextmanager
async def running(
    file: Path,
    state_dir: Path,
    *,
    patience: Patience = QUICK,
    context_tokens: int = 4096,
    available: Callable[[], int | None] | None = None,
    **plan: Any,
) -> AsyncIterator[LocalModel]:
    """A started model, closed at the end. It may still be loading."""
    described = ModelPlan(name="tiny", path=file, context_tokens=context_tokens, threads=1, **plan)
    more = {"available": available} if available else {}
    model = LocalModel(described, state_dir=state_dir, patience=patience, **more)
    await model.start()
    try:
        yield model
    finally:
        await model.close(seconds=0)


@asynccontextmanager
async def provider_of(
    model: LocalModel, grammar: Callable[[Any], str] = to_gbnf, **options: Any
) -> AsyncIterator[LocalProvider]:
    """The provider as the product wires it: grammar dialect, streamed, one session."""
    dialect = Dialect(schema="grammar", grammar=grammar, return_progress=True, logprobs=True)
    async with open_session(keepalive_seconds=0) as session:  # the engine closes after every stream

        def connect(endpoint: Endpoint) -> OpenAIChat:
            return OpenAIChat(
                session=session,
                base_url=endpoint.base_url,
                api_key=endpoint.api_key,
                model="tiny",
                tier=Tier.LOCAL_TINYLLAMA,
                name="local",
                paid=False,
                leaves_machine=False,
                dialect=replace(dialect, extra_of=endpoint.extra_of),
            )

        plan = model.plan
        card = ProviderCard(
            Tier.LOCAL_TINYLLAMA, "local", "tiny", context_tokens=plan.context_tokens, slots=plan.slots
        )
        yield LocalProvider(model, connect, card, **options)


def asking(text: str, **options: Any) -> Prompt:
    """A prompt of one customer message."""
    return Prompt(Task.SOLUTION_DRAFT, "You help customers.", (Turn("user", text),), **options)


async def get(model: LocalModel, path: str) -> Any:
    """What the engine itself answers to a GET."""
    return await _ask(model, "GET", path, None)


async def post(model: LocalModel, path: str, body: dict[str, Any]) -> Any:
    """What the engine itself answers to a POST."""
    return await _ask(model, "POST", path, body)


async def _ask(model: LocalModel, method: str, path: str, body: dict[str, Any] | None) -> Any:
    endpoint = await model.endpoint(seconds=30)
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, endpoint.base_url + path, json=body) as reply,
    ):
        reply.raise_for_status()
        return await reply.json()


async def until(condition: Callable[[], Any], *, seconds: float = 20.0) -> None:
    """Wait for something to become true; a test that waits in vain fails here."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)


async def busy_slots(model: LocalModel) -> int:
    return sum(slot["is_processing"] for slot in await get(model, "/slots"))


def is_state(model: LocalModel, state: State) -> Callable[[], bool]:
    return lambda: model.state is state
