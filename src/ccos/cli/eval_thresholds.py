"""`ccos eval thresholds`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.certificate import Certificate
    from ccos.store.certificates import Certification, Stored

HEADS = ("task", "tier", "required", "threshold", "labels", "accepted", "bad", "risk at most", "confidence")


@click.command()
@click.option("--tenant", metavar="SLUG", help="Whose; left out: every tenant's.")
@click.option("--certify", is_flag=True, help="Certify anew by the labels there are now, then show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def thresholds(tenant: str | None, certify: bool, as_json: bool) -> None:
    """Show from which quality on answers are certified, by which labels.

    A line says: of LABELS answers that people decided about, ACCEPTED reached the threshold and BAD of these
    were no good, so that with the confidence given at most that share of accepted answers is. Without a
    threshold the labels certify nothing, and every answer needs review.
    """
    from ccos.cli import tenancy
    from ccos.store import certificates, tenants
    from ccos.wiring.learning import open_gate, open_thresholds

    found = settings()

    async def go() -> list[tuple[str, Certification | None, list[Stored]]]:
        shown = []
        async with open_thresholds(found) as (database, learning):
            if tenant is None:
                whose = [each async for each in tenancy.every_tenant(database)]
            else:
                async with database.unbound() as tx:
                    whose = [await tenants.by_slug(tx, tenant)]
            for each in whose:
                if certify:
                    await learning.certify(each.id)
                async with database.tenant(each.id) as tx:
                    shown.append((each.slug, await certificates.last(tx), await certificates.stored(tx)))
        return shown

    told = run(go())
    shipped = open_gate(found).promises.shipped
    if as_json:
        print_json(
            {"shipped": [_plain(each) for each in shipped], "tenants": [_json(*each) for each in told]}
        )
        return
    if not told:
        complain("There is no tenant yet; `ccos tenants create SLUG` makes one.")
    if shipped:
        _table("shipped", shipped)
    for slug, last, own in told:
        if own:
            _table(slug, [each.certificate for each in own])
            click.echo(f"  {_when(last)}")
        else:
            labels = last.labels if last else 0
            complain(
                f"{slug} has no thresholds of its own ({labels} labels count; 30 of a task are needed): "
                "those that ship hold."
            )


def _table(title: str, certificates: list[Certificate] | tuple[Certificate, ...]) -> None:
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import plain, stdout

    table = Table(title=title, title_justify="left", box=None)
    for head in HEADS:
        table.add_column(head, justify="left" if head in ("task", "tier") else "right")
    for each in certificates:
        table.add_row(
            plain(each.task.value),
            each.tier.value if each.tier else "all",
            f"{each.required:.2f}",
            "review all" if each.threshold is None else f"{each.threshold:.4f}",
            str(each.labels),
            str(each.accepted),
            str(each.bad),
            "" if each.risk_bound is None else f"{each.risk_bound:.3f}",
            f"{each.confidence:.3f}",
        )
    print_table(stdout(), table)


def _when(last: Certification | None) -> str:
    if last is None or last.made_at is None:
        return ""
    basis = last.basis
    return (
        f"Certified {last.made_at:%Y-%m-%d %H:%M} UTC, look {last.look}, for the score {basis.scorer}, "
        f"prompts {basis.prompt}, knowledge at change {basis.kb_epoch}."
    )


def _json(slug: str, last: Certification | None, own: list[Stored]) -> dict[str, Any]:
    return {
        "tenant": slug,
        "certification": None if last is None else _plain(last),
        "certificates": [
            _plain(each.certificate)
            | {"fingerprint": each.fingerprint, "look": each.look, "made_at": each.made_at.isoformat()}
            for each in own
        ],
    }


def _plain(value: Certificate | Certification) -> dict[str, Any]:
    return {
        name: each.isoformat() if hasattr(each, "isoformat") else each for name, each in asdict(value).items()
    }
