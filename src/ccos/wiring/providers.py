"""Which providers the settings ask for, opened under the given stack."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ccos.domain.errors import ModelUnusable
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.grammar import to_gbnf
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.anthropic_wire import dialect_for as anthropic_dialect
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat, ServedChat, dialect_for
from ccos.providers.prices import Prices
from ccos.providers.prices import load as load_prices
from ccos.providers.rules import RuleBased
from ccos.settings import Settings
from ccos.tiers.privacy import Masked
from ccos.tiers.provider import Provider
from ccos.tiers.tuned import Tuned

OPENAI_HOST = "api.openai.com"
LOCAL_DIALECT = Dialect(schema="grammar", grammar=to_gbnf, bounds=True, return_progress=True)
SERVER_CONTEXT_TOKENS = 8_192
SERVER_DIALECT = Dialect(schema="json_schema", bounds=True)


async def open_providers(
    settings: Settings, stack: AsyncExitStack
) -> tuple[list[Provider], list[LocalModel]]:
    """Every configured provider, best first within a tier, and the local models that are being loaded.

    The rules are always among them; a paid server without a model's name is not, for it has no price.
    Loading is begun, not awaited: until a model is up, its tier is skipped.
    """
    providers: list[Provider] = [*await _cloud(settings, stack)]
    models: list[LocalModel] = []
    for wish in _local_wishes(settings):
        if wish.url is not None:
            if wish.model is not None or not leaves_network(wish.url):
                providers.append(_tuned(settings, await _server(settings, stack, wish, wish.url)))
        elif wish.path is not None:
            provider, model = await _file(settings, stack, wish, wish.path)
            providers.append(_tuned(settings, provider))
            models.append(model)
    providers.append(RuleBased())
    return providers, models


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the settings say of one local tier: a server and its model's name, or a file."""

    tier: Tier
    name: str
    setting: str
    path: Path | None
    url: str | None
    model: str | None


def _local_wishes(settings: Settings) -> list[_Wish]:
    s = settings
    tiny = (s.tinyllama_model_path, s.tinyllama_base_url, s.tinyllama_model)
    wishes = [_Wish(Tier.LOCAL_TINYLLAMA, "tiny", "TINYLLAMA_MODEL", *tiny)]
    if s.minimax_enable_local:
        minimax = (s.minimax_model_path, s.minimax_base_url, s.minimax_model)
        wishes.insert(0, _Wish(Tier.LOCAL_MINIMAX, "minimax", "MINIMAX_MODEL", *minimax))
    return wishes


async def _cloud(settings: Settings, stack: AsyncExitStack) -> list[Provider]:
    """Tier 0, masked: what leaves the machine holds no personal data."""
    found: list[Provider] = []
    if settings.openai_api_key or settings.anthropic_api_key or _cloud_url_given(settings):
        await asyncio.to_thread(load_prices)
    if settings.openai_api_key or "openai_base_url" in settings.model_fields_set:
        seller = openai_seller(settings)
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        openai = OpenAIChat(
            session=await stack.enter_async_context(open_session()),
            base_url=settings.openai_base_url,
            model=settings.openai_model,
            api_key=key,
            credential=fingerprint(settings.openai_base_url, key),
            dialect=dialect_for(settings.openai_model, official=seller is not None),
            prices=prices_of(settings, seller, settings.openai_model),
            price_provider=seller,
        )
        found.append(Masked(openai))
    if settings.anthropic_api_key or "anthropic_base_url" in settings.model_fields_set:
        key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else ""
        anthropic = AnthropicMessages(
            session=await stack.enter_async_context(open_session()),
            base_url=settings.anthropic_base_url,
            model=settings.anthropic_model,
            api_key=key,
            credential=fingerprint(settings.anthropic_base_url, key),
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


async def _server(settings: Settings, stack: AsyncExitStack, wish: _Wish, url: str) -> Provider:
    """A model server instead of a file. One out on the internet is paid for, and reads masked text only."""
    outside = leaves_network(url)
    if outside:
        await asyncio.to_thread(load_prices)
    session = await stack.enter_async_context(open_session(keepalive_seconds=15.0 if outside else 0))

    def connect(model: str) -> OpenAIChat:
        return OpenAIChat(
            session=session,
            base_url=url,
            model=model,
            tier=wish.tier,
            name=wish.name,
            paid=outside,
            leaves_machine=outside,
            context_tokens=SERVER_CONTEXT_TOKENS,
            credential=fingerprint(url, None),
            dialect=SERVER_DIALECT,
            prices=prices_of(settings, None, model) if outside else None,
            price_provider=None,
        )

    if wish.model is not None:
        return Masked(connect(wish.model)) if outside else connect(wish.model)
    card = ProviderCard(
        tier=wish.tier,
        name=wish.name,
        model=wish.name,
        context_tokens=SERVER_CONTEXT_TOKENS,
        credential=fingerprint(url, None),
    )
    return ServedChat(session=session, base_url=url, card=card, connect=connect, setting=wish.setting)


async def _file(
    settings: Settings, stack: AsyncExitStack, wish: _Wish, path: Path
) -> tuple[Provider, LocalModel]:
    """A GGUF file in a child process of its own."""
    # The engine closes a connection after each streamed answer although it says it keeps it.
    session = await stack.enter_async_context(open_session(keepalive_seconds=0))
    plan = ModelPlan(name=wish.name, path=path)
    model = LocalModel(plan, state_dir=settings.folder / "models" / wish.name)
    stack.push_async_callback(model.close)
    await model.start()
    card = ProviderCard(
        tier=wish.tier,
        name=wish.name,
        model=path.stem,
        context_tokens=plan.context_tokens,
        slots=plan.slots,
    )

    def connect(endpoint: Endpoint) -> OpenAIChat:
        return OpenAIChat(
            session=session,
            base_url=endpoint.base_url,
            model=path.stem,
            api_key=endpoint.api_key,
            tier=wish.tier,
            name=wish.name,
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


def fingerprint(url: str, key: str | None) -> str:
    """Tells one upstream and key from another, and neither of them to anyone.

    A loopback address is another server on every machine, so there the machine's name counts too.
    """
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    machine = socket.gethostname() if _is_loopback(parts.hostname or "") else ""
    return hashlib.sha256("\n".join((where, machine, key or "")).encode()).hexdigest()[:8]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def wait_until_loaded(models: list[LocalModel], *, seconds: float) -> None:
    """Returns when every model is up or has given up, or the time is over."""

    async def settled(model: LocalModel) -> None:
        with contextlib.suppress(ModelUnusable):
            await model.endpoint(seconds=seconds)

    await asyncio.gather(*(settled(model) for model in models))
