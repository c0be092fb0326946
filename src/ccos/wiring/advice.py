"""What an operator should know about settings that are valid and yet may not do what was meant."""

from __future__ import annotations

import ipaddress
import math
import os
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from ccos.domain.errors import BadSetting, CcosError, ModelUnusable, NoPrice
from ccos.domain.money import micro_usd, usd
from ccos.domain.tier import Tier
from ccos.local.gguf import read_model_file
from ccos.local.plan import pooling
from ccos.providers.http import checked_key
from ccos.settings import Settings, read_deployments, variable
from ccos.store.database import patience
from ccos.wiring.adapters import adapter_notes
from ccos.wiring.embedding import embedding_model
from ccos.wiring.models import chosen
from ccos.wiring.opinions import proven_embedding, proven_judges
from ccos.wiring.servers import Wanted, told_apart, wanted_servers
from ccos.wiring.upstreams import leaves_network, openai_seller, prices_of

HOLD_TOKENS = (6_000, 800)
"""Tokens in and out a typical hold is for: 2,000 of a prompt, which may be 3 bytes each, and a long reply."""
FEW_HOLDS = 10
"""A day's limit below so many holds is told: they do not fit at once, and its last share buys nothing."""


def problems(settings: Settings) -> list[str]:
    """One sentence for each thing that will fail, checked without connecting to anything."""
    return [*_databases(settings), *_home(settings), *_keys(settings), *_servers(settings)]


def notes(settings: Settings) -> list[str]:
    """One sentence for each tier that will not be there, or that will do more than its name says."""
    found = [*_cloud(settings), *_local(settings), *adapter_notes(settings)]
    return [*found, *_opinions(settings), *_door(settings)]


def _opinions(settings: Settings) -> list[str]:
    found = _embedding(settings)
    if settings.second_opinion and not proven_judges(settings) and not proven_embedding(settings):
        found.append(
            "CCOS_SECOND_OPINION is on and no model has proven itself; run `ccos eval judge --save`."
        )
    return found


def _embedding(settings: Settings) -> list[str]:
    path, url, model = settings.embedding_model_path, settings.embedding_base_url, settings.embedding_model
    if path is None and url is None:
        given = {"embedding_model", "embedding_api_key", "embedding_price"} & settings.model_fields_set
        return [
            f"{variable(name)} is not used: it is for CCOS_EMBEDDING_BASE_URL, which is not set."
            for name in sorted(given)
        ]
    found = []
    if path is not None and url is not None:
        found.append("CCOS_EMBEDDING_MODEL_PATH is not used, because CCOS_EMBEDDING_BASE_URL is set.")
    elif path is not None:
        found += _embedding_file(path)
    if url is not None and model is None:
        found.append("CCOS_EMBEDDING_BASE_URL is not used: set CCOS_EMBEDDING_MODEL to a model there.")
    if url is not None and leaves_network(url):
        found.append(
            "CCOS_EMBEDDING_BASE_URL leaves your network: it is paid for, and personal data is masked."
        )
        if settings.embedding_price is None:
            found.append(
                "CCOS_EMBEDDING_BASE_URL is never called: set CCOS_EMBEDDING_PRICE to its USD per million "
                "tokens."
            )
    if not settings.second_opinion:
        found.append("The embedding model is not asked about drafts: CCOS_SECOND_OPINION is off.")
    elif embedding_model(settings) is not None and not proven_embedding(settings):
        found.append("The embedding model has not proven itself; run `ccos eval embedding FILE --save`.")
    return found


def _embedding_file(path: Path) -> list[str]:
    name = "CCOS_EMBEDDING_MODEL_PATH"
    try:
        model = read_model_file(path)
        pooling(model)
    except ModelUnusable as fault:
        return [f"{name}: {fault.sentence}"]
    if model.pooling:
        return []
    return [
        f"{name}: the file does not say how it makes a vector, so it may be a chat model; its tokens are "
        "averaged."
    ]


def _databases(settings: Settings) -> list[str]:
    found = []
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_OWNER_URL", settings.database_owner_url),
    ):
        try:
            if url is not None:
                patience(url.get_secret_value(), seconds=1)
        except BadSetting as fault:
            found.append(f"{name}: {fault.sentence}")
    if settings.database_owner_url is not None and settings.database_url is None:
        found.append("DATABASE_OWNER_URL is set without DATABASE_URL; set that too, or neither.")
    return found


