"""`ccos models remove` and `ccos models retire`: models that are wanted no more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ccos.cli.models_names import name_argument
from ccos.cli.models_promote import tier_option
from ccos.cli.run import complain, print_json, settings
from ccos.domain.errors import BadInput, Conflict

if TYPE_CHECKING:
    from pathlib import Path

    from ccos.local.registry.manifest import Manifest
    from ccos.settings import Settings


@click.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Forget the model NAME, and delete its file where it is a copy of ours.

    A file that was registered with --link stays where it is. A model that serves a tier, that a rollback
    would put in place of one that serves, or that an adapter was trained on is not removed.
    """
    from ccos.cli.models_showing import size_of
    from ccos.wiring.models import open_registry, open_service

    found = settings()
    registry, service = open_registry(found), open_service(found)
    left_over = registry.left_over(name)
    if left_over is not None:
        _check_settings(found, left_over)
        _confirm(f"Delete {left_over} ({size_of(left_over.stat().st_size)}), which no model has?", yes)
        registry.remove_left_over(name)
        _tell(name, left_over, as_json, deleted=True)
        return
    manifest = registry.get(name)
    path = registry.path(manifest)
    service.check_idle(name)
    if not manifest.linked:
        _check_settings(found, path)
    _check_adapters(found, manifest)
    what = (
        f"Forget {name}; its file {path} stays" if manifest.linked else f"Delete {name} with its file {path}"
    )
    _confirm(f"{what} ({size_of(manifest.size)})?", yes)
    with service.letting_go(name):
        registry.remove(name)
    _tell(name, path, as_json, deleted=not manifest.linked)


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{question} Say yes with --yes.")
    click.confirm(question, abort=True, err=True)


def _tell(name: str, path: Path, as_json: bool, *, deleted: bool) -> None:
    if as_json:
        print_json({"name": name, "path": str(path), "deleted": deleted})
    else:
        click.echo(f"{name} is removed{'' if deleted else '; its file stays where it is'}.")


def _check_settings(found: Settings, path: Path) -> None:
    """Raises Conflict when a setting names the file: the registry does not know that it is used."""
    from ccos.wiring.models import PATH_FIELDS

    for field in PATH_FIELDS.values():
        set_to: Path | None = getattr(found, field)
        if set_to is not None and set_to.exists() and path.exists() and set_to.samefile(path):
            raise Conflict(f"{field.upper()} is set to {path}; set it to another file first, or unset it.")


def _check_adapters(found: Settings, manifest: Manifest) -> None:
    """Raises Conflict when an adapter was trained on this very file, and no other model is the same."""
    from ccos.local.registry.manifest import Manifest
    from ccos.wiring.adapters import open_adapters
    from ccos.wiring.models import open_registry

    others = [each for each in open_registry(found).all() if isinstance(each, Manifest)]
    if any(each.sha256 == manifest.sha256 and each.name != manifest.name for each in others):
        return
    needing = [each.name for each in open_adapters(found).all() if each.base == manifest.sha256]
    if needing:
        raise Conflict(
            f"The adapter {needing[0]} was trained on {manifest.name} and is of no use without it; first"
            f" `ccos models adapters remove {needing[0]}`."
        )


@click.command()
@tier_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def retire(tier: str, as_json: bool) -> None:
    """Take a tier's model out of service: the tier then has none, and says so.

    The model stays registered, and `ccos models rollback` brings it back. A running `ccos serve` or `ccos
    worker` ends it within seconds, after the answers that are being written; drafts come from other tiers.
    """
    from ccos.wiring.models import open_service, told_elsewhere

    found = settings()
    elsewhere, service = told_elsewhere(found, tier), open_service(found)
    if elsewhere is not None and tier not in service.read():
        raise BadInput(f"No registered model serves {tier}, because {elsewhere}; take that away instead.")
    gone = service.retire(tier)
    if as_json:
        print_json({"tier": tier, "retired": gone.current, "previous": gone.previous})
    else:
        click.echo(f"{gone.current} serves {tier} no more.")
        click.echo(f"Back with one command: ccos models rollback --tier {tier}")
    if elsewhere is not None:
        complain(f"The tier goes on all the same, because {elsewhere}.")
