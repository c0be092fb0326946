"""What was found of the gate, as lines and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccos.cli.tables import print_table
from ccos.cli.terminal import plain

MOST_ROWS = 12
"""Of a breakdown on a terminal; the JSON document and the page have them all."""


def show(out: Console, document: Mapping[str, Any]) -> None:
    """Prints the figures; what a set does not define is a dash."""
    names = plain(", ".join(document["files"]))
    out.print(Text(f"{names}: {document['n']:,} answers, {share(document['base_rate'])} good.", "bold"))
    out.print(Text(f"Scorer: {', '.join(document['scorer'])}{trained_on(document)}.", "dim"))
    print_table(out, _scores(document))
    out.print(Text("\nWhat is accepted, by quality required"))
    print_table(out, _coverage(document["coverage"]))
    for key, title in BREAKDOWNS:
        if len(document[key]) > 1:
            out.print(Text(f"\n{title}"))
            print_table(out, _breakdown(document[key]))
    if document["vetoes"]["any"]["n"]:
        out.print(Text("\nVetoes"))
        print_table(out, _vetoes(document["vetoes"]))
    seconds = document["seconds_per_answer"]
    times = ", ".join(f"{name} {milliseconds(value)}" for name, value in seconds.items())
    out.print(Text(f"\nGate per answer: {times}."))


BREAKDOWNS = (
    ("by_task", "By task"),
    ("by_language", "By language"),
    ("by_generator", "Within one generator"),
    ("by_kind", "By how the line was made"),
)


def trained_on(document: Mapping[str, Any]) -> str:
    names = document["trained_on"]
    if not names:
        return ""
    return f", trained on {', '.join(names)} (on these, --cross-validate is the honest figure)"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def between(pair: Sequence[float] | None, *, shares: bool = False) -> str:
    if pair is None:
        return ""
    low, high = (f"{end:.0%}" if shares else f"{end:.3f}" for end in pair)
    return f"{low} to {high}"


def broken(each: Mapping[str, Any]) -> str:
    """How often the promise broke; a dash where resamplings never certified one, or there were none."""
    tried = each.get("resampled")
    if not tried or not tried["certified_share"]:
        return "–"
    return f"{share(each['broken_share'])} / {tried['resamplings']}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left")
    return table


def _scores(document: Mapping[str, Any]) -> Table:
    table = _table("", "score", "95 % interval", "plain heuristic")
    table.add_row(
        "AUROC",
        number(document["auroc"]),
        between(document["auroc_ci"]),
        number(document["heuristic_auroc"]),
    )
    table.add_row(
        "ECE (15 bins)",
        number(document["ece"]),
        between(document["ece_ci"]),
        number(document["heuristic_ece"]),
    )
    table.add_row("Brier", number(document["brier"]), "", "")
    table.add_row("average precision", number(document["average_precision"]), "", "")
    return table


def _coverage(found: Mapping[str, Any]) -> Table:
    table = _table(
        "required",
        "certified here",
        "accepted",
        "risk at most",
        "broken in resampling",
        "shipped accepts",
        "of them good",
    )
    for required, each in found.items():
        shipped = each["shipped"] or {}
        table.add_row(
            required,
            "–" if each["threshold"] is None else f"from {each['threshold']:.3f}",
            share(each["coverage"]),
            share(each["risk_bound"]),
            broken(each),
            share(shipped.get("coverage")),
            f"{share(shipped.get('good_share'))} {between(shipped.get('good_ci'), shares=True)}".strip(),
        )
    return table


def _breakdown(found: Mapping[str, Any]) -> Table:
    table = _table("", "answers", "good", "AUROC", "95 % interval", "ECE", "heuristic AUROC", "vetoed")
    for name, each in list(found.items())[:MOST_ROWS]:
        table.add_row(
            Text(plain(name)),
            f"{each['n']:,}",
            share(each["base_rate"]),
            number(each["auroc"]),
            between(each["auroc_ci"]),
            number(each["ece"]),
            number(each["heuristic_auroc"]),
            f"{each['vetoed']:,}",
        )
    if len(found) > MOST_ROWS:
        table.add_row(Text(f"and {len(found) - MOST_ROWS} more", "dim"))
    return table


def _vetoes(found: Mapping[str, Any]) -> Table:
    table = _table("kind", "refused", "bad among them", "95 % interval", "of all bad")
    for kind, each in found.items():
        table.add_row(
            kind,
            f"{each['n']:,}",
            share(each["precision"]),
            between(each["precision_ci"], shares=True),
            share(each["recall"]),
        )
    return table
