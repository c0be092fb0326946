"""`ccos draft --batch FILE --out RESULTS`: any number of tickets, each result on disk as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.exceptions import Exit

from ccos.cli import batch, reading
from ccos.cli.batch_results import Results, open_results
from ccos.cli.batch_stream import draft_stream
from ccos.cli.run import BAD_INPUT, DONE, FAILED, INTERRUPTED, complain, print_json, run
from ccos.cli.terminal import progress, stdout
from ccos.domain.batch import named
from ccos.domain.errors import BadTicket, DatabaseUnavailable
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import batches
from ccos.tiers.slots import fitting

if TYPE_CHECKING:
    from ccos.settings import Settings


@dataclass(slots=True)
class Input:
    """The tickets of a file that are still to be drafted, read as they are wanted."""

    source: str
    results: Results
    lines: int = 0
    bad: int = 0
    written: int = 0

    def __iter__(self) -> Iterator[tuple[int, Ticket]]:
        for number, line in reading.ticket_lines(self.source):
            self.lines += 1
            if isinstance(line, BadTicket):
                self.bad += 1
                complain(f"Line {number}: {line.sentence}")
                continue
            ticket = named(line, number)
            if not self.results.has(number, ticket):
                yield number, ticket


def draft_to_file(
    found: Settings,
    source: str,
    out: Path,
    *,
    restart: bool,
    as_json: bool,
    mode: Mode | None,
    tenant: str | None,
    seconds: float,
    at_once: int | None,
) -> int:
    """Draft what RESULTS does not hold yet; the exit code. A first Ctrl-C lets begun drafts end."""
    tally = batch.Tally()
    reading.check(source)
    with open_results(out, restart=restart) as results:
        wanted = Input(source, results)
        if results.kept:
            complain(f"{results.kept} results are in {out.name} already; the rest is drafted.")
        try:
            run(_drafted(found, wanted, results, tally, mode, tenant, seconds, at_once))
        except (KeyboardInterrupt, Exit, DatabaseUnavailable) as stop:
            if not wanted.lines and not isinstance(stop, KeyboardInterrupt):
                raise
            told = f"{stop.sentence} " if isinstance(stop, DatabaseUnavailable) else ""
            complain(
                f"{told}Stopped: {results.kept + wanted.written} results are in {out.name}. Run the same"
                " command again to go on."
            )
            return stop.exit_code if isinstance(stop, Exit) else FAILED if told else INTERRUPTED
    if not wanted.lines:
        complain("There are no tickets.")
        return BAD_INPUT
    if wanted.bad == wanted.lines:
        complain("No line is a ticket; give one JSON object a line.")
        return BAD_INPUT
    _show(tally, wanted, results, as_json)
    return FAILED if wanted.bad or tally.without_reply else DONE


async def _drafted(
    found: Settings,
    wanted: Input,
    results: Results,
    tally: batch.Tally,
    mode: Mode | None,
    tenant: str | None,
    seconds: float,
    at_once: int | None,
) -> None:
    from ccos.cli.draft import opened

    stop = asyncio.Event()
    lost: list[str] = []

    async def work() -> None:
        async with AsyncExitStack() as stack:
            ccos, whose = await opened(found, tenant, stack)
            slots = at_once or fitting(ccos.service.cards, mode or found.mode)
            async with ccos.database.tenant(whose.id) as tx:
                since = results.begin(whose.id, await batches.clock(tx))
            total = _count(wanted.source)
            tell = stack.enter_context(progress("Drafting"))
            drafted = draft_stream(
                ccos, whose, wanted, mode=mode, seconds=seconds, at_once=slots, since=since, stop=stop
            )
            await stack.enter_async_context(aclosing(drafted))  # before the database is closed
            async for line, ticket, made in drafted:
                if made.id:
                    results.add(line, ticket, batch.shown(ticket, made))
                    wanted.written += 1
                else:
                    lost.append(f"Line {line}: {made.errors[0]}")
                tally.add(made)
                left = None if total is None else total - wanted.bad - results.kept
                tell(tally.tickets, None if left is None else max(left, tally.tickets))

    task = asyncio.create_task(work())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await task
        raise
    finally:
        if lost:
            complain(
                f"{lost[0]} Tickets without a result: {len(lost)}; run the same command again to draft them."
            )


def _count(source: str) -> int | None:
    """How many lines the file has that are not blank; None for what can be read only once."""
    if source == "-" or not Path(source).is_file():
        return None
    with Path(source).open("rb") as file:
        lines, says = 0, False
        while piece := file.readline(1 << 20):
            says = says or not piece.isspace()
            if piece.endswith(b"\n"):
                lines, says = lines + says, False
    return lines + says


def _show(tally: batch.Tally, wanted: Input, results: Results, as_json: bool) -> None:
    totals: dict[str, Any] = tally.totals() | {"bad_lines": wanted.bad, "kept": results.kept}
    if as_json:
        print_json({"totals": totals})
    elif tally.tickets:
        stdout().print(batch.summary_text(totals))
    else:
        complain("Every ticket has its result already; --restart drafts them again.")
