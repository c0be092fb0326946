"""`ccos models remove` and `ccos models retire`: models that are wanted no more."""

from __future__ import annotations

import sys

import click

from ccos.cli.models_names import name_argument
from ccos.cli.models_promote import tier_option
from ccos.cli.run import complain, print_json, settings
from ccos.domain.errors import BadInput, Conflict


@click.command()
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Forget the model NAME, and delete its file where it is a copy of ours.

    A file that was registered with --link stays where it is. A model that serves a tier, or that a rollback
    would bring back, is not removed.
    """
    from ccos.cli.models_showing import size_of
    from ccos.wiring.models import open_registry, open_service

    found = settings()
    registry, service = open_registry(found), open_service(found)
    manifest = registry.get(name)
    for tier, served in service.read().items():
        if name == served.current:
            raise Conflict(
                f"{name} serves {tier}; promote another first, or `ccos models retire --tier {tier}`."
            )
        if name == served.previous:
            raise Conflict(
                f"{name} is what `ccos models rollback --tier {tier}` would bring back; `ccos models "
                f"retire --tier {tier}` or two more promotions let it go."
            )
    path = registry.path(manifest)
    what = f"Delete {name} with its file {path}"
    if manifest.linked:
        what = f"Forget {name}; its file {path} stays"
    if not yes:
        if not sys.stdin.isatty():
            raise BadInput(f"{what}? Say yes with --yes.")
        click.confirm(f"{what} ({size_of(manifest.size)})?", abort=True, err=True)
    registry.remove(name)
    if as_json:
        print_json({"name": name, "path": str(path), "deleted": not manifest.linked})
    else:
        click.echo(f"{name} is removed{'; its file stays where it is' if manifest.linked else ''}.")


@click.command()
@tier_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def retire(tier: str, as_json: bool) -> None:
    """Take a tier's model out of service: the tier then has none, and says so.

    The model stays registered; `ccos models promote` brings it back. A `ccos serve` that runs goes on with it
    until it is started again.
    """
    from ccos.wiring.models import open_service, told_elsewhere

    found = settings()
    gone = open_service(found).retire(tier)
    if as_json:
        print_json({"tier": tier, "retired": gone.current, "previous": gone.previous})
    else:
        click.echo(f"{gone.current} serves {tier} no more, from the next start of CCOS.")
        click.echo(f"Back: ccos models promote {gone.current} --tier {tier}")
    if (elsewhere := told_elsewhere(found, tier)) is not None:
        complain(f"The tier goes on all the same, because {elsewhere}.")
