"""The model names of /v1: what a caller may ask for by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ccos.api.v1.faults import Fault
from ccos.domain.tier import Mode, Task, Tier


@dataclass(frozen=True, slots=True)
class Alias:
    """What a model name stands for; without `mode` the configured one holds."""

    name: str
    task: Task = Task.CHAT
    mode: Mode | None = None
    only: Tier | None = None


_UNNAMED = (Task.CHAT, Task.JUDGEMENT, Task.EMBEDDING)
"""A chat needs no other name than CCOS itself, and judging answers is our own business."""


def _aliases() -> dict[str, Alias]:
    listed = [
        Alias("ccos"),
        *(Alias(f"ccos/{mode.value}", mode=mode) for mode in Mode),
        *(Alias(f"ccos/{tier.value}", only=tier) for tier in Tier),
        *(Alias(f"ccos/{task.value}", task=task) for task in Task if task not in _UNNAMED),
    ]
    return {alias.name: alias for alias in listed}


ALIASES: Mapping[str, Alias] = MappingProxyType(_aliases())


def alias_of(name: str) -> Alias:
    """Raises a Fault that says which names there are."""
    alias = ALIASES.get(name)
    if alias is None:
        message = f"There is no model {name[:60]!r} here; use one of {', '.join(ALIASES)}."
        raise Fault(404, message, code="model_not_found", param="model")
    return alias
