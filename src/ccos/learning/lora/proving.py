"""Whether an adapter does in the engine what it was trained for: held-out replies become likelier."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from ccos.domain.errors import ModelUnusable
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.learning.lora.preparing import Example
from ccos.local.adapters import Adapter
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.providers.http import open_session
from ccos.providers.openai_wire import Dialect, OpenAIChat

MOST_REPLIES = 20
LOAD_SECONDS, REPLY_SECONDS = 300.0, 300.0
_WITH, _WITHOUT = UUID(int=1), UUID(int=2)


@dataclass(frozen=True, slots=True)
class Proof:
    """Perplexities of `replies` held-out replies, without the adapter and with it."""

    replies: int
    before: float
    after: float

    @property
    def better(self) -> bool:
        return self.after < self.before


async def prove(
    model: Path,
    adapter: Path,
    held: Sequence[Example],
    *,
    threads: int | None = None,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Proof:
    """Loads the adapter beside the model and lets both write the held-out replies, token by token.

    A grammar leaves one text to write, and the engine says how likely each token was before the grammar.
    Raises ModelUnusable when model or adapter cannot be loaded, ProviderError when it does not answer.
    """
    asked = held[:MOST_REPLIES]
    new = Adapter("new", adapter, tenants=(str(_WITH),))
    plan = ModelPlan("adapter-proof", model, slots=1, cache_mib=0, adapters=(new,))
    if threads is not None:
        plan = replace(plan, threads=threads)
    with tempfile.TemporaryDirectory(prefix="ccos-lora-") as folder:
        running = LocalModel(plan, state_dir=Path(folder))
        try:
            await running.start()
            endpoint = await running.endpoint(seconds=LOAD_SECONDS)
            if not endpoint.adapters:
                raise ModelUnusable(running.reason)
            async with open_session(keepalive_seconds=0) as session:
                chat = OpenAIChat(
                    session=session,
                    base_url=endpoint.base_url,
                    model="adapter-proof",
                    api_key=endpoint.api_key,
                    paid=False,
                    leaves_machine=False,
                    dialect=Dialect(
                        schema="grammar",
                        grammar=_only,
                        return_progress=True,
                        logprobs=True,
                        extra_of=endpoint.extra_of,
                    ),
                )
                found: dict[UUID, list[float]] = {_WITHOUT: [], _WITH: []}
                for number, example in enumerate(asked, start=1):
                    for who, heard in found.items():
                        prompt = replace(_prompt(example), tenant_id=who)
                        heard += (await chat.answer(prompt, seconds=REPLY_SECONDS)).logprobs
                    tell(number, len(asked))
        finally:
            await running.close(seconds=0)
    before, after = (math.exp(-sum(heard) / max(len(heard), 1)) for heard in found.values())
    return Proof(len(asked), before, after)


def _prompt(example: Example) -> Prompt:
    system = "".join(each["content"] for each in example.messages if each["role"] == "system")
    turns = tuple(
        Turn("assistant" if each["role"] == "assistant" else "user", each["content"])
        for each in example.messages
        if each["role"] != "system"
    )
    most = len(example.reply.encode()) + 1
    return Prompt(
        Task.SOLUTION_DRAFT, system, turns, schema={"const": example.reply}, max_tokens=most, temperature=0
    )


def _only(schema: Any) -> str:
    """The grammar of one text."""
    return f"root ::= {json.dumps(schema['const'], ensure_ascii=False)}"