def _home(settings: Settings) -> list[str]:
    """The home is made on first use, so the nearest folder above it that exists must let us."""
    there = next(folder for folder in (settings.folder, *settings.folder.parents) if folder.exists())
    if not there.is_dir():
        return [f"CCOS_HOME: {there} is no folder; give one that this user may write to."]
    if not os.access(there, os.W_OK | os.X_OK):
        return [f"CCOS_HOME: {settings.folder} cannot be written; give a folder that this user may write to."]
    return []


def _servers(settings: Settings) -> list[str]:
    found = []
    try:
        servers = wanted_servers(settings, read_deployments(settings))
        for wish in servers:
            try:
                checked_key(wish.api_key.get_secret_value() if wish.api_key is not None else None)
            except BadSetting as fault:
                found.append(f"{wish.source}: server {wish.name}: {fault.sentence}")
        for tier in sorted({wish.tier for wish in servers}):
            told_apart([wish for wish in servers if wish.tier is tier and not wish.outside])
    except BadSetting as fault:
        return [*found, *fault.facts.get("problems", [fault.sentence])]
    return found


def _keys(settings: Settings) -> list[str]:
    found = []
    for name, key in (
        ("OPENAI_API_KEY", settings.openai_api_key),
        ("ANTHROPIC_API_KEY", settings.anthropic_api_key),
        ("CCOS_EMBEDDING_API_KEY", settings.embedding_api_key),
    ):
        try:
            checked_key(key.get_secret_value() if key is not None else None)
        except BadSetting as fault:
            found.append(f"{name}: {fault.sentence}")
    return found


def _chosen(settings: Settings) -> list[tuple[str, str, str | None]]:
    """Of each cloud provider: the variable of its model, the model, and the price table's name for it."""
    chosen: list[tuple[str, str, str | None]] = []
    if settings.openai_api_key or "openai_base_url" in settings.model_fields_set:
        chosen.append(("OPENAI_MODEL", settings.openai_model, openai_seller(settings)))
    if settings.anthropic_api_key or "anthropic_base_url" in settings.model_fields_set:
        chosen.append(("ANTHROPIC_MODEL", settings.anthropic_model, "anthropic"))
    return chosen


def small_limit(settings: Settings, limit_usd: Decimal, *, name: str) -> list[str]:
    """A sentence when a day's limit leaves room for few calls at once, or none: each holds its most."""
    if not settings.enable_cost_based_fallback or limit_usd <= 0:
        return []
    holds = []
    for _, model, seller in _chosen(settings):
        with suppress(NoPrice):
            holds.append((prices_of(settings, seller, model).price(seller, model, *HOLD_TOKENS), model))
    if not holds:
        return []
    hold, model = max(holds)
    if micro_usd(limit_usd) >= FEW_HOLDS * hold:
        return []
    enough = math.ceil(FEW_HOLDS * hold / 10_000) / 100  # in whole cents
    return [
        f"{name} is {limit_usd} USD, and one reply of {model} holds about {usd(hold):.4f} USD while it is "
        f"written: the cloud may hardly be asked; give at least {enough:.2f} USD."
    ]


def _cloud(settings: Settings) -> list[str]:
    chosen = _chosen(settings)
    if not chosen:
        return ["tier_0 is off: neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set."]
    found = [
        f"{name}: no price is known for {model!r}, so it is never called; set CCOS_CLOUD_PRICE_IN and "
        "CCOS_CLOUD_PRICE_OUT to its USD per million tokens."
        for name, model, seller in chosen
        if not prices_of(settings, seller, model).knows(seller, model)
    ]
    if (settings.cloud_price_in is None) != (settings.cloud_price_out is None):
        found.append(
            "CCOS_CLOUD_PRICE_IN and CCOS_CLOUD_PRICE_OUT count only together; the other is missing."
        )
    if not settings.daily_llm_cost_limit and settings.enable_cost_based_fallback:
        found.append("DAILY_LLM_COST_LIMIT is 0: the cloud is never paid, so it is never asked.")
    found += small_limit(settings, settings.daily_llm_cost_limit, name="DAILY_LLM_COST_LIMIT")
    if not settings.enable_cost_based_fallback:
        found.append("ENABLE_COST_BASED_FALLBACK is off: nothing stops what the cloud costs in a day.")
    return found


