"""Labelled answers before the gate: what it says of each, beside the plain heuristic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ccos.domain.certificate import Certificate
from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Promise, Verdict, Veto
from ccos.learning.certifying import Rated
from ccos.learning.labelled import LabelledAnswer
from ccos.quality.features import measure
from ccos.quality.gate import BASELINE, Gate, Scorer
from ccos.quality.priors import without_prior
from ccos.quality.promises import Promises
from ccos.quality.reading import Reading
from ccos.quality.scorer import LearnedScorer
from ccos.quality.vetoes import FACT_LIST

FACT_KINDS = frozenset(kind for family in FACT_LIST for kind in family.kinds)
REFUSED = -1.0
"""The quality of a vetoed answer where thresholds are certified: it is never accepted."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled answer with its verdict.

    `group` keeps lines of one ticket together, and those of two files apart. `heuristic` is the plain
    baseline's score, `seconds` what the gate took, `features` what the score was made of (empty where nobody
    asked for them, or another check than the score judged the answer).
    """

    row: LabelledAnswer
    group: tuple[int, str]
    verdict: Verdict
    heuristic: float
    seconds: float
    features: Mapping[str, float]

    @property
    def vetoed(self) -> bool:
        return bool(self.verdict.vetoes)

    @property
    def threshold_quality(self) -> float:
        """What a threshold is compared with: a vetoed answer passes none."""
        return REFUSED if self.vetoed else self.verdict.quality

    def rated(self) -> Rated:
        return Rated(
            self.row.told_task,
            self.row.tier,
            self.threshold_quality,
            self.row.good,
            self.group,
            self.row.turn,
        )


def judge(
    rows: Iterable[tuple[int, LabelledAnswer]],
    scorer: Scorer,
    certificates: Sequence[Certificate] | None,
    *,
    features: bool = False,
) -> Iterator[Judged]:
    """Each answer through the gate, one at a time; `rows` hold the number of their file.

    Without `certificates` qualities are compared with what is required as they stand.
    """
    promises = None if certificates is None else Promises(certificates)
    for file, row in rows:
        prompt, answer = row.prompt(), row.as_answer()
        claim = is_claim(row)
        asked = replace(prompt, task=Task.SOLUTION_DRAFT) if claim else prompt
        watched = _Watched(_as_at_the_desk(scorer, row), prompt, answer)
        gate = Gate(watched)
        started = time.perf_counter()
        verdict = gate.judge(asked, answer, tier=row.tier)
        seconds = time.perf_counter() - started
        looked_at = verdict.vetoes
        if claim:
            verdict = replace(verdict, vetoes=tuple(v for v in looked_at if v.kind in FACT_KINDS))
        promise = _promise(promises, verdict, prompt.task, row.tier, scorer)
        reading = watched.reading or Reading(row.answer, prompt, answer)
        yield Judged(
            row=row,
            group=(file, row.group),
            verdict=replace(verdict, promise=promise),
            heuristic=BASELINE.score(reading)[0],
            seconds=seconds,
            features=dict(measure(reading, looked_at)) if features and watched.reading else {},
        )


def is_claim(row: LabelledAnswer) -> bool:
    """Plain words to be held against evidence, without a schema that the product itself would ask for.

    The product's own synthesis of evidence is a list of facts in JSON; of one sentence the score is wanted,
    and it is refused for its facts only, not for its manners.
    """
    return row.told_task is Task.KB_SYNTHESIS


def _promise(
    promises: Promises | None, verdict: Verdict, task: Task, tier: Tier | None, scorer: Scorer
) -> Promise | None:
    if promises is None or verdict.scorer != scorer.name:
        return None  # a check of form, with a standard of its own
    before = without_prior(verdict.quality, verdict.scores)
    return promises.promise_after(
        None, task, tier, scorer=verdict.scorer, quality=verdict.quality, before=before
    )


def _as_at_the_desk(scorer: Scorer, row: LabelledAnswer) -> Scorer:
    """A desk moves a quality by what it expects of the tier; a line that says how much is scored likewise."""
    usual = row.desk.usual_of_tier if row.desk else None
    if usual is None or row.tier is None or not isinstance(scorer, LearnedScorer):
        return scorer
    return LearnedScorer(scorer.model, {row.tier: usual})


class _Watched:
    """A scorer under the task the line names, that remembers what it read: features need it once more."""

    def __init__(self, scorer: Scorer, prompt: Prompt, answer: Answer) -> None:
        self._scorer, self._prompt, self._answer = scorer, prompt, answer
        self.name = scorer.name
        self.reading: Reading | None = None

    def score(self, reading: Reading, vetoes: Sequence[Veto]) -> tuple[float, tuple[tuple[str, float], ...]]:
        same = reading.prompt.task is self._prompt.task
        self.reading = reading if same else Reading(reading.text, self._prompt, self._answer, reading.tier)
        return self._scorer.score(self.reading, vetoes)
