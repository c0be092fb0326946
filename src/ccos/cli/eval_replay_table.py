"""A replay as lines and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccos.cli.eval_gate_table import number, share
from ccos.cli.tables import print_table
from ccos.cli.terminal import plain

WHEN = {"before": "before the call", "after the call": "after the call"}


def show(out: Console, told: Mapping[str, Any]) -> None:
    """Prints the policies, the best area first among those that are trained, bounds last as they came."""
    how = (
        f"taught on {told['trained_on']:,} others by {plain(told['trained_on_column'])}"
        if told["trained_on_column"]
        else f"each by a policy that had not seen it, in {told['folds']} parts"
    )
    out.print(Text(f"{plain(told['file'])}: {told['n']:,} outcomes, {how}.", "bold"))
    out.print(
        Text(
            f"Weak model {number(told['weak_quality'])}, strong model {number(told['strong_quality'])}; "
            f"a weak call costs {told['cost_ratio']:.3g} of a strong one.",
            "dim",
        )
    )
    kept = f"{told['kept_quality']:.0%}"
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(
        (
            "policy",
            "acts",
            "AUROC",
            "APGR",
            "95 %",
            f"saving at {kept}",
            "95 %",
            "quality",
            "cost",
            "to strong",
        )
    ):
        table.add_column(head, justify="right" if place > 1 else "left")
    for name, each in told["policies"].items():
        table.add_row(
            name,
            WHEN.get(each["when"], "–"),
            number(each["auroc"]),
            number(each["apgr"]),
            span(each["apgr_interval"]),
            share(each["saving"]),
            span(each["saving_interval"], shares=True),
            number(each["quality"]),
            number(each["cost"]),
            share(each["strong_share"]),
        )
    print_table(out, table)
    out.print(
        Text(
            "AUROC: whether the score tells good weak answers from bad ones. APGR: how much of the gap "
            "between the models is closed, over all budgets; sending at random closes 0.5. Saving: against "
            f"always strong, at {kept} of its quality; it compares policies. What reads the answer and what "
            "does not are two classes.",
            "dim",
        )
    )
    if told["feasible"]:
        out.print(Text(f"To plan with: {told['feasible']['sentence']}"))


def span(pair: Sequence[float | None] | None, *, shares: bool = False) -> str:
    if pair is None or pair[0] is None or pair[1] is None:
        return ""
    low, high = pair
    return f"{low:.0%} to {high:.0%}" if shares else f"{low:.2f} to {high:.2f}"
