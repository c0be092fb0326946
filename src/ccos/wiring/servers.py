"""Model servers in place of files: one by its URL, or several of a tier that share its work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from pydantic import SecretStr

from ccos.domain.errors import BadSetting
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.providers.control import KNOWN
from ccos.providers.exchange import FIRST_TOKEN_SHARE
from ccos.providers.http import open_session, split_base_url
from ccos.providers.openai_wire import Dialect, OpenAIChat, ServedChat
from ccos.providers.pool import Pool
from ccos.providers.prices import load as load_prices
from ccos.settings import Deployment, Deployments, Settings
from ccos.tiers.privacy import Masked
from ccos.tiers.provider import Provider
from ccos.wiring.upstreams import fingerprint, leaves_network, prices_of

CONTEXT_TOKENS = 8_192
DIALECT = Dialect(schema="json_schema", bounds=True, control=KNOWN)
POOLED_FIRST_TOKEN_SHARE = 0.5
"""Of a call's time, for the first token of a pool's server: the rest is enough to ask another."""
POOL_NAMES = {Tier.LOCAL_MINIMAX: "minimax", Tier.LOCAL_TINYLLAMA: "tiny"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One server, whoever named it, in the variable or file `source`. `setting` is what an operator sets to
    name its model.
    """

    tier: Tier
    name: str
    url: str
    source: str
    setting: str
    model: str | None = None
    api_key: SecretStr | None = None
    slots: int | None = None
    context_tokens: int = CONTEXT_TOKENS
    prices: tuple[Decimal, Decimal] | None = None

    @property
    def outside(self) -> bool:
        return leaves_network(self.url)


def wanted_servers(settings: Settings, deployments: Deployments) -> list[Wanted]:
    """Every server of tiers 1 and 2: those of `ccos.toml`, else those of the environment.

    A server out of one's own network that names no model is left out: there is no price for it. Raises
    BadSetting for a key that is named and not set.
    """
    found: list[Wanted] = []
    minimax = (settings.minimax_urls, settings.minimax_model, "MINIMAX_MODEL")
    tiny = (settings.tinyllama_urls, settings.tinyllama_model, "TINYLLAMA_MODEL")
    for tier, (urls, model, setting) in ((Tier.LOCAL_MINIMAX, minimax), (Tier.LOCAL_TINYLLAMA, tiny)):
        if tier is Tier.LOCAL_MINIMAX and not settings.minimax_enable_local:
            continue
        name, source = POOL_NAMES[tier], f"{setting.removesuffix('_MODEL')}_BASE_URL"
        if listed := deployments.of(tier):
            found += [_listed(tier, str(deployments.source), each) for each in listed]
        for n, url in enumerate(() if listed else urls, start=1):
            called = name if len(urls) == 1 else f"{name}-{n}"
            found.append(Wanted(tier, called, url, source, setting, model))
    return [wish for wish in found if wish.model is not None or not wish.outside]


def _listed(tier: Tier, source: str, each: Deployment) -> Wanted:
    prices = None
    if each.price_in is not None and each.price_out is not None:
        prices = (each.price_in, each.price_out)
    return Wanted(
        tier,
        each.name,
        each.base_url,
        source,
        f"`model` of {each.name} in ccos.toml",
        each.model,
        each.api_key(),
        each.slots,
        each.context_tokens,
        prices,
    )


async def open_servers(settings: Settings, stack: AsyncExitStack, wanted: Sequence[Wanted]) -> list[Provider]:
    """Providers of one tier's servers. Those of one's own network are a pool, which comes first; each
    other is a provider of its own, for it is paid for and may not read everything.
    """
    inside = [wish for wish in wanted if not wish.outside]
    opened: list[Provider] = []
    if len(inside) == 1:
        opened.append(await _open(settings, stack, inside[0], patient=True))
    elif inside:
        told_apart(inside)
        servers = [await _open(settings, stack, wish, patient=False) for wish in inside]
        opened.append(Pool(servers, _pool_card(inside)))
    for wish in wanted:
        if wish.outside:
            await asyncio.to_thread(load_prices)
            opened.append(await _open(settings, stack, wish, patient=True))
    return opened


def told_apart(wanted: Sequence[Wanted]) -> None:
    """Raises BadSetting when one server is listed twice: its load would be counted by halves."""
    places = sorted((_place(wish.url), wish.model or "", wish.name) for wish in wanted)
    for one, other in pairwise(places):
        if one[:2] == other[:2]:
            raise BadSetting(
                f"{wanted[0].source}: the servers {one[2]} and {other[2]} of {wanted[0].tier.value} are one"
                " and the same; list each once."
            )


def _place(url: str) -> str:
    """The same for every way to write one URL: without its path, with its port, in capitals."""
    return str(split_base_url(url, default_path="/v1")[0])


def _pool_card(wanted: Sequence[Wanted]) -> ProviderCard:
    slots = [wish.slots for wish in wanted]
    models = {wish.model for wish in wanted}
    name = POOL_NAMES[wanted[0].tier]
    return ProviderCard(
        tier=wanted[0].tier,
        name=name,
        model=next(iter(models)) or name if len(models) == 1 else name,
        context_tokens=min(wish.context_tokens for wish in wanted),
        credential=fingerprint(wanted[0].url, ",".join(sorted(wish.url for wish in wanted))),
        slots=sum(each or 0 for each in slots) if all(slots) else None,
    )


async def _open(settings: Settings, stack: AsyncExitStack, wish: Wanted, *, patient: bool) -> Provider:
    """One server. Of a pool it is not waited for as long: another may be asked in the time that is left."""
    outside = wish.outside
    # The engine of llama.cpp closes a connection after a streamed answer although it says it keeps it.
    session = await stack.enter_async_context(open_session(keepalive_seconds=15.0 if outside else 0))
    key = wish.api_key.get_secret_value() if wish.api_key is not None else None

    def connect(model: str) -> OpenAIChat:
        return OpenAIChat(
            session=session,
            base_url=wish.url,
            model=model,
            api_key=key,
            tier=wish.tier,
            name=wish.name,
            paid=outside,
            leaves_machine=outside,
            context_tokens=wish.context_tokens,
            credential=fingerprint(wish.url, key),
            dialect=DIALECT,
            prices=prices_of(settings, None, model, wish.prices) if outside else None,
            price_provider=None,
            first_token_share=FIRST_TOKEN_SHARE if patient else POOLED_FIRST_TOKEN_SHARE,
            slots=wish.slots,
        )

    if wish.model is not None:
        return Masked(connect(wish.model)) if outside else connect(wish.model)
    card = ProviderCard(
        tier=wish.tier,
        name=wish.name,
        model=wish.name,
        context_tokens=wish.context_tokens,
        credential=fingerprint(wish.url, key),
        slots=wish.slots,
    )
    return ServedChat(
        session=session, base_url=wish.url, card=card, connect=connect, setting=wish.setting, api_key=key
    )
