"""One draft to make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ccos.domain.experiment import Enrolled
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.tiers.request import CacheUse, Priority

OnStage = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """One draft to make. `seconds` is the time for all of it; `hint` is an agent's wish for a new try.

    `waited_seconds` is how long it stood in a queue, None where it did not. `cache`: who asks for another
    draft of the same ticket wants no answer that was given before. `mode_asked`: whoever asked named the
    mode, and no choice of the tenant's takes its place. `experiments`: arms that the tenant's choices hold.
    """

    draft_id: str
    ticket_id: str
    tenant: Tenant
    ticket: Ticket
    mode: Mode = Mode.COST_FIRST
    seconds: float = 20.0
    hint: str | None = None
    priority: Priority = Priority.AGENT_WAITING
    cache: CacheUse = "use"
    waited_seconds: float | None = None
    mode_asked: bool = False
    experiments: tuple[Enrolled, ...] = ()
