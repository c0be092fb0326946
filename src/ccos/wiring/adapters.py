"""The LoRA adapters that the settings' home holds for the model of a tier."""

from __future__ import annotations

from pathlib import Path

import structlog

from ccos.domain.errors import BadInput, CcosError, ModelUnusable
from ccos.domain.tier import Tier
from ccos.local.adapters import TIERS, Adapter, Adapters, check_adapter, known_digest
from ccos.local.gguf import read_header
from ccos.settings import Settings
from ccos.wiring.models import PATH_FIELDS, chosen, models_folder, told_elsewhere

log = structlog.get_logger(__name__)


def open_adapters(settings: Settings) -> Adapters:
    return Adapters(models_folder(settings))


def adapters_of(settings: Settings, tier: Tier) -> tuple[Adapter, ...]:
    """Those of a tier; a list that is damaged is told in the log, and the model serves without them."""
    try:
        return open_adapters(settings).of(tier.value)
    except CcosError as fault:
        log.warning("adapters.unusable", tier=tier.value, reason=fault.sentence)
        return ()


def model_of(settings: Settings, tier: str) -> Path:
    """The file of the model that serves a tier here. Raises BadInput when no file does, NotFound."""
    path: Path | None = getattr(settings, PATH_FIELDS[tier])
    why = told_elsewhere(settings, tier)
    name = PATH_FIELDS[tier].upper()
    if why is not None and not why.startswith(name):
        raise BadInput(f"No model file serves {tier}, because {why}; adapters are for files.")
    if path is None:
        choice = chosen(settings, Tier(tier))
        path = choice.path if choice is not None else None
    if path is None:
        raise BadInput(f"No model file serves {tier}; set {name}, or promote one with `ccos models promote`.")
    return path


def adapter_notes(settings: Settings) -> list[str]:
    """One sentence for each adapter that the model of its tier will leave out. Writes nothing."""
    adapters = open_adapters(settings)
    try:
        listed = adapters.all()
    except CcosError as fault:
        return [f"No LoRA adapter is used: {fault.sentence}"]
    found = []
    for tier in TIERS:
        own = [adapter for adapter in listed if adapter.tier == tier]
        try:
            path = model_of(settings, tier) if own else None
            model = read_header(path) if path is not None else None
        except (BadInput, ModelUnusable) as fault:
            found += [f"The adapter {each.name} is not used: {fault.sentence}" for each in own]
            continue
        for each in own:
            assert path is not None and model is not None
            digest = known_digest(path, adapters.digests)
            try:
                each.check_base(digest)
                check_adapter(each.path, model, base=digest or "")
            except CcosError as fault:
                found.append(f"The adapter {each.name} is left out: {fault.sentence}")
    return found
