"""Fits linear text classifiers on counted n-grams; needs scikit-learn and scipy.

A model is fitted on all n-grams that occur often enough, its weakest n-grams are dropped, and it is fitted
again on the rest; the weights are then kept in eight bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccos.domain.errors import BadInput
from ccos.learning.texts import LabelledText
from ccos.learning.triage_plans import Plan
from ccos.quality.classifying.features import Hashes, Spelling, grams
from ccos.quality.classifying.model import Floats, TextModel, weighed

ANY_LABEL_LINES = 5
"""Fewest lines a label needs: with less it can be neither learnt nor tried on unseen lines."""

Part = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The lines that are learnt from, and those that are not seen."""


@dataclass(slots=True)
class Corpus:
    """Texts as counted hashes, made once."""

    counted: list[tuple[Hashes, NDArray[np.int64]]] = field(default_factory=list)

    def add(self, text: str, spelling: Spelling) -> None:
        keys, counts = np.unique(grams(text, spelling), return_counts=True)
        self.counted.append((keys, counts.astype(np.int64)))


def labels_of(lines: Sequence[LabelledText]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.label] = counts.get(line.label, 0) + 1
    if len(counts) < 2:
        raise BadInput("Training needs lines of at least two labels.")
    few = sorted(label for label, count in counts.items() if count < ANY_LABEL_LINES)
    if few:
        raise BadInput(f"Label {few[0]!r} has less than {ANY_LABEL_LINES} lines: add some or leave it out.")
    return tuple(sorted(counts))


def parts_of(lines: Sequence[LabelledText], truth: NDArray[np.int64], folds: int) -> list[Part]:
    selection = _sklearn("model_selection")
    names: dict[str, int] = {}
    groups = np.array([names.setdefault(line.group or f"\0{n}", len(names)) for n, line in enumerate(lines)])
    splitter = selection.StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=0)
    return list(splitter.split(np.zeros(len(lines)), truth, groups))


def fit(
    what: str,
    labels: tuple[str, ...],
    corpus: Corpus,
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
    if plan.telling == "root":
        idf = np.sqrt(idf)
    elif plan.telling == "ratio":
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


def _rows(corpus: Corpus, chosen: NDArray[np.int64], keys: Hashes, idf: Floats) -> Any:
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


def margins_of(model: TextModel, corpus: Corpus, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """One row of margins a line, one column a label."""
    return np.array([model.margins_of(*corpus.counted[n]) for n in chosen]).reshape(-1, len(model.labels))


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


def scipy_optimise() -> Any:
    try:
        from scipy import optimize
    except ModuleNotFoundError:
        raise BadInput(_MISSING) from None
    return optimize
