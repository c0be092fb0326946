"""`ccos report quality`: what people did with the drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from ccos.learning.kpis import By, Kpi, Outcomes
    from ccos.wiring.kpis import Figures

GROUPS = ("tier", "model", "intent", "language", "channel", "agent", "made_as", "day")

NAMES = {
    "approval": "approved",
    "edited": "edited",
    "answered": "answered",
    "switches": "switches that succeeded",
    "fallback_quality": "quality after a switch",
    "seconds": "seconds a draft",
    "saved": "saved against all-premium",
    "days_over_limit": "days over the limit",
}
PLAIN = frozenset({"fallback_quality", "seconds", "days_over_limit"})
"""Figures that are no shares."""


@click.command()
@tenancy.option
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Days up to today, today too."
)
@click.option("--by", type=click.Choice(GROUPS), default="tier", show_default=True, help="One line for each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def quality(tenant: str | None, days: int, by: By, as_json: bool) -> None:
    """What people did with the drafts, against what the product promises.

    Approval is (as is + edited) / decided; an edit counts from a fiftieth of the characters on. Drafts that a
    newer message or an agent's own reply overtook are not decided and stand beside. Each share comes with a
    95 % interval; those of fewer than 30 are shown dim, for chance moves them more than anything else.
    """
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from ccos.cli.terminal import working

    found = settings()
    last = datetime.now(UTC).astimezone(ZoneInfo(found.timezone)).date()
    first = last - timedelta(days=days - 1)

    async def go() -> tuple[str, Figures]:
        from ccos.domain.money import micro_usd
        from ccos.wiring import open_administration
        from ccos.wiring.kpis import read_figures

        async with open_administration(found) as owner:
            whose = await tenancy.tenant_for(owner, tenant)
            async with owner.tenant(whose.id) as tx:
                told = await read_figures(
                    tx, first, last, zone=found.timezone, limit=micro_usd(found.daily_llm_cost_limit)
                )
            return whose.slug, told

    with working("Reading the decisions"):
        slug, told = run(go())
    if as_json:
        print_json({"tenant": slug, "timezone": found.timezone, **told.document(by)})
    elif not told.made and not told.decided:
        complain(
            f"No draft was made for {slug} in the last {days} days; "
            "`ccos demo` or a first draft changes that."
        )
    else:
        _print(told, by, slug, days)


def _print(told: Figures, by: By, slug: str, days: int) -> None:
    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout
    from ccos.learning import kpis

    out = stdout()
    whole = kpis.outcomes(told.decided)
    out.print(
        f"{slug}, the last {days} days: {whole.decided:,} drafts decided, {whole.as_is:,} as they were, "
        f"{whole.edited:,} edited, {whole.rejected:,} rejected."
    )
    out.print(_beside(told))
    print_table(out, _kpi_table(told.kpis()))
    if whole.decided:
        out.print()
        print_table(out, _group_table(told, by))
    if reasons := kpis.reasons(told.decided):
        out.print("Rejected for: " + ", ".join(f"{name} {n:,}" for name, n in reasons.items()) + ".")


def _beside(told: Figures) -> str:
    from ccos.learning import kpis

    counted = kpis.beside(told.made)
    parts = [f"{n:,} {name}" for name, n in counted.items() if n]
    return f"Beside them: {', '.join(parts)}." if parts else "Nothing else was drafted."


def _kpi_table(found: list[Kpi]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for head in ("seen", "95 % interval", "promised", "of"):
        table.add_column(head, justify="right")
    table.add_column("")
    for each in found:
        share = each.name not in PLAIN
        sign = "≥" if each.direction == "at least" else "≤"
        interval = each.interval
        table.add_row(
            NAMES[each.name],
            _dim(_number(each.value, share), each.thin),
            "" if interval is None else f"{_number(interval.low, share)}–{_number(interval.high, share)}",
            f"{sign} {_number(each.target, share)}",
            f"{each.n:,}",
            _mark(each),
        )
    return table


def _mark(each: Kpi) -> str:
    if each.value is None:
        return "nothing seen yet"
    if each.met is None:
        return "too few to say"
    told = "kept" if each.met else "missed"
    return told if each.sure or each.interval is None else f"{told}, within chance"


def _group_table(told: Figures, by: By) -> Any:
    from rich.table import Table

    from ccos.learning import kpis

    table = Table(box=None, pad_edge=False)
    table.add_column(by.replace("_", " "))
    for head in ("decided", "approved", "interval", "edited", "rejected", "reopened", "CSAT", "s to decide"):
        table.add_column(head, justify="right")
    for name, each in kpis.grouped(told.decided, by).items():
        table.add_row(told.agents.get(name, name) or "–", *_cells(each))
    return table


def _cells(each: Outcomes) -> list[RenderableType]:
    approval = each.approval
    low, high = approval.interval.low, approval.interval.high
    thin = approval.thin
    return [
        f"{each.decided:,}",
        _dim(_number(approval.value, True), thin),
        _dim(f"{_number(low, True)}–{_number(high, True)}", thin),
        _dim(_number(each.edits.value, True), thin),
        _dim(_number(each.rejection.value, True), thin),
        _dim(_number(each.reopening.value, True), each.reopening.thin),
        f"{each.csat / each.rated:.1f}" if each.rated else "–",
        f"{each.seconds / each.timed:.0f}" if each.timed else "–",
    ]


def _number(value: float | None, share: bool) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if share else f"{value:.2f}".removesuffix(".00")


def _dim(words: str, thin: bool) -> Text:
    from rich.text import Text

    return Text(words, "dim" if thin else "")
