"""What a person decided about a draft: once per draft."""

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
from ccos.store.drafts import DECIDABLE
from ccos.store.values import json_of, new_id, storable, utc, uuid_of

DecisionVerdict = Literal["approved", "edited", "rejected"]


@dataclass(frozen=True, slots=True)
class Decision:
    """`text` is what was sent instead, `fields` the field values as set, by name; `csat` is 1 to 5."""

    id: UUID
    draft_id: UUID
    verdict: DecisionVerdict
    text: str | None
    fields: Mapping[str, Any]
    reason: str
    csat: int | None
    decided_at: datetime
    decided_by: str


async def decide(
    tx: Tx,
    draft_id: str | UUID,
    verdict: DecisionVerdict,
    *,
    text: str | None = None,
    fields: Mapping[str, Any] | None = None,
    reason: str = "",
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
        "SELECT state, body ->> 'reply' AS reply FROM draft WHERE id = %(id)s FOR UPDATE", id=key
    )
    if draft is None:
        raise NotFound("There is no draft with this id.")
    if DraftState(draft["state"]) not in DECIDABLE:
        return _again(await of_draft(tx, key), draft["state"], verdict, text, fields)
    row = await tx.row(
        "INSERT INTO decision (tenant_id, id, draft_id, verdict, text, fields, reason, csat, decided_by)"
        " VALUES (%(tenant)s, %(id)s, %(draft)s, %(verdict)s, %(text)s, %(fields)s, %(reason)s, %(csat)s,"
        "         %(decided_by)s)"
        " RETURNING id, draft_id, verdict, text, fields, reason, csat, decided_at, decided_by",
        id=new_id(),
        draft=key,
        verdict=verdict,
        text=text,
        fields=json_of(dict(fields or {})),
        reason=reason,
        csat=csat,
        decided_by=decided_by,
    )
    await tx.run(
        "UPDATE draft SET state = %(verdict)s, updated_at = now(), opened_at = coalesce(opened_at, now())"
        " WHERE id = %(id)s",
        id=key,
        verdict=verdict,
    )
    assert row is not None
    await counts.note_decision(tx, key, rating(verdict, draft["reply"] or "", text).rated)
    return _decision(row)


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


async def since(tx: Tx, moment: datetime, *, limit: int = 1_000) -> list[Decision]:
    """Decisions from that moment on, oldest first: what learning reads."""
    rows = await tx.rows(
        _SELECT + "WHERE tenant_id = %(tenant)s AND decided_at >= %(moment)s"
        " ORDER BY decided_at, id LIMIT %(limit)s",
        moment=utc(moment),
        limit=limit,
    )
    return [_decision(row) for row in rows]


_SELECT = "SELECT id, draft_id, verdict, text, fields, reason, csat, decided_at, decided_by FROM decision "


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
