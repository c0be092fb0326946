"""The embedding model of the settings, and the file that says what was learned of it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ccos.domain.errors import BadInput
from ccos.domain.money import micro_usd
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.providers.embeddings import Embeddings, LocalEmbeddings
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint
from ccos.quality.likeness import LikenessOdds
from ccos.settings import Settings
from ccos.tiers.budget import Budget
from ccos.tiers.daily_budget import DailyBudget
from ccos.tiers.embedder import Embedder
from ccos.tiers.ledger import Ledger
from ccos.wiring.database import open_database, open_urls
from ccos.wiring.upstreams import leaves_network

FILE = "embedding.json"
NAME = "embedding"
CONTEXT_TOKENS = 512
"""Of one sentence or line of a passage; they are cut at 300 characters."""

_ODDS = TypeAdapter(dict[str, LikenessOdds])


def embedding_model(settings: Settings) -> str | None:
    """The name of the model that is set up, under which it is proven; None where there is none."""
    if settings.embedding_base_url is not None:
        return settings.embedding_model
    path = settings.embedding_model_path
    return None if path is None else path.stem


async def open_embedder(
    settings: Settings, budget: Budget | None, stack: AsyncExitStack, ledger: Ledger | None = None
) -> tuple[Embedder, LocalModel | None] | None:
    """The embedder of the settings with what was learned of it, and its process where it is a file.

    None where there is none, or a server without a model's name. Loading is begun, not awaited.
    """
    model = embedding_model(settings)
    if model is None:
        return None
    odds = read_embeddings(settings.folder).get(model)
    url, path = settings.embedding_base_url, settings.embedding_model_path
    session = await stack.enter_async_context(open_session(keepalive_seconds=15.0 if url else 0))
    if url is not None:
        outside = leaves_network(url)
        tier = Tier.CLOUD_PREMIUM if outside else Tier.LOCAL_MINIMAX
        key = settings.embedding_api_key
        client = Embeddings(
            session=session, base_url=url, model=model, api_key=key.get_secret_value() if key else None
        )
        card = ProviderCard(tier, NAME, model, paid=outside, leaves_machine=outside)
        price = settings.embedding_price
        embedder = Embedder(client, card, odds, budget=budget, ledger=ledger, usd_per_million=price)
        stack.push_async_callback(embedder.aclose)
        return embedder, None
    assert path is not None
    plan = ModelPlan(name=NAME, path=path, context_tokens=CONTEXT_TOKENS, cache_mib=0, embeds=True)
    local = LocalModel(plan, state_dir=settings.folder / "models" / NAME)
    stack.push_async_callback(local.close)
    await local.start()

    def connect(endpoint: Endpoint) -> Embeddings:
        return Embeddings(session=session, base_url=endpoint.base_url, model=model, api_key=endpoint.api_key)

    card = ProviderCard(Tier.LOCAL_TINYLLAMA, NAME, model, context_tokens=CONTEXT_TOKENS, slots=plan.slots)
    embedder = Embedder(LocalEmbeddings(local, connect), card, odds)
    stack.push_async_callback(embedder.aclose)
    return embedder, local


@asynccontextmanager
async def open_trial(settings: Settings, *, load_seconds: float) -> AsyncIterator[Embedder]:
    """The embedder alone, loaded; with the day's money where it is paid for, and nothing else of the product.

    Raises BadInput when none is set up, ModelUnusable when its file cannot be used.
    """
    async with AsyncExitStack() as stack:
        budget = await _money(settings, stack)
        opened = await open_embedder(settings, budget, stack)
        if opened is None:
            raise BadInput(
                "No embedding model is set up: give its file as CCOS_EMBEDDING_MODEL_PATH, or its server as "
                "CCOS_EMBEDDING_BASE_URL and its name there as CCOS_EMBEDDING_MODEL."
            )
        embedder, local = opened
        if local is not None:
            await local.endpoint(seconds=load_seconds)
        yield embedder


async def _money(settings: Settings, stack: AsyncExitStack) -> DailyBudget | None:
    if settings.embedding_base_url is None or not leaves_network(settings.embedding_base_url):
        return None
    database = await open_database(await open_urls(settings, stack), stack)
    limit, zone = micro_usd(settings.daily_llm_cost_limit), ZoneInfo(settings.timezone)
    budget = DailyBudget(database, limit, zone, enforced=settings.enable_cost_based_fallback)
    stack.push_async_callback(budget.close)
    return budget


def read_embeddings(folder: Path) -> dict[str, LikenessOdds]:
    """What was learned, by model name; nothing without a file. Raises BadInput for one that is no such."""
    try:
        return _ODDS.validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError:
        sentence = (
            f"{folder / FILE} is not what `ccos eval embedding --save` wrote; remove it and save again."
        )
        raise BadInput(sentence) from None


def write_embedding(folder: Path, model: str, odds: LikenessOdds) -> Path:
    """Adds what was learned of a model to the file, whole or not at all."""
    known: Mapping[str, LikenessOdds] = {**read_embeddings(folder), model: odds}
    folder.mkdir(parents=True, exist_ok=True)
    path, fresh = folder / FILE, folder / f"{FILE}.{os.getpid()}"
    body = {name: each.model_dump() for name, each in sorted(known.items())}
    fresh.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path
