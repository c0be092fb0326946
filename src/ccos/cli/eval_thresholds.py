"""`ccos eval thresholds`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.certificate import Certificate
    from ccos.store.certificates import Certification, Stored

FIRST = 30
"""Labels of a task before the first look."""
HEADS = ("task", "tier", "required", "threshold", "labels", "accepted", "bad", "risk at most", "confidence")


class Shown(NamedTuple):
    """A tenant's thresholds, and whether settings or knowledge have changed since they were certified."""

    slug: str
    last: Certification | None
    own: list[Stored]
    stale: bool


@click.command()
@click.option("--tenant", metavar="SLUG", help="Whose; left out: every tenant's.")
@click.option("--certify", is_flag=True, help="Certify now where enough labels are new, then show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def thresholds(tenant: str | None, certify: bool, as_json: bool) -> None:
    """Show from which quality on answers are certified, by which labels.

    A line says: of LABELS answers that people decided about, ACCEPTED reached the threshold and BAD of these
    were no good, so that with the confidence given at most that share of accepted answers is. Without a
    threshold the labels certify nothing, and every answer needs review. Each look at labels takes from the
    confidence of later ones, so there is none until half as many again are new.
    """
    from ccos.cli import tenancy
    from ccos.store import certificates, tenants
    from ccos.wiring.learning import open_gate, open_thresholds

    found = settings()

    async def go() -> list[Shown]:
        shown: list[Shown] = []
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
                    last = await certificates.last(tx)
                    own = await certificates.stored(tx, last.basis.key) if last else []
                    stale = last is not None and last.is_stale(*await certificates.now_for(tx))
                    shown.append(Shown(each.slug, last, own, stale))
        return shown

    told = run(go())
    shipped = open_gate(found).promises.shipped
    if as_json:
        print_json({"shipped": [_plain(each) for each in shipped], "tenants": [_json(each) for each in told]})
        return
    if not told:
        complain("There is no tenant yet; `ccos tenants create SLUG` makes one.")
    if shipped:
        _table("shipped", shipped)
    for each in told:
        if each.own:
            _table(each.slug, [stored.certificate for stored in each.own])
            click.echo(f"  {_when(each)}")
        else:
            labels = each.last.labels if each.last else 0
            complain(
                f"{each.slug} has no thresholds of its own ({labels} labels count; {FIRST} of a task are "
                "needed): those that ship hold."
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


def _when(shown: Shown) -> str:
    last = shown.last
    if last is None or last.made_at is None:
        return ""
    basis = last.basis
    made = (
        f"Certified {last.made_at:%Y-%m-%d %H:%M} UTC, look {last.look}, for the score {basis.scorer}, "
        f"prompts {basis.prompt}, knowledge at change {basis.kb_epoch}."
    )
    stale = " Settings or knowledge have changed since; the next look goes by the latest labels."
    return f"{made} The next look wants {last.wanted} more labels.{stale if shown.stale else ''}"


def _json(shown: Shown) -> dict[str, Any]:
    return {
        "tenant": shown.slug,
        "certification": None if shown.last is None else _plain(shown.last) | {"stale": shown.stale},
        "certificates": [
            _plain(each.certificate)
            | {"fingerprint": each.fingerprint, "look": each.look, "made_at": each.made_at.isoformat()}
            for each in shown.own
        ],
    }


def _plain(value: Certificate | Certification) -> dict[str, Any]:
    return {
        name: each.isoformat() if hasattr(each, "isoformat") else each for name, each in asdict(value).items()
    }
