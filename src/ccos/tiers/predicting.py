"""What may be expected of a tier before it is asked: what it did on tickets like this one, shrunken.

Two chances are told apart, since people only see what the gate let through: that the gate accepts the tier's
answer, learnt from every answer, and that an accepted answer is good, learnt from what people decided.

Each is a count shrunken towards the wider cell it lies in,

    p(cell) = (good + K * p(parent)) / (n + K)

over the cells (tenant, task, intent, language, tier), then without the tenant, then without the intent, then
the tier's prior: K labels' worth of what is known elsewhere. A label counts once: what lies in the narrower
cell is left out of the wider one, or few labels would weigh three times. Pure: counts in, chances out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from ccos.domain.prompt import Prompt
from ccos.domain.tier import Task, Tier
from ccos.store.counts import kept_name

K = 10.0
"""How many labels what is known of the wider cell weighs as much as."""

ON_EVIDENCE = frozenset({Task.SOLUTION_DRAFT, Task.KB_SYNTHESIS})
"""Tasks whose answers stand on evidence: for the others its lack says nothing."""

NO_PASSAGE, OF_COVERAGE, OF_MARGIN = -1.5, 2.0, 0.3
USUAL_COVERAGE, USUAL_MARGIN = 0.5, 0.2
LEAST_SHIFT, MOST_SHIFT = -1.5, 0.5
"""In log-odds: no passage at all; a question covered whole instead of not at all; a best passage far ahead of
the second. Policy until a task has a thousand labels to fit them on, and kept small for that reason."""

QUESTION_CHARACTERS, PASSAGE_CHARACTERS, MOST_PASSAGES = 1_000, 1_500, 8
"""What is read of a question and its evidence: bounds the time to well below a millisecond."""


class Cell(NamedTuple):
    """Tickets that are alike to a tier. `tenant_id` None is everybody's, `intent` None any intent."""

    tenant_id: UUID | None
    task: Task
    intent: str | None
    language: str
    tier: Tier


class Tally(NamedTuple):
    """Of `n`, so many were good."""

    n: float = 0.0
    good: float = 0.0

    def plus(self, other: Tally) -> Tally:
        return Tally(self.n + other.n, self.good + other.good)


class Counted(NamedTuple):
    """What is counted of a cell: what the gate said of answers, and people of those it accepted."""

    gate: Tally
    people: Tally


@dataclass(frozen=True, slots=True)
class Predicted:
    """`accept`: chance that the gate accepts; `good`: chance that people then approve, or edit lightly.

    `labels` is how many of the tenant's own decisions `good` rests on.
    """

    accept: float
    good: float
    labels: float = 0.0


class Predictor(Protocol):
    """Answers from memory, and never raises."""

    def predict(self, cell: Cell, *, accept: float, good: float) -> Predicted:
        """With the tier's prior chances."""
        ...

    def labels(self, tenant_id: UUID | None) -> float:
        """How many decisions of the tenant's people are known."""
        ...


class Priors:
    """Before anything was counted."""

    def predict(self, cell: Cell, *, accept: float, good: float) -> Predicted:  # noqa: ARG002
        return Predicted(accept, good)

    def labels(self, tenant_id: UUID | None) -> float:  # noqa: ARG002
        return 0.0


class Counts:
    """What was counted, with the sums of the wider cells.

    `put` takes a cell's whole counts, so that to say the same again changes nothing.
    """

    def __init__(self, counted: Iterable[tuple[Cell, Counted]] = ()) -> None:
        self._cells: dict[Cell, Counted] = {}
        self._labels: dict[UUID | None, float] = {}
        for cell, counts in counted:
            self.put(cell, counts)

    def put(self, cell: Cell, counts: Counted) -> None:
        before = self._cells.get(cell, NOTHING)
        self._cells[cell] = counts
        change = Counted(_minus(counts.gate, before.gate), _minus(counts.people, before.people))
        for wider in parents(cell):
            known = self._cells.get(wider, NOTHING)
            self._cells[wider] = Counted(known.gate.plus(change.gate), known.people.plus(change.people))
        self._labels[cell.tenant_id] = self._labels.get(cell.tenant_id, 0.0) + change.people.n

    def predict(self, cell: Cell, *, accept: float, good: float) -> Predicted:
        everybody, any_intent = (self._cells.get(wider, NOTHING) for wider in parents(cell))
        own = self._cells.get(cell, NOTHING)
        for known, part in ((any_intent, everybody), (everybody, own), (own, NOTHING)):
            accept = shrunken(_minus(known.gate, part.gate), accept)
            good = shrunken(_minus(known.people, part.people), good)
        return Predicted(accept, good, own.people.n)

    def labels(self, tenant_id: UUID | None) -> float:
        return self._labels.get(tenant_id, 0.0)


