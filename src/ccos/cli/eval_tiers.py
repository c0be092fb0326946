"""`ccos eval tiers`: each tier's quality, speed and cost, task by task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ccos.cli import tenancy
from ccos.cli.files import check_files, readable, writable, write
from ccos.cli.run import DONE, FAILED, INTERRUPTED, Number, Seconds, complain, end, print_json, run, settings
from ccos.domain.errors import BadInput
from ccos.domain.tier import Tier

if TYPE_CHECKING:
    from ccos.cli.tier_trial import GoldOf, Trial
    from ccos.domain.ticket import Ticket
    from ccos.settings import Settings

STOPPED = "It was stopped before its end; this is what was measured until then."


@click.command()
@click.option(
    "--tier",
    "names",
    multiple=True,
    type=click.Choice([tier.value for tier in Tier]),
    help="Only this tier; repeatable [all four].",
)
@click.option("--tickets", metavar="FILE", help="Your own tickets, one JSON object a line.")
@click.option(
    "--gold",
    type=readable(),
    metavar="FILE",
    help="What good answers to them look like, one JSON object a line; without it nothing is compared.",
)
@click.option(
    "--kb",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="Procedures to search instead of the sample shop's, a file or a folder.",
)
@click.option("--limit", type=click.IntRange(1), help="Only so many tickets, spread over all of them.")
@click.option(
    "--timeout", type=Seconds(0.1, 600), default=20.0, show_default=True, help="Seconds a question."
)
@click.option(
    "--spend-at-most",
    type=Number(0, 1_000),
    default=1.0,
    show_default=True,
    metavar="USD",
    help="What paid providers may be paid, within the day's limit.",
)
@tenancy.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--html",
    type=writable(),
    metavar="OUT",
    help="Write a report with plots.",
)
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the report."
)
def tiers(
    names: tuple[str, ...],
    tickets: str | None,
    gold: Path | None,
    kb: Path | None,
    limit: int | None,
    timeout: float,
    spend_at_most: float,
    tenant: str | None,
    as_json: bool,
    html: Path | None,
    language: Literal["en", "ko"],
) -> None:
    """Measure each tier's quality, speed and cost, task by task.

    Every tier that the settings configure is asked to read, search for and answer each ticket of the sample
    shop, or of your own, with the other tiers out of reach; a tier that cannot be asked says why. Rules and
    local models cost nothing. With OPENAI_API_KEY or ANTHROPIC_API_KEY set, each ticket is three calls of
    the cloud, some $0.01 with a mid-priced model, that --tenant pays: never more than --spend-at-most, and
    never more than what DAILY_LLM_COST_LIMIT leaves of the day.
    """
    check_files([html], [None if tickets is None else Path(tickets), gold, kb])
    if gold is not None and tickets is None:
        raise BadInput("Give --tickets with --gold; the sample's own tickets have their own.")
    chosen = [tier for tier in Tier if not names or tier.value in names]
    those, known = _material(tickets, gold, limit)
    trials: list[Trial] = []

    async def go(found: Settings) -> None:
        from ccos.cli.eval_progress import bar
        from ccos.cli.terminal import working
        from ccos.cli.tier_trial_opening import open_trial

        async with AsyncExitStack() as stack:
            with working("Opening (tiers, search)"):
                trial = await open_trial(
                    found,
                    chosen,
                    gate_in_use(),
                    stack,
                    seconds=timeout,
                    spend_at_most_usd=Decimal(str(spend_at_most)),
                    kb=kb,
                    slug=tenant,
                )
            trials.append(trial)
            if trial.may_cost:
                complain(f"Paid providers are asked, too, for ${spend_at_most:.2f} at most.")
            total = 3 * len(those) * len(trial.services)
            with bar("Asking") as tell:
                await trial.run(those, known, lambda: tell(len(trial.asked), total))

    try:
        run(go(settings()))
    except (KeyboardInterrupt, click.exceptions.Exit) as stop:
        if not trials:
            raise
        _report(trials[0], len(those), html, language, as_json, stopped=True)
        complain(STOPPED)
        end(stop.exit_code if isinstance(stop, click.exceptions.Exit) else INTERRUPTED)
    document = _report(trials[0], len(those), html, language, as_json)
    end(DONE if any(tier["available"] for tier in document["tiers"].values()) else FAILED)


def _material(tickets: str | None, gold: Path | None, limit: int | None) -> tuple[list[Ticket], GoldOf]:
    from ccos import sample
    from ccos.cli.reading import parsed, ticket_lines
    from ccos.learning.labelled import read_lines

    if tickets is None:
        return list(_spread(sample.tickets(), limit)), {each.external_id: each for each in sample.gold()}
    read: list[Ticket] = []
    for number, ticket in ticket_lines(tickets):
        if isinstance(ticket, BadInput):
            raise BadInput(f"{tickets}, line {number}: {ticket.sentence}")
        named = ticket.external_id or ticket.id or str(number)
        read.append(ticket.model_copy(update={"external_id": named}))
    if not read:
        raise BadInput(f"{tickets} holds no tickets: write one JSON object a line.")
    known: dict[str, sample.Gold] = {}
    if gold is not None:
        for number, line in enumerate(read_lines(gold), start=1):
            if line.strip():
                try:
                    one = parsed(line.encode(), sample.Gold, "gold line")
                except BadInput as fault:
                    raise BadInput(f"{gold.name}, line {number}: {fault.sentence}") from None
                known[one.external_id] = one
        if not known.keys() & {ticket.external_id for ticket in read}:
            raise BadInput(
                f"{gold.name} speaks of none of these tickets: their external_id must be the same."
            )
    return list(_spread(read, limit)), known


def gate_in_use() -> Any:
    """The gate as the product has it: the trained score and its certificates where they ship with it."""
    from ccos.quality.gate import Gate
    from ccos.quality.promises import Promises
    from ccos.quality.scorer import LearnedScorer, shipped

    try:
        model = shipped()
    except FileNotFoundError:
        return Gate()
    return Gate(LearnedScorer(model), promises=Promises(model.certificates))


def _report(
    trial: Trial,
    tickets: int,
    html: Path | None,
    language: Literal["en", "ko"],
    as_json: bool,
    *,
    stopped: bool = False,
) -> dict[str, Any]:
    from ccos.learning.tier_report import tier_report

    document = {"tickets": tickets, "stopped": stopped, **tier_report(trial.states, trial.asked)}
    if html is not None:
        from ccos.cli.eval_tiers_page import page

        write(html, page(document, language))
        complain(f"The report is in {html}.")
    if as_json:
        print_json(document)
    else:
        from ccos.cli.eval_tiers_table import show
        from ccos.cli.terminal import stdout

        show(stdout(), document)
    return document


def _spread(tickets: Sequence[Ticket], most: int | None) -> Iterator[Ticket]:
    """At most so many tickets, taken evenly from all of them, so that few still show every kind."""
    count = len(tickets) if most is None else min(most, len(tickets))
    return (tickets[n * len(tickets) // count] for n in range(count))
