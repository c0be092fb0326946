"""Lines of a batch: many tickets sent at once, each with a result of its own."""

from __future__ import annotations

import hashlib
import json

from ccos.domain.ticket import Ticket

_MARK_LETTERS = 16


def mark(ticket: Ticket) -> str:
    """What tells one ticket of a batch from another: a digest of all it says."""
    words = json.dumps(ticket.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:_MARK_LETTERS]


def named(ticket: Ticket, line: int) -> Ticket:
    """The ticket under a name of its own: without one, the same batch sent again would store it twice."""
    if ticket.external_id:
        return ticket
    return ticket.model_copy(update={"external_id": f"batch-{mark(ticket)}-{line}"})
