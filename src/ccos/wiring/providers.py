"""Which providers the settings ask for, opened under the given stack."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from ccos.agents.prompts import fixed_systems
from ccos.domain.errors import ModelUnusable
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.adapters import Adapter
from ccos.local.grammar import to_gbnf
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
from ccos.local.switching import Choice, Switching
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.anthropic_wire import dialect_for as anthropic_dialect
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat, dialect_for
from ccos.providers.prices import load as load_prices
from ccos.providers.rules import RuleBased
from ccos.quality.scorer import shipped
from ccos.settings import Settings, read_deployments
from ccos.tiers.privacy import Masked
from ccos.tiers.provider import Provider
from ccos.tiers.tuned import Tuned
from ccos.wiring.adapters import adapters_of
from ccos.wiring.drafter import drafts_placeholders, open_drafter
from ccos.wiring.models import Counted, Named, Served, first_choice, wanted_now
from ccos.wiring.servers import POOL_NAMES, open_servers, wanted_servers
from ccos.wiring.upstreams import fingerprint, openai_seller, prices_of

LOCAL_DIALECT = Dialect(schema="grammar", grammar=to_gbnf, bounds=True, return_progress=True)


async def open_providers(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    tiers: Collection[Tier] = tuple(Tier),
    state_dir: Path | None = None,
) -> tuple[list[Provider], list[Served]]:
    """Every configured provider of the `tiers`, best first within one, and the local models being loaded.

    The rules are always among them; a paid server without a model's name is not, for it has no price.
    Loading is begun, not awaited: until a model is up, its tier is skipped. Models write their logs below
    `state_dir`, where that is not the settings' home.
    """
    providers: list[Provider] = [*await _cloud(settings, stack)] if Tier.CLOUD_PREMIUM in tiers else []
    models: list[Served] = []
    servers = wanted_servers(settings, read_deployments(settings))
    for tier in (each for each in (Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA) if each in tiers):
        wanted = [wish for wish in servers if wish.tier is tier]
        opened = await open_servers(settings, stack, wanted)
        providers += [tuned(settings, server) for server in opened]
        path = _file_of(settings, tier)
        if not wanted and path is not None:
            drafts = await asyncio.to_thread(drafts_placeholders, path)
            opening = open_drafter if drafts else open_file
            own = None if state_dir is None else state_dir / POOL_NAMES[tier]
            provider, model = await opening(settings, stack, tier, path, state_dir=own)
            providers.append(tuned(settings, provider))
            models.append(model)
        elif not wanted and (first := await asyncio.to_thread(first_choice, settings, tier)) is not None:
            provider, switching = await _registered(settings, stack, tier, first)
            providers.append(tuned(settings, provider))
            models.append(switching)
    providers.append(RuleBased())
    return providers, models


def _file_of(settings: Settings, tier: Tier) -> Path | None:
    """The model file of a tier, unless a server was named in its place."""
    if tier is Tier.LOCAL_TINYLLAMA:
        return settings.tinyllama_model_path if not settings.tinyllama_urls else None
    wanted = settings.minimax_enable_local and not settings.minimax_urls
    return settings.minimax_model_path if wanted else None


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


def _plan(settings: Settings, tier: Tier, path: Path, adapters: tuple[Adapter, ...]) -> ModelPlan:
    s = settings
    minimax = tier is Tier.LOCAL_MINIMAX
    return ModelPlan(
        name=POOL_NAMES[tier],
        path=path,
        context_tokens=s.minimax_context_tokens if minimax else s.tinyllama_context_tokens,
        slots=s.minimax_slots if minimax else s.tinyllama_slots,
        threads=(s.minimax_threads if minimax else s.tinyllama_threads) or decoding_threads(),
        gpu_layers=s.minimax_gpu_layers if minimax else s.tinyllama_gpu_layers,
        warm_system=fixed_systems(),
        adapters=adapters,
        speculation=s.minimax_speculation if minimax else s.tinyllama_speculation,
    )


async def open_file(
    settings: Settings, stack: AsyncExitStack, tier: Tier, path: Path, *, state_dir: Path | None = None
) -> tuple[Provider, LocalModel]:
    """A GGUF file in a child process of its own."""
    plan = _plan(settings, tier, path, await asyncio.to_thread(adapters_of, settings, tier))
    model = LocalModel(plan, state_dir=state_dir or settings.folder / "models" / plan.name)
    stack.push_async_callback(model.close)
    await model.start()
    chat = await _chat(plan, tier, stack)
    card = _card(plan, tier, path.stem)

    def connect(endpoint: Endpoint) -> Named:
        return Named(chat(endpoint, path.stem), endpoint.called(path.stem))

    return LocalProvider(model, connect, card, slots=plan.slots), model


async def _registered(
    settings: Settings, stack: AsyncExitStack, tier: Tier, first: Choice
) -> tuple[Provider, Switching]:
    """The model in service, and whatever is put in its place from now on."""
    state_dir = settings.folder / "models" / POOL_NAMES[tier]
    model = Switching(
        first,
        lambda: wanted_now(settings, tier),
        lambda choice: LocalModel(
            _plan(settings, tier, choice.path, adapters_of(settings, tier)), state_dir=state_dir / choice.name
        ),
    )
    stack.push_async_callback(model.close)
    await model.start()
    plan = model.plan
    chat = await _chat(plan, tier, stack)

    def connect(endpoint: Endpoint) -> Counted:
        return Counted(chat(endpoint, model.name_at(endpoint)), model, endpoint)

    return LocalProvider(model, connect, _card(plan, tier, first.name), slots=plan.slots), model


def _card(plan: ModelPlan, tier: Tier, model: str) -> ProviderCard:
    return ProviderCard(
        tier=tier, name=plan.name, model=model, context_tokens=plan.context_tokens, slots=plan.slots
    )


async def _chat(plan: ModelPlan, tier: Tier, stack: AsyncExitStack) -> Callable[[Endpoint, str], OpenAIChat]:
    """What makes the client of an endpoint, and of the model's name there."""
    # The engine closes a connection after each streamed answer although it says it keeps it.
    session = await stack.enter_async_context(open_session(keepalive_seconds=0))
    # Of a large vocabulary they cost a small model a sixth of its speed, so only a gate that reads them asks.
    dialect = replace(LOCAL_DIALECT, logprobs=shipped().reads_logprobs)

    def chat(endpoint: Endpoint, model: str) -> OpenAIChat:
        return OpenAIChat(
            session=session,
            base_url=endpoint.base_url,
            model=model,
            api_key=endpoint.api_key,
            tier=tier,
            name=plan.name,
            paid=False,
            leaves_machine=False,
            context_tokens=plan.context_tokens,
            dialect=replace(dialect, extra_of=endpoint.extra_of),
        )

    return chat


def tuned(settings: Settings, provider: Provider) -> Provider:
    """The provider within the bounds that the settings set for its tier."""
    if provider.card.tier is not Tier.LOCAL_MINIMAX:
        return provider
    return Tuned(provider, max_tokens=settings.minimax_max_tokens, temperature=settings.minimax_temperature)


async def wait_until_loaded(models: Sequence[Served], *, seconds: float) -> None:
    """Returns when every model is up or has given up, or the time is over."""

    async def settled(model: Served) -> None:
        with contextlib.suppress(ModelUnusable):
            await model.endpoint(seconds=seconds)

    await asyncio.gather(*(settled(model) for model in models))
