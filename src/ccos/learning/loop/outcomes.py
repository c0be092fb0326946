"""What decisions about drafts teach: one label a ticket, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccos.domain.draft import DraftState
from ccos.domain.feedback import Reason, Use, reason_of, use_of
from ccos.domain.labelling import rate

REOPENED_WITHIN = timedelta(hours=72)
"""A customer who comes back so soon was not helped, whatever the agent thought of the reply."""
_NEVER = frozenset({DraftState.SUPERSEDED, DraftState.EXPIRED, DraftState.FAILED})
_WRONG_EVIDENCE = frozenset({Reason.INCORRECT, Reason.OUTDATED})


@dataclass(frozen=True, slots=True)
class Decided:
    """A draft, what a person decided about it and what became of it.

    `quality` is what the gate gave, under the shipped calibration. `sent` is the text that went out instead
    of `reply`, None where that went out itself or nothing did.
    """

    ticket: str
    verdict: str
    quality: float
    decided_at: datetime
    reply: str = ""
    sent: str | None = None
    reason: str = ""
    state: DraftState = DraftState.READY
    reopened_at: datetime | None = None
    tier: str = ""
    intent: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Whether a draft was good, and how much that counts, in (0, 1].

    A draft that went out as it was and one that was rejected count whole. An edited one is a weak label of
    its text: a lightly edited one is good by what was left of it, a rewritten one is bad by what was changed.
    `found` says whether its evidence was the right one, None where the decision does not tell.
    """

    ticket: str
    quality: float
    good: bool
    weight: float
    decided_at: datetime
    why: str
    found: bool | None
    tier: str = ""
    intent: str = ""
    language: str = ""


def label_of(decided: Decided) -> Label | None:
    """What a decision teaches; None of a draft that was superseded, expired or failed."""
    if decided.state in _NEVER:
        return None
    rated = rate(decided.verdict, decided.reply, decided.sent)
    use = use_of(decided.verdict, rated.changed)
    good, weight, why = rated.good, 1.0, use.value
    found: bool | None = True
    if use is Use.EDITED:
        weight = rated.worth if good else 1.0 - rated.worth
    if use is Use.REJECTED:
        reason = reason_of(decided.reason)
        why, found = reason.value, False if reason in _WRONG_EVIDENCE else None
        if reason is Reason.NOT_NEEDED:  # says nothing of the text
            return None
    elif _came_back(decided):
        good, weight, why, found = False, 1.0, "reopened", None
    return Label(
        decided.ticket,
        decided.quality,
        good,
        weight,
        decided.decided_at,
        why,
        found,
        decided.tier,
        decided.intent,
        decided.language,
    )


def labels_of(decided: Iterable[Decided]) -> list[Label]:
    """One a ticket, in the order of decisions.

    Drafts of one ticket are good or bad together. Which one counts must not hang on what was decided, so it
    is the one decided first.
    """
    found: dict[str, Label] = {}
    for each in sorted(decided, key=lambda one: (one.decided_at, one.ticket)):
        if each.ticket not in found and (label := label_of(each)) is not None:
            found[each.ticket] = label
    return list(found.values())


def _came_back(decided: Decided) -> bool:
    back = decided.reopened_at
    return back is not None and back - decided.decided_at <= REOPENED_WITHIN
