"""The learned score: features of an answer beside its question and its evidence, made a probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from ccos.domain.errors import BadInput
from ccos.domain.tier import Tier
from ccos.domain.verdict import Veto
from ccos.quality.features import VERSION, measure
from ccos.quality.model import GateModel, is_brief
from ccos.quality.priors import PRIOR, with_prior
from ccos.quality.reading import Reading


class LearnedScorer:
    """Quality as the calibrated probability that a person approves the answer as it is or lightly edited.

    `priors` says what share of a tier's answers is expected to be good before one is read. Labels have
    another share of good ones than a tier's answers have, so the log-odds are moved by the difference (see
    `priors.py`). Of a tier without a prior nothing is assumed.

    Pure; a score takes a few milliseconds and never raises. Raises ValueError for a model that was trained on
    another set of features than this version measures.
    """

    def __init__(self, model: GateModel, priors: Mapping[Tier, float] = MappingProxyType({})) -> None:
        if model.features != VERSION:
            raise ValueError(f"the model was trained on features {model.features}, these are {VERSION}")
        self.model = model
        self.name = model.name
        self._priors = priors

    def score(self, reading: Reading, vetoes: Sequence[Veto]) -> tuple[float, tuple[tuple[str, float], ...]]:
        """Quality in [0, 1], and what each feature added to its log-odds, the weightiest first."""
        features = measure(reading, vetoes)
        task, language = reading.prompt.task.value, reading.grounds.language
        head = self.model.head(task, language, brief=is_brief(features, language))
        parts = head.parts(features)
        weightiest = sorted(parts.items(), key=lambda part: -abs(part[1]))
        quality = head.quality(parts)
        prior = self._priors.get(reading.tier) if reading.tier is not None else None
        if prior is None:
            return quality, tuple(weightiest)
        moved, shift = with_prior(quality, prior, head.good_share)
        return moved, ((PRIOR, shift), *weightiest)


@cache
def shipped() -> GateModel:
    """The model that comes with the product: trained on public labels and on our own seed set."""
    text = files("ccos.quality").joinpath("gate.json").read_text(encoding="utf-8")
    return GateModel.model_validate_json(text)


def read_model(path: Path) -> GateModel:
    """A model from a file. Raises BadInput with what to do for one that cannot be used."""
    try:
        model = GateModel.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise BadInput(f"{path.name} is no gate model; write one with `ccos train gate`.") from fault
    if model.features != VERSION:
        raise BadInput(f"{path.name} was trained on other features; train it again with `ccos train gate`.")
    return model
