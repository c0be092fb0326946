"""A linear text classifier as it is served: hashed n-grams, weights in eight bits, calibrated confidence.

The confidence is softmax(sharpness * margins + prior_weight * prior): temperature scaling (Guo et al. 2017,
On Calibration of Modern Neural Networks) over the margins of the trained classes, with a prior that rules may
give. Below `certain` the model abstains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ccos.quality.classifying.features import Hashes, Spelling, grams

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Told:
    """What a model says of a text. `label` is None when it abstains; `ranked` is every label, best first."""

    label: str | None
    confidence: float
    ranked: tuple[tuple[str, float], ...]

    @property
    def best(self) -> str:
        """The likeliest label, whether or not the model is sure of it."""
        return self.ranked[0][0]

    def share(self, label: str) -> float:
        return dict(self.ranked).get(label, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class TextModel:
    """Weights of a classifier over one closed list of labels.

    `keys` are the sorted hashes of the n-grams it knows, `idf` how telling each is, `weights` one row a key
    and one column a label, times `scales` of the label. `what` is the question it answers, `about` its data.
    """

    what: str
    labels: tuple[str, ...]
    spelling: Spelling
    keys: Hashes
    idf: Floats
    weights: NDArray[np.int8]
    scales: Floats
    bias: Floats
    sharpness: float = 1.0
    prior_weight: float = 0.0
    certain: float = 0.0
    about: Mapping[str, object] = field(default_factory=dict)

    def margins(self, text: str) -> NDArray[np.float64]:
        """One margin a label; the biases alone for a text without a known n-gram."""
        found, counts = np.unique(grams(text, self.spelling), return_counts=True)
        return self.margins_of(found, counts)

    def margins_of(self, found: Hashes, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The margins of n-grams that were counted before."""
        if not found.size or not self.keys.size:
            return self.bias.astype(np.float64)
        at = np.minimum(np.searchsorted(self.keys, found), self.keys.size - 1)
        known = self.keys[at] == found
        rows = at[known]
        if not rows.size:
            return self.bias.astype(np.float64)
        values = weighed(counts[known], self.idf[rows])
        return np.asarray((values @ self.weights[rows]) * self.scales + self.bias, np.float64)

    def read(self, text: str, prior: Mapping[str, float] | None = None) -> Told:
        """The labels of a text with their calibrated probabilities.

        `prior` is what rules found for each label, in the units the model was trained with; labels that are
        not in it count as 0.
        """
        margins = self.margins(text) * self.sharpness
        if prior and self.prior_weight:
            margins = margins + self.prior_weight * np.array([prior.get(label, 0.0) for label in self.labels])
        shares = softmax(margins)
        order = np.argsort(-shares, kind="stable")
        ranked = tuple((self.labels[n], float(shares[n])) for n in order)
        label, confidence = ranked[0]
        return Told(label if confidence >= self.certain else None, confidence, ranked)


def weighed(counts: NDArray[np.int64], idf: Floats) -> Floats:
    """(1 + ln count) * idf at unit length: a word said ten times does not say ten times as much."""
    values = ((1.0 + np.log(counts)) * idf).astype(np.float32)
    return values / np.float32(np.linalg.norm(values) or 1.0)


def softmax(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis, without overflow."""
    raised = np.exp(margins - margins.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float64)
