"""What a person decided about a draft: once per draft, and for a moment to be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.draft import DraftState
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.labelling import rate as rating
from ccos.store import counts
from ccos.store.database import Tx
from ccos.store.drafts import DECIDABLE, OPEN, names
from ccos.store.values import json_of, new_id, storable, utc, uuid_of

DecisionVerdict = Literal["approved", "edited", "rejected"]


UNDO_SECONDS = 30.0
"""How long a decision may be taken back by whoever made it."""
LONGEST_SECONDS = 24 * 3600.0
"""A draft that was left open for longer was not looked at all the time: how long it took is not known."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`text` is what was sent instead, `fields` the field values as set, by name; `csat` is 1 to 5.

    `changed` is the share of the reply's characters that were edited (`domain.labelling`), None where that
    is not known and of a rejection. `seconds` is from opening the draft to the decision, None where nobody
    was seen opening it. `reopened_at`: the customer came back.
    """

    id: UUID
    draft_id: UUID
    verdict: DecisionVerdict
    text: str | None
    fields: Mapping[str, Any]
    reason: str
    csat: int | None
    decided_at: datetime
    decided_by: str
    note: str = ""
    changed: float | None = None
    seconds: float | None = None
    reopened_at: datetime | None = None


async def decide(
    tx: Tx,
    draft_id: str | UUID,
    verdict: DecisionVerdict,
    *,
    text: str | None = None,
    fields: Mapping[str, Any] | None = None,
    reason: str = "",
    note: str = "",
    csat: int | None = None,
    decided_by: str = "",
) -> Decision:
    """Record the decision and set the draft's state. The same decision again changes nothing and is returned.

    Raises `NotFound`; `BadInput` for an edit that changes nothing or a rating outside 1 to 5; `Conflict` when
    the draft was decided otherwise, or cannot be decided (not finished, failed, superseded, expired).
    """
    if verdict == "edited" and text is None and not fields:
        raise BadInput("An edited draft needs the text or the fields as they were edited.")
    if csat is not None and not 1 <= csat <= 5:
        raise BadInput("The rating csat must be from 1 to 5.")
    key = uuid_of(draft_id)
    draft = await tx.row(
        "SELECT state, body ->> 'reply' AS reply, extract(epoch FROM now() - opened_at) AS seconds"
        "  FROM draft WHERE id = %(id)s FOR UPDATE",
        id=key,
    )
    if draft is None:
        raise NotFound("There is no draft with this id.")
    if DraftState(draft["state"]) not in DECIDABLE:
        return _again(await of_draft(tx, key), draft["state"], verdict, text, fields)
    rated = rating(verdict, draft["reply"] or "", text)
    seconds = None if draft["seconds"] is None else float(draft["seconds"])
    await tx.run(
        "INSERT INTO decision (tenant_id, id, draft_id, verdict, text, fields, reason, note, csat,"
        "                      decided_by, changed, seconds)"
        " VALUES (%(tenant)s, %(id)s, %(draft)s, %(verdict)s, %(text)s, %(fields)s, %(reason)s, %(note)s,"
        "         %(csat)s, %(decided_by)s, %(changed)s, %(seconds)s)",
        id=new_id(),
        draft=key,
        verdict=verdict,
        text=text,
        fields=json_of(dict(fields or {})),
        reason=reason,
        note=note,
        csat=csat,
        decided_by=decided_by,
        changed=rated.changed,
        seconds=seconds if seconds is not None and 0 <= seconds <= LONGEST_SECONDS else None,
    )
    await tx.run(
        "UPDATE draft SET state = %(verdict)s, updated_at = now(), opened_at = coalesce(opened_at, now())"
        " WHERE id = %(id)s",
        id=key,
        verdict=verdict,
    )
    await counts.note_decision(tx, key, rated.rated)
    made = await of_draft(tx, key)
    assert made is not None
    return made


async def take_back(tx: Tx, draft_id: str | UUID, *, by: str, seconds: float = UNDO_SECONDS) -> Decision:
    """Undoes the decision about a draft, which can then be decided again; what was decided is kept aside.

    Raises `NotFound` where nothing was decided, and `Conflict` when it was somebody else, longer ago than
    `seconds`, or when the ticket has another draft by now.
    """
    key = uuid_of(draft_id)
    draft = await tx.row(
        "SELECT ticket_id, body ->> 'reply' AS reply FROM draft WHERE id = %(id)s FOR UPDATE", id=key
    )
    row = await tx.row(
        "SELECT decided_at < now() - make_interval(secs => %(seconds)s) AS late FROM decision"
        " WHERE draft_id = %(draft)s",
        draft=key,
        seconds=seconds,
    )
    made = await of_draft(tx, key)
    if draft is None or row is None or made is None:
        raise NotFound("Nothing was decided about a draft with this id.")
    if made.decided_by != by:
        raise Conflict("Somebody else decided about this draft; only they can take it back.")
    if row["late"]:
        raise Conflict(f"A decision can be taken back for {seconds:.0f} seconds; this one stands.")
    if await tx.row(
        "SELECT id FROM draft WHERE ticket_id = %(ticket)s AND state = ANY(%(open)s)",
        ticket=draft["ticket_id"],
        open=names(OPEN),
    ):
        raise Conflict("The ticket has a newer draft by now; decide about that one.")
    await tx.run(
        "INSERT INTO decision_undone (tenant_id, id, draft_id, decision, undone_by)"
        " SELECT tenant_id, id, draft_id, to_jsonb(decision) - 'tenant_id', %(by)s"
        "   FROM decision WHERE id = %(id)s",
        id=made.id,
        by=by,
    )
    await tx.run("DELETE FROM decision WHERE id = %(id)s", id=made.id)
    await tx.run("UPDATE draft SET state = body ->> 'state', updated_at = now() WHERE id = %(id)s", id=key)
    rated = rating(made.verdict, draft["reply"] or "", made.text)
    await counts.note_decision(tx, key, rated.rated, taken_back=True)
    return made


async def of_draft(tx: Tx, draft_id: str | UUID) -> Decision | None:
    """The decision about a draft, if there is one."""
    row = await tx.row(_SELECT + "WHERE draft_id = %(draft)s", draft=uuid_of(draft_id))
    return _decision(row) if row else None


async def rate(tx: Tx, draft_id: str | UUID, csat: int) -> None:
    """Note the customer's rating, which comes after the decision. Raises `BadInput` or `NotFound`."""
    if not 1 <= csat <= 5:
        raise BadInput("The rating csat must be from 1 to 5.")
    if not await tx.run(
        "UPDATE decision SET csat = %(csat)s WHERE draft_id = %(draft)s", draft=uuid_of(draft_id), csat=csat
    ):
        raise NotFound("Nothing was decided about a draft with this id.")


