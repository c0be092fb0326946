"""`ccos report`: what the work cost and saved, and how good it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ccos.cli import tenancy
from ccos.cli.report_quality import quality
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from datetime import date

    from ccos.settings import Settings
    from ccos.store.ledger import Line, Sums
    from ccos.store.spend import SpendDay
    from ccos.tiers.costs import Costs


@click.group()
def report() -> None:
    """Figures over the days, from the database."""


@report.command()
@tenancy.option
@click.option("--all", "every", is_flag=True, help="All tenants together, instead of one.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Days up to today, today too."
)
@click.option("--html", "page", metavar="FILE", type=click.Path(path_type=Path), help="Also write a page.")
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the page."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cost(
    tenant: str | None,
    every: bool,
    days: int,
    page: Path | None,
    language: Literal["en", "ko"],
    as_json: bool,
) -> None:
    """What was spent, beside what the premium model would have cost.

    Days begin at midnight in CCOS_TIMEZONE. The premium cost counts every accepted answer, also those of
    local tiers, rules and cache, at the premium model's price for the same text. An apology that nobody would
    have sent saves nothing.
    """
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    from ccos.cli.cost_table import notes
    from ccos.cli.cost_words import ENGLISH
    from ccos.cli.terminal import working
    from ccos.domain.errors import BadInput
    from ccos.tiers.costs import costs, document

    if every and tenant is not None:
        raise BadInput("Give either --all or --tenant SLUG, not both.")
    found = settings()
    last = datetime.now(UTC).astimezone(ZoneInfo(found.timezone)).date()
    first = last - timedelta(days=days - 1)
    with working("Reading the ledgers"):
        whose, spent, rows = run(_read(found, None if every else (tenant,), min(first, _back(last)), last))
    told = costs(spent, rows, first=first, last=last)
    slug = None if every else whose[0]
    title = ENGLISH.whose(slug)
    if page is not None:
        from ccos.cli.cost_page import page_of

        page.write_text(page_of(told, slug, found.timezone, language), encoding="utf-8")
    if as_json:
        print_json({"tenants": whose, "timezone": found.timezone, **document(told), "notes": notes(told)})
    elif told.empty:
        complain(
            f"Nothing was called or spent in the last {days} days by {title}; "
            "`ccos demo` or a first draft changes that."
        )
    else:
        _print(told, title)
    if page is not None:
        complain(f"Wrote {page}.")


def _back(today: date) -> date:
    """The first day a forecast may need: of the month, or a week ago."""
    from datetime import timedelta

    from ccos.tiers.costs import FULL_DAYS

    return min(today.replace(day=1), today - timedelta(days=FULL_DAYS))


async def _read(
    found: Settings, one: tuple[str | None] | None, first: date, last: date
) -> tuple[list[str], list[SpendDay], list[tuple[Line, Sums]]]:
    """Slugs, days with money on them, and rows of the ledger: of one tenant, or of all for None."""
    from ccos.store import ledger, spend
    from ccos.wiring import open_administration

    slugs: list[str] = []
    days: list[SpendDay] = []
    rows: list[tuple[Line, Sums]] = []
    async with open_administration(found) as owner:
        if one is None:
            tenants = [tenant async for tenant in tenancy.every_tenant(owner)]
        else:
            tenants = [await tenancy.tenant_for(owner, one[0])]
        for tenant in tenants:
            slugs.append(tenant.slug)
            async with owner.tenant(tenant.id) as tx:
                days += await spend.of_days(tx, first, last)
                rows += await ledger.of_days(tx, first, last)
    return slugs, days, rows


def _print(told: Costs, title: str) -> None:
    from ccos.cli.cost_table import parts
    from ccos.cli.terminal import stdout

    out = stdout()
    for part in parts(told, title):
        out.print(part)
    for sentence in told.warnings:
        complain(sentence)


report.add_command(quality)
