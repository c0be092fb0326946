"""A local model as the product runs it, opened for a benchmark: supervised child, client, provider, slots."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil

from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.domain.tier import Tier
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.openai_wire.from_wire import ChatReader
from ccos.wiring.providers import LOCAL_DIALECT

CALL_SECONDS = 3_600.0
LOAD_SECONDS = 600.0

_noted: ContextVar[dict[str, Any]] = ContextVar("noted")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, the seconds until it was whole, and what the engine says of it.

    `cached` prompt tokens were not read again. `drafted` tokens were guessed, and `accepted` of them right.
    """

    answer: Answer
    seconds: float
    cached: int = 0
    drafted: int = 0
    accepted: int = 0


class _NotingReader(ChatReader):
    """Reads as the product does, and keeps what the engine says in passing."""

    def event(self, data: bytes) -> bool:
        if b'"timings"' in data:
            _noted.get().update(orjson.loads(data))
        return super().event(data)


class _NotingChat(OpenAIChat):
    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._format = replace(self._format, reader=_NotingReader)


class Service:
    """One running model, asked through the provider. `speaking` is the same model in another dialect."""

    def __init__(self, model: LocalModel, session: aiohttp.ClientSession, dialect: Dialect) -> None:
        self.model, self._session = model, session
        plan = model.plan
        card = ProviderCard(
            Tier.LOCAL_MINIMAX, plan.name, plan.name, slots=plan.slots, context_tokens=plan.context_tokens
        )

        def connect(endpoint: Endpoint) -> OpenAIChat:
            return _NotingChat(
                session=session,
                base_url=endpoint.base_url,
                api_key=endpoint.api_key,
                model=plan.name,
                tier=Tier.LOCAL_MINIMAX,
                name=plan.name,
                paid=False,
                leaves_machine=False,
                dialect=dialect,
            )

        self._provider = LocalProvider(model, connect, card, slots=plan.slots)

    def speaking(self, dialect: Dialect) -> Service:
        return Service(self.model, self._session, dialect)

    @property
    def rss(self) -> int:
        """Bytes of the child process, mapped weights included."""
        pid = self.model.status.pid
        return int(psutil.Process(pid).memory_info().rss) if pid else 0

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the child so far: on a busy machine a fairer measure than the clock."""
        pid = self.model.status.pid
        times = psutil.Process(pid).cpu_times() if pid else None
        return times.user + times.system if times else 0.0

    async def tokens(self, text: str) -> list[tuple[int, bytes]]:
        """The tokens of a text: their numbers and their bytes."""
        endpoint = await self.model.endpoint()
        async with self._session.post(
            f"{endpoint.base_url}/tokenize",
            json={"content": text, "with_pieces": True},
            headers=endpoint.headers,
        ) as reply:
            found = (await reply.json())["tokens"]
        pieces = [(token["id"], token["piece"]) for token in found]
        return [(number, p.encode() if isinstance(p, str) else bytes(p)) for number, p in pieces]

    async def letters(self, text: str) -> list[int]:
        """The numbers of the tokens that are one letter of `text` each."""
        return [
            n for n, piece in await self.tokens("\n".join(text)) if piece.decode("utf-8", "ignore") in text
        ]

    async def ask(self, prompt: Prompt) -> Said:
        noted: dict[str, Any] = {}
        mark = _noted.set(noted)
        began = time.perf_counter()
        try:
            answer = await self._provider.answer(prompt, seconds=CALL_SECONDS)
        finally:
            _noted.reset(mark)
        seconds = time.perf_counter() - began
        timings = noted.get("timings", {})
        details = noted.get("usage", {}).get("prompt_tokens_details", {})
        return Said(
            answer,
            seconds,
            details.get("cached_tokens", timings.get("cache_n", 0)),
            timings.get("draft_n", 0),
            timings.get("draft_n_accepted", 0),
        )

    async def ask_all(self, prompts: Sequence[Prompt]) -> tuple[list[Said], float]:
        """All at once, as far as there are slots, and the seconds they took together."""
        began = time.perf_counter()
        said = await asyncio.gather(*(self.ask(prompt) for prompt in prompts))
        return list(said), time.perf_counter() - began


def asking(**more: Any) -> Dialect:
    """The product's dialect with `more` fields in every body."""
    return replace(LOCAL_DIALECT, extra={**LOCAL_DIALECT.extra, **more})


@asynccontextmanager
async def opened(
    plan: ModelPlan, dialect: Dialect = LOCAL_DIALECT, *, tell: Callable[[str], None] = lambda _words: None
) -> AsyncIterator[Service]:
    """A loaded model with the product's client before it; nothing of it is left behind."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(keepalive_seconds=0))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        model = LocalModel(plan, state_dir=Path(folder))
        stack.push_async_callback(model.close, seconds=0)
        tell(f"loading {plan.path.name}")
        await model.start()
        await model.endpoint(seconds=LOAD_SECONDS)
        yield Service(model, session, dialect)
