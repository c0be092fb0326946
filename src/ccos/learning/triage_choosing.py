"""Chooses the plan a text classifier is trained by, on the training lines alone, and trains by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ccos.learning.texts import LabelledText
from ccos.learning.triage_fitting import ANY_LABEL_LINES, Corpus, Part, fit, labels_of, margins_of, parts_of
from ccos.learning.triage_plans import USUAL, Plan, plan_named, plans_of
from ccos.learning.triage_training import Prior, Trained, steps, train
from ccos.quality.classifying.features import Spelling

Tell = Callable[[int, int], None]
"""Told the steps that are done, and all there are."""

PARTS = 3
MOST_TRIED = 16_000
"""Lines that plans are tried on; of more, a part is taken that has every label in its share."""

_CLEARLY = 1.0
"""Standard errors by which a plan must be better than the usual one: less is chance."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trained model, the name of its plan, and the share of unseen lines that each plan tried to the end
    answers right, every label counting the same where the plans are balanced. `tried` is empty where the plan
    was given."""

    trained: Trained
    plan: str
    tried: Mapping[str, float]


def train_best(
    what: str,
    lines: Sequence[LabelledText],
    *,
    plan: str | None = None,
    certain: float = 0.9,
    prior: Prior | None = None,
    outside: str | None = None,
    about: Mapping[str, object] | None = None,
    tell: Tell = lambda *_: None,
) -> Chosen:
    """Trains by the plan of that name, or by the best of all that there are for the question.

    The usual plan is kept unless another is better on lines that were not learnt from, by more than one
    standard error of the paired difference. The same lines give the same model. Raises BadInput like `train`,
    and for a name that no plan has.
    """
    plans = plans_of(what) if plan is None else {plan: plan_named(what, plan)}
    labels = labels_of(lines)
    trying = PARTS * len(plans) if len(plans) > 1 else 0
    total = trying + max(
        steps(len(lines), len(labels), each, outside=outside in labels) for each in plans.values()
    )
    done = 0

    def tried_one() -> None:
        nonlocal done
        done += 1
        tell(done, total)

    def begun(_: str) -> None:
        nonlocal done
        tell(min(done, total - 1), total)
        done += 1

    tried = _try(what, lines, plans, tried_one) if trying else {}
    done = trying
    name = best_of(tried) if tried else next(iter(plans))
    trained = train(
        what,
        lines,
        replace(plans[name], certain=certain),
        prior=prior,
        outside=outside,
        about={"plan": name, **(about or {})},
        progress=begun,
    )
    tell(total, total)
    return Chosen(
        trained, name, MappingProxyType({each: float(right.mean()) for each, right in tried.items()})
    )


def best_of(tried: Mapping[str, NDArray[np.float64]]) -> str:
    """The plan of the most right answers, if it has clearly more than the usual one; else that.

    `tried` has what each unseen line counts where the plan is right about it, and 0 where not. Of several
    that are clearly better, the best.
    """
    usual = tried[USUAL]
    better = {
        name: right.mean()
        for name, right in tried.items()
        if name != USUAL and _lead(right, usual) > _CLEARLY
    }
    return max(better, key=lambda name: better[name]) if better else USUAL


def _lead(right: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The mean difference, in standard errors of it."""
    difference = right - other
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean() / error) if error else 0.0


def _try(
    what: str, lines: Sequence[LabelledText], plans: Mapping[str, Plan], step: Callable[[], None]
) -> dict[str, NDArray[np.float64]]:
    """What `best_of` takes, for the plans that were not given up on the way: those that fall clearly behind
    the best of them have no more time spent on them; the usual one always has."""
    some = _some(lines)
    labels = labels_of(some)
    truth = np.array([labels.index(line.label) for line in some])
    corpora: dict[Spelling, Corpus] = {}
    for plan in plans.values():
        if plan.spelling not in corpora:
            corpora[plan.spelling] = Corpus()
            for line in some:
                corpora[plan.spelling].add(line.text, plan.spelling)
    counts = np.ones(len(some))
    if plans[USUAL].balanced:
        counts = len(some) / len(labels) / np.bincount(truth)[truth]
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in plans}
    for part in parts_of(some, truth, PARTS):
        for name in found:
            plan = plans[name]
            found[name].append(
                _right(what, labels, corpora[plan.spelling], part, truth, plan) * counts[part[1]]
            )
            step()
        so_far = {name: np.concatenate(right) for name, right in found.items()}
        best = max(so_far, key=lambda name: so_far[name].mean())
        found = {
            name: right
            for name, right in found.items()
            if name == USUAL or _lead(so_far[best], so_far[name]) <= 2 * _CLEARLY
        }
    return {name: np.concatenate(right) for name, right in found.items()}


def _right(
    what: str, labels: tuple[str, ...], corpus: Corpus, part: Part, truth: NDArray[np.int64], plan: Plan
) -> NDArray[np.float64]:
    known, unseen = part
    margins = margins_of(fit(what, labels, corpus, known, truth, plan), corpus, unseen)
    return np.asarray(margins.argmax(axis=1) == truth[unseen], np.float64)


def _some(lines: Sequence[LabelledText]) -> Sequence[LabelledText]:
    """All lines, or of very many a part, without the labels that it has too few lines of."""
    if len(lines) <= MOST_TRIED:
        return lines
    names = labels_of(lines)
    truth = np.array([names.index(line.label) for line in lines])
    _, chosen = parts_of(lines, truth, ceil(len(lines) / MOST_TRIED))[0]
    enough = np.bincount(truth[chosen], minlength=len(names)) >= ANY_LABEL_LINES
    return [lines[n] for n in chosen if enough[truth[n]]]
