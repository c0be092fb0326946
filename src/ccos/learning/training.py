"""A gate trained from labelled answers: heads, honest figures beside them, and certified thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ccos.domain.certificate import Certificate
from ccos.domain.errors import BadInput
from ccos.domain.tier import Task
from ccos.learning.certifying import Rated, certificates
from ccos.learning.crossing import crossed
from ccos.learning.heads import enough, fit_heads, parted
from ccos.learning.labelled import LabelledAnswer
from ccos.learning.measuring import Measured, Tell, measured
from ccos.learning.metrics import auroc, auroc_interval, calibration_error, calibration_interval
from ccos.learning.repeats import once
from ccos.quality.features import VERSION
from ccos.quality.gate import BASELINE
from ccos.quality.model import ANY, GateModel
from ccos.quality.reading import Reading

REFUSED = -1.0
"""The quality of a vetoed answer where thresholds are certified: it is never accepted."""

CERTIFIED = frozenset({Task.SOLUTION_DRAFT, Task.CHAT})
"""Tasks whose answers are judged by the score; the others have checks of their own."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Labelled answers that came together.

    `certifies`: they are like the answers to come, so that thresholds may be certified on them; a set made
    for something else only teaches. `facts` are told in the model: source, licence and the like.
    """

    name: str
    answers: Sequence[LabelledAnswer]
    certifies: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)


def train(
    sets: Sequence[LabelledSet],
    *,
    name: str,
    about: Mapping[str, object] | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> GateModel:
    """A model of heads by task and language; the same sets in the same order give the same model.

    `tell` hears how many answers are measured. `about` is kept in the model beside what training found.
    Lines that repeat another are left out (`repeats.once`), and a ticket is one trial of a threshold. Raises
    BadInput for too few labels.
    """
    told = once((number, answer) for number, each in enumerate(sets) for answer in each.answers)
    sets = [
        replace(each, answers=[answer for place, answer in told.rows if place == number])
        for number, each in enumerate(sets)
    ]
    answers = [answer for each in sets for answer in each.answers]
    if not answers:
        raise BadInput("There are no labelled answers to train on.")
    rows = _apart(sets, measured(answers, tell))
    qualities = crossed(rows, seed=seed)
    heuristic = [_heuristic(answer) for answer in answers]
    certifies = [each.certifies for each in sets for _ in each.answers]
    return GateModel(
        name=name,
        features=VERSION,
        heads=_worth_keeping(fit_heads(rows, seed=seed), rows),
        certificates=_certificates(rows, qualities, certifies, name),
        about={
            **(about or {}),
            **({"repeats": told.remark} if told.repeated else {}),
            "trained_on": [_told(each) for each in sets],
            "figures": _figures(rows, qualities, heuristic),
            "figures_by_set": {
                each.name: _figures(*_of_set(sets, number, rows, qualities, heuristic))
                for number, each in enumerate(sets)
            },
        },
    )


def _apart(sets: Sequence[LabelledSet], rows: Sequence[Measured]) -> list[Measured]:
    """Tickets of two sets are never one, even where both count from 1."""
    numbers = [number for number, each in enumerate(sets) for _ in each.answers]
    return [replace(row, group=f"{n}\0{row.group}") for n, row in zip(numbers, rows, strict=True)]


def _heuristic(answer: LabelledAnswer) -> float:
    return BASELINE.score(Reading(answer.answer, answer.prompt(), answer.as_answer()))[0]


def _worth_keeping(heads: Mapping[str, Any], rows: Sequence[Measured]) -> dict[str, Any]:
    """A broad head over the very rows of a narrow one, or of a broader one, says nothing new."""
    sizes = {name: len(those) for name, those in parted(rows).items()}
    return {
        name: head
        for name, head in heads.items()
        if not (name.startswith(f"{ANY}/") and sizes[name] == sizes[ANY])
    }


def _certificates(
    rows: Sequence[Measured], qualities: Sequence[float], certifies: Sequence[bool], name: str
) -> tuple[Certificate, ...]:
    rated = [
        Rated(row.task, None, REFUSED if row.vetoed else quality, row.good, row.group, row.turn)
        for row, quality, counts in zip(rows, qualities, certifies, strict=True)
        if counts and row.task in CERTIFIED
    ]
    found = certificates(rated, scorer=name, source="shipped")
    return tuple(
        replace(each, threshold=_rounded(each.threshold), risk_bound=_rounded(each.risk_bound))
        for each in found
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _told(each: LabelledSet) -> dict[str, object]:
    good = sum(answer.good for answer in each.answers)
    return {
        "name": each.name,
        **each.facts,
        "rows": len(each.answers),
        "good": good,
        "certifies": each.certifies,
    }


def _of_set(
    sets: Sequence[LabelledSet],
    number: int,
    rows: Sequence[Measured],
    qualities: Sequence[float],
    heuristic: Sequence[float],
) -> tuple[Sequence[Measured], Sequence[float], Sequence[float]]:
    start = sum(len(each.answers) for each in sets[:number])
    part = slice(start, start + len(sets[number].answers))
    return rows[part], qualities[part], heuristic[part]


def _figures(
    rows: Sequence[Measured], qualities: Sequence[float], heuristic: Sequence[float]
) -> dict[str, dict[str, object]]:
    """Out-of-fold figures of each head's own labels, with 95 % intervals, beside the plain heuristic's."""
    found: dict[str, dict[str, object]] = {}
    for name, those in parted(rows).items():
        if name.startswith(ANY) or not enough(those):
            continue
        mine = set(map(id, those))
        places = [at for at, row in enumerate(rows) if id(row) in mine]
        good = [rows[at].good for at in places]
        groups = [rows[at].group for at in places]
        scores, plain = [qualities[at] for at in places], [heuristic[at] for at in places]
        found[name] = {
            "rows": len(places),
            "good": sum(good),
            "auroc": _short(auroc(scores, good)),
            "auroc_interval": _pair(auroc_interval(scores, good, groups)),
            "calibration_error": _short(calibration_error(scores, good)),
            "calibration_interval": _pair(calibration_interval(scores, good, groups)),
            "heuristic_auroc": _short(auroc(plain, good)),
            "heuristic_calibration_error": _short(calibration_error(plain, good)),
        }
    return found


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _pair(interval: Any) -> list[float] | None:
    return None if interval is None else [round(interval.low, 4), round(interval.high, 4)]


def written(model: GateModel) -> str:
    """The model as a JSON text with sorted keys: the same model gives the same bytes."""
    import json

    return json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
