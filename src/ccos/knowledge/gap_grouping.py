"""From drafts to gaps: which of them left a question open, and which of those ask the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from ccos.domain.errors import Unreadable
from ccos.domain.gap import Gap, Question
from ccos.knowledge.clustering import ALIKE, by_typicality, grouped, heirs, likeness
from ccos.knowledge.gap_texts import asked
from ccos.store.gaps import Looked
from ccos.store.values import new_id

WINDOW = timedelta(days=180)
"""Older questions say little of what is missing today; they are forgotten."""
MOST_QUESTIONS = 4_000
"""Questions that are compared with each other, the newest: 64 MB while a pass lasts, and about 2 s."""
MOST_ANSWERED = 500


@dataclass(frozen=True, slots=True)
class Heard:
    """An answered question, and when a person sent the answer."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """Labels of all gaps, the questions that are new or stand elsewhere, and when like ones were answered."""

    labels: dict[UUID, str]
    questions: list[Question]
    answered: dict[UUID, datetime]


def read(looked: Sequence[Looked], now: datetime) -> tuple[list[Question], list[Heard], int]:
    """The unanswered questions among them, the answered ones, and how many could not be read."""
    questions: list[Question] = []
    heard: list[Heard] = []
    unreadable = 0
    for each in looked:
        why, answered = each.outcome.unanswered, each.outcome.answered
        if (why is None and not answered) or each.asked_at < now - WINDOW:
            continue
        try:
            found = asked(each.ticket)
        except Unreadable:
            unreadable += 1  # what nobody could search for personal data is not kept
            continue
        if found is None:
            continue
        text, title = found
        if why is None:
            heard.append(Heard(text, each.changed_at))
            continue
        questions.append(
            Question(
                ticket_id=each.ticket_id,
                draft_id=each.draft_id,
                text=text,
                title=title,
                why=why,
                asked_at=each.asked_at,
                drafted_at=each.drafted_at,
                channel=each.ticket.channel,
            )
        )
    return questions, heard[-MOST_ANSWERED:], unreadable


def put_together(
    new: Sequence[Question], known: Mapping[UUID, Question], gaps: Sequence[Gap], heard: Sequence[Heard]
) -> Made:
    """Every question in its gap with its rank there.

    Gaps that somebody has done something about only grow. The others are made anew each time, so that what
    came first decides nothing; each keeps its id where the largest part of it goes on.
    """
    asking = {**known}
    for each in new:
        earlier = known.get(each.ticket_id)
        asking[each.ticket_id] = replace(each, gap_id=earlier.gap_id if earlier else None)
    questions = sorted(asking.values(), key=lambda each: (each.asked_at, each.ticket_id))[-MOST_QUESTIONS:]
    alike = likeness([*(each.text for each in questions), *(each.text for each in heard)])
    own = alike[: len(questions), : len(questions)]

    touched = [gap.id for gap in gaps if gap.touched]
    others = sorted(gap.id for gap in gaps if not gap.touched)
    rows: dict[UUID | None, list[int]] = {}
    for n, question in enumerate(questions):
        rows.setdefault(question.gap_id, []).append(n)
    groups = grouped(own, known=[rows.get(gap_id, []) for gap_id in touched])
    fresh = groups[len(touched) :]
    went_on = heirs(fresh, [rows.get(gap_id, []) for gap_id in others])
    ids = touched + [new_id() if place is None else others[place] for place in went_on]

    made = Made({}, [], {})
    for gap_id, group in zip(ids, groups, strict=True):
        if not group:
            continue
        order = by_typicality(own, group)
        made.labels[gap_id] = questions[order[0]].title
        for rank, row in enumerate(order):
            placed = replace(questions[row], gap_id=gap_id, rank=rank)
            if known.get(placed.ticket_id) != placed:
                made.questions.append(placed)
        near = alike[len(questions) :, group].mean(axis=1) >= ALIKE
        times = [each.at for each, close in zip(heard, near, strict=True) if close]
        if times:
            made.answered[gap_id] = max(times)
    return made
