"""Costs as one page that needs nothing else: figures, and two charts drawn in SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ccos.cli.cost_table import money, notes, share
from ccos.cli.cost_words import Words
from ccos.domain.prompt import Language
from ccos.tiers.costs import Costs, drift, saved_share

HEIGHT, LEFT, TOP, FOOT = 240, 64, 14, 28
"""Of the chart of days, in pixels: charts keep their size and scroll in a box of their own, so that their
words can be read on a narrow screen."""
CHART, WIDEST_DAY, LABEL = 840, 70, 46
COLOURS = {"tier_0": "#3b6fb6", "tier_1": "#3f9c73", "tier_2": "#c58b2a", "tier_3": "#8a8f98"}
SPENT, PREMIUM = COLOURS["tier_0"], "#8889"
STYLE = """
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Noto Sans KR", "Malgun Gothic", sans-serif; margin: 2rem auto;
  max-width: 972px; padding: 0 1rem; word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; }
.facts b { display: block; font-size: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child, .words { text-align: left; }
svg { display: block; } svg text { font: 12px system-ui, "Noto Sans KR", sans-serif; fill: currentColor; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .4rem 0; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
.shares { display: flex; height: 34px; } .note { opacity: .75; font-size: .9rem; }
.warning { border-left: 4px solid #c0392b; padding-left: .8rem; }
:root { color-scheme: light dark; }
"""


def page_of(told: Costs, slug: str | None, timezone: str, language: Language = "en") -> str:
    """The whole page, of one tenant or of all; everything that came from elsewhere is escaped."""
    words = Words(language)
    name = words("title", whose=words.whose(slug))
    days = words("days_of", first=told.first, last=told.last, timezone=timezone)
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(name)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(name)}</h1><p>{escape(days)}</p>",
            *(_filled(told, words) if not told.empty else [f"<p>{escape(words('nothing'))}</p>"]),
            "</body></html>\n",
        ]
    )


def _filled(told: Costs, words: Words) -> Iterator[str]:
    yield _facts(told, words)
    yield from (f'<p class="warning">{escape(sentence)}</p>' for sentence in _sentences(told, words))
    yield f"<h2>{escape(words('days_title'))}</h2>"
    yield _legend([(SPENT, words("spent")), (PREMIUM, words("premium"))])
    yield _bars(told, words)
    yield f'<p class="note">{escape(words("saved_is"))}</p>'
    yield f"<h2>{escape(words('who_title'))}</h2>"
    yield _shares(told, words)
    yield _providers(told, words)
    yield f"<h2>{escape(words('by_day'))}</h2>"
    if len(told.filled) < len(told.days):
        yield f"<p>{escape(words('begun', day=told.filled[0].day))}</p>"
    yield _days(told, words)


def _sentences(told: Costs, words: Words) -> Iterator[str]:
    for each in told.drifts:
        if each.told and each.share is not None:
            key, who = "drifted" if each.share > 0 else "drifted_less", "/".join(each.provider)
            calls = each.sums.reported_calls
            yield words(key, day=each.day, who=who, share=abs(each.share), calls=calls)
    yield from notes(told, words)


def _facts(told: Costs, words: Words) -> str:
    whole, coming = told.whole, told.forecast
    facts = [
        ("spent", money(whole.spent)),
        ("premium", money(whole.premium)),
        ("saved", f"{money(whole.saved)} ({share(saved_share(whole))})"),
    ]
    if told.drafts:
        facts.append(("a_draft", money(round(told.spent_on_drafts / told.drafts))))
    if coming is not None:
        facts.append(("month", money(coming.month)))
    shown = "".join(f"<span><b>{escape(value)}</b>{escape(words(name))}</span>" for name, value in facts)
    made = ""
    if coming is not None:
        how = words("made", days=coming.days_looked_back, left=coming.days_left)
        made = words("forecast", low=money(coming.low), high=money(coming.high), made=how)
        made = f"<p>{escape(made)}</p>"
    return f'<p class="facts">{shown}</p>{made}'


def _legend(entries: list[tuple[str, str]]) -> str:
    shown = "".join(
        f'<span><i style="background: {colour}"></i>{escape(name)}</span>' for colour, name in entries
    )
    return f'<p class="legend">{shown}</p>'


def _bars(told: Costs, words: Words) -> str:
    """Two bars a day, side by side; labels stand as close as they can be read, the last day's among them."""
    days = told.filled
    most = max(max(day.spent, day.premium) for day in days) or 1
    step = min(WIDEST_DAY, max(12, CHART // len(days)))
    bar, apart = step * 0.36, -(-LABEL // step)
    width, floor = LEFT + step * len(days) + 16, HEIGHT - FOOT
    drawn = [
        f'<line x1="{LEFT}" y1="{y}" x2="{width}" y2="{y}" stroke="#8884"/>'
        f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{amount}</text>'
        for y, amount in ((TOP, money(most)), (floor, "$0"))
    ]
    for n, day in enumerate(days):
        middle = LEFT + (n + 0.5) * step
        for amount, colour, x, name in (
            (day.spent, SPENT, middle - bar, "spent"),
            (day.premium, PREMIUM, middle, "premium"),
        ):
            tall = (floor - TOP) * amount / most
            drawn.append(
                f'<rect x="{x:.1f}" y="{floor - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}"'
                f' fill="{colour}"><title>{day.day}: {escape(words(name))} {money(amount)}</title></rect>'
            )
        if (len(days) - 1 - n) % apart == 0:
            drawn.append(
                f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{day.day:%m-%d}</text>'
            )
    return (
        f'<div class="scroll"><svg width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}"'
        f' role="img" aria-label="{escape(words("days_desc"))}">{"".join(drawn)}</svg></div>'
    )


def _shares(told: Costs, words: Words) -> str:
    answers: dict[str, int] = {}
    for (tier, _, _), sums in told.by_provider.items():
        answers[tier] = answers.get(tier, 0) + sums.answers
    whole = sum(answers.values())
    if not whole:
        return f"<p>{escape(words('no_answer'))}</p>"
    colours = {tier: COLOURS.get(tier, "#8a8f98") for tier in answers}
    drawn = "".join(
        f'<span style="width: {count / whole:.2%}; background: {colours[tier]}"'
        f' title="{escape(words.tier(tier))}: {count:,}"></span>'
        for tier, count in answers.items()
    )
    told_as = [(colours[tier], f"{words.tier(tier)} {count / whole:.0%}") for tier, count in answers.items()]
    return (
        f'<div class="shares" role="img" aria-label="{escape(words("who_desc"))}">{drawn}</div>'
        f'{_legend(told_as)}<p class="note">{escape(words("of_answers", n=whole))}</p>'
    )


def _providers(told: Costs, words: Words) -> str:
    rows = []
    for (tier, provider, model), sums in told.by_provider.items():
        apart = drift(sums)
        names = "".join(
            f'<td class="words">{escape(text)}</td>' for text in (words.tier(tier), provider, model)
        )
        figures = (
            f"{sums.calls:,}",
            f"{sums.answers:,}",
            f"{sums.cached:,}",
            f"{sums.failed:,}",
            money(sums.spent_micro_usd),
            "" if apart is None else f"{apart:+.1%}",
        )
        rows.append(f"<tr>{names}{''.join(f'<td>{each}</td>' for each in figures)}</tr>")
    head = "".join(f'<th class="words">{escape(words(name))}</th>' for name in ("tier", "provider", "model"))
    return _table(head + _heads(words, "calls", "answers", "cached", "failed", "spent", "drift"), rows)


def _days(told: Costs, words: Words) -> str:
    rows = [
        f"<tr><td>{day.day}</td><td>{day.sums.answers:,}</td><td>{money(day.spent)}</td>"
        f"<td>{money(day.premium)}</td><td>{money(day.saved)}</td></tr>"
        for day in told.filled
    ]
    return _table(_heads(words, "day", "answers", "spent", "premium", "saved"), rows)


def _heads(words: Words, *names: str) -> str:
    return "".join(f"<th>{escape(words(name))}</th>" for name in names)


def _table(head: str, rows: list[str]) -> str:
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
