"""What a tier is asked, what it may stand on, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from ccos.domain.evidence import Evidence
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier

Language = Literal["ko", "en"]


@dataclass(frozen=True, slots=True)
class Turn:
    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an answer may stand on: read by the rule tier to write, and by the gate to check.

    `evidence` is everything that may be cited. `intent` is a name of the triage vocabulary or "other", and
    `intent_confidence` in [0, 1] how clearly the ticket says so.
    `recorded_actions` are things that really were done ("refund accepted"), from the desk.
    """

    ticket: Ticket | None = None
    evidence: tuple[Evidence, ...] = ()
    language: Language = "ko"
    intent: str = "other"
    intent_confidence: float = 0.0
    settings: TenantSettings = field(default_factory=TenantSettings)
    recorded_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One job for a model. `schema`, a JSON schema, makes the answer one JSON object of that shape.

    `tenant_id` is whose work it is, where that is known: a local model picks the tenant's adapter by it.
    """

    task: Task
    system: str
    turns: tuple[Turn, ...]
    grounds: Grounds = field(default_factory=Grounds)
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 800
    temperature: float = 0.2
    tenant_id: UUID | None = None


FinishReason = Literal["stop", "length", "content_filter", "other"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's words. Token counts are the provider's own where it reports them, else our estimate;
    `tokens_cached` of `tokens_in` were not read again, for it kept them of an earlier prompt.

    `cost` is what the provider bills by the tokens it reported; `estimated_cost` what we make of it by our
    own count of tokens: two ledgers to hold against each other. `first_token_seconds` is when the first words
    came, None where nobody saw. `approved` holds the texts in it that people signed off beforehand: their
    facts need no other support. `logprobs` are its tokens' log-probabilities (natural), where a provider
    gave them. `left_out` says in words what of the prompt was cut because it did not fit ("history 3",
    "evidence 4,5"), and `unseen` holds the numbers of the evidence among it: the answer cannot rest on those.
    """

    text: str
    provider: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost: MicroUsd = ZERO
    estimated_cost: MicroUsd = ZERO
    first_token_seconds: float | None = None
    finish_reason: FinishReason = "stop"
    usage_reported: bool = False
    approved: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    left_out: tuple[str, ...] = ()
    unseen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderCard:
    """Who a provider is: read by filter and plan, shown in health.

    `credential` is a short fingerprint of the key and base URL it is called with, never the key itself.
    `slots` is how many calls it takes at once where that is fixed; None lets the limit find itself.
    One that `shortens` cuts a prompt that is too long by itself, and says what it left out.
    """

    tier: Tier
    name: str
    model: str
    paid: bool = False
    leaves_machine: bool = False
    context_tokens: int = 8_192
    credential: str = ""
    slots: int | None = None
    shortens: bool = False

    @property
    def deployment(self) -> str:
        """What a breaker stands for: the same model behind another key is another deployment."""
        return "/".join((self.tier.value, self.name, self.model, self.credential))
