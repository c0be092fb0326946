"""`ccos models rollback`: back to the model that served before."""

from __future__ import annotations

import click

from ccos.cli.models_promote import tier_option
from ccos.cli.run import print_json, settings
from ccos.domain.errors import BadInput


@click.command()
@tier_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rollback(tier: str, as_json: bool) -> None:
    """Put the model that served before back into service, at once and without trials.

    The one that served becomes the previous one: a second rollback undoes the first.
    """
    from ccos.cli.models_showing import now
    from ccos.wiring.models import open_registry, open_service

    found = settings()
    registry, service = open_registry(found), open_service(found)
    before = service.read().get(tier)
    if before is not None and before.previous is not None:
        path = registry.path(registry.get(before.previous))
        if not path.is_file():
            raise BadInput(f"The file of {before.previous} is gone from {path}; put it back first.")
    made = service.rollback(tier, at=now())
    if as_json:
        print_json({"tier": tier, **made.document()})
    else:
        click.echo(f"{made.current} is in service for {tier} again, in place of {made.previous}.")
