"""Former versions of items: what an old draft stands on still reads as it read then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.errors import NotFound
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.store import knowledge
from ccos.store.database import Tx
from ccos.store.values import uuid_of

Since = Literal["current", "changed", "archived", "switched_off", "expired", "gone"]
"""What became of an item since a draft stood on it. `changed`: its title, text, link or visibility did."""


@dataclass(frozen=True, slots=True)
class Version:
    """An item as it was in `version`, stored at `stored_at`; `newest` is the version it has now."""

    item: Item
    version: int
    passages: tuple[Passage, ...]
    stored_at: datetime
    newest: int
    archived_at: datetime | None
    hidden: bool


async def cite(tx: Tx, draft_id: str | UUID, evidence: Sequence[Evidence]) -> None:
    """Keep the versions a draft stands on for as long as there is the draft."""
    known = [each for each in evidence if each.version is not None]
    if not known:
        return
    await tx.run(
        "INSERT INTO kb_citation (tenant_id, item_id, version, draft_id)"
        " SELECT DISTINCT %(tenant)s::uuid, item.id, cited.version, %(draft)s::uuid"
        "   FROM unnest(%(kinds)s::text[], %(ids)s::text[], %(versions)s::int[])"
        "        AS cited (kind, external_id, version)"
        "   JOIN kb_item AS item ON item.tenant_id = %(tenant)s AND item.kind = cited.kind"
        "        AND item.external_id = cited.external_id"
        " ON CONFLICT DO NOTHING",
        draft=uuid_of(draft_id),
        kinds=[each.kind.value for each in known],
        ids=[each.id for each in known],
        versions=[each.version for each in known],
    )


async def get(tx: Tx, kind: EvidenceKind, external_id: str, version: int | None = None) -> Version:
    """The item as it was in a version, or as it is. Raises `NotFound`, also for one that is not kept."""
    row = await tx.row(
        _NEWEST + "WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND external_id = %(external_id)s",
        kind=kind.value,
        external_id=external_id,
    )
    if row is None:
        raise NotFound("There is no such item in the knowledge base.")
    if version is None or version == row["newest"]:
        pieces = await knowledge.passages(tx, [row["id"]])
        return _version(row, tuple(each.passage for each in pieces))
    former = await tx.row(
        "SELECT title, body, url, visibility, use, locale, updated_at, valid_until, category, tags, version,"
        "       passages, stored_at FROM kb_version"
        " WHERE tenant_id = %(tenant)s AND item_id = %(id)s AND version = %(version)s",
        id=row["id"],
        version=min(version, 2**31 - 1),
    )
    if former is None:
        raise NotFound("This version of the item is not kept; `versions` of the item says which are.")
    pieces_then = tuple(Passage(heading, body) for heading, body in former["passages"])
    return _version(row | former, pieces_then)


async def kept(tx: Tx, kind: EvidenceKind, external_id: str) -> list[int]:
    """Numbers of the versions that can be read, the newest first. Raises `NotFound`."""
    found = await knowledge.get(tx, kind, external_id)
    rows = await tx.rows(
        "SELECT version FROM kb_version WHERE tenant_id = %(tenant)s AND item_id = %(id)s"
        " ORDER BY version DESC",
        id=found.id,
    )
    return [found.version, *(row["version"] for row in rows)]


async def since(tx: Tx, evidence: Sequence[Evidence], *, now: datetime) -> list[Since]:
    """For each piece of evidence what became of its item. Of a version nobody kept, any other is a change."""
    rows = await tx.rows(
        "SELECT cited.at, item.archived_at, item.valid_until <= %(now)s AS expired,"
        "       kb_hidden(item.tenant_id, item.category) AS hidden,"
        "       cited.version IS NOT NULL AND cited.version <> item.version"
        "       AND (former.version IS NULL"
        "            OR (former.title, former.body, former.visibility)"
        "               <> (item.title, item.body, item.visibility)"
        "            OR former.url IS DISTINCT FROM item.url) AS changed"
        "  FROM unnest(%(kinds)s::text[], %(ids)s::text[], %(versions)s::int[]) WITH ORDINALITY"
        "       AS cited (kind, external_id, version, at)"
        "  JOIN kb_item AS item ON item.tenant_id = %(tenant)s AND item.kind = cited.kind"
        "       AND item.external_id = cited.external_id"
        "  LEFT JOIN kb_version AS former ON former.tenant_id = item.tenant_id AND former.item_id = item.id"
        "       AND former.version = cited.version",
        kinds=[each.kind.value for each in evidence],
        ids=[each.id for each in evidence],
        versions=[each.version for each in evidence],
        now=now,
    )
    found = {row["at"]: _since(row) for row in rows}
    return [found.get(at, "gone") for at in range(1, len(evidence) + 1)]


def _since(row: DictRow) -> Since:
    if row["archived_at"] is not None:
        return "archived"
    if row["hidden"]:
        return "switched_off"
    if row["expired"]:
        return "expired"
    return "changed" if row["changed"] else "current"


_NEWEST = (
    "SELECT id, kind, external_id, title, body, url, visibility, use, locale, updated_at, valid_until,"
    "       category, tags, version, version AS newest, stored_at, archived_at,"
    "       kb_hidden(tenant_id, category) AS hidden FROM kb_item "
)


def _version(row: DictRow, pieces: tuple[Passage, ...]) -> Version:
    return Version(
        item=knowledge.item_of(row),
        version=row["version"],
        passages=pieces,
        stored_at=row["stored_at"],
        newest=row["newest"],
        archived_at=row["archived_at"],
        hidden=row["hidden"],
    )
