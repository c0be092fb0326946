"""Many tickets taken in at once, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from ccos.domain.ticket import Ticket
from ccos.store import batches, drafts, tickets
from ccos.store.batches import BadLine, Line
from ccos.store.database import Tx


class DeferMany(Protocol):
    """Enqueues the work on drafts, behind all that are asked for singly, inside the given transaction."""

    def __call__(self, tx: Tx, tenant_id: UUID, /, *draft_ids: str) -> Awaitable[object]: ...


@dataclass(frozen=True, slots=True)
class TicketLine:
    """A ticket of a batch, under a name of its own, with the digest that tells it from others."""

    line: int
    ticket: Ticket
    mark: str


async def take_in(
    tx: Tx, tenant_id: UUID, wanted: Sequence[TicketLine], bad: Sequence[BadLine], defer: DeferMany
) -> UUID:
    """Stores the tickets, the batch with its lines, and the work on the drafts. The batch's id.

    A ticket that is there already and says the same gets the draft it has; one that says something else gets
    a new one. Where several lines tell of one ticket the last holds: an earlier one that says the same
    shares its draft, and one that says something else has its place taken.
    """
    last = {str(each.ticket.external_id): each for each in wanted}
    stored = await tickets.put_all(tx, [each.ticket for each in last.values()])
    same = [ticket_id for ticket_id, outcome in stored.values() if outcome == "unchanged"]
    await drafts.hold_queued(tx, same)
    known = await drafts.latest_of(tx, same)
    fresh = [stored[name][0] for name in last if stored[name][0] not in known]
    made = dict(zip(fresh, await drafts.queue_all(tx, fresh), strict=True))
    if fresh:
        await defer(tx, tenant_id, *(str(made[ticket]) for ticket in fresh))
    lines: list[Line] = []
    refused = list(bad)
    for each in wanted:
        name = str(each.ticket.external_id)
        ticket = stored[name][0]
        if each.mark != last[name].mark:
            refused.append(_taken(each.line, last[name].line))
        elif ticket in made:
            lines.append(Line(each.line, each.mark, made[ticket], new=True))
        else:
            lines.append(Line(each.line, each.mark, known[ticket], new=False))
    return await batches.put(tx, lines, refused)


def _taken(line: int, by: int) -> BadLine:
    sentence = f"Line {by} has the same external_id and says something else; that one holds."
    return BadLine(line, "ticket.superseded", sentence)
