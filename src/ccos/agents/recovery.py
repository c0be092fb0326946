"""After an outage: the drafts that were made without the cloud are put in line to be made again.

One goes first, of all tenants; when the cloud was there for it the others follow in small batches, behind
every new ticket. Nothing here calls a model: the jobs do (`Drafting.remake`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import CcosError
from ccos.domain.money import Level
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.store import jobs, remakes
from ccos.store.database import Database, Tx
from ccos.tiers.pulse import Pulse

log = structlog.get_logger(__name__)

BATCH = 20
"""So many at most are in line at once, of all tenants and whatever process put them there."""
LONGEST_REST_ROUNDS = 20

_STANDING = {DraftState.READY: 2, DraftState.NEEDS_REVIEW: 1, DraftState.ABSTAINED: 1}
_ROUND_LOCK = 4_030_771_906
"""One process at a time looks; a number that no other advisory lock here has."""


def better(made: Draft, older: Draft) -> bool:
    """Whether `made` may take the place of `older`: no worse in state and tier, and better in one of them."""
    standing = _STANDING.get(made.state, 0) - _STANDING.get(older.state, 0)
    tier = _rank(older) - _rank(made)
    return standing >= 0 and tier >= 0 and standing + tier > 0


def cloud_is_back(seen: Iterable[tuple[ProviderCard, Pulse]], now: float) -> bool:
    """Whether some deployment of tier 0 could be asked: by what calls and the last cheap probe say of it.

    A half-open breaker counts as back: the first draft that is made again is its probe.
    """
    return any(
        card.tier is Tier.CLOUD_PREMIUM
        and pulse.disabled_reason is None
        and pulse.breaker.state(now) != "open"
        and not pulse.busy(now)
        and pulse.reachable is True
        for card, pulse in seen
    )


@dataclass(slots=True)
class _Comeback:
    """The cloud as it came back: since when, by the database's clock, and what the first draft showed."""

    since: datetime
    proven: bool = False
    first: tuple[UUID, str] | None = None
    failures: int = 0
    rest_rounds: int = 0


class Recovery:
    """What one process knows of the present recovery. Any number of processes may look at once."""

    def __init__(
        self,
        database: Database,
        is_back: Callable[[], bool],
        level: Callable[[UUID | None], Level],
        *,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._is_back = is_back
        self._level = level
        self._batch = batch
        self._turn = 0
        self._comeback: _Comeback | None = None

    async def look(self) -> int:
        """One round; how many drafts it put in line. Raises StoreError."""
        if not self._is_back():
            self._comeback = None
            return 0
        async with self._database.unbound() as tx:
            now, waiting = await remakes.tenants_waiting(tx)
            comeback = self._comeback = self._comeback or _Comeback(now)
            if not waiting or not await _ours(tx):
                return 0
            in_line = await jobs.remaking(tx)
            if not comeback.proven and not await self._may_go_first(comeback, in_line):
                return 0
            room = self._batch - in_line if comeback.proven else 1
            return await self._fill(comeback, waiting, room)

    async def _may_go_first(self, comeback: _Comeback, in_line: int) -> bool:
        """Hears how the first draft went; whether, if it has not gone well, another may be tried."""
        if comeback.rest_rounds:
            comeback.rest_rounds -= 1
            return False
        if comeback.first is not None:
            tenant_id, draft_id = comeback.first
            async with self._database.tenant(tenant_id) as tx:
                came_back = await remakes.came_back(tx, draft_id, since=comeback.since)
            if came_back:
                comeback.proven = True
                log.info("recovery.proven")
                return True
            if came_back is False:
                comeback.first = None
                comeback.failures += 1
                comeback.rest_rounds = min(2**comeback.failures, LONGEST_REST_ROUNDS)
                return False
            if in_line == 0:  # it was left alone: a person has opened it meanwhile
                comeback.first = None
        return in_line == 0

    async def _fill(self, comeback: _Comeback, waiting: list[UUID], room: int) -> int:
        """Puts up to `room` drafts in line. Another tenant has its turn first in every round."""
        self._turn += 1
        start = self._turn % len(waiting)
        put = 0
        for tenant_id in waiting[start:] + waiting[:start]:
            if put >= room:
                break
            if self._level(tenant_id) in (Level.COST_FIRST, Level.EXHAUSTED):
                continue
            try:
                async with self._database.tenant(tenant_id) as tx:
                    more = await self._put_in_line(tx, tenant_id, comeback, room - put)
            except CcosError as fault:
                log.warning("recovery.failed", tenant_id=str(tenant_id), reason=fault.code)
                continue
            put += more
        if put:
            log.info("recovery.in_line", drafts=put)
        return put

    async def _put_in_line(self, tx: Tx, tenant_id: UUID, comeback: _Comeback, room: int) -> int:
        due = await remakes.due(tx, since=comeback.since, limit=room)
        for draft in due:
            await jobs.defer_remake(tx, tenant_id, draft.id)
            comeback.first = comeback.first or (tenant_id, draft.id)
        return len(due)


async def _ours(tx: Tx) -> bool:
    """Whether this process may look, until the transaction ends."""
    row = await tx.row("SELECT pg_try_advisory_xact_lock(%(key)s) AS ours", key=_ROUND_LOCK)
    return bool(row and row["ours"])


def _rank(draft: Draft) -> int:
    return draft.tier.rank if draft.tier else len(Tier)
