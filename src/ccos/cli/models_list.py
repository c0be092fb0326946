"""`ccos models list`: the models here, and which of them serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ccos.cli.run import complain, print_json, settings

if TYPE_CHECKING:
    from ccos.settings import Settings


@click.command("list")
@click.option("--catalogue", is_flag=True, help="List models worth getting instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(catalogue: bool, as_json: bool) -> None:
    """List the models of this machine, and which of them serve a tier."""
    if catalogue:
        _show_catalogue(as_json)
        return
    from ccos.cli.models_showing import size_of

    found = document(settings())
    if as_json:
        print_json(found)
        return
    if not found["models"]:
        click.echo(
            "No models are registered. Add a GGUF file with `ccos models add FILE`, or download one with"
            " `ccos models pull URL`."
        )
    else:
        _print(found["models"])
    for tier, by in found["tiers"].items():
        click.echo(f"{tier}: {by['served_by'] or 'nothing serves it'}{by['note']}")
    for name, why in found["updates"].items():
        complain(f"{name} may be out of date: {why} `ccos models pull` gets it under another name.")
    if found["unfinished_bytes"]:
        complain(
            f"{size_of(found['unfinished_bytes'])} of downloads or copies are unfinished, in files .*.part of"
            f" {found['files']}; the same `ccos models pull` goes on with one, and what is not wanted may be"
            " deleted."
        )
    for damaged in found["damaged"]:
        complain(damaged["why"])


def _show_catalogue(as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout
    from ccos.local.registry.catalogue import CATALOGUE, MINIMAX_NOTE

    if as_json:
        print_json({"models": [each.document() for each in CATALOGUE], "note": MINIMAX_NOTE})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "model", "for", "GB", "licence", "business use", "note"):
        table.add_column(name, justify="right" if name == "GB" else "left")
    for each in CATALOGUE:
        size = "" if each.gigabytes is None else f"{each.gigabytes:.2f}"
        cells = (
            each.name,
            f"{each.title} ({each.maker})",
            each.tier,
            size,
            each.licence,
            each.commercial,
            each.note,
        )
        table.add_row(*map(Text, cells))
    print_table(stdout(), table)
    click.echo(f"\n{MINIMAX_NOTE}")


def document(found: Settings) -> dict[str, Any]:
    """Everything the list shows."""
    from ccos.local.registry.manifest import Manifest, glance
    from ccos.local.registry.updates import Updates
    from ccos.wiring.models import models_folder, open_registry, open_service, told_elsewhere

    registry, state = open_registry(found), open_service(found).look()
    served = state.serving
    rows: list[dict[str, Any]] = []
    damaged = []
    for each in registry.all():
        if not isinstance(each, Manifest):
            damaged.append({"name": each.name, "why": each.why})
            continue
        serves = [tier for tier, by in served.items() if by.current == each.name]
        before = [tier for tier, by in served.items() if by.previous == each.name]
        path = registry.path(each)
        row = {
            "serves": serves,
            "previous_of": before,
            "there": path.is_file(),
            "whole": glance(each, path) is None,
        }
        rows.append(each.document() | row)
    tiers = {}
    for tier in ("tier_1", "tier_2"):
        elsewhere = told_elsewhere(found, tier)
        by = served.get(tier)
        gone = state.retired.get(tier)
        if elsewhere:
            note = f" (because {elsewhere})"
        elif by:
            note = f" since {by.since}"
        else:
            back = f"`ccos models rollback --tier {tier}` brings it back"
            note = f" ({gone.current} was retired; {back})" if gone else ""
        tiers[tier] = {
            "served_by": (by.current if by else None) if elsewhere is None else "the settings",
            "previous": by.previous if by else None,
            "retired": gone.current if gone else None,
            "since": by.since if by else None,
            "evidence": dict(by.evidence) if by else None,
            "note": note,
        }
    updates = Updates(models_folder(found)).found() if found.model_updates != "off" else {}
    return {
        "models": rows,
        "tiers": tiers,
        "updates": updates,
        "damaged": damaged,
        "unfinished_bytes": registry.unfinished(),
        "files": str(registry.files),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ccos.cli.models_showing import size_of
    from ccos.cli.tables import print_table
    from ccos.cli.terminal import plain, stdout

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("model", "serves", "size", "quantisation", "context", "licence", "verified"):
        table.add_column(name, justify="right" if name in ("size", "context") else "left")
    for row in rows:
        state = ", ".join(row["serves"]) or ", ".join(f"before: {tier}" for tier in row["previous_of"])
        verified = (row["verified_at"] or "no")[:10]
        if not row["whole"]:
            verified = "file has changed" if row["there"] else "file is missing"
        cells = (
            row["name"],
            state,
            size_of(row["size"]),
            row["quantisation"],
            str(row["context_tokens"]),
            row["licence"],
            verified,
        )
        table.add_row(*(Text(plain(cell)) for cell in cells))
    print_table(stdout(), table)
