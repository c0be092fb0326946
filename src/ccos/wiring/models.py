"""The model registry of the settings' home, and which of its models serve."""

from __future__ import annotations

from pathlib import Path

from ccos.domain.tier import Tier
from ccos.local.registry.registry import Registry
from ccos.local.registry.service import Service
from ccos.settings import Settings, read_deployments

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
