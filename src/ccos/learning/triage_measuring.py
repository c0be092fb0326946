"""How well a text classifier reads labelled lines, and how quickly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ccos.learning.metrics import auroc
from ccos.learning.texts import LabelledText
from ccos.quality.classifying.model import TextModel, Told

Prior = Callable[[str], Mapping[str, float]]


def measure(
    model: TextModel, lines: Sequence[LabelledText], *, prior: Prior | None = None, outside: str | None = None
) -> dict[str, Any]:
    """The figures of a model on labelled lines, as `ccos eval triage --json` prints them.

    `outside` is the label of lines that are none of the model's topics: they are left out of `accuracy` and
    told apart by the confidence. `outside` in the figures has their recall and the share of the topics that
    are answered right, both at the model's threshold, and the AUROC. A line counts as found to be outside
    when the model abstains or says so itself.
    """
    told: list[Told] = []
    seconds: list[float] = []
    for line in lines:
        begun = time.perf_counter()
        told.append(model.read(line.text, prior(line.text) if prior else None))
        seconds.append(time.perf_counter() - begun)
    known = [(line.label, said) for line, said in zip(lines, told, strict=True) if line.label != outside]
    figures: dict[str, Any] = {
        "what": model.what,
        "n": len(lines),
        "labels": dict(Counter(line.label for line in lines)),
        **_accuracy(known),
        "macro_f1": macro_f1([label for label, _ in known], [said.best for _, said in known]),
        "ms_p50": float(np.percentile(seconds, 50)) * 1e3,
        "ms_p95": float(np.percentile(seconds, 95)) * 1e3,
    }
    if len(model.labels) == 2:
        positive = model.labels[1]
        truth = [label == positive for label, _ in known]
        if any(truth) and not all(truth):
            figures["auroc"] = auroc([said.share(positive) for _, said in known], truth)
    strange = [said for line, said in zip(lines, told, strict=True) if line.label == outside]
    if strange and known:
        figures["outside"] = _outside(strange, known, outside)
    return figures


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """The mean over the labels that occur of 2 * right / (said + meant)."""
    right = Counter(label for label, other in zip(truth, said, strict=True) if label == other)
    meant, chosen = Counter(truth), Counter(said)
    labels = meant.keys() | chosen.keys()
    return (
        sum(2 * right[each] / (meant[each] + chosen[each]) for each in labels) / len(labels)
        if labels
        else 0.0
    )


def _accuracy(known: Sequence[tuple[str, Told]]) -> dict[str, float | None]:
    kept = [(label, said) for label, said in known if said.label is not None]
    return {
        "accuracy": _share([label == said.best for label, said in known]),
        "coverage": _share([said.label is not None for _, said in known]),
        "accuracy_when_certain": _share([label == said.label for label, said in kept]),
    }


def _outside(
    strange: Sequence[Told], known: Sequence[tuple[str, Told]], outside: str | None
) -> dict[str, float | None]:
    def doubt(said: Told) -> float:
        """One minus the confidence in the likeliest topic; what says "outside" itself is no topic."""
        return 1.0 - max((share for label, share in said.ranked if label != outside), default=0.0)

    return {
        "n": len(strange),
        "recall": _share([said.label in (None, outside) for said in strange]),
        "answered_right": _share([label == said.label for label, said in known]),
        "auroc": auroc(
            [doubt(said) for said in (*strange, *(said for _, said in known))],
            [True] * len(strange) + [False] * len(known),
        ),
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
