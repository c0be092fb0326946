"""A drill as a table and a line for each promise."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccos.cli.terminal import plain
from ccos.drill import telling
from ccos.drill.figures import Figures, by_phase, judged, of_fault, promises
from ccos.drill.plots import percent
from ccos.drill.records import Record
from ccos.drill.words import Words

_STYLES = {"pass": "green", "fail": "red", "not_measured": "dim"}
_FIGURES = ("drafts", "in time", "useful", "ready", "quality", "p50 s", "p95 s", "max s", "switched", "cost")


def show(out: Console, record: Record) -> None:
    """Prints phases, faults where there are several, and the verdicts."""
    words = Words("en")
    tier = f"{record.tier.value}, simulated" if record.simulated else record.tier.value
    out.print(
        Text(f"Outage drill of {tier}; mode {record.mode.value}, {record.seconds:g} s a draft.", "bold")
    )
    out.print(_phases(record))
    if len(record.outages) > 1:
        out.print(Text())
        out.print(_faults(record))
    out.print(Text())
    for promise in promises(record.samples, record.outages, record):
        line = Text(f"{telling.MARKS[promise.verdict]} {words(promise.name)}: ", _STYLES[promise.verdict])
        line.append(telling.measured(promise, words), "default")
        counted = telling.counted(promise, words)
        line.append(f" (aim {telling.aim(promise, words)}{', ' if counted else ''}{counted})", "dim")
        out.print(line, soft_wrap=True)
    if (why := telling.why_not(record, words)) is not None:
        out.print(Text(why, "red"), soft_wrap=True)
    for outage in record.outages[:1] if len(record.outages) == 1 else []:
        out.print(Text(f"Calls to {record.tier.value} during the outage: {outage.asked}.", "dim"))
    if record.simulated:
        out.print(Text("The simulated provider says nothing of a real one's quality, speed or cost.", "dim"))


def _phases(record: Record) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("phase", no_wrap=True)
    for name in _FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("written by", overflow="fold")
    for phase, found in by_phase(record).items():
        if found.drafts:
            table.add_row("outage" if phase == "during" else phase, *_figures(found), telling.mix(found))
    return table


def _faults(record: Record) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("fault", no_wrap=True)
    for name in (*_FIGURES, "calls", "back s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("said", overflow="fold")
    for outage in record.outages:
        found = by_phase(record, outage.fault)["during"]
        kind = judged(record, of_fault(record, outage))
        back = "–" if outage.back_seconds is None else f"{outage.back_seconds:.1f}"
        title = Text(f"{telling.MARKS[kind]} {outage.fault}", _STYLES[kind])
        said = plain(telling.reasons(found))
        table.add_row(title, *_figures(found), str(outage.asked), back, Text(said, "dim"))
    return table


def _figures(found: Figures) -> list[str]:
    return [
        str(found.drafts),
        percent(found.answered),
        percent(found.useful),
        percent(found.ready),
        telling.score(found.quality),
        telling.seconds(found.seconds_p50),
        telling.seconds(found.seconds_p95),
        telling.seconds(found.seconds_max),
        percent(found.switched),
        f"${found.cost_usd:.4f}",
    ]
