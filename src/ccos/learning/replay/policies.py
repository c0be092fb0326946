"""Who goes to the strong model: policies that are trained on outcomes, and scored out of fold.

All of them predict the strong model's gain, quality(strong) - quality(weak), and not whether the weak answer
is fine: what both get wrong is not worth the dearer call. Needs scikit-learn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ccos.domain.errors import BadInput
from ccos.learning.replay.curve import Floats
from ccos.learning.replay.measures import measured
from ccos.learning.replay.outcomes import Outcome

K = 10.0
"""How many outcomes of a domain the mean of all weighs as much as."""

Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]


class Policy(Protocol):
    """Predicted gains of `test`, in their order, by what was seen of `train`."""

    def __call__(self, train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats: ...


def gain(rows: Sequence[Outcome]) -> Floats:
    return np.array([row.strong - row.weak for row in rows])


def out_of_fold(policy: Policy, rows: Sequence[Outcome], folds: Folds) -> Floats:
    """How well the weak model is expected to do beside the strong one: minus the predicted gain.

    Rows in no test fold have NaN.
    """
    score = np.full(len(rows), np.nan)
    for train, test in folds:
        score[test] = -policy([rows[i] for i in train], [rows[i] for i in test])
    return score


def table(column: str) -> Policy:
    """The mean gain of each domain, shrunken towards that of all rows: before the call, and no text."""

    def predict(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
        every = gain(train)
        sums: dict[str, float] = defaultdict(float)
        counts: dict[str, int] = defaultdict(int)
        for row, value in zip(train, every, strict=True):
            sums[row.domain(column)] += float(value)
            counts[row.domain(column)] += 1
        mean = float(every.mean())
        names = [row.domain(column) for row in test]
        return np.array([(sums[name] + K * mean) / (counts[name] + K) for name in names])

    return predict


def router(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
    """Ridge regression on character n-grams of the prompt: before the call."""
    seen = [row.prompt for row in train]
    texts = _vectoriser("char_wb", (2, 5), seen)
    model = _ridge(5.0).fit(texts.transform(seen), gain(train))
    return np.asarray(model.predict(texts.transform([row.prompt for row in test])))


def gate(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
    """Reads the weak answer beside its prompt, after the call.

    The mean of three predictors in standard units: ridge regression on measures and words, boosted trees and
    extremely randomised trees on the measures alone. They err in different places.
    """
    ensemble = _learn("sklearn.ensemble")
    measures, asked = _measures(train), _measures(test)
    target = gain(train)
    scale = _learn("sklearn.preprocessing").StandardScaler().fit(measures)
    words = _Words(train)
    linear = _ridge(3.0).fit(words.beside(train, scale.transform(measures)), target)
    predicted = [linear.predict(words.beside(test, scale.transform(asked)))]
    plain = _ridge(100.0).fit(np.clip(scale.transform(measures), -4, 4), target)
    predicted.append(plain.predict(np.clip(scale.transform(asked), -4, 4)))
    boosted = ensemble.GradientBoostingRegressor(
        n_estimators=100, learning_rate=0.05, subsample=0.6, max_features=0.4, random_state=0
    )
    random = ensemble.ExtraTreesRegressor(
        n_estimators=300, min_samples_leaf=4, max_features=0.4, random_state=0
    )
    predicted += [trees.fit(measures, target).predict(asked) for trees in (boosted, random)]
    return _mean([_standard(each) for each in predicted])


def both(column: str) -> Policy:
    """What the table and the router expected before the call, beside what the gate sees after it."""
    before = (table(column), router)

    def predict(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
        expected = _mean([_standard(policy(train, test)) for policy in before])
        return 0.25 * expected + gate(train, test)

    return predict


def mixed(column: str) -> Policy:
    """The table and the router together: all that can be known before the call."""
    before = (table(column), router)

    def predict(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
        return _mean([policy(train, test) for policy in before])

    return predict


def answer_length(train: Sequence[Outcome], test: Sequence[Outcome]) -> Floats:
    """The longer the weak answer, the less is to be gained: what judges that like length would say."""
    del train
    return np.array([-float(len(row.weak_answer or "")) for row in test])


class _Words:
    """Words of prompt and answer, counted apart, beside measures that weigh less."""

    def __init__(self, train: Sequence[Outcome]) -> None:
        self._prompt = _vectoriser("word", (1, 2), [row.prompt for row in train])
        self._answer = _vectoriser("word", (1, 2), [row.weak_answer or "" for row in train])

    def beside(self, rows: Sequence[Outcome], measures: Floats) -> Any:
        from scipy.sparse import csr_matrix, hstack

        few = csr_matrix(0.3 * np.clip(measures, -4, 4))
        asked = self._prompt.transform([row.prompt for row in rows])
        said = self._answer.transform([row.weak_answer or "" for row in rows])
        return hstack([few, asked, said]).tocsr()


def _measures(rows: Sequence[Outcome]) -> Floats:
    return np.array([list(measured(row.prompt, row.weak_answer or "").values()) for row in rows])


def _mean(values: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(np.stack(values), axis=0), dtype=np.float64)


def _standard(values: Floats) -> Floats:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-12 else np.zeros_like(values)


def _vectoriser(analyser: str, lengths: tuple[int, int], texts: Sequence[str]) -> Any:
    """Knows the n-grams that are in at least two of the texts; where there are none, a word of its own."""
    made = _learn("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer=analyser, ngram_range=lengths, sublinear_tf=True, min_df=2, max_features=200_000
    )
    try:
        return made.fit(texts)
    except ValueError:
        return made.fit(["none", "none"])


def _ridge(strength: float) -> Any:
    return _learn("sklearn.linear_model").Ridge(alpha=strength)


def _learn(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise BadInput('Training needs scikit-learn: pip install "ccos[train]".') from None


def trainable(rows: Sequence[Outcome], column: str) -> Iterator[tuple[str, Policy, bool]]:
    """The policies that can be trained on the rows: name, policy, and whether it acts after the call."""
    several = len({row.domain(column) for row in rows}) > 1
    if several:
        yield "table", table(column), False
    if not any(row.prompt for row in rows):
        return
    yield "router", router, False
    if several:
        yield "table + router", mixed(column), False
    if any(row.weak_answer for row in rows):
        yield "answer length", answer_length, True
        yield "gate", gate, True
        yield "gate + table + router" if several else "gate + router", both(column), True
