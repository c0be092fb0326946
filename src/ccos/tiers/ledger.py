"""What every call of a provider cost, and would have cost: noted here, written down by whoever keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from ccos.domain.draft import Outcome
from ccos.domain.money import MicroUsd
from ccos.domain.tier import Task, Tier


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt of a provider that was called, or one answer from the cache.

    `spent` is what the budget was charged. `estimated` is our own count of a paid call's tokens at its price,
    `reported` the same call by the provider's own count, None when it reported none. `used`: its
    answer, or what was remembered, is what the caller got. `premium` is what an accepted answer would have
    cost on the premium model; an apology that nobody would have sent saves nothing.
    """

    tenant_id: UUID | None
    source: Literal["draft", "api", "search"]
    task: Task
    tier: Tier
    provider: str
    model: str
    outcome: Outcome
    tokens_in: int
    tokens_out: int
    spent: MicroUsd
    estimated: MicroUsd
    reported: MicroUsd | None
    premium: MicroUsd
    cached: bool = False
    used: bool = False


class Ledger(Protocol):
    def note(self, entry: Entry) -> None:
        """Remembers it. Never waits, never raises."""
        ...


class NoLedger:
    """For where nobody asks what it cost."""

    def note(self, entry: Entry) -> None:
        pass
