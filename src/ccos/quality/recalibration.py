"""A tenant's own calibration over the shipped score: the same order of answers, other probabilities."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccos.quality.model import Isotonic, Platt, odds


class Recalibration(BaseModel):
    """How a quality that `scorer` gave becomes what this tenant's people say.

    `curve` reads the log-odds of that quality, and never falls: of two answers the better one stays the
    better. `labels` is how many decisions it was fitted on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: str
    curve: Annotated[Platt | Isotonic, Field(discriminator="kind")]
    labels: int = Field(ge=0)

    @model_validator(mode="after")
    def _never_falls(self) -> Recalibration:
        curve = self.curve
        falls = curve.slope < 0 if isinstance(curve, Platt) else list(curve.is_good) != sorted(curve.is_good)
        if falls:
            raise ValueError("a recalibration must not fall where the quality rises")
        return self

    def quality(self, before: float) -> float:
        """The quality in [0, 1] that people's decisions say of one that was `before`."""
        return self.curve.probability(odds(before))


def as_shipped(scorer: str) -> Recalibration:
    """The one that changes nothing."""
    return Recalibration(scorer=scorer, curve=Platt(slope=1.0, intercept=0.0), labels=0)
