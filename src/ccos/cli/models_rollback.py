"""`ccos models rollback`: back to the model that served before."""

from __future__ import annotations

import click

from ccos.cli.models_promote import tier_option
from ccos.cli.run import complain, print_json, settings
from ccos.domain.errors import BadInput


@click.command()
@tier_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rollback(tier: str, as_json: bool) -> None:
    """Put the model that served before back into service, at once and without trials.

    The one that served becomes the previous one: a second rollback undoes the first. Where the tier's model
    was retired, that one comes back.
    """
    from ccos.cli.models_showing import now
    from ccos.local.registry.manifest import glance
    from ccos.local.registry.registry import readable_model
    from ccos.wiring.models import open_registry, open_service, told_elsewhere

    found = settings()
    registry, service = open_registry(found), open_service(found)
    manifest = registry.get(service.before(tier))
    path = registry.path(manifest)
    if (wrong := glance(manifest, path)) is not None:
        raise BadInput(wrong)
    readable_model(path)
    made = service.rollback(tier, at=now())
    if as_json:
        print_json({"tier": tier, **made.document()})
    else:
        instead = made.evidence.get("rolled_back_from")
        click.echo(
            f"{made.current} is in service for {tier} again{f', in place of {instead}' if instead else ''}."
        )
    if (elsewhere := told_elsewhere(found, tier)) is not None:
        complain(f"It serves nothing yet, because {elsewhere}; take that away and start CCOS again.")
