"""One call of the service: under which rules it runs, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal
from uuid import UUID

from ccos.domain.draft import Attempt
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.ticket import PiiClass
from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.relay import Relay


class Priority(IntEnum):
    """Who goes first where a provider is at its limit, and who is sent on when the line is full."""

    AGENT_WAITING = 0
    TICKET_DRAFT = 1
    BATCH = 2


CacheUse = Literal["use", "refresh", "off"]
"""`refresh` asks anew and keeps the new answer; `off` neither reads nor keeps."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks and what holds for this call.

    `seconds` is the time from now until the answer must be there, for all attempts together.
    `pii` is what the text contains: "local_only" keeps the task on this machine, "unreadable" too.
    `only` asks for one tier; the rules still stand behind it. `models` names the one model of a tier that is
    asked, where there is such a model: one that is gone keeps no tier from answering. `relay` hears the words
    of an answer while they are written, before the gate has judged them: only for callers who asked for that.
    `source` says
    whose work it is in the ledger; `request_id` is the id of the draft that is being made.
    """

    tenant_id: UUID | None = None
    mode: Mode = Mode.COST_FIRST
    seconds: float = 20.0
    pii: PiiClass = "none"
    cloud_allowed: bool = True
    priority: Priority = Priority.AGENT_WAITING
    cache: CacheUse = "use"
    only: Tier | None = None
    models: tuple[tuple[Tier, str], ...] = ()
    relay: Relay | None = None
    source: Literal["draft", "api"] = "draft"
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """The answer of `generate_with_fallback`.

    `fallback_used`: it did not come from the plan's first tier, because that one failed or was refused.
    `degraded`: the cloud tier was wanted and could not be had. `accepted` is false when nothing passed
    the gate: then this is the best answer that was evaluated, and a person must look at it. `certified` is
    true when labels certify what was required of it; accepted and not certified, it was good enough for no
    other tier to be asked, and a person looks at it all the same. `cached`: it was
    given before, to the same question. `cut`: its words were already on their way to the caller when the
    provider failed; what is there is not whole. `unseen` are numbers of evidence that was left out of the
    prompt to make it fit: the answer does not rest on it.
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
    cached: bool = False
    cut: bool = False
    certified: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    finish_reason: str = "stop"
    unseen: tuple[int, ...] = ()
