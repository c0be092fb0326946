"""Plans by which the text classifiers of triage are trained: the usual one of each question, and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from ccos.domain.errors import BadInput
from ccos.quality.classifying.features import Spelling


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: `cost` is the C of the linear model, `most` the n-grams that are kept, `certain` the
    accuracy asked of what the model does not abstain from.

    `telling` is what an n-gram counts: "idf", how rare it is, "root", the square root of that, or "ratio",
    the largest absolute log ratio of its shares in one label and in the others (Wang and Manning 2012,
    Baselines and Bigrams). `spare` is the
    share of right answers that may be given up so that texts on none of the topics are left alone.
    """

    spelling: Spelling
    learner: Literal["svm", "logistic"] = "svm"
    telling: Literal["idf", "root", "ratio"] = "idf"
    cost: float = 1.0
    balanced: bool = False
    seen_in: int = 2
    most: int = 200_000
    certain: float = 0.9
    folds: int = 5
    spare: float = 0.0


USUAL = "usual"

PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "intent": Plan(Spelling(chars=(2, 4), words=2)),
        "sentiment": Plan(
            Spelling(chars=(1, 4), jamo=(3, 6), words=2), learner="logistic", telling="ratio", cost=5.0
        ),
        "abuse": Plan(Spelling(chars=(1, 4), words=2), cost=0.1, balanced=True),
        "priority": Plan(Spelling(chars=(2, 4), words=2), learner="logistic", cost=3.0, balanced=True),
        "language": Plan(Spelling(chars=(1, 3), words=1), learner="logistic", cost=10.0, most=20_000),
    }
)
"""The usual plan of each question; docs/triage-models.md has the figures."""

_SPARE = 0.003

_NEAR = Spelling(chars=(1, 4), words=2, near=5)


def plans_of(what: str) -> dict[str, Plan]:
    """The plans that are tried for a question, by name; the usual one first."""
    usual = PLANS[what]
    if what == "intent":
        usual = replace(usual, spare=_SPARE)
        return {
            USUAL: usual,
            "firm": replace(usual, cost=3.0),
            "ratio": replace(usual, telling="ratio", cost=3.0),
            "near": replace(usual, spelling=_NEAR, telling="root"),
        }
    return {
        USUAL: usual,
        "gentle": replace(usual, cost=usual.cost / 3.0),
        "firm": replace(usual, cost=usual.cost * 3.0),
    }


def plan_named(what: str, name: str) -> Plan:
    """Raises BadInput for a name that is none of the question's plans."""
    plans = plans_of(what)
    if name not in plans:
        raise BadInput(f"There is no plan {name!r} for {what}; choose from {', '.join(plans)}.")
    return plans[name]
