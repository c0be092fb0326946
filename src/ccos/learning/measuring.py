"""Labelled answers measured: the features a scorer is trained on, and what else training must know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccos.domain.prompt import Language
from ccos.domain.tier import Task
from ccos.learning.labelled import LabelledAnswer
from ccos.quality.features import measure
from ccos.quality.reading import Reading
from ccos.quality.vetoes import CUSTOMER_TEXT, FACT_LIST

Tell = Callable[[int, int | None], None]
"""Called with how many are done, of how many."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One labelled answer as training sees it."""

    features: dict[str, float]
    good: bool
    group: str
    task: Task
    language: Language
    vetoed: bool
    generator: str | None = None
    turn: str = ""

    @property
    def head(self) -> str:
        return f"{self.task.value}/{self.language}"


def measured(answers: Sequence[LabelledAnswer], tell: Tell | None = None) -> list[Measured]:
    """Every answer, in order, looked at by the vetoes of its task and measured; a few milliseconds each."""
    found = []
    for number, each in enumerate(answers, start=1):
        prompt, answer = each.prompt(), each.as_answer()
        reading = Reading(answer.text, prompt, answer)
        families = FACT_LIST if prompt.task is Task.KB_SYNTHESIS else CUSTOMER_TEXT
        vetoes = tuple(veto for family in families for veto in family.vetoes(reading))
        found.append(
            Measured(
                features=dict(measure(reading, vetoes)),
                good=each.good,
                group=each.group,
                task=prompt.task,
                language=prompt.grounds.language,
                vetoed=bool(vetoes),
                generator=each.generator,
                turn=each.turn,
            )
        )
        if tell:
            tell(number, len(answers))
    return found


def matrix(rows: Sequence[Measured], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[row.features[name] for name in names] for row in rows], dtype=float)
