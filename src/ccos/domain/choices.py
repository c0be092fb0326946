"""What a tenant may choose about how its drafts are made; what is None is left to the product's settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import LOWEST_CERTIFIED


class Choices(BaseModel):
    """`guidance` is told to the models that write replies, after the product's own rules: it lifts none.

    `models` names the one model of a tier that is asked; `required_quality` is what a reply must reach for no
    other tier to be asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode | None = None
    guidance: str | None = Field(None, min_length=1, max_length=2_000)
    models: tuple[tuple[Tier, Annotated[str, Field(min_length=1, max_length=200)]], ...] = ()
    required_quality: float | None = Field(None, ge=LOWEST_CERTIFIED, le=0.99)

    @field_validator("models", mode="before")
    @classmethod
    def _as_pairs(cls, given: object) -> object:
        return tuple(sorted(given.items())) if isinstance(given, dict) else given

    @field_validator("models")
    @classmethod
    def _one_a_tier(cls, models: tuple[tuple[Tier, str], ...]) -> tuple[tuple[Tier, str], ...]:
        if Tier.RULE_BASED in dict(models):
            raise PydanticCustomError(
                "rules_no_model", "The rules have no model to choose; name another tier."
            )
        if len(dict(models)) < len(models):
            raise PydanticCustomError("tier_twice", "A tier stands there twice; name one model for it.")
        return models

    @property
    def knobs(self) -> frozenset[str]:
        """What it changes: mode, guidance, required_quality, model of tier_1 ..."""
        named = {
            "mode": self.mode,
            "guidance": self.guidance,
            "required_quality": self.required_quality,
        }
        turned = {name for name, value in named.items() if value is not None}
        return frozenset(turned | {f"model of {tier.value}" for tier, _ in self.models})

    @property
    def wants_cloud(self) -> bool:
        return Tier.CLOUD_PREMIUM in dict(self.models) or self.mode is Mode.QUALITY_FIRST

    def under(self, other: Choices) -> Choices:
        """With what `other` chooses in place of its own."""
        return Choices(
            mode=other.mode or self.mode,
            guidance=self.guidance if other.guidance is None else other.guidance,
            models=tuple(sorted((dict(self.models) | dict(other.models)).items())),
            required_quality=(
                self.required_quality if other.required_quality is None else other.required_quality
            ),
        )