def _local(settings: Settings) -> list[str]:
    try:
        deployments = read_deployments(settings)
        servers = wanted_servers(settings, deployments)
    except BadSetting:
        return []  # told among the problems
    found = []
    wanted = [
        (Tier.LOCAL_MINIMAX, "MINIMAX", settings.minimax_model_path, settings.minimax_urls),
        (Tier.LOCAL_TINYLLAMA, "TINYLLAMA", settings.tinyllama_model_path, settings.tinyllama_urls),
    ]
    if not settings.minimax_enable_local:
        found.append("tier_1 is off: MINIMAX_ENABLE_LOCAL is false.")
        del wanted[0]
    for tier, name, path, urls in wanted:
        listed = deployments.of(tier)
        model = settings.minimax_model if tier is Tier.LOCAL_MINIMAX else settings.tinyllama_model
        if listed:
            names = ", ".join(each.name for each in listed)
            found.append(f"{tier.value} is served by {names}, listed in {deployments.source}.")
            unused = [f"{name}_MODEL_PATH"] if path is not None else []
            unused += [f"{name}_BASE_URL"] if urls else []
            found += [f"{each} is not used, because {deployments.source} lists servers." for each in unused]
        elif path is None and not urls and (serves := _in_service(settings, tier)):
            found += serves
        elif path is None and not urls:
            found.append(f"{tier.value} is off: neither {name}_MODEL_PATH nor {name}_BASE_URL is set.")
        elif path is not None and urls:
            found.append(f"{name}_MODEL_PATH is not used, because {name}_BASE_URL is set.")
        elif path is not None:
            found += _model(f"{name}_MODEL_PATH", path)
        if model is not None and not urls:
            found.append(f"{name}_MODEL is not used: it names a model of {name}_BASE_URL, which is not set.")
        if not listed and model is None and any(leaves_network(url) for url in urls):
            found += _leaves(f"{name}_BASE_URL")
            found.append(f"{tier.value} is off: set {name}_MODEL to the model there that is paid for.")
        for each in listed:
            if each.model is None and leaves_network(each.base_url):
                found += _leaves(f"The server {each.name}")
                found.append(f"The server {each.name} is off: name its model, which is paid for.")
        for wish in servers:
            if wish.tier is tier and wish.outside and wish.model is not None:
                found += _paid(settings, wish, name, listed=bool(listed))
    return found


def _in_service(settings: Settings, tier: Tier) -> list[str]:
    """Which registered model serves the tier, and what is wrong with it; nothing when none does."""
    try:
        choice = chosen(settings, tier)
    except CcosError as fault:
        return [f"{tier.value} is off: {fault.sentence}"]
    if choice is None:
        return []
    told = f"{tier.value} is served by {choice.name}, which `ccos models promote` put into service."
    return [told, *_model(f"The model {choice.name}", choice.path)]


def _leaves(what: str) -> list[str]:
    return [f"{what} leaves your network: its answers are paid for, personal data is masked."]


def _paid(settings: Settings, wish: Wanted, name: str, *, listed: bool) -> list[str]:
    """Of a server out of one's own network: that it is, and whether its price is known."""
    assert wish.model is not None
    found = _leaves(f"The server {wish.name}" if listed else f"{name}_BASE_URL")
    if not prices_of(settings, None, wish.model, wish.prices).knows(None, wish.model):
        what, how = (
            (f"The server {wish.name}", "give it price_in and price_out")
            if listed
            else (f"{name}_MODEL", "set CCOS_CLOUD_PRICE_IN and CCOS_CLOUD_PRICE_OUT to its")
        )
        tail = "in USD per million tokens." if listed else "USD per million tokens."
        found.append(f"{what}: no price is known for {wish.model!r}, so it is never called; {how} {tail}")
    return found


def _model(name: str, path: Path) -> list[str]:
    try:
        read_model_file(path)
    except ModelUnusable as fault:
        return [f"{name}: {fault.sentence}"]
    return []


def _door(settings: Settings) -> list[str]:
    host = settings.host
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if inside:
        return []
    return [f"CCOS_HOST {host} is reached from other machines too; put a server that does TLS before it."]
