"""`ccos train learned`: what the loop learnt of a tenant, and a person's word about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings
from ccos.domain.errors import BadInput

if TYPE_CHECKING:
    from ccos.store.approved_answers import ApprovedAnswer
    from ccos.store.database import Tx
    from ccos.store.quality_models import QualityModel

BY = "cli"


@click.command()
@tenancy.option
@click.option("--promote", type=click.IntRange(min=1), metavar="N", help="Promote version N.")
@click.option("--rollback", is_flag=True, help="Go back to the version before, or to what ships.")
@click.option("--accept", multiple=True, metavar="ID", help="Accept a proposed answer.")
@click.option("--refuse", multiple=True, metavar="ID", help="Refuse a proposed answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def learned(
    tenant: str | None,
    promote: int | None,
    rollback: bool,
    accept: tuple[str, ...],
    refuse: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the versions that `ccos train loop` made and the answers it proposes, and decide about them.

    A version that a person went back from is not promoted again by the loop, and later ones wait for a
    person too.
    """
    from ccos.store import approved_answers, quality_models
    from ccos.wiring.learning import open_thresholds

    if promote is not None and rollback:
        raise BadInput("Either --promote or --rollback: together they say nothing.")
    if set(accept) & set(refuse):
        raise BadInput("An answer is either accepted or refused; the same id stands behind both options.")
    found = settings()

    async def go() -> tuple[list[QualityModel], list[ApprovedAnswer]]:
        async with open_thresholds(found) as (database, _):
            whose = await tenancy.tenant_for(database, tenant)
            async with database.tenant(whose.id) as tx:
                if promote is not None:
                    await quality_models.promote(tx, (await _version(tx, promote)).id, by=BY)
                if rollback:
                    await quality_models.roll_back(tx, by=BY)
                for each in accept:
                    await approved_answers.settle(tx, each, "accepted", by=BY)
                for each in refuse:
                    await approved_answers.settle(tx, each, "refused", by=BY)
                return await quality_models.every(tx), await approved_answers.every(tx)

    versions, answers = run(go())
    if as_json:
        print_json(
            {"versions": [_plain(one) for one in versions], "answers": [_plain(one) for one in answers]}
        )
        return
    if not versions and not answers:
        complain("Nothing was learnt yet; `ccos train loop` learns from what people decided.")
    for version in versions:
        click.echo(f"{version.kind} {version.version}  {version.state}  {version.labels} labels")
        click.echo(f"  {version.reason}")
    for answer in answers:
        click.echo(f"{answer.id}  {answer.state}  {answer.intent}, {answer.tickets} tickets")
        click.echo(f"  {answer.body}")


async def _version(tx: Tx, number: int) -> QualityModel:
    from ccos.store import quality_models

    for each in await quality_models.every(tx, quality_models.CALIBRATION):
        if each.version == number:
            return each
    raise BadInput(f"There is no version {number}; leave --promote out to see those there are.")


def _plain(one: Any) -> dict[str, Any]:
    """As JSON: moments and ids as text."""
    return {
        name: value if isinstance(value, int | float | str | list | dict | None) else str(value)
        for name in one.__slots__
        for value in [getattr(one, name)]
    }