NOTHING = Counted(Tally(), Tally())


def parents(cell: Cell) -> tuple[Cell, Cell]:
    """The wider cells, nearest first: of all tenants, and of all intents."""
    everybody = cell._replace(tenant_id=None)
    return everybody, everybody._replace(intent=None)


def shrunken(tally: Tally, parent: float, k: float = K) -> float:
    """(good + k * parent) / (n + k): the parent where nothing is counted, the cell's own where much is."""
    return (tally.good + k * parent) / (tally.n + k)


def good_prior(tier: Tier, required_quality: float, capability: float) -> float:
    """Before people decided: half way from what the gate promises of an accepted answer to certainty.

    Not of the rules, which speak in sound sentences that a gate likes, beside the question or not: they go
    before a model only once people say that they may, and until then are worth their prior `capability`.
    """
    return capability if tier is Tier.RULE_BASED else (1.0 + required_quality) / 2.0


class Signals(NamedTuple):
    """What retrieval found, as far as it says whether the question can be answered at all.

    `margin` is how far the best passage's score lies before the second, as a share of it, since a search
    engine's scores mean nothing alone; `coverage` the share of the question's content that the passages say.
    """

    passages: int
    margin: float
    coverage: float


def signals(prompt: Prompt) -> Signals | None:
    """None where the task does not stand on evidence."""
    grounds = prompt.grounds
    if prompt.task not in ON_EVIDENCE or grounds.ticket is None:
        return None
    passages = grounds.evidence[:MOST_PASSAGES]
    scores = sorted((each.score for each in passages), reverse=True)
    best, second = (*scores, 0.0, 0.0)[:2]
    comparable = len(scores) > 1 and best > 0 and math.isfinite(best - second)
    margin = (best - second) / best if comparable else 0.0
    said = "\n".join(f"{each.title}\n{each.snippet[:PASSAGE_CHARACTERS]}" for each in passages).casefold()
    question = grounds.ticket.customer_text[:QUESTION_CHARACTERS].casefold()
    return Signals(len(grounds.evidence), min(max(margin, 0.0), 1.0), _coverage(question, said))


def shift(found: Signals | None) -> float:
    """What the signals add to the log-odds of every tier alike: a bigger model does not cure their lack."""
    if found is None:
        return 0.0
    if not found.passages:
        return NO_PASSAGE
    by_coverage = OF_COVERAGE * (found.coverage - USUAL_COVERAGE)
    by_margin = OF_MARGIN * (found.margin - USUAL_MARGIN)
    return min(max(by_coverage + by_margin, LEAST_SHIFT), MOST_SHIFT)


def shifted(chance: float, by: float) -> float:
    """The chance with its log-odds moved; certainty stays certain."""
    if by == 0.0 or not 0.0 < chance < 1.0:
        return chance
    return 1.0 / (1.0 + (1.0 - chance) / chance * math.exp(-by))


def _coverage(question: str, said: str) -> float:
    """The share of the question's pairs of letters that the passages hold, word by word.

    Pairs need no dictionary: in Korean they forgive particles, in English they are a rough overlap.
    """
    pairs = {word[at : at + 2] for word in question.split() for at in range(len(word) - 1)}
    pairs = {pair for pair in pairs if pair.isalnum()}
    return sum(pair in said for pair in pairs) / len(pairs) if pairs else 0.0


def _minus(one: Tally, other: Tally) -> Tally:
    return Tally(one.n - other.n, one.good - other.good)


def cell_of(prompt: Prompt, tenant_id: UUID | None, tier: Tier) -> Cell:
    """Where an answer of the tier to the prompt is counted."""
    return Cell(tenant_id, prompt.task, kept_name(prompt.grounds.intent), prompt.grounds.language, tier)
