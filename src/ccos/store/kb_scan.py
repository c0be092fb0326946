"""Search without an index, for as long as there is none: passages are read and terms are counted in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Passage
from ccos.store.database import Tx
from ccos.store.knowledge import StoredItem, item_of

CHUNK = 2_000
"""Passages that one statement reads."""

NEWEST = UUID(int=2**128 - 1), 0
"""Where a scan starts: ids grow with time, and it goes from the newest item to the oldest."""

Place = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A passage that holds `matches` of the terms."""

    stored: StoredItem
    ordinal: int
    passage: Passage
    matches: int


async def scan(
    tx: Tx, kind: EvidenceKind, terms: Sequence[str], *, after: Place = NEWEST, most: int
) -> tuple[list[Seen], Place | None]:
    """The passages of the next `CHUNK` that hold most of the terms (in lower case), at most `most`; where
    the next chunk begins, None at the end.

    Archived items and those of categories switched off are left out, as in the index. Passages are walked in
    the order of their key, whatever the planner thinks of a table that it has not counted yet.
    """
    await tx.run(
        "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
    )
    rows = await tx.rows(
        """
        WITH piece AS MATERIALIZED (
            SELECT item_id, ordinal, heading, body FROM kb_passage
             WHERE tenant_id = %(tenant)s AND (item_id, ordinal) < (%(item)s, %(ordinal)s)
             ORDER BY item_id DESC, ordinal DESC LIMIT %(chunk)s),
        found AS MATERIALIZED (
            SELECT piece.*, category,
                   (SELECT count(*) FROM unnest(%(terms)s::text[]) AS term
                     WHERE strpos(lower(concat_ws(' ', title, heading, piece.body)), term) > 0) AS matches
              FROM piece, LATERAL (SELECT title, category FROM kb_item
                                    WHERE tenant_id = %(tenant)s AND id = item_id AND kind = %(kind)s
                                      AND archived_at IS NULL OFFSET 0) AS item),
        best AS (
            SELECT item_id, ordinal, heading, body, matches FROM found
             WHERE matches > 0 AND NOT kb_hidden(%(tenant)s, category)
             ORDER BY matches DESC, item_id DESC, ordinal LIMIT %(most)s)
        SELECT kb_item.*, false AS hidden, best.ordinal, best.heading, best.body AS piece, best.matches
          FROM best JOIN kb_item ON kb_item.tenant_id = %(tenant)s AND kb_item.id = best.item_id
         ORDER BY matches DESC, item_id DESC, ordinal""",
        kind=kind.value,
        terms=list(terms),
        item=after[0],
        ordinal=after[1],
        chunk=CHUNK,
        most=most,
    )
    seen = [
        Seen(
            StoredItem(row["id"], item_of(row), row["version"], None),
            row["ordinal"],
            Passage(row["heading"], row["piece"]),
            row["matches"],
        )
        for row in rows
    ]
    return seen, await _next(tx, after)


async def _next(tx: Tx, after: Place) -> Place | None:
    """The last place of the chunk after `after`; None when the chunk is not full."""
    row = await tx.row(
        "SELECT item_id, ordinal FROM kb_passage"
        " WHERE tenant_id = %(tenant)s AND (item_id, ordinal) < (%(item)s, %(ordinal)s)"
        " ORDER BY item_id DESC, ordinal DESC OFFSET %(last)s LIMIT 1",
        item=after[0],
        ordinal=after[1],
        last=CHUNK - 1,
    )
    return (row["item_id"], row["ordinal"]) if row else None
