"""`ccos train loop`: one night of learning, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.wiring.loop import Night


@click.command()
@click.option("--tenant", metavar="SLUG", help="Whose; left out: every tenant's.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and keep nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def loop(tenant: str | None, dry_run: bool, as_json: bool) -> None:
    """Learn from what people decided: a calibration of the gate's score, and answers that went out often.

    A calibration is fitted on the older three quarters of the labels and compared on the newest quarter with
    the one in force. It is promoted only when nothing is worse and something is surely better; answers are
    proposed to a person. Needs nothing beside the product itself.

    What is promoted is kept with its figures and told here; the gate does not read it yet, and goes on with
    the score that ships and the tenant's certified thresholds.
    """
    from ccos.cli import tenancy
    from ccos.store import tenants
    from ccos.wiring.learning import open_thresholds
    from ccos.wiring.loop import learn

    found = settings()

    async def go() -> list[tuple[str, Night]]:
        async with open_thresholds(found) as (database, learning):
            if tenant is None:
                whose = [each async for each in tenancy.every_tenant(database)]
            else:
                async with database.unbound() as tx:
                    whose = [await tenants.by_slug(tx, tenant)]
            return [
                (each.slug, await learn(database, each.id, learning.scorer, dry_run=dry_run))
                for each in whose
            ]

    nights = run(go())
    if as_json:
        print_json(
            {"dry_run": dry_run, "tenants": [{"tenant": slug, **night.as_json()} for slug, night in nights]}
        )
        return
    if not nights:
        complain("There is no tenant yet; `ccos tenants create SLUG` makes one.")
    for slug, night in nights:
        click.echo(f"{slug}: {night.labels} labels of {night.decisions} decisions. {night.reason}")
        if night.version is not None:
            click.echo(
                f"  Version {night.version} is {'promoted' if night.promoted else 'kept as a candidate'}."
            )
        if night.proposed:
            click.echo(f"  {night.proposed} answers {'would be' if dry_run else 'are'} proposed.")
