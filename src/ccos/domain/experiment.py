"""An experiment: what each arm changes, which tickets are in it, and what it is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ccos.domain.choices import Choices

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Of a-z, 0-9 and -")]
MOST_ARMS = 5


class State(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    STOPPED = "stopped"
    PROMOTED = "promoted"


class Metric(StrEnum):
    """What arms are compared by: shares of decided drafts, or means of seconds and of USD."""

    APPROVAL = "approval"
    AS_IS = "as_is"
    SECONDS = "seconds_to_decide"
    COST = "cost_usd"

    @property
    def more_is_better(self) -> bool:
        return self in (Metric.APPROVAL, Metric.AS_IS)


class Excluded(StrEnum):
    """Why a draft is not compared although its ticket is in the experiment."""

    FELL_OVER = "fell_over"
    ASKED_OTHERWISE = "asked_otherwise"
    NOT_TO_BE_HAD = "not_to_be_had"


GuardName = Literal["reopened", "rejected", "vetoed", "cost_per_approved", "p95_seconds"]


class Guardrail(BaseModel):
    """What an arm may not make worse by more than `bound`.

    `reopened`, `rejected`, `vetoed`: points of the share (0.03 is three in a hundred more than the control).
    `cost_per_approved`: as a share of the control's (0.25 is a quarter dearer). `p95_seconds`: seconds that
    no more than one draft in twenty may take, unless as many of the control's do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: GuardName
    bound: float = Field(gt=0, le=3_600)

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.name in ("reopened", "rejected", "vetoed") and self.bound >= 1:
            raise PydanticCustomError(
                "guard_bound",
                "The bound of {name} is a share below 1; 0.03 means 3 points.",
                {"name": self.name},
            )
        return self


USUAL_GUARDRAILS = (
    Guardrail(name="reopened", bound=0.03),
    Guardrail(name="rejected", bound=0.05),
    Guardrail(name="vetoed", bound=0.10),
    Guardrail(name="cost_per_approved", bound=0.25),
    Guardrail(name="p95_seconds", bound=30.0),
)


class Arm(BaseModel):
    """`weight` is its part of the tickets, beside the weights of the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    weight: float = Field(1.0, gt=0, le=1_000)
    change: Choices = Choices()


class Definition(BaseModel):
    """The first arm is the control, which the others are compared with.

    `share` of the tickets take part; `intents` and `languages` limit it further, all of them when empty.
    `least_effect` is the smallest difference worth knowing, in the unit of the `metric`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    hypothesis: str = Field("", max_length=500)
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=MOST_ARMS)
    share: float = Field(1.0, gt=0, le=1)
    intents: tuple[str, ...] = Field((), max_length=50)
    languages: tuple[Literal["ko", "en"], ...] = ()
    metric: Metric = Metric.APPROVAL
    least_effect: float = Field(0.05, gt=0, le=3_600)
    guardrails: tuple[Guardrail, ...] = USUAL_GUARDRAILS

    @field_validator("arms")
    @classmethod
    def _told_apart(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        if len({arm.name for arm in arms}) < len(arms):
            raise PydanticCustomError("arms_alike", "Two arms have the same name; give each its own.")
        return arms

    @field_validator("guardrails")
    @classmethod
    def _once_each(cls, guardrails: tuple[Guardrail, ...]) -> tuple[Guardrail, ...]:
        if len({each.name for each in guardrails}) < len(guardrails):
            raise PydanticCustomError("guard_twice", "A guardrail stands there twice; keep one of them.")
        return guardrails

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.metric.more_is_better and self.least_effect >= 1:
            raise PydanticCustomError(
                "effect_too_large", "least_effect is a share below 1 for this metric; 0.05 means 5 points."
            )
        return self

    @property
    def control(self) -> Arm:
        return self.arms[0]

    @property
    def knobs(self) -> frozenset[str]:
        """What its arms change, all of them together."""
        return frozenset[str]().union(*(arm.change.knobs for arm in self.arms))

    @property
    def weights(self) -> tuple[float, ...]:
        """The part of the tickets that each arm is to get; they sum to 1."""
        whole = sum(arm.weight for arm in self.arms)
        return tuple(arm.weight / whole for arm in self.arms)

    def arm(self, name: str) -> Arm | None:
        return next((arm for arm in self.arms if arm.name == name), None)

    def covers(self, intent: str, language: str) -> bool:
        """Whether tickets of that kind may take part."""
        return (not self.intents or intent in self.intents) and (
            not self.languages or language in self.languages
        )


class Enrolled(BaseModel):
    """A draft's part in one experiment. `expected`: its chance of approval as predicted before that."""

    model_config = ConfigDict(frozen=True)

    experiment: str
    arm: str
    excluded: Excluded | None = None
    expected: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One draft of a ticket in the experiment. `at` and `decided_at` in seconds since 1970.

    `verdict` is a decision's, None while there is none. `reopened`: the customer came back.
    """

    arm: str
    ticket_id: str
    at: float
    excluded: Excluded | None = None
    expected: float | None = None
    decided_at: float | None = None
    verdict: str | None = None
    changed: float | None = None
    seconds: float | None = None
    reopened: bool = False
    cost_usd: float = 0.0
    latency_seconds: float = 0.0
    vetoed: bool = False


class Experiment(BaseModel):
    """An experiment as it is kept. `before` is what the tenant had chosen when an arm was promoted."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    definition: Definition
    state: State
    created_at: datetime
    created_by: str = ""
    started_at: datetime | None = None
    started_by: str = ""
    stopped_at: datetime | None = None
    stopped_by: str = ""
    promoted_arm: str | None = None
    promoted_at: datetime | None = None
    promoted_by: str = ""
    before: Choices | None = None

    @property
    def name(self) -> str:
        return self.definition.name


def overlap(one: Definition, other: Definition) -> frozenset[str]:
    """The knobs that both would turn for the same ticket; none when no ticket can be in both."""
    intents = not one.intents or not other.intents or set(one.intents) & set(other.intents)
    languages = not one.languages or not other.languages or set(one.languages) & set(other.languages)
    return one.knobs & other.knobs if intents and languages else frozenset()


def flaw(definition: Definition, *, cloud_allowed: bool, running: Iterable[Definition] = ()) -> str | None:
    """Why the experiment cannot be started, as one sentence; None when it can.

    An A/A experiment, whose arms change nothing, tries the machinery itself and is allowed.
    """
    if definition.knobs and len({arm.change for arm in definition.arms}) < len(definition.arms):
        return "Two arms change the same; let each of them differ from the others."
    for arm in definition.arms:
        if not cloud_allowed and arm.change.wants_cloud:
            return f"The arm {arm.name} wants the cloud, which this tenant's settings do not allow."
    for other in running:
        if both := overlap(definition, other):
            return (
                f"The experiment {other.name} is running and changes {', '.join(sorted(both))} for some of "
                f"the same tickets; stop it first, or limit both to different intents or languages."
            )
    return None


def header_of(parts: Sequence[Enrolled]) -> str:
    """`experiment=arm` for each that was applied, as the response header says it."""
    return ", ".join(f"{part.experiment}={part.arm}" for part in parts if part.excluded is None)
