"""Trains the text classifiers of triage from labelled lines; needs scikit-learn and scipy.

Confidence, abstention and the weight of the rules' prior are fitted on margins of texts that the model did
not see, lines of one group staying together. Which plan to train by is for `triage_choosing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccos.learning.texts import LabelledText
from ccos.learning.triage_fitting import Corpus, Part, fit, labels_of, margins_of, parts_of, scipy_optimise
from ccos.learning.triage_plans import PLANS, Plan
from ccos.learning.triage_thresholds import apart_from, certain_from
from ccos.quality.classifying.model import TextModel, softmax

Prior = Callable[[str], Mapping[str, float]]
"""What rules find in a text: a score for some labels, 0 for the others."""

Progress = Callable[[str], None]

FEWEST_TOPICS = 10
"""With less, a topic that is kept from the model is too large a part of all it should know."""

_MANY = 20_000
"""From so many lines on, one held-out fifth says enough, and cross-validation is not worth its time."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and what it said of lines it had not seen: `told` one row of probabilities a line, for the
    lines numbered in `held_out`."""

    model: TextModel
    held_out: NDArray[np.int64]
    told: NDArray[np.float64]


def train(
    what: str,
    lines: Sequence[LabelledText],
    plan: Plan | None = None,
    *,
    prior: Prior | None = None,
    outside: str | None = None,
    about: Mapping[str, object] | None = None,
    progress: Progress = lambda _: None,
) -> Trained:
    """A model of `what` from labelled lines; without a plan, by the usual one. The same lines give the same
    model.

    `outside` is the label of lines that are none of the topics. Where the plan has right answers to `spare`,
    the model also abstains below the confidence that best tells such lines from right answers; without the
    label, lines of topics that were kept from the model stand in for them.

    Raises BadInput when there are less than two labels, or too few lines of one.
    """
    chosen = plan or PLANS[what]
    labels = labels_of(lines)
    truth = np.array([labels.index(line.label) for line in lines])
    progress("Reading the texts")
    corpus = Corpus()
    for line in lines:
        corpus.add(line.text, chosen.spelling)
    priors = _priors(lines, labels, prior)
    parts = parts_of(lines, truth, chosen.folds)[: 1 if len(lines) >= _MANY else None]
    held_out = np.concatenate([unseen for _, unseen in parts])
    seen_nowhere = []
    for number, (known, unseen) in enumerate(parts, start=1):
        progress(f"Trying it on unseen lines, part {number}")
        seen_nowhere.append(margins_of(fit(what, labels, corpus, known, truth, chosen), corpus, unseen))
    margins = np.concatenate(seen_nowhere)
    order = np.argsort(held_out)
    held_out, margins = held_out[order], margins[order]
    given = None if priors is None else priors[held_out]
    sharpness, prior_weight = _sharpen(margins, given, truth[held_out])
    told = _told(margins, given, sharpness, prior_weight)
    certain = certain_from(told, truth[held_out], chosen.certain)
    if chosen.spare and outside in labels:
        certain = max(certain, _apart(told, truth[held_out], labels.index(outside), chosen.spare))
    elif chosen.spare and len(labels) >= FEWEST_TOPICS:
        seen = _Seen(what, labels, corpus, truth, priors, sharpness, prior_weight)
        certain = max(certain, _apart_from_hidden(seen, parts, chosen, progress))
    progress("Training on all lines")
    model = fit(what, labels, corpus, np.arange(len(lines)), truth, chosen)
    model = replace(
        model,
        sharpness=sharpness,
        prior_weight=prior_weight,
        certain=certain,
        about={"lines": len(lines), **(about or {})},
    )
    return Trained(model, held_out, told)


def steps(lines: int, labels: int, plan: Plan, *, outside: bool = False) -> int:
    """How often `train` tells of its progress."""
    parts = 1 if lines >= _MANY else plan.folds
    hiding = plan.spare and not outside and labels >= FEWEST_TOPICS
    return 2 + parts * (2 if hiding else 1)


def _priors(
    lines: Sequence[LabelledText], labels: Sequence[str], prior: Prior | None
) -> NDArray[np.float64] | None:
    if prior is None:
        return None
    found = (prior(line.text) for line in lines)
    return np.array([[each.get(label, 0.0) for label in labels] for each in found])


# -- texts on none of the topics ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    what: str
    labels: tuple[str, ...]
    corpus: Corpus
    truth: NDArray[np.int64]
    priors: NDArray[np.float64] | None
    sharpness: float
    prior_weight: float


def _apart(told: NDArray[np.float64], truth: NDArray[np.int64], outside: int, spare: float) -> float:
    best, confidence = told.argmax(axis=1), told.max(axis=1)
    topic = truth != outside
    # A line that is called outside is found already, whatever the threshold.
    strange = np.where(best == outside, 0.0, confidence)[~topic]
    return apart_from(confidence[topic & (best == truth)], strange, spare)


def _apart_from_hidden(seen: _Seen, parts: Sequence[Part], plan: Plan, progress: Progress) -> float:
    """In each part every so manieth label is kept from the model, and its unseen lines are the strangers."""
    right, strange = [], []
    for number, (known, unseen) in enumerate(parts):
        progress(f"Trying it on topics it does not know, part {number + 1}")
        kept = np.array([n for n in range(len(seen.labels)) if n % plan.folds != number])
        place = np.full(len(seen.labels), -1)
        place[kept] = np.arange(len(kept))
        truth = place[seen.truth]
        labels = tuple(seen.labels[n] for n in kept)
        model = fit(seen.what, labels, seen.corpus, known[truth[known] >= 0], truth, plan)
        given = None if seen.priors is None else seen.priors[unseen][:, kept]
        margins = margins_of(model, seen.corpus, unseen)
        told = _told(margins, given, seen.sharpness, seen.prior_weight)
        best, confidence = told.argmax(axis=1), told.max(axis=1)
        right.append(confidence[best == truth[unseen]])
        strange.append(confidence[truth[unseen] < 0])
    return apart_from(np.concatenate(right), np.concatenate(strange), plan.spare)


# -- confidence --------------------------------------------------------------------------------------------


def _told(
    margins: NDArray[np.float64], priors: NDArray[np.float64] | None, sharpness: float, prior_weight: float
) -> NDArray[np.float64]:
    return softmax(sharpness * margins + (0.0 if priors is None else prior_weight * priors))


def _sharpen(
    margins: NDArray[np.float64], priors: NDArray[np.float64] | None, truth: NDArray[np.int64]
) -> tuple[float, float]:
    """Sharpness, and the weight of the prior, of the least log loss on lines that were not seen."""
    optimise = scipy_optimise()
    at = np.arange(len(truth))

    def loss(point: NDArray[np.float64]) -> float:
        told = _told(
            margins, priors, float(np.exp(point[0])), float(point[1]) ** 2 if len(point) > 1 else 0.0
        )
        return float(-np.log(np.maximum(told[at, truth], 1e-12)).mean())

    start = np.array([1.0]) if priors is None else np.array([1.0, 0.5])
    found = optimise.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6})
    point = found.x
    return round(float(np.exp(point[0])), 4), round(float(point[1]) ** 2, 4) if priors is not None else 0.0
