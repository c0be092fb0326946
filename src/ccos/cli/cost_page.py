"""Costs as one page that needs nothing else: figures, and two charts drawn in SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ccos.cli.batch import TIER_NAMES
from ccos.cli.cost_table import money, notes, share
from ccos.tiers.costs import Costs, drift, saved_share

WIDTH, HEIGHT = 900, 260
COLOURS = {"tier_0": "#3b6fb6", "tier_1": "#3f9c73", "tier_2": "#c58b2a", "tier_3": "#8a8f98"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 940px; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; }
.facts b { display: block; font-size: 1.5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child, .words { text-align: left; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.warning { border-left: 4px solid #c0392b; padding-left: .8rem; }
:root { color-scheme: light dark; }
"""


def page_of(told: Costs, title: str, timezone: str) -> str:
    """The whole page; everything that came from elsewhere is escaped."""
    name = f"Costs of {title}"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(name)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(name)}</h1><p>{told.first} to {told.last}, days of {escape(timezone)}.</p>",
            *(_filled(told) if not told.empty else ["<p>Nothing was called or spent in these days.</p>"]),
            "</body></html>\n",
        ]
    )


def _filled(told: Costs) -> Iterator[str]:
    yield _facts(told)
    sentences = [*told.warnings, *notes(told)]
    yield from (f'<p class="warning">{escape(sentence)}</p>' for sentence in sentences)
    yield "<h2>Spent, and what the premium model alone would have cost</h2>"
    yield _bars(told)
    yield "<h2>Who gave the answers</h2>"
    yield _shares(told)
    yield _providers(told)
    yield "<h2>Day by day</h2>"
    yield _days(told)


def _facts(told: Costs) -> str:
    whole, coming = told.whole, told.forecast
    facts = [
        ("spent", money(whole.spent)),
        ("all premium", money(whole.premium)),
        ("saved", f"{money(whole.saved)} ({share(saved_share(whole))})"),
    ]
    if told.drafts:
        facts.append(("a draft", money(round(told.spent_on_drafts / told.drafts))))
    if coming is not None:
        facts.append(("month, forecast", money(coming.month)))
    shown = "".join(f"<span><b>{escape(value)}</b>{escape(name)}</span>" for name, value in facts)
    made = ""
    if coming is not None:
        made = f"<p>Forecast: {money(coming.low)} to {money(coming.high)}; {escape(coming.made())}.</p>"
    return f'<p class="facts">{shown}</p>{made}'


def _bars(told: Costs) -> str:
    most = max(max(day.spent, day.premium) for day in told.days) or 1
    step = (WIDTH - 70) / len(told.days)
    drawn = []
    for n, day in enumerate(told.days):
        left = 60 + n * step
        for amount, colour, shift in ((day.premium, "#8886", 0.1), (day.spent, COLOURS["tier_0"], 0.3)):
            tall = (HEIGHT - 50) * amount / most
            drawn.append(
                f'<rect x="{left + shift * step:.1f}" y="{HEIGHT - 30 - tall:.1f}" width="{0.6 * step:.1f}"'
                f' height="{tall:.1f}" fill="{colour}"><title>{day.day}: {money(amount)}</title></rect>'
            )
        if n % max(1, len(told.days) // 10) == 0:
            drawn.append(f'<text x="{left:.1f}" y="{HEIGHT - 10}">{day.day:%m-%d}</text>')
    axis = f'<text x="0" y="16">{money(most)}</text><text x="0" y="{HEIGHT - 30}">$0</text>'
    legend = f'<text x="{WIDTH - 260}" y="16">solid: spent; light: all premium</text>'
    return _svg(HEIGHT, axis + legend + "".join(drawn), "Spent and all-premium cost of each day")


def _shares(told: Costs) -> str:
    answers: dict[str, int] = {}
    for (tier, _, _), sums in told.by_provider.items():
        answers[tier] = answers.get(tier, 0) + sums.answers
    whole = sum(answers.values())
    if not whole:
        return "<p>No answer was used.</p>"
    drawn, left, words = [], 0.0, []
    for tier, count in answers.items():
        wide = WIDTH * count / whole
        drawn.append(
            f'<rect x="{left:.1f}" y="0" width="{wide:.1f}" height="34"'
            f' fill="{COLOURS.get(tier, "#8a8f98")}">'
            f"<title>{escape(TIER_NAMES.get(tier, tier))}: {count:,}</title></rect>"
        )
        words.append(f"{TIER_NAMES.get(tier, tier)} {count / whole:.0%}")
        left += wide
    text = f'<text x="0" y="54">{escape(", ".join(words))} of {whole:,} answers</text>'
    return _svg(60, "".join(drawn) + text, "Share of each tier in the answers")


def _svg(height: int, inside: str, what: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(what)}">{inside}</svg>'


def _providers(told: Costs) -> str:
    rows = []
    for (tier, provider, model), sums in told.by_provider.items():
        apart = drift(sums)
        words = "".join(
            f'<td class="words">{escape(text)}</td>' for text in (TIER_NAMES.get(tier, tier), provider, model)
        )
        figures = (
            f"{sums.calls:,}",
            f"{sums.answers:,}",
            f"{sums.cached:,}",
            f"{sums.failed:,}",
            money(sums.spent_micro_usd),
            "" if apart is None else f"{apart:+.1%}",
        )
        rows.append(f"<tr>{words}{''.join(f'<td>{each}</td>' for each in figures)}</tr>")
    head = '<th>tier</th><th class="words">provider</th><th class="words">model</th>' + "".join(
        f"<th>{name}</th>" for name in ("calls", "answers", "cached", "failed", "spent", "drift")
    )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _days(told: Costs) -> str:
    rows = [
        f"<tr><td>{day.day}</td><td>{day.sums.answers:,}</td><td>{money(day.spent)}</td>"
        f"<td>{money(day.premium)}</td><td>{money(day.saved)}</td></tr>"
        for day in told.days
    ]
    head = "<th>day</th><th>answers</th><th>spent</th><th>all premium</th><th>saved</th>"
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
