"""Trains the text classifiers of triage from labelled lines; needs scikit-learn and scipy.

A model is fitted on all n-grams that occur often enough, its weakest n-grams are dropped, and it is fitted
again on the rest; the weights are then kept in eight bits. Confidence, abstention and the weight of the
rules' prior are fitted on margins of texts that the model did not see, lines of one group staying together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ccos.domain.errors import BadInput
from ccos.learning.texts import LabelledText
from ccos.quality.classifying.features import Hashes, Spelling, grams
from ccos.quality.classifying.model import Floats, TextModel, softmax, weighed

Prior = Callable[[str], Mapping[str, float]]
"""What rules find in a text: a score for some labels, 0 for the others."""

Progress = Callable[[str], None]

ANY_LABEL_LINES = 5
"""Fewest lines a label needs: with less it can be neither learnt nor tried on unseen lines."""

_MANY = 20_000
"""From so many lines on, one held-out fifth says enough, and cross-validation is not worth its time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: `cost` is the C of the linear model, `most` the n-grams that are kept, `certain` the
    accuracy asked of what the model does not abstain from.

    `telling` is what an n-gram counts: "idf", how rare it is, or "ratio", the largest absolute log ratio of
    its shares in one label and in the others (Wang and Manning 2012, Baselines and Bigrams).
    """

    spelling: Spelling
    learner: Literal["svm", "logistic"] = "svm"
    telling: Literal["idf", "ratio"] = "idf"
    cost: float = 1.0
    balanced: bool = False
    seen_in: int = 2
    most: int = 200_000
    certain: float = 0.9
    folds: int = 5


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
"""Chosen by measurement; docs/triage-models.md has the figures."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and what it said of lines it had not seen: `told` one row of probabilities a line, for the
    lines numbered in `held_out`."""

    model: TextModel
    held_out: NDArray[np.int64]
    told: NDArray[np.float64]


@dataclass(slots=True)
class _Corpus:
    """Texts as counted hashes, made once."""

    counted: list[tuple[Hashes, NDArray[np.int64]]] = field(default_factory=list)

    def add(self, text: str, spelling: Spelling) -> None:
        keys, counts = np.unique(grams(text, spelling), return_counts=True)
        self.counted.append((keys, counts.astype(np.int64)))


def train(
    what: str,
    lines: Sequence[LabelledText],
    plan: Plan | None = None,
    *,
    prior: Prior | None = None,
    about: Mapping[str, object] | None = None,
    progress: Progress = lambda _: None,
) -> Trained:
    """A model of `what` from labelled lines. The same lines give the same model.

    Raises BadInput when there are less than two labels, or too few lines of one.
    """
    chosen = plan or PLANS[what]
    labels = _labels(lines)
    truth = np.array([labels.index(line.label) for line in lines])
    progress("Reading the texts")
    corpus = _Corpus()
    for line in lines:
        corpus.add(line.text, chosen.spelling)
    priors = _priors(lines, labels, prior)
    margins = np.full((len(lines), len(labels)), np.nan)
    for number, (known, unseen) in enumerate(_folds(lines, truth, chosen.folds), start=1):
        progress(f"Trying it on unseen lines, part {number}")
        model = _fit(what, labels, corpus, known, truth, chosen)
        for n in unseen:
            margins[n] = _margins(model, corpus.counted[n])
    held_out = np.flatnonzero(~np.isnan(margins[:, 0]))
    sharpness, prior_weight = _sharpen(
        margins[held_out], None if priors is None else priors[held_out], truth[held_out]
    )
    told = _told(margins[held_out], None if priors is None else priors[held_out], sharpness, prior_weight)
    progress("Training on all lines")
    model = _fit(what, labels, corpus, np.arange(len(lines)), truth, chosen)
    model = replace(
        model,
        sharpness=sharpness,
        prior_weight=prior_weight,
        certain=certain_from(told, truth[held_out], chosen.certain),
        about={"lines": len(lines), **(about or {})},
    )
    return Trained(model, held_out, told)


def certain_from(told: NDArray[np.float64], truth: NDArray[np.int64], accuracy: float) -> float:
    """The lowest confidence from which on the likeliest labels are right at least as often as asked.

    1.0, which is to always abstain, when no confidence is enough.
    """
    confidence, right = told.max(axis=1), told.argmax(axis=1) == truth
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Where several lines have one confidence, only the last of them is a place to stop.
    ordered = confidence[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    enough = np.flatnonzero((share >= accuracy) & last)
    return float(ordered[enough[-1]]) if enough.size else 1.0


def _labels(lines: Sequence[LabelledText]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.label] = counts.get(line.label, 0) + 1
    if len(counts) < 2:
        raise BadInput("Training needs lines of at least two labels.")
    few = sorted(label for label, count in counts.items() if count < ANY_LABEL_LINES)
    if few:
        raise BadInput(f"Label {few[0]!r} has less than {ANY_LABEL_LINES} lines: add some or leave it out.")
    return tuple(sorted(counts))


def _priors(
    lines: Sequence[LabelledText], labels: Sequence[str], prior: Prior | None
) -> NDArray[np.float64] | None:
    if prior is None:
        return None
    found = (prior(line.text) for line in lines)
    return np.array([[each.get(label, 0.0) for label in labels] for each in found])


def _folds(
    lines: Sequence[LabelledText], truth: NDArray[np.int64], folds: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    selection = _sklearn("model_selection")
    names: dict[str, int] = {}
    groups = np.array([names.setdefault(line.group or f"\0{n}", len(names)) for n, line in enumerate(lines)])
    splitter = selection.StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=0)
    parts = list(splitter.split(np.zeros(len(lines)), truth, groups))
    return parts[:1] if len(lines) >= _MANY else parts


# -- fitting -----------------------------------------------------------------------------------------------


def _fit(
    what: str,
    labels: tuple[str, ...],
    corpus: _Corpus,
    known: NDArray[np.int64],
    truth: NDArray[np.int64],
    plan: Plan,
) -> TextModel:
    keys, seen = np.unique(np.concatenate([corpus.counted[n][0] for n in known]), return_counts=True)
    often = seen >= plan.seen_in
    if not often.any():
        raise BadInput("No two of the lines have anything in common: give more lines.")
    keys = keys[often]
    idf = np.log((1.0 + len(known)) / (1.0 + seen[often])) + 1.0
    if plan.telling == "ratio":
        idf = _ratios(_rows(corpus, known, keys, np.ones(keys.size, np.float32)), truth[known], len(labels))
    idf = idf.astype(np.float16).astype(np.float32)
    rows = _rows(corpus, known, keys, idf)
    coefficients, bias = _linear(rows, truth[known], len(labels), plan)
    if keys.size > plan.most:
        weight = np.abs(coefficients).max(axis=0) * np.sqrt(
            np.asarray(rows.multiply(rows).sum(axis=0)).ravel()
        )
        kept = np.sort(np.argsort(-weight, kind="stable")[: plan.most])
        keys, idf = keys[kept], idf[kept]
        coefficients, bias = _linear(_rows(corpus, known, keys, idf), truth[known], len(labels), plan)
    scales = np.maximum(np.abs(coefficients).max(axis=1), 1e-12) / 127.0
    return TextModel(
        what=what,
        labels=labels,
        spelling=plan.spelling,
        keys=keys,
        idf=idf,
        weights=np.rint(coefficients / scales[:, None]).astype(np.int8).T.copy(),
        scales=scales.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def _ratios(rows: Any, truth: NDArray[np.int64], labels: int) -> NDArray[np.float64]:
    """|ln (share in a label / share in the others)| of each n-gram, the largest over the labels."""
    present = (rows > 0).astype(np.float64)
    inside = np.array([np.asarray(present[truth == n].sum(axis=0)).ravel() for n in range(labels)]) + 0.5
    outside = inside.sum(axis=0) - inside
    shares = np.log(inside / inside.sum(axis=1, keepdims=True))
    others = np.log(outside / outside.sum(axis=1, keepdims=True))
    return np.asarray(np.abs(shares - others).max(axis=0))


def _rows(corpus: _Corpus, chosen: NDArray[np.int64], keys: Hashes, idf: Floats) -> Any:
    """A sparse matrix, one row a text, weighed as the served model weighs."""
    sparse = _scipy_sparse()
    starts, columns, values = [0], [], []
    for n in chosen:
        found, counts = corpus.counted[n]
        at = np.minimum(np.searchsorted(keys, found), keys.size - 1)
        known = keys[at] == found
        columns.append(at[known])
        values.append(weighed(counts[known], idf[at[known]]))
        starts.append(starts[-1] + int(known.sum()))
    return sparse.csr_matrix(
        (np.concatenate(values), np.concatenate(columns).astype(np.int32), starts),
        shape=(len(chosen), keys.size),
    )


def _linear(rows: Any, truth: NDArray[np.int64], labels: int, plan: Plan) -> tuple[Floats, Floats]:
    """One row of coefficients and one bias a label; two labels share one hyperplane, half of it each."""
    weight = "balanced" if plan.balanced else None
    if plan.learner == "svm":
        learner = _sklearn("svm").LinearSVC(C=plan.cost, class_weight=weight, random_state=0)
    else:
        linear = _sklearn("linear_model")
        learner = linear.LogisticRegression(
            C=plan.cost, class_weight=weight, max_iter=400, solver="liblinear" if labels == 2 else "lbfgs"
        )
    if len(np.unique(truth)) != labels:
        raise BadInput("A label has too few lines to be tried on unseen ones: add some or leave it out.")
    learner.fit(rows, truth)
    coefficients, bias = np.asarray(learner.coef_), np.asarray(learner.intercept_)
    if labels == 2:
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    return coefficients.astype(np.float32), bias.astype(np.float32)


# -- confidence --------------------------------------------------------------------------------------------


def _margins(model: TextModel, counted: tuple[Hashes, NDArray[np.int64]]) -> NDArray[np.float64]:
    found, counts = counted
    return model.margins_of(found, counts)


def _told(
    margins: NDArray[np.float64], priors: NDArray[np.float64] | None, sharpness: float, prior_weight: float
) -> NDArray[np.float64]:
    return softmax(sharpness * margins + (0.0 if priors is None else prior_weight * priors))


def _sharpen(
    margins: NDArray[np.float64], priors: NDArray[np.float64] | None, truth: NDArray[np.int64]
) -> tuple[float, float]:
    """Sharpness, and the weight of the prior, of the least log loss on lines that were not seen."""
    optimise = _scipy_optimise()
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


# -- the training libraries --------------------------------------------------------------------------------

_MISSING = 'Training needs scikit-learn and scipy: run pip install "ccos[train]".'


def _sklearn(part: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"sklearn.{part}")
    except ModuleNotFoundError:
        raise BadInput(_MISSING) from None


def _scipy_sparse() -> Any:
    try:
        from scipy import sparse
    except ModuleNotFoundError:
        raise BadInput(_MISSING) from None
    return sparse


def _scipy_optimise() -> Any:
    try:
        from scipy import optimize
    except ModuleNotFoundError:
        raise BadInput(_MISSING) from None
    return optimize
