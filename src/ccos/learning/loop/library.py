"""Answers worth keeping: replies that went out again and again, without the people and numbers in them.

What is found is proposed to a person; nothing uses it before that person accepts it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ccos.domain.labelling import core, edit_distance
from ccos.quality.pii import LABELS, without_people

LEAST_TICKETS = 3
APART_UP_TO = 0.15
"""Share of characters in which two replies of one answer may differ."""
MOST_CHARACTERS = 2_000
"""A longer reply is nobody's standard answer, and is not compared."""
MOST_KINDS = 2_000
"""Different answers of an intent and language that are held at a time; bounds the work of a night."""

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_PERSON = re.compile("|".join(re.escape(f"[{label}]") for label in LABELS.values()))


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply that went out, as it went out; `changed` is the share of the draft that the agent edited."""

    ticket: str
    text: str
    intent: str
    language: str
    changed: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that `tickets` different tickets got, with slots like {number_1} and {person_1} for what was
    another thing in each. `changed` is the mean share of the drafts that was edited.
    """

    text: str
    intent: str
    language: str
    slots: tuple[str, ...]
    tickets: int
    changed: float


@dataclass(slots=True)
class _Kind:
    shape: str
    members: list[tuple[str, str, float]]


def proposals(sent: Iterable[Sent], *, least: int = LEAST_TICKETS) -> list[Proposal]:
    """The answers that at least `least` tickets got, the most frequent first.

    A text that could not be searched for personal data is left out. Replies are gathered in the order of
    their tickets' ids, so that the same replies give the same proposals.
    """
    kinds: defaultdict[tuple[str, str], dict[str, _Kind]] = defaultdict(dict)
    for each in sorted(sent, key=lambda one: (one.ticket, one.text)):
        text = core(each.text)
        if not text or len(text) > MOST_CHARACTERS:
            continue
        try:
            freed = without_people(text)
        except Exception:  # noqa: S112  what cannot be read is no standard answer
            continue
        own = kinds[each.intent, each.language]
        shape = _NUMBER.sub("#", freed)
        kind = own.get(shape) or _near(own, shape)
        if kind is None:
            if len(own) >= MOST_KINDS:
                continue
            kind = own[shape] = _Kind(shape, [])
        kind.members.append((each.ticket, freed, each.changed))
    found = []
    for (intent, language), own in kinds.items():
        for kind in own.values():
            tickets = len({ticket for ticket, _, _ in kind.members})
            if tickets >= least:
                found.append(_proposal(kind, intent, language, tickets))
    return sorted(found, key=lambda one: (-one.tickets, one.intent, one.text))


def _near(own: dict[str, _Kind], shape: str) -> _Kind | None:
    for kind in own.values():
        longer = max(len(kind.shape), len(shape))
        if abs(len(kind.shape) - len(shape)) > APART_UP_TO * longer:
            continue
        if edit_distance(kind.shape, shape) <= APART_UP_TO * longer and _negations(kind.shape) == _negations(
            shape
        ):
            return kind
    return None


_NEGATION = re.compile(r"\b(?:not|no|never|cannot|unable)\b|n't\b|않|없|못|불가|아니|안 ", re.IGNORECASE)


def _negations(text: str) -> int:
    """Two answers may differ in a single character and say the opposite."""
    return len(_NEGATION.findall(text))


def _proposal(kind: _Kind, intent: str, language: str, tickets: int) -> Proposal:
    shapes = Counter(_NUMBER.sub("#", text) for _, text, _ in kind.members)
    usual = min(shapes, key=lambda shape: (-shapes[shape], shape))
    alike = [text for _, text, _ in kind.members if _NUMBER.sub("#", text) == usual]
    text, slots = _with_slots(alike)
    changed = sum(share for _, _, share in kind.members) / len(kind.members)
    return Proposal(text, intent, language, slots, tickets, changed)


def _with_slots(texts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The first text, with slots for people and for numbers.

    A number that at least LEAST_TICKETS texts share, all of them, belongs to the answer (a term of three
    days); one that differs, or that too few texts show, belongs to the ticket.
    """
    columns = list(zip(*(_NUMBER.findall(text) for text in texts), strict=True))
    fixed = [len(texts) >= LEAST_TICKETS and len(set(column)) == 1 for column in columns]
    slots: list[str] = []
    at = iter(fixed)

    def number(match: re.Match[str]) -> str:
        return match.group() if next(at) else _slot("number")

    def _slot(kind: str) -> str:
        name = f"{kind}_{1 + sum(each.startswith(kind) for each in slots)}"
        slots.append(name)
        return "{" + name + "}"

    braceless = texts[0].replace("{", "(").replace("}", ")")
    text = _PERSON.sub(lambda _match: _slot("person"), _NUMBER.sub(number, braceless))
    return text, tuple(slots)
