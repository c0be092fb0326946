"""Costs as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ccos.cli.batch import TIER_NAMES
from ccos.cli.cost_words import ENGLISH, Words
from ccos.cli.terminal import plain
from ccos.domain.money import MicroUsd, usd
from ccos.tiers.costs import Costs, DayCosts, drift, saved_share

BAR = 30
"""Columns of the longest bar."""


def parts(told: Costs, title: str) -> Iterator[RenderableType]:
    yield Text(f"Costs of {plain(title)}, {told.first} to {told.last}", "bold")
    yield Text()
    yield _days(told)
    yield Text()
    yield _providers(told)
    yield Text()
    yield from _sentences(told)


def money(amount: int) -> str:
    """In USD: cents where that says enough, more digits where it is less than a dollar."""
    value = usd(MicroUsd(amount))
    return f"${value:,.2f}" if abs(value) >= 1 or not amount else f"${value:,.4f}"


def share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.1%}"


def _days(told: Costs) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("day", "answers", "cached", "spent", "all premium", "saved"):
        table.add_column(name, justify="left" if name == "day" else "right", no_wrap=True)
    table.add_column("spent of all premium", no_wrap=True)
    most = max(max(day.spent, day.premium) for day in told.days)
    for day in told.days:
        if day.spent or day.sums.calls or day.sums.answers:
            table.add_row(*_figures(day, day.day.isoformat()), _bar(day, most))
    table.add_section()
    table.add_row(*_figures(told.whole, "together"), "", style="bold")
    return table


def _figures(day: DayCosts, name: str) -> list[str]:
    return [
        name,
        f"{day.sums.answers:,}",
        f"{day.sums.cached:,}",
        money(day.spent),
        money(day.premium),
        money(day.saved),
    ]


def _bar(day: DayCosts, most: int) -> Text:
    """What was spent, solid, and what the premium model would have cost beyond it, light."""
    spent = round(BAR * day.spent / most) if most else 0
    whole = max(spent, round(BAR * day.premium / most) if most else 0)
    return Text("█" * spent, "cyan").append("░" * (whole - spent), "dim")


def _providers(told: Costs) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    left = ("tier", "provider", "model")
    for name in (
        *left,
        "calls",
        "answers",
        "failed",
        "tokens in",
        "tokens out",
        "spent",
        "reported",
        "drift",
    ):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for (tier, provider, model), sums in told.by_provider.items():
        paid = sums.reported_calls > 0 and sums.reported_micro_usd > 0
        table.add_row(
            f"{tier[-1:]} {TIER_NAMES.get(tier, '')}",
            Text(plain(provider)),
            Text(plain(model)),
            f"{sums.calls:,}",
            f"{sums.answers:,}",
            f"{sums.failed:,}",
            f"{sums.tokens_in:,}",
            f"{sums.tokens_out:,}",
            money(sums.spent_micro_usd),
            money(sums.reported_micro_usd) if paid else "",
            f"{drift(sums):+.1%}" if paid and drift(sums) is not None else "",
        )
    return table


def _sentences(told: Costs) -> Iterator[Text]:
    whole = told.whole
    yield Text(
        f"Spent {money(whole.spent)}; the premium model would have cost {money(whole.premium)} for the "
        f"accepted answers: saved {money(whole.saved)} ({share(saved_share(whole))})."
    )
    if told.drafts:
        each = round(told.spent_on_drafts / told.drafts)
        yield Text(f"{told.drafts:,} drafts at {money(each)} each, failed and refused attempts included.")
    coming = told.forecast
    if coming is None:
        yield Text("No forecast of the month yet: it needs one full day with spending.")
    else:
        yield Text(
            f"The month will cost about {money(coming.month)} ({money(coming.low)} to {money(coming.high)}): "
            f"{coming.made()}."
        )
    yield from map(Text, notes(told))


def notes(told: Costs, words: Words = ENGLISH) -> list[str]:
    """What the figures leave open: money whose calls are not in the ledger, money on hold."""
    whole = told.whole
    amounts = {"not_in_ledger": whole.not_in_ledger, "on_hold": whole.held}
    return [words(name, x=money(amount)) for name, amount in amounts.items() if amount > 0]
