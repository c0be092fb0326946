"""Which providers the settings ask for, opened under the given stack."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from ccos.domain.errors import ModelUnusable
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.grammar import to_gbnf
from ccos.local.supervisor import LocalModel, ModelPlan
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.anthropic_wire import dialect_for as anthropic_dialect
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat, dialect_for
from ccos.providers.prices import Prices
from ccos.providers.prices import load as load_prices
from ccos.providers.rules import RuleBased
from ccos.settings import Settings
from ccos.tiers.privacy import Masked
from ccos.tiers.provider import Provider
from ccos.tiers.tuned import Tuned

OPENAI_HOST = "api.openai.com"
LOCAL_DIALECT = Dialect(schema="grammar", grammar=to_gbnf, bounds=True, return_progress=True)
SERVER_DIALECT = Dialect(schema="json_schema", bounds=True)


async def open_providers(
    settings: Settings, stack: AsyncExitStack
) -> tuple[list[Provider], list[LocalModel]]:
    """Every configured provider, best first within a tier, and the local models that are being loaded.

    The rules are always among them. Loading is begun, not awaited: until a model is up, its tier is skipped.
    """
    providers: list[Provider] = [*await _cloud(settings, stack)]
    models: list[LocalModel] = []
    for tier, name, path, url in _local_wishes(settings):
        if url is not None:
            providers.append(_tuned(settings, await _server(settings, stack, tier, name, url)))
        elif path is not None:
            provider, model = await _file(settings, stack, tier, name, path)
            providers.append(_tuned(settings, provider))
            models.append(model)
    providers.append(RuleBased())
    return providers, models


def _local_wishes(settings: Settings) -> list[tuple[Tier, str, Path | None, str | None]]:
    wishes = [(Tier.LOCAL_TINYLLAMA, "tiny", settings.tinyllama_model_path, settings.tinyllama_base_url)]
    if settings.minimax_enable_local:
        minimax = (Tier.LOCAL_MINIMAX, "minimax", settings.minimax_model_path, settings.minimax_base_url)
        wishes.insert(0, minimax)
    return wishes


async def _cloud(settings: Settings, stack: AsyncExitStack) -> list[Provider]:
    """Tier 0, masked: what leaves the machine holds no personal data."""
    found: list[Provider] = []
    if settings.openai_api_key or settings.anthropic_api_key or _cloud_url_given(settings):
        await asyncio.to_thread(load_prices)
    if settings.openai_api_key or "openai_base_url" in settings.model_fields_set:
        seller = openai_seller(settings)
        openai = OpenAIChat(
            session=await stack.enter_async_context(open_session()),
            base_url=settings.openai_base_url,
            model=settings.openai_model,
            api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
            dialect=dialect_for(settings.openai_model, official=seller is not None),
            prices=prices_of(settings, seller, settings.openai_model),
            price_provider=seller,
        )
        found.append(Masked(openai))
    if settings.anthropic_api_key or "anthropic_base_url" in settings.model_fields_set:
        anthropic = AnthropicMessages(
            session=await stack.enter_async_context(open_session()),
            base_url=settings.anthropic_base_url,
            model=settings.anthropic_model,
            api_key=settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else "",
            dialect=anthropic_dialect(settings.anthropic_model),
            prices=prices_of(settings, "anthropic", settings.anthropic_model),
        )
        found.append(Masked(anthropic))
    return found


def _cloud_url_given(settings: Settings) -> bool:
    return bool({"openai_base_url", "anthropic_base_url"} & settings.model_fields_set)


def openai_seller(settings: Settings) -> str | None:
    """The price table's name for who answers at OPENAI_BASE_URL; None for a gateway."""
    return "openai" if urlsplit(settings.openai_base_url).hostname == OPENAI_HOST else None


def prices_of(settings: Settings, seller: str | None, model: str) -> Prices:
    """Prices for one model: the configured rate counts only where the table knows none for it."""
    table = Prices()
    if settings.cloud_price_in is None or settings.cloud_price_out is None or table.knows(seller, model):
        return table
    return Prices({model: (settings.cloud_price_in, settings.cloud_price_out)})


async def _server(settings: Settings, stack: AsyncExitStack, tier: Tier, name: str, url: str) -> Provider:
    """A model server instead of a file. One out on the internet is paid for, and reads masked text only."""
    outside = leaves_network(url)
    chat = OpenAIChat(
        session=await stack.enter_async_context(open_session(keepalive_seconds=15.0 if outside else 0)),
        base_url=url,
        model=name,
        tier=tier,
        name=name,
        paid=outside,
        leaves_machine=outside,
        context_tokens=8_192,
        dialect=SERVER_DIALECT,
        prices=prices_of(settings, None, name) if outside else None,
        price_provider=None,
    )
    return Masked(chat) if outside else chat


async def _file(
    settings: Settings, stack: AsyncExitStack, tier: Tier, name: str, path: Path
) -> tuple[Provider, LocalModel]:
    """A GGUF file in a child process of its own."""
    # The engine closes a connection after each streamed answer although it says it keeps it.
    session = await stack.enter_async_context(open_session(keepalive_seconds=0))
    plan = ModelPlan(name=name, path=path)
    model = LocalModel(plan, state_dir=settings.folder / "models" / name)
    stack.push_async_callback(model.close)
    await model.start()
    card = ProviderCard(tier=tier, name=name, model=path.stem, context_tokens=plan.context_tokens)

    def connect(endpoint: Endpoint) -> OpenAIChat:
        return OpenAIChat(
            session=session,
            base_url=endpoint.base_url,
            model=path.stem,
            api_key=endpoint.api_key,
            tier=tier,
            name=name,
            paid=False,
            leaves_machine=False,
            context_tokens=plan.context_tokens,
            dialect=LOCAL_DIALECT,
        )

    return LocalProvider(model, connect, card, slots=plan.slots), model


def _tuned(settings: Settings, provider: Provider) -> Provider:
    if provider.card.tier is not Tier.LOCAL_MINIMAX:
        return provider
    return Tuned(provider, max_tokens=settings.minimax_max_tokens, temperature=settings.minimax_temperature)


def leaves_network(url: str) -> bool:
    """Whether a base URL points out of the operator's own network, as far as its name tells.

    Private, loopback and link-local addresses stay inside, and so do names without a dot or under a
    domain kept for private use.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        inside = "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost", ".home.arpa"))
        return not inside


async def wait_until_loaded(models: list[LocalModel], *, seconds: float) -> None:
    """Returns when every model is up or has given up, or the time is over."""

    async def settled(model: LocalModel) -> None:
        with contextlib.suppress(ModelUnusable):
            await model.endpoint(seconds=seconds)

    await asyncio.gather(*(settled(model) for model in models))
