"""What a trained scorer is: numbers in a JSON file, and how they make features a probability."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccos.domain.certificate import Certificate

ANY = "any"
BRIEF = "brief"
BRIEF_CHARACTERS = {"en": 200, "ko": 80}


class Platt(BaseModel):
    """p = 1 / (1 + exp(-(slope * z + intercept))) of a head's linear output z (Platt 1999)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["platt"] = "platt"
    slope: float
    intercept: float

    def probability(self, z: float) -> float:
        return logistic(self.slope * z + self.intercept)


class Isotonic(BaseModel):
    """A non-decreasing piecewise linear curve through (`at`, `is_good`); constant beyond its ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["isotonic"] = "isotonic"
    at: tuple[float, ...] = Field(min_length=1)
    is_good: tuple[Annotated[float, Field(ge=0, le=1)], ...]

    @model_validator(mode="after")
    def _one_value_each(self) -> Isotonic:
        if len(self.at) != len(self.is_good) or list(self.at) != sorted(self.at):
            raise ValueError("an isotonic curve needs one value for each of its ascending points")
        return self

    def probability(self, z: float) -> float:
        if z <= self.at[0]:
            return self.is_good[0]
        points = list(zip(self.at, self.is_good, strict=True))
        for (x0, y0), (x1, y1) in pairwise(points):
            if z <= x1:
                return y1 if x1 == x0 else y0 + (y1 - y0) * (z - x0) / (x1 - x0)
        return self.is_good[-1]


class Head(BaseModel):
    """One logistic regression over named features: z = intercept + sum of weight * (value - mean) / scale.

    Values are cut at `reach` scales from the mean, so that nothing far outside what was seen decides alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    scales: Mapping[str, Annotated[float, Field(gt=0)]]
    calibration: Annotated[Platt | Isotonic, Field(discriminator="kind")]
    reach: float = 4.0
    labels: int = Field(0, ge=0, description="How many labelled answers it was trained on")
    good_share: float = Field(0.5, gt=0, lt=1, description="The share of good ones among them")

    @model_validator(mode="after")
    def _same_names(self) -> Head:
        if not self.weights.keys() == self.means.keys() == self.scales.keys():
            raise ValueError("weights, means and scales must name the same features")
        return self

    def parts(self, features: Mapping[str, float]) -> dict[str, float]:
        """What each feature adds to z: the explanation of a score. A feature that is missing adds nothing."""
        return {
            name: weight * self._standard(name, features[name])
            for name, weight in self.weights.items()
            if name in features
        }

    def quality(self, parts: Mapping[str, float]) -> float:
        """The calibrated probability that a person approves the answer as it is or with a light edit."""
        return self.calibration.probability(self.intercept + math.fsum(parts.values()))

    def _standard(self, name: str, value: float) -> float:
        return max(-self.reach, min(self.reach, (value - self.means[name]) / self.scales[name]))


class GateModel(BaseModel):
    """A trained gate: heads, and the certificates that came with it.

    Heads go by "task/language", "task" or "any"; those for brief answers by "task/language/brief".

    `features` is the version of the feature set it was trained on; `about` says by what data and when.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    features: int
    heads: Mapping[str, Head]
    certificates: tuple[Certificate, ...] = ()
    about: Mapping[str, object] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_for_all(self) -> GateModel:
        if ANY not in self.heads:
            raise ValueError('a gate model needs a head named "any"')
        return self

    def head(self, task: str, language: str, *, brief: bool = False) -> Head:
        """The head trained on the nearest thing; `brief` answers have their own where there is one."""
        return self.heads[nearest(self.heads, task, language, brief=brief)]

    @property
    def reads_logprobs(self) -> bool:
        """Whether any head weighs how probable an answer's tokens were: else nobody needs to ask for that."""
        return any(
            name.startswith("logprob") and weight
            for head in self.heads.values()
            for name, weight in head.weights.items()
        )


def nearest(heads: Container[str], task: str, language: str, *, brief: bool = False) -> str:
    """The name of the head for a task and a language among those there are."""
    own = f"{task}/{language}"
    names = (*([f"{own}/{BRIEF}"] if brief else []), own, task, f"{ANY}/{language}")
    return next((name for name in names if name in heads), ANY)


def is_brief(features: Mapping[str, float], language: str) -> bool:
    """Whether an answer is of about a sentence: it stands or falls with its words, not with its details."""
    return features.get("length", math.inf) <= math.log1p(BRIEF_CHARACTERS.get(language, 0))


def odds(probability: float) -> float:
    """The log-odds, kept finite."""
    known = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(known / (1 - known))


def logistic(z: float) -> float:
    """1 / (1 + exp(-z)), without overflow."""
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


def linear(head: Head, rows: Sequence[Mapping[str, float]]) -> list[float]:
    """z of each row of features: what a calibration is fitted on."""
    return [head.intercept + math.fsum(head.parts(row).values()) for row in rows]
