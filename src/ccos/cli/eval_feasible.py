"""`ccos eval feasible`: can the wanted saving be had at all, before anything is bought or promised?"""

from __future__ import annotations

from dataclasses import asdict

import click

from ccos.cli.eval_replay import SHARE, required_option, saving_option
from ccos.cli.run import Number, print_json


@click.command("feasible")
@click.option(
    "--good-rate", type=SHARE, required=True, help="Share of tickets on which the cheap tier is good."
)
@required_option
@click.option(
    "--cost-ratio",
    type=Number(0, 1, max_open=True),
    default=0.04,
    show_default=True,
    help="What a call of the cheap tier costs, in calls of the dear one.",
)
@saving_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def feasible(good_rate: float, required: float, cost_ratio: float, saving: float, as_json: bool) -> None:
    """Say whether a saving is feasible at a required quality.

    The cheap tier answers first and is always paid. Of answers that are bad too often, some must go on to the
    dear tier, however good the gate is: that bounds the saving from above.
    """
    from ccos.learning.replay.feasible import feasibility

    found = feasibility(good_rate, required, cost_ratio=cost_ratio, wanted=saving)
    if as_json:
        print_json({**asdict(found), "sentence": found.sentence})
    else:
        click.echo(found.sentence)
