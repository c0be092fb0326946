"""What each tier is good for, task by task: from asked questions to a document of plain numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ccos.domain.tier import Task, Tier
from ccos.learning.metrics import rounded, wilson

SAID = 0.6
"""Share of a gold point's syllable pairs and words that a reply must hold to have said it."""

_NUMBER = re.compile(r"\d[\d,.]*")
_WORD = re.compile(r"[a-z]{2,}")
_HANGUL = re.compile("[가-힣]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question put to a tier, and what came of it.

    `reason` says why there was no answer, or how the gate saw it. `checks` hold what was right, each in
    [0, 1]: a check that does not apply to the ticket is not among them, and one nobody answered is 0.
    """

    tier: Tier
    task: Task
    ticket: str
    answered: bool
    reason: str
    seconds: float
    cost_usd: float = 0.0
    quality: float | None = None
    accepted: bool = False
    scorer: str = ""
    model: str = ""
    vetoes: tuple[str, ...] = ()
    checks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TierState:
    """`why` says in a sentence why the tier cannot be asked; None when it can.

    `setting` names what has to be set, for a tier that is not configured.
    """

    tier: Tier
    providers: tuple[str, ...] = ()
    why: str | None = None
    setting: str | None = None


TABLE: tuple[tuple[str, Task, str], ...] = (
    ("question_classification", Task.TRIAGE, "intent"),
    ("sentiment", Task.TRIAGE, "sentiment"),
    ("kb_query_building", Task.QUERY_BUILDER, "hit@5"),
    ("solution_drafting", Task.SOLUTION_DRAFT, "points_said"),
)
"""The rows of the table, the task that is asked for each, and the check that is its main figure."""


def said(point: str, reply: str) -> bool:
    """Whether a reply says a gold point: all its numbers, and most of its words in whatever form.

    Words are compared by pairs of Hangul syllables and by Latin words, so that particles do not matter.
    """
    if not set(_numbers(point)) <= set(_numbers(reply)):
        return False
    content = _content(point)
    return not content or len(content & _content(reply)) >= SAID * len(content)


def tier_report(states: Sequence[TierState], asked: Sequence[Asked]) -> dict[str, Any]:
    """Of every tier whether it can be asked, and its figures for each row of the table."""
    return {"tiers": {state.tier.value: _tier(state, asked) for state in states}}


def _tier(state: TierState, asked: Sequence[Asked]) -> dict[str, Any]:
    mine = [one for one in asked if one.tier is state.tier]
    answered = any(one.answered for one in mine)
    why = state.why
    if why is None and mine and not answered:
        reason, _ = Counter(one.reason for one in mine).most_common(1)[0]
        why = f"It answered nothing: {reason}."
    return {
        "available": answered,
        "why": why,
        "set": state.setting,
        "providers": list(state.providers),
        "models": sorted({one.model for one in mine if one.model}),
        "asked": len(mine),
        "answered": sum(one.answered for one in mine),
        "cost_usd": round(sum(one.cost_usd for one in mine), 6),
        "seconds": _seconds([one.seconds for one in mine if one.answered]),
        "tasks": {
            name: _row([one for one in mine if one.task is task], check) for name, task, check in TABLE
        },
    }


def _row(mine: Sequence[Asked], check: str) -> dict[str, Any]:
    judged = [one for one in mine if check in one.checks]
    row: dict[str, Any] = {
        "n": len(mine),
        "answered": sum(one.answered for one in mine),
        check: _mean([one.checks[check] for one in judged]),
        "of": len(judged),
        "seconds": _seconds([one.seconds for one in mine if one.answered]),
        "cost_usd": round(sum(one.cost_usd for one in mine), 6),
    }
    if all(one.checks[check] in (0.0, 1.0) for one in judged) and judged:
        interval = wilson(sum(one.checks[check] == 1.0 for one in judged), len(judged))
        row["ci"] = [round(interval.low, 4), round(interval.high, 4)]
    if check == "points_said":
        row |= _drafting(mine)
    return row


def _drafting(mine: Sequence[Asked]) -> dict[str, Any]:
    qualities = [one.quality for one in mine if one.quality is not None]
    kinds = Counter(kind for one in mine for kind in dict.fromkeys(one.vetoes))
    return {
        "quality": _mean(qualities),
        "accepted_share": _mean([float(one.accepted) for one in mine]),
        "gold_cited": _mean([one.checks["gold_cited"] for one in mine if "gold_cited" in one.checks]),
        "vetoed": sum(bool(one.vetoes) for one in mine),
        "vetoes": dict(kinds.most_common()),
        "scorer": sorted({one.scorer for one in mine if one.scorer}),
    }


def _seconds(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95 = np.quantile(values, [0.5, 0.95])
    return {"p50": round(float(p50), 6), "p95": round(float(p95), 6)}


def _mean(values: Sequence[float]) -> Any:
    return rounded(float(np.mean(values))) if values else None


def _numbers(text: str) -> list[str]:
    return [found.replace(",", "").rstrip(".") for found in _NUMBER.findall(text)]


def _content(text: str) -> set[str]:
    lowered = text.casefold()
    pairs = {
        run[at : at + 2] for run in _HANGUL.findall("".join(lowered.split())) for at in range(len(run) - 1)
    }
    return pairs | set(_WORD.findall(lowered))
