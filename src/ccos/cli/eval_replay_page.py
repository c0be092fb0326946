"""A replay as one page that needs nothing else: the curve of cost and quality, and the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ccos.cli.eval_gate_table import number, share
from ccos.cli.eval_plots import STYLE, Frame, table
from ccos.cli.eval_replay_table import span
from ccos.cli.eval_replay_words import Words
from ccos.domain.prompt import Language
from ccos.learning.replay.feasible import NOTHING, percent_up

LINES = {
    "oracle": "plain",
    "table": "other",
    "router": "bad",
    "gate + table + router": "good",
    "gate + router": "good",
    "gate": "main",
}
"""The policies that are drawn, from the hindmost line to the foremost; the table has them all."""

TIPS = 20
"""One small dot, with its figures, in so many points of a line."""


def page(told: Mapping[str, Any], language: Language = "en") -> str:
    """The whole page; everything that came from files is escaped."""
    words = Words(language)
    title = words("title")
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>",
            *_head(told, words),
            _curves(told, words),
            *_feasible(told, words),
            *_table(told, words),
            "</body></html>\n",
        ]
    )


def _head(told: Mapping[str, Any], words: Words) -> Iterator[str]:
    kept = f"{told['kept_quality']:.0%}"
    lead = words(
        "lead",
        n=told["n"],
        file=told["file"],
        weak=number(told["weak_quality"]),
        strong=number(told["strong_quality"]),
        ratio=f"{told['cost_ratio']:.3g}",
    )
    yield f"<p>{escape(lead)} {escape(words('honest', kept=kept))}</p>"
    missing = told["unanswered"]
    if missing:
        sentence = words("no_answers" if missing == told["outcomes"] else "some_answers")
        yield f'<p class="warning">{escape(sentence)}</p>'
    yield f'<ul class="facts">{"".join(_facts(told, words, kept))}</ul>'


def _facts(told: Mapping[str, Any], words: Words, kept: str) -> Iterator[str]:
    """The saving to plan with before the one that compares policies."""
    if found := told["feasible"]:
        required, gate = found["required"], words("this_gate" if found["measured_gate"] else "good_gate")
        about = words("plan_is", required=required, gate=gate)
        yield _fact(share(found["expected_saving"]), words("plan", required=f"{required:g}"), about)
    name = best(told)
    each = told["policies"][name]
    for value, key, interval, show in (
        (each["saving"], "saving", each["saving_interval"], share),
        (each["apgr"], "apgr", each["apgr_interval"], number),
    ):
        low, high = (show(end) for end in interval or (None, None))
        whose = words("best", name=words.policy(name), low=low, high=high)
        yield _fact(show(value), words(key, kept=kept), words(f"{key}_is", kept=kept), whose)


def _fact(value: str, name: str, *notes: str) -> str:
    told = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return f"<li><b>{escape(value)}</b>{escape(name)}{told}</li>"


def best(told: Mapping[str, Any]) -> str:
    """The trained policy that closes most of the gap; bounds have no interval and do not count."""
    trained = {name: each for name, each in told["policies"].items() if each["apgr_interval"]}
    name: str = max(trained, key=lambda name: trained[name]["apgr"] or 0.0)
    return name


def _curves(told: Mapping[str, Any], words: Words) -> str:
    policies = told["policies"]
    weak, strong = told["weak_quality"], told["strong_quality"]
    drawn = {name: colour for name, colour in LINES.items() if name in policies}
    reached = [point[1] for name in drawn for point in policies[name]["curve"]]
    least, most = min(weak, *reached), max(strong, *reached)
    floor, top = least - 0.08 * (most - least), most + 0.05 * (most - least)
    across = 1.2 if 1 + told["cost_ratio"] <= 1.2 else 2.0
    frame = Frame(words("cost"), words("quality"), across=across, low=floor, up=top)
    level = told["kept_quality"] * strong
    frame.ideal((0, level), (across, level))
    frame.ideal((told["cost_ratio"], weak), (1, strong))
    for name, colour in drawn.items():
        points = policies[name]["curve"]
        frame.line([(cost, quality) for _, quality, cost in points], colour)
        step = max(1, len(points) // TIPS)
        for point in points[::step]:
            frame.dot((point[2], point[1]), colour, _tip(words, name, *point), radius=2)
    for name in (*drawn, "always cheap", "always strong"):
        each = policies[name]
        tip = _tip(words, name, each["strong_share"], each["quality"], each["cost"])
        frame.dot((each["cost"], each["quality"]), drawn.get(name, "plain"), tip, radius=5)
    legend = [(colour, words.policy(name)) for name, colour in reversed(drawn.items())]
    kept = f"{told['kept_quality']:.0%}"
    return frame.render(words("curve"), words("curve_desc", kept=kept), legend)


def _tip(words: Words, name: str, strong_share: float, quality: float, cost: float) -> str:
    figures = {"quality": number(quality), "cost": f"{cost:.2f}", "share": f"{strong_share:.0%}"}
    return words("tip", name=words.policy(name), **figures)


def _feasible(told: Mapping[str, Any], words: Words) -> Iterator[str]:
    found = told["feasible"]
    if not found:
        return
    wanted, needed = found["wanted"], None
    if found["expected_saving"] >= wanted - 1e-9:
        key = "feasible_yes"
    elif found["saving"] >= wanted - 1e-9:
        key, needed = "feasible_perfect", found["needed_with_real_gate"]
    else:
        key, needed = "feasible_no" if found["saving"] >= NOTHING else "feasible_loss", found["needed"]
    told_as = words(
        key,
        wanted=f"{wanted:.0%}",
        required=f"{found['required']:g}",
        most=f"{found['saving']:.0%}",
        expected=f"{max(found['expected_saving'], 0):.0%}",
        gate=words("this_gate" if found["measured_gate"] else "good_gate"),
    )
    more = "" if needed is None else " " + words("needed", rate=percent_up(needed))
    yield f"<h2>{escape(words('feasible'))}</h2><p>{escape(told_as + more)}</p>"
    yield f'<p class="note">{escape(words("feasible_note"))}</p>'


def _table(told: Mapping[str, Any], words: Words) -> Iterator[str]:
    yield f'<h2>{escape(words("table"))}</h2><p class="note">{escape(words("table_note"))}</p>'
    head = ("policy", "acts", "auroc", "apgr_head", "ci", "saved", "ci", "quality", "cost", "strong_share")
    rows = [
        (
            words.policy(name),
            words(each["when"]) if each["when"] else "–",
            number(each["auroc"]),
            number(each["apgr"]),
            _between(each["apgr_interval"]),
            share(each["saving"]),
            _between(each["saving_interval"], shares=True),
            number(each["quality"]),
            number(each["cost"]),
            share(each["strong_share"]),
        )
        for name, each in told["policies"].items()
    ]
    yield table([words(key) for key in head], rows)
    kept = f"{told['kept_quality']:.0%}"
    terms = ("policy", "auroc", "apgr", "saving", "cost", "strong_share")
    meant = (
        f"<dt>{escape(words(key, kept=kept))}</dt><dd>{escape(words(f'{key}_is', kept=kept))}</dd>"
        for key in terms
    )
    yield f'<dl class="terms">{"".join(meant)}</dl>'


def _between(pair: Sequence[float | None] | None, *, shares: bool = False) -> str:
    """As a terminal has it, in no language."""
    return span(pair, shares=shares).replace(" to ", "–")
