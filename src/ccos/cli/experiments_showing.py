"""How an experiment looks in a terminal: tables, the interval over time, and the verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ccos.domain.experiment import Metric

if TYPE_CHECKING:
    from rich.table import Table

    from ccos.domain.experiment import Experiment
    from ccos.learning.experiments.off_policy import Judgement
    from ccos.learning.experiments.reading import Contrast, Point, Reading
    from ccos.wiring.experiments import Told

WIDTH, HEIGHT = 60, 9
METRICS = {
    Metric.APPROVAL: "approved",
    Metric.AS_IS: "approved as it is",
    Metric.SECONDS: "seconds to decide",
    Metric.COST: "USD a draft",
}
REFUSALS = {
    "deterministic": "the plans never varied: set CCOS_EXPLORE, or run an experiment",
    "no_chance": "a plan was logged without its chance: the log cannot be trusted",
    "never_tried": "never had a chance to go first",
    "too_few": "too few decisions of its own",
}
GUARDS = {
    "reopened": "customers who came back",
    "rejected": "rejected",
    "vetoed": "refused by a rule of the gate",
    "cost_per_approved": "USD an approved draft",
    "p95_seconds": "slower than the bound",
}


def print_list(found: Sequence[Experiment]) -> None:
    """One line for each."""
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    table = Table(box=None, pad_edge=False)
    for head in ("experiment", "state", "arms", "changes", "since"):
        table.add_column(head)
    for each in found:
        since = each.stopped_at or each.started_at or each.created_at
        table.add_row(
            each.name,
            each.state.value,
            ", ".join(arm.name for arm in each.definition.arms),
            ", ".join(sorted(each.definition.knobs)) or "nothing (A/A)",
            f"{since:%Y-%m-%d}",
        )
    print_table(stdout(), table)


def print_told(told: Told) -> None:
    """All of it."""
    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    out, reading = stdout(), told.reading
    of = told.experiment.definition
    out.print(f"{of.name} is {told.experiment.state.value}. {of.hypothesis}".strip(), markup=False)
    out.print(verdict(reading), markup=False)
    print_table(out, _arms(reading))
    for contrast in reading.contrasts:
        if contrast.last is not None:
            out.print(f"\n{_contrast(reading, contrast, of.control.name)}", markup=False)
            for line in plot(contrast.points, share=of.metric.more_is_better):
                click.echo(line)
    if reading.guardrails:
        print_table(out, _guards(reading))
    if reading.variance_cut > 0.01:
        out.print(f"What was known of tickets before took {reading.variance_cut:.0%} of the noise away.")


def print_judgement(told: Judgement) -> None:
    """One line for each tier a draft could begin with."""
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    out, table = stdout(), Table(box=None, pad_edge=False)
    table.add_column("begin with")
    for head in ("could change", "approved", "± 95 %", "IPS", "SNIPS", "worth decisions"):
        table.add_column(head, justify="right")
    table.add_column("")
    for each in told.policies:
        found = each.estimate
        cells = ["–"] * 5
        if found is not None:
            shares = (found.doubly_robust, 1.96 * found.deviation, found.ips, found.snips)
            cells = [*(f"{share:.1%}" for share in shares), f"{found.effective:,.0f}"]
        table.add_row(each.tier.value, f"{each.could:,}", *cells, REFUSALS.get(each.refused or "", ""))
    out.print(f"{told.decisions:,} decided drafts, {told.as_logged or 0:.1%} of them approved.")
    print_table(out, table)
    for one, other in told.order:
        out.print(f"Beginning with {one.value} is better than with {other.value}.")
    if not told.order:
        out.print("The log ranks no two of them.")


def verdict(reading: Reading) -> str:
    """In one or two plain sentences."""
    said = reading.verdict
    more = f" About {said.about:,} more drafts are needed." if said.n else ""
    match said.code:
        case "broken":
            which = "got the arms" if said.what == "assigned" else "are compared in the arms"
            return (
                f"The result is hidden: tickets that {which} are not in the ratio they should be "
                f"(p = {reading.ratio_p:.1g}). Something is broken; find it before you trust any number."
            )
        case "thin":
            return f"Too few to say anything yet.{more}"
        case "harm":
            return f"Stop: {said.arm} does harm ({GUARDS.get(said.what, said.what)})."
        case "better":
            return f"{said.arm} is better. It may be promoted."
        case "worse":
            return f"{said.arm} is worse than the control. It may be stopped."
        case "alike":
            return "No difference that would matter. Take what is cheaper or simpler."
        case _:
            return f"Not known yet.{more}"


def plot(
    points: Sequence[Point], *, share: bool = True, width: int = WIDTH, height: int = HEIGHT
) -> list[str]:
    """The interval over time, shares in points, with a line at zero. A wide beginning is cut off."""
    if not points:
        return []
    step = max(len(points) / width, 1.0)
    shown = [points[min(round(place * step), len(points) - 1)] for place in range(min(width, len(points)))]
    later = shown[len(shown) // 4 :]
    high = max(0.0, *(point.high for point in later))
    low = min(0.0, *(point.low for point in later))
    size = (high - low) or 1.0

    def row(value: float) -> int:
        return round((high - min(max(value, low), high)) / size * (height - 1))

    lines = []
    for at in range(height):
        cells = []
        for point in shown:
            inside = row(point.high) <= at <= row(point.low)
            bare = "┈" if at == row(0.0) else " "
            within = "┼" if at == row(0.0) else "│"
            cells.append("●" if at == row(point.effect) else within if inside else bare)
        value = high - size * at / (height - 1)
        label = f"{100 * value:+.1f}" if share else f"{value:+.3g}"
        lines.append(f"{label:>9} {''.join(cells)}".rstrip())
    return lines


def _contrast(reading: Reading, contrast: Contrast, control: str) -> str:
    last = contrast.last
    assert last is not None
    share = reading.metric.more_is_better
    effect, low, high = (
        f"{100 * value:+.1f} points" if share else f"{value:+.4g}"
        for value in (last.effect, last.low, last.high)
    )
    return (
        f"{contrast.arm} against {control}, {METRICS[reading.metric]}: {effect} "
        f"(95 % interval {low} to {high}, p = {contrast.p:.3f}, n = {last.n:,})"
    )


def _arms(reading: Reading) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("arm")
    for head in (
        "part",
        "tickets",
        "compared",
        METRICS[reading.metric],
        "fell over",
        "left out",
        "otherwise",
    ):
        table.add_column(head, justify="right")
    share = reading.metric.more_is_better
    for arm in reading.arms:
        shown = "–" if arm.mean is None else f"{arm.mean:.1%}" if share else f"{arm.mean:.4g}"
        table.add_row(
            arm.arm,
            f"{arm.part:.0%}",
            f"{arm.tickets:,}",
            f"{arm.compared:,}",
            Text("hidden" if reading.broken else shown, "dim" if arm.thin or reading.broken else ""),
            f"{arm.fell_over:,}",
            f"{arm.left_out:,}",
            f"{arm.otherwise:,}",
        )
    return table


def _guards(reading: Reading) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("guardrail")
    table.add_column("arm")
    for head in ("arm's", "control's", "bound", "n", "p of harmless"):
        table.add_column(head, justify="right")
    table.add_column("")
    for each in reading.guardrails:
        money = each.name == "cost_per_approved"
        bound = f"{each.bound:g} s" if each.name == "p95_seconds" else f"+{100 * each.bound:g}"
        bound += " %" if money else "" if each.name == "p95_seconds" else " points"
        values = [
            "–" if value is None else f"${value:.4f}" if money else f"{value:.1%}"
            for value in (each.value, each.control)
        ]
        table.add_row(
            GUARDS[each.name],
            each.arm,
            *values,
            bound,
            f"{each.n:,}",
            f"{each.p:.3f}",
            "HARM" if each.harmed else "",
        )
    return table
