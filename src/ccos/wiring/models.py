"""The model registry of the settings' home, and which of its models serve."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from ccos.domain.errors import CcosError, NotFound
from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task, Tier
from ccos.local.adapters import adapter_for
from ccos.local.registry.manifest import Manifest
from ccos.local.registry.registry import Registry
from ccos.local.registry.service import Service
from ccos.local.registry.updates import Updates, look_at_all
from ccos.local.supervisor import LocalModel
from ccos.local.switching import Choice, Switching
from ccos.providers.local import Client, Endpoint
from ccos.providers.voice import Hear
from ccos.settings import Settings, read_deployments
from ccos.tiers.provider import Provider

log = structlog.get_logger(__name__)

Served = LocalModel | Switching
"""A model that runs here: of one file, or of whatever is in service."""

PATH_FIELDS = {"tier_1": "minimax_model_path", "tier_2": "tinyllama_model_path"}


def models_folder(settings: Settings) -> Path:
    return settings.folder / "models"


def open_registry(settings: Settings) -> Registry:
    return Registry(models_folder(settings))


def open_service(settings: Settings) -> Service:
    return Service(models_folder(settings))


def told_elsewhere(settings: Settings, tier: str) -> str | None:
    """Why the registry does not decide who serves a tier, to follow "because"; None when it does."""
    minimax = tier == "tier_1"
    name = "MINIMAX" if minimax else "TINYLLAMA"
    deployments = read_deployments(settings)
    if minimax and not settings.minimax_enable_local:
        return "MINIMAX_ENABLE_LOCAL is off"
    if deployments.of(Tier(tier)):
        return f"{deployments.source} lists servers of it"
    if settings.minimax_urls if minimax else settings.tinyllama_urls:
        return f"{name}_BASE_URL is set"
    return f"{name}_MODEL_PATH is set" if getattr(settings, PATH_FIELDS[tier]) is not None else None


def chosen(settings: Settings, tier: Tier) -> Choice | None:
    """The registered model in service for a tier, or None. Raises RegistryDamaged, NotFound."""
    served = open_service(settings).read().get(tier.value)
    return None if served is None else _choice(settings, served.current)


def wanted_now(settings: Settings, tier: Tier) -> Choice | None:
    """What a running tier shall serve; None when its model was retired. Raises RegistryDamaged, NotFound.

    A `service.json` that is gone, or no longer names the tier, is no wish: what serves goes on.
    """
    found = open_service(settings).look()
    served = found.serving.get(tier.value)
    if served is not None:
        return _choice(settings, served.current)
    if tier.value in found.retired:
        return None
    raise NotFound(f"No model is named for {tier.value} any more; promote one with `ccos models promote`.")


def _choice(settings: Settings, name: str) -> Choice:
    registry = open_registry(settings)
    manifest = registry.get(name)
    return Choice(manifest.name, registry.path(manifest))


def first_choice(settings: Settings, tier: Tier) -> Choice | None:
    """As `chosen`, where the registry decides; what is damaged is told in the log, and its tier is off."""
    if told_elsewhere(settings, tier.value) is not None:
        return None
    try:
        return chosen(settings, tier)
    except CcosError as fault:
        log.warning("models.unusable", tier=tier.value, reason=fault.sentence)
        return None


def with_models_in_service(settings: Settings) -> Settings:
    """The settings naming the files in service, for whoever goes over to no other while it runs."""
    found = {tier: first_choice(settings, Tier(tier)) for tier in PATH_FIELDS}
    return settings.model_copy(
        update={PATH_FIELDS[tier]: choice.path for tier, choice in found.items() if choice is not None}
    )


class Named:
    """A client whose answers bear the name that its model has here; the engine knows the tier's name only."""

    def __init__(self, inner: Client, name: str) -> None:
        self._inner, self._name = inner, name

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        return replace(await self._inner.answer(prompt, seconds=seconds, hear=hear), model=self._name)


class Counted:
    """A client whose calls are counted, so that its model ends after the last of them; answers name it."""

    def __init__(self, inner: Client, model: Switching, endpoint: Endpoint) -> None:
        self._inner = Named(inner, endpoint.called(model.name_at(endpoint)))
        self._model, self._endpoint = model, endpoint

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        with self._model.call(self._endpoint):
            return await self._inner.answer(prompt, seconds=seconds, hear=hear)


async def check_updates(settings: Settings) -> None:
    """Once a day, where the settings want it: asks the sources of the models, and tells what is new."""
    if settings.model_updates == "off":
        return
    updates, now = Updates(models_folder(settings)), datetime.now(UTC)
    if not await asyncio.to_thread(updates.due, now):
        return
    models = await asyncio.to_thread(open_registry(settings).all)
    found = await look_at_all([each for each in models if isinstance(each, Manifest)])
    try:
        await asyncio.to_thread(updates.note, found, at=now)
    except OSError as fault:  # it is told all the same, and looked again soon
        log.warning("models.updates_not_kept", error=type(fault).__name__)
    for each in found:
        if each.state == "changed":
            log.warning("models.update", model=each.name, reason=each.why)


def told_of_updates(document: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The document about health with what is new at the sources of the models, where that is looked for."""
    if settings.model_updates == "off":
        return document
    return document | {"model_updates": Updates(models_folder(settings)).found()}


def answering(
    providers: Iterable[Provider], models: Iterable[Served], tenant_id: UUID | None
) -> list[tuple[Tier, str]]:
    """The models that write a tenant's replies now, by tier, as their answers are named: in a tier whose
    model may be replaced the one that serves, each with the edition of its file, with an adapter that one's
    name, of servers what they say.
    """
    running = {each.plan.name: each for each in models}
    found: list[tuple[Tier, str]] = []
    for provider in providers:
        card = provider.card
        names: Iterable[str] = getattr(provider, "serving", (card.model,))
        if (own := running.get(card.name)) is not None:
            name = own.serving if isinstance(own, Switching) else card.model
            if not name:
                continue
            adapter = adapter_for(own.adapters, tenant_id, Task.SOLUTION_DRAFT)
            names = (own.called(name) + (f"+{adapter}" if adapter else ""),)
        found += [(card.tier, name) for name in sorted(names)]
    return found


def told_of_models(document: dict[str, Any], models: Iterable[Served]) -> dict[str, Any]:
    """The document about health, naming the model that really serves, none where it was retired, and why no
    other does.
    """
    for model in models:
        if not isinstance(model, Switching):
            continue
        for tier in document["tiers"].values():
            for provider in tier.get("providers", ()):
                if provider["provider"] == model.plan.name:
                    provider["model"] = model.serving
                    if model.notice:
                        provider["notice"] = model.notice
    return document
