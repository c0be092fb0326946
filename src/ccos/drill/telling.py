"""Promises and phases as words, for the terminal and for the page."""

from __future__ import annotations

from ccos.drill.figures import Figures, Promise, absent
from ccos.drill.plots import percent
from ccos.drill.records import Record
from ccos.drill.words import Words

_SIGN = {
    "answered": "at_least",
    "switched": "more_than",
    "fallback_quality": "more_than",
    "back": "at_most",
    "one_probe": "at_most",
    "money": "at_most",
}
MARKS = {"pass": "✓", "fail": "✗", "not_measured": "–"}


def aim(promise: Promise, words: Words) -> str:
    return words(_SIGN[promise.name], x=amount(promise, promise.aim, words))


def figure(promise: Promise, words: Words) -> str:
    """What was seen; "–" for what was not measured."""
    if promise.verdict == "not_measured":
        return MARKS["not_measured"]
    return words("never_back") if promise.value is None else amount(promise, promise.value, words)


def beside(promise: Promise, words: Words) -> str:
    """What the figure must be read with; nothing for most."""
    return "" if promise.beside is None else words("beside", x=percent(promise.beside))


def measured(promise: Promise, words: Words) -> str:
    """The figure in one line."""
    if promise.verdict == "not_measured":
        return words("not_measured")
    return ", ".join(part for part in (figure(promise, words), beside(promise, words)) if part)


def counted(promise: Promise, words: Words) -> str:
    if promise.verdict == "not_measured":
        return ""
    return words("of_outages" if promise.unit in ("seconds", "calls") else "of_drafts", n=promise.of)


def amount(promise: Promise, value: float, words: Words) -> str:
    match promise.unit:
        case "share":
            return f"{value:.1%}"
        case "score":
            return f"{value:.2f}"
        case "seconds":
            return words("seconds", x=f"{value:.1f}")
        case "calls":
            return f"{value:g}"
        case "usd":
            return f"${value:.4f}"


def mix(found: Figures) -> str:
    return ", ".join(f"{tier} {drafts}" for tier, drafts in found.tiers.items())


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}" if value < 1 else f"{value:.2f}"


def score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def reasons(found: Figures) -> str:
    return ", ".join(f"{reason} {times}" for reason, times in found.reasons.items())


def why_not(record: Record, words: Words) -> str | None:
    """Why nothing about the tier was measured; None where something was."""
    found = absent(record)
    if found is None:
        return None
    said = ", ".join(f"{reason} {times}" for reason, times in found.reasons.items()) or words("not_asked")
    return words("absent", tier=record.tier.value, n=found.drafts, reasons=said)