async def note_outcome(
    tx: Tx, ticket_id: str | UUID, *, csat: int | None = None, reopened_at: datetime | None = None
) -> None:
    """Notes what became of a ticket on the last reply that went out from a draft; what is None stays as it
    was, and the first time a customer came back is the one that counts.

    Raises `NotFound` where no reply went out from a draft, `BadInput` for a rating outside 1 to 5.
    """
    if csat is not None and not 1 <= csat <= 5:
        raise BadInput("The rating csat must be from 1 to 5.")
    if not await tx.run(
        """
        UPDATE decision SET csat = coalesce(%(csat)s::int, csat),
                            reopened_at = coalesce(reopened_at, %(at)s::timestamptz)
         WHERE tenant_id = %(tenant)s AND id = (
               SELECT e.id FROM decision e JOIN draft d ON d.tenant_id = e.tenant_id AND d.id = e.draft_id
                WHERE e.tenant_id = %(tenant)s AND d.ticket_id = %(ticket)s
                  AND e.verdict IN ('approved', 'edited')
                ORDER BY e.decided_at DESC, e.id DESC LIMIT 1)""",
        ticket=uuid_of(ticket_id),
        csat=csat,
        at=utc(reopened_at),
    ):
        raise NotFound("No reply to this ticket went out from a draft.")


async def since(tx: Tx, moment: datetime, *, limit: int = 1_000) -> list[Decision]:
    """Decisions from that moment on, oldest first: what learning reads."""
    rows = await tx.rows(
        _SELECT + "WHERE tenant_id = %(tenant)s AND decided_at >= %(moment)s"
        " ORDER BY decided_at, id LIMIT %(limit)s",
        moment=utc(moment),
        limit=limit,
    )
    return [_decision(row) for row in rows]


_SELECT = (
    "SELECT id, draft_id, verdict, text, fields, reason, csat, decided_at, decided_by, note, changed,"
    " seconds, reopened_at FROM decision "
)


def _again(
    earlier: Decision | None,
    state: str,
    verdict: DecisionVerdict,
    text: str | None,
    fields: Mapping[str, Any] | None,
) -> Decision:
    wanted = (verdict, storable(text), storable(dict(fields or {})))
    if earlier and (earlier.verdict, earlier.text, earlier.fields) == wanted:
        return earlier
    raise Conflict(f"The draft is {state}; it cannot be {verdict} now.", state=state)


def _decision(row: DictRow) -> Decision:
    return Decision(**row)
