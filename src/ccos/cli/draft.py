"""`ccos draft`: a reply for one ticket, or for a file of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.run import BAD_INPUT, DONE, FAILED, Seconds, complain, end, print_json, run, settings
from ccos.domain.tier import Mode

if TYPE_CHECKING:
    from ccos.domain.draft import Draft
    from ccos.domain.errors import BadTicket
    from ccos.domain.tenant import Tenant
    from ccos.domain.ticket import Ticket
    from ccos.settings import Settings
    from ccos.wiring import Ccos

LOAD_SECONDS = 120.0


@click.command()
@click.argument("file", metavar="[TICKET.json|-]", required=False)
@click.option("--batch", metavar="FILE.jsonl|-", help="Draft a file of tickets, one JSON object a line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--mode", type=click.Choice([m.value for m in Mode]), help="How tiers are ordered [CCOS_MODE].")
@tenancy.option
@click.option("--seconds", type=Seconds(0.5, 600), default=20.0, show_default=True, help="Per draft.")
@click.option("--hint", metavar="TEXT", help="What the reply should say or change (at most 500 characters).")
@click.option(
    "--out",
    metavar="RESULTS.jsonl",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Of a --batch: a JSON line for each draft as it ends. Run again, it goes on where it stopped.",
)
@click.option("--restart", is_flag=True, help="Draft all of a --batch anew, whatever --out holds.")
@click.option(
    "--at-once",
    type=click.IntRange(1, 32),
    help="Drafts at a time of a --batch. [default: as many as the tier that leads writes at once]",
)
def draft(
    file: str | None,
    batch: str | None,
    as_json: bool,
    mode: str | None,
    tenant: str | None,
    seconds: float,
    hint: str | None,
    at_once: int | None,
    out: Path | None,
    restart: bool,
) -> None:
    """Draft a reply to the ticket in a JSON file, or - for standard input.

    Of a --batch, lines that are no ticket are told with their number and the rest is drafted. The exit code
    is then 1, and 2 when no line was a ticket.
    """
    if (file is None) == (batch is None):
        raise click.UsageError("Give one ticket file, or --batch with a file of tickets.")
    if hint and batch:
        raise click.UsageError("--hint is for one ticket; leave it out with --batch.")
    if hint and len(hint) > 500:
        raise click.UsageError("--hint has more than 500 characters; shorten it.")
    if batch is None and (out or restart):
        raise click.UsageError("--out and --restart are for a --batch.")
    if restart and out is None:
        raise click.UsageError("--restart is for a --batch with --out.")
    how = Mode(mode) if mode else None
    if batch is not None and out is not None:
        from ccos.cli import batch_file, batch_results, files

        files.check_files([out, batch_results.beside_of(out)], [] if batch == "-" else [Path(batch)])
        code = batch_file.draft_to_file(
            settings(),
            batch,
            out,
            restart=restart,
            as_json=as_json,
            mode=how,
            tenant=tenant,
            seconds=seconds,
            at_once=at_once,
        )
        end(code)
    elif batch is not None:
        end(_draft_batch(batch, as_json, how, tenant, seconds, at_once or 2))
    elif file is not None:
        end(_draft_one(file, as_json, how, tenant, seconds, hint))


def _draft_one(
    file: str, as_json: bool, mode: Mode | None, slug: str | None, seconds: float, hint: str | None
) -> int:
    from ccos.cli import reading

    ticket = reading.ticket(file)
    from ccos.cli import batch
    from ccos.store import tickets

    found = settings()

    async def go() -> Draft:
        async with AsyncExitStack() as stack:
            ccos, whose = await opened(found, slug, stack)
            async with ccos.database.tenant(whose.id) as tx:
                put = await tickets.put(tx, ticket)
            assert put.ticket.id is not None
            return await ccos.drafting.make(whose, put.ticket.id, mode=mode, seconds=seconds, hint=hint)

    made = run(go())
    if as_json:
        print_json(batch.shown(ticket, made))
    else:
        from ccos.cli.showing import show
        from ccos.cli.terminal import stdout

        show(stdout(), ticket, made)
    return FAILED if made.state == "failed" or not made.reply else DONE


def _draft_batch(
    file: str, as_json: bool, mode: Mode | None, slug: str | None, seconds: float, at_once: int
) -> int:
    from ccos.cli import reading
    from ccos.domain.errors import BadTicket

    lines = list(reading.ticket_lines(file))
    bad = [(number, line) for number, line in lines if isinstance(line, BadTicket)]
    wanted = [line for _, line in lines if not isinstance(line, BadTicket)]
    for number, fault in bad:
        complain(f"Line {number}: {fault.sentence}")
    if not wanted:
        complain("No line is a ticket; give one JSON object a line." if lines else "There are no tickets.")
        return BAD_INPUT
    from ccos.cli import batch
    from ccos.cli.terminal import progress, stdout

    found = settings()

    async def go() -> list[tuple[Ticket, Draft]]:
        rows = []
        async with AsyncExitStack() as stack:
            ccos, whose = await opened(found, slug, stack)
            with progress("Drafting") as tell:
                drafted = batch.draft_all(ccos, whose, wanted, mode=mode, seconds=seconds, at_once=at_once)
                async for row in drafted:
                    rows.append(row)
                    tell(len(rows), len(wanted))
        return rows

    rows = run(go())
    made = [each for _, each in rows]
    totals = batch.totals(made) | {"bad_lines": [_bad(number, fault) for number, fault in bad]}
    if as_json:
        print_json({"drafts": [batch.shown(ticket, each) for ticket, each in rows], "totals": totals})
    else:
        out = stdout()
        out.print(batch.table_of(rows))
        out.print(batch.summary_text(totals))
    return FAILED if bad or not all(each.reply for each in made) else DONE


async def opened(found: Settings, slug: str | None, stack: AsyncExitStack) -> tuple[Ccos, Tenant]:
    """Everything a draft needs. Says so when the tenant knows nothing yet: drafts can only ask back then."""
    from ccos.cli.terminal import working
    from ccos.store import knowledge
    from ccos.wiring import open_ccos

    with working("Starting (database, search, tiers)"):
        ccos = await stack.enter_async_context(open_ccos(found, load_seconds=LOAD_SECONDS))
    whose = await tenancy.tenant_for(ccos.database, slug)
    async with ccos.database.tenant(whose.id) as tx:
        if not await knowledge.last_change(tx):
            complain(f"The tenant {whose.slug} has no knowledge yet; `ccos kb import PATH` brings it.")
    return ccos, whose


def _bad(number: int, fault: BadTicket) -> dict[str, object]:
    return {"line": number, "sentence": fault.sentence}
