"""The tiny model that speaks in placeholders: the file from the box, or one of `ccos train tiny`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from ccos.domain.errors import ModelUnusable
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.gguf import read_model_file
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.tiny import TinyDrafter, grammar_of, speaks_placeholders
from ccos.settings import Settings
from ccos.wiring.models import Named

DIALECT = Dialect(schema="grammar", grammar=grammar_of, return_progress=True, logprobs=True)
CONTEXT_TOKENS = 512
"""What such a file is trained for."""
_ANY_LENGTH = 1_000_000
"""Tokens of a prompt it takes: it reads only what the provider shortened."""
_LARGEST_BYTES = 64 * 2**20


def drafts_placeholders(path: Path) -> bool:
    """Whether `ccos train tiny` made the file; what else is wrong with one, its supervisor tells."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return False
        return speaks_placeholders(read_model_file(path).control_tokens)
    except (OSError, ModelUnusable):
        return False


async def open_drafter(
    settings: Settings,
    stack: AsyncExitStack,
    tier: Tier,
    path: Path,
    *,
    name: str = "tiny",
    state_dir: Path | None = None,
) -> tuple[TinyDrafter, LocalModel]:
    """The drafter on a model in a child process of its own, which is being loaded."""
    threads = settings.tinyllama_threads or decoding_threads()
    plan = ModelPlan(
        name=name,
        path=path,
        context_tokens=CONTEXT_TOKENS,
        slots=settings.tinyllama_slots,
        threads=threads,
        gpu_layers=settings.tinyllama_gpu_layers,
        cache_mib=8,
    )
    session = await stack.enter_async_context(open_session(keepalive_seconds=0))
    model = LocalModel(plan, state_dir=state_dir or settings.folder / "models" / name)
    stack.push_async_callback(model.close)
    await model.start()
    card = ProviderCard(tier, name, path.stem, context_tokens=_ANY_LENGTH, slots=plan.slots)

    def connect(endpoint: Endpoint) -> Named:
        chat = OpenAIChat(
            session=session,
            base_url=endpoint.base_url,
            model=path.stem,
            api_key=endpoint.api_key,
            tier=tier,
            name=name,
            paid=False,
            leaves_machine=False,
            context_tokens=CONTEXT_TOKENS,
            dialect=DIALECT,
        )
        return Named(chat, endpoint.called(path.stem))

    return TinyDrafter(LocalProvider(model, connect, card, slots=plan.slots)), model
