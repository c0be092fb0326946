"""Names of models and adapters for the shell: what a person may press Tab for."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Registered models whose name begins so; none where the settings cannot be read."""
    from ccos.domain.errors import CcosError
    from ccos.local.registry.manifest import Manifest
    from ccos.settings import load
    from ccos.wiring.models import open_registry

    try:
        models = open_registry(load()).all()
    except (CcosError, OSError):
        return []
    return [
        CompletionItem(each.name, help=f"{each.architecture} {each.quantisation}")
        for each in models
        if isinstance(each, Manifest) and each.name.startswith(incomplete)
    ]


def _complete_adapter(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ccos.domain.errors import CcosError
    from ccos.settings import load
    from ccos.wiring.adapters import open_adapters

    try:
        adapters = open_adapters(load()).all()
    except (CcosError, OSError):
        return []
    return [
        CompletionItem(each.name, help=each.tier) for each in adapters if each.name.startswith(incomplete)
    ]


adapter_argument = click.argument("name", shell_complete=_complete_adapter)
name_argument = click.argument("name", shell_complete=_complete)
