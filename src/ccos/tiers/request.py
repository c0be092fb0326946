"""One call of the service: under which rules it runs, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from ccos.domain.draft import Attempt
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.ticket import PiiClass
from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks and what holds for this call.

    `seconds` is the time from now until the answer must be there, for all attempts together.
    `pii` is what the text contains: "local_only" keeps the task on this machine.
    """

    tenant_id: UUID | None = None
    mode: Mode = Mode.COST_FIRST
    seconds: float = 20.0
    pii: PiiClass = "none"
    cloud_allowed: bool = True


@dataclass(frozen=True, slots=True)
class Generation:
    """The answer of `generate_with_fallback`.

    `fallback_used`: it did not come from the plan's first tier, because that one failed or was refused.
    `degraded`: the cloud tier was wanted and could not be had. `accepted` is false when nothing passed
    the gate: then this is the best answer that was evaluated, and a person must look at it.
    """

    response: str
    tier: Tier
    quality_score: float
    latency: float
    cost: float
    fallback_used: bool
    degraded: bool
    accepted: bool
    reason: str
    provider: str
    model: str
    verdict: Verdict
    attempts: tuple[Attempt, ...] = ()
    spent: MicroUsd = field(default=ZERO)
