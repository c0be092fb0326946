"""What was found of the tiers, as a table: a row a tier and task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccos.cli.eval_gate_table import share
from ccos.cli.tables import print_table
from ccos.cli.terminal import plain

MAIN = {
    "question_classification": ("question classification", "intent", "right"),
    "sentiment": ("sentiment", "sentiment", "right"),
    "kb_query_building": ("KB query building", "hit@5", "found in five"),
    "solution_drafting": ("solution drafting", "points_said", "points said"),
}
"""Of each task its name, the key of its main figure, and what that figure is."""


def show(out: Console, document: Mapping[str, Any]) -> None:
    """Prints the table, and a line for each tier that cannot be asked."""
    out.print(Text(f"{document['tickets']} tickets.", "bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(("tier", "task", "answered", "", "more", "p50", "p95", "cost")):
        table.add_column(head, justify="left" if place in (0, 1, 4) else "right")
    for name, tier in document["tiers"].items():
        if not tier["available"]:
            continue
        for first, (task, row) in enumerate(tier["tasks"].items()):
            title, key, what = MAIN[task]
            table.add_row(
                "" if first else name,
                title,
                f"{row['answered']}/{row['n']}",
                f"{share(row[key])} {what}",
                ", ".join(more(row)),
                *times(row["seconds"]),
                f"${row['cost_usd']:.4f}",
            )
    print_table(out, table)
    for name, tier in document["tiers"].items():
        if tier["why"]:
            out.print(Text(plain(f"{name}: {tier['why']}"), "dim"))


def more(row: Mapping[str, Any]) -> Iterator[str]:
    """What else is known of drafts."""
    if "quality" not in row:
        return
    if row["quality"] is not None:
        yield f"quality {row['quality']:.2f}"
    yield f"{share(row['accepted_share'])} accepted"
    if row["gold_cited"] is not None:
        yield f"{share(row['gold_cited'])} cite the right procedure"
    if row["vetoed"]:
        yield f"{row['vetoed']} vetoed ({', '.join(row['vetoes'])})"


def times(seconds: Mapping[str, float] | None) -> tuple[str, str]:
    if seconds is None:
        return "–", "–"
    return _time(seconds["p50"]), _time(seconds["p95"])


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
