"""What was found of the tiers as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ccos.cli.eval_gate_table import share
from ccos.cli.eval_plots import STYLE, Frame, table
from ccos.cli.eval_tiers_table import MAIN, times
from ccos.cli.eval_words import Words
from ccos.domain.prompt import Language
from ccos.drill.svg import nice

COLOURS = ("main", "good", "plain", "other")


def page(document: Mapping[str, Any], language: Language = "en") -> str:
    """The whole page; everything that came from elsewhere is escaped."""
    words = Words(language)
    title = words("tiers_title")
    known = {name: tier for name, tier in document["tiers"].items() if tier["available"]}
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>",
            f"<p>{escape(words('tiers_lead', n=document['tickets']))}</p>",
            f'<p class="warning">{escape(words("stopped"))}</p>' if document["stopped"] else "",
            _table(known, words),
            f'<p class="note">{escape(words("tiers_is"))}</p>',
            *_reasons(document["tiers"], words),
            f'<div class="plots">{"".join(_plots(known, words))}</div>',
            "</body></html>\n",
        ]
    )


def _reasons(tiers: Mapping[str, Any], words: Words) -> Iterator[str]:
    for name, tier in tiers.items():
        if tier["why"]:
            why = words("not_configured", setting=tier["set"]) if tier["set"] else tier["why"]
            said = f"{words(name)} ({name}): {why}"
            yield f'<p class="note">{escape(said)}</p>'


def _table(known: Mapping[str, Any], words: Words) -> str:
    head = ("tier", "task", "main", "mean_quality", "accepted_share", "gold_cited", "answered", "cost")
    rows = []
    for name, tier in known.items():
        for task, row in tier["tasks"].items():
            key = MAIN[task][1]
            quality = row.get("quality")
            p50, p95 = times(row["seconds"])
            rows.append(
                (
                    words(name),
                    words(task),
                    f"{share(row[key])} {words(f'{key}_what')}",
                    "" if quality is None else f"{quality:.2f}",
                    share(row["accepted_share"]) if "accepted_share" in row else "",
                    share(row["gold_cited"]) if "gold_cited" in row else "",
                    f"{row['answered']}/{row['n']}",
                    f"${row['cost_usd']:.4f}",
                    p50,
                    p95,
                )
            )
    return table([*(words(key) for key in head), "p50", "p95"], rows)


def _plots(known: Mapping[str, Any], words: Words) -> Iterator[str]:
    if not known:
        return
    yield _shares(known, words)
    drafts = {
        name: tier["tasks"]["solution_drafting"]
        for name, tier in known.items()
        if tier["tasks"]["solution_drafting"].get("quality") is not None
    }
    costs = {name: 1_000 * row["cost_usd"] / row["n"] for name, row in drafts.items()}
    if any(costs.values()):
        yield _against(costs, drafts, words, "cost_quality", "usd_thousand")
    waits = {name: 1_000 * row["seconds"]["p50"] for name, row in drafts.items() if row["seconds"]}
    if waits:
        yield _against(waits, drafts, words, "time_quality", "milliseconds_median")


def _shares(known: Mapping[str, Any], words: Words) -> str:
    """A group of bars for each task, a bar for each tier."""
    frame = Frame("", words("main"), across=len(MAIN), ticks=False)
    wide = 0.8 / len(known)
    for place, (task, (_, key, _)) in enumerate(MAIN.items()):
        frame.label(place + 0.5, words(task))
        for n, (name, tier) in enumerate(known.items()):
            value = tier["tasks"][task][key]
            if value is not None:
                start = place + 0.1 + n * wide
                tip = f"{words(name)}, {words(task)}: {share(value)}"
                frame.bar(start, start + wide, 0, value, COLOURS[int(name[-1])], tip)
    legend = [(COLOURS[int(name[-1])], words(name)) for name in known]
    return frame.render(words("shares"), words("shares_desc"), legend)


def _against(
    values: Mapping[str, float], drafts: Mapping[str, Any], words: Words, title: str, axis: str
) -> str:
    frame = Frame(words(axis), words("mean_quality"), across=nice(1.1 * max(values.values())))
    for name, value in values.items():
        quality = drafts[name]["quality"]
        frame.dot((value, quality), COLOURS[int(name[-1])], f"{words(name)}: {quality:.2f}", radius=7)
    legend = [(COLOURS[int(name[-1])], words(name)) for name in values]
    return frame.render(words(title), words(f"{title}_desc"), legend)
