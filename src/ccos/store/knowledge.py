"""The knowledge base and solved cases, with the feed that tells search indexes what changed.

Within a tenant, changes are numbered in the order they become visible: whoever has read up to a number has
missed nothing before it. That needs one writer at a time per tenant, which `one_writer` sees to.

Of an item that changes, the version it had is kept (`versions.py`): the last `KEPT_VERSIONS`, and any other
for as long as a draft stands on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import DictRow

from ccos.domain.errors import NotFound
from ccos.domain.evidence import EvidenceKind, Use, Visibility
from ccos.domain.knowledge import Change, Item, Passage, Put, Shelved, category_path
from ccos.store.database import Tx
from ccos.store.values import clean, json_of, new_id, storable, utc

KEPT_VERSIONS = 10
"""Former versions of an item that are kept although no draft stands on them."""

MANY = 50
"""From so many items on, plans are made anew before they are stored. A connection keeps those of its checks
of foreign keys; one made while the tables were empty goes through all of a tenant's items for each row."""


@dataclass(frozen=True, slots=True)
class StoredItem:
    id: UUID
    item: Item
    version: int
    archived_at: datetime | None
    hidden: bool = False
    """Its category is switched off."""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    item_id: UUID
    ordinal: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Counts:
    """What can be found: items that are not archived, and their passages."""

    kb: int
    cases: int
    passages: int


async def put(tx: Tx, item: Item, passages: Sequence[Passage]) -> Put:
    """Store an item with its passages. The same content again touches nothing; an archived one comes back."""
    (done,) = await put_all(tx, [(item, passages)])
    return done


async def put_all(tx: Tx, entries: Sequence[tuple[Item, Sequence[Passage]]]) -> list[Put]:
    """Store items in their order, in a handful of statements however many they are.

    An item that comes twice is stored twice, the later over the earlier.
    """
    await one_writer(tx)
    done: list[Put] = []
    for run in _without_twins(entries):
        done += await _put_different(tx, run)
    return done


def _without_twins(entries: Sequence[tuple[Item, Sequence[Passage]]]) -> Iterator[list[_Entry]]:
    """The entries in their order, cut where an item would come a second time in one piece."""
    run: dict[tuple[str, str], _Entry] = {}
    for item, passages in entries:
        entry = _Entry.of(item, passages)
        if entry.key in run:
            yield list(run.values())
            run = {}
        run[entry.key] = entry
    if run:
        yield list(run.values())


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item that is to be stored: `values` as its row has them."""

    key: tuple[str, str]
    values: dict[str, Any]
    passages: Sequence[Passage]
    hash: bytes

    @classmethod
    def of(cls, item: Item, passages: Sequence[Passage]) -> _Entry:
        values = _values(item)
        return cls((item.kind.value, clean(item.external_id)), values, passages, _hash(values, passages))


async def _put_different(tx: Tx, entries: list[_Entry]) -> list[Put]:
    there = await _there(tx, [each.key for each in entries])
    new = [each for each in entries if (old := there.get(each.key)) is None or not old.same(each)]
    await _keep_versions(tx, [there[each.key].id for each in new if each.key in there], new)
    fresh = iter(
        sorted(new_id() for _ in new)
    )  # many are made in a millisecond; the later item has the later id
    ids = [there[each.key].id if each.key in there else next(fresh) for each in new]
    if len(new) >= MANY:
        await tx.run("DISCARD PLANS")
    versions = await _write(tx, ids, new)
    known = [item_id for item_id, each in zip(ids, new, strict=True) if each.key in there]
    if known:
        await tx.run(
            "DELETE FROM kb_passage WHERE tenant_id = %(tenant)s AND item_id = ANY(%(ids)s)", ids=known
        )
    await _write_passages(tx, [(item_id, each.passages) for item_id, each in zip(ids, new, strict=True)])
    await changed(tx, ids)
    for item_id, version in versions.items():
        if version > KEPT_VERSIONS + 1:
            await _forget_old(tx, item_id, version - KEPT_VERSIONS)
    written = {each.key: item_id for item_id, each in zip(ids, new, strict=True)}
    return [
        Put(written[each.key], "changed" if each.key in there else "created", versions[written[each.key]])
        if each.key in written
        else Put(there[each.key].id, "unchanged", there[each.key].version)
        for each in entries
    ]


@dataclass(frozen=True, slots=True)
class _There:
    id: UUID
    version: int
    hash: bytes
    archived: bool

    def same(self, entry: _Entry) -> bool:
        return not self.archived and self.hash == entry.hash


async def _there(tx: Tx, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _There]:
    rows = await tx.rows(
        "SELECT id, i.kind, i.external_id, version, content_hash, archived_at"
        "  FROM unnest(%(kinds)s::text[], %(ids)s::text[]) AS wanted (kind, external_id)"
        "  JOIN kb_item i ON i.tenant_id = %(tenant)s AND i.kind = wanted.kind"
        "       AND i.external_id = wanted.external_id",
        kinds=[kind for kind, _ in keys],
        ids=[external_id for _, external_id in keys],
    )
    return {
        (row["kind"], row["external_id"]): _There(
            row["id"], row["version"], bytes(row["content_hash"]), row["archived_at"] is not None
        )
        for row in rows
    }


async def _keep_versions(tx: Tx, item_ids: list[UUID], entries: list[_Entry]) -> None:
    """What the items were until now, where that is something else than what they are to be."""
    if not item_ids:
        return
    await tx.run(
        """
        INSERT INTO kb_version (tenant_id, item_id, version, title, body, url, visibility, use, locale,
                                updated_at, valid_until, category, tags, stored_at, passages)
        SELECT tenant_id, id, version, title, body, url, visibility, use, locale, updated_at, valid_until,
               category, tags, stored_at,
               coalesce((SELECT jsonb_agg(jsonb_build_array(heading, p.body) ORDER BY ordinal)
                           FROM kb_passage p
                          WHERE p.tenant_id = old.tenant_id AND p.item_id = old.id), '[]')
          FROM kb_item AS old
         WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s) AND content_hash <> ALL(%(hashes)s::bytea[])""",
        ids=item_ids,
        hashes=[each.hash for each in entries],
    )


async def _write(tx: Tx, item_ids: list[UUID], entries: list[_Entry]) -> dict[UUID, int]:
    """Writes the items over what they were; the version of each."""
    if not entries:
        return {}
    rows = [
        storable(each.values) | {"id": str(item_id), "hash": each.hash.hex()}
        for item_id, each in zip(item_ids, entries, strict=True)
    ]
    written = await tx.rows(
        """
        INSERT INTO kb_item AS stored (tenant_id, id, kind, external_id, title, body, url, visibility, locale,
                                       updated_at, valid_until, category, tags, use, content_hash)
        SELECT %(tenant)s, id, kind, external_id, title, body, url, visibility, locale, updated_at,
               valid_until, category, tags, use, decode(hash, 'hex')
          FROM jsonb_to_recordset(%(rows)s::jsonb) AS given (
               id uuid, kind text, external_id text, title text, body text, url text, visibility text,
               locale text, updated_at timestamptz, valid_until timestamptz, category text, tags text[],
               use text, hash text)
        ON CONFLICT (tenant_id, kind, external_id) DO UPDATE SET
            title = excluded.title, body = excluded.body, url = excluded.url,
            visibility = excluded.visibility, locale = excluded.locale,
            updated_at = excluded.updated_at, valid_until = excluded.valid_until,
            category = excluded.category, tags = excluded.tags, use = excluded.use,
            content_hash = excluded.content_hash, stored_at = now(), archived_at = NULL,
            version = stored.version + (stored.content_hash <> excluded.content_hash)::int
        RETURNING id, version""",
        rows=json_of(rows),
    )
    return {row["id"]: row["version"] for row in written}


async def _write_passages(tx: Tx, passages_of: list[tuple[UUID, Sequence[Passage]]]) -> None:
    flat = [
        (item_id, ordinal, each.heading, each.body)
        for item_id, passages in passages_of
        for ordinal, each in enumerate(passages, start=1)
    ]
    if not flat:
        return
    item_ids, ordinals, headings, bodies = zip(*flat, strict=True)
    await tx.run(
        "INSERT INTO kb_passage (tenant_id, item_id, ordinal, heading, body)"
        " SELECT %(tenant)s, * FROM unnest(%(ids)s::uuid[], %(ordinals)s::int[], %(headings)s::text[],"
        "                                  %(bodies)s::text[])",
        ids=list(item_ids),
        ordinals=list(ordinals),
        headings=list(headings),
        bodies=list(bodies),
    )


async def archive(tx: Tx, kind: EvidenceKind, external_id: str) -> None:
    """Take one item out of what can be found; it stays readable. Raises `NotFound`."""
    await one_writer(tx)
    rows = await tx.rows(
        "UPDATE kb_item SET archived_at = now() WHERE tenant_id = %(tenant)s AND kind = %(kind)s"
        " AND external_id = %(external_id)s AND archived_at IS NULL RETURNING id",
        kind=kind.value,
        external_id=external_id,
    )
    if not rows:
        raise NotFound("There is no such item, or it is archived already.")
    await changed(tx, [row["id"] for row in rows])


async def archive_missing(tx: Tx, kind: EvidenceKind, present: Collection[str]) -> int:
    """After a whole import: archive what the source no longer has, by external id. How many that were."""
    await one_writer(tx)
    rows = await tx.rows(
        "UPDATE kb_item SET archived_at = now() WHERE tenant_id = %(tenant)s AND kind = %(kind)s"
        " AND archived_at IS NULL AND NOT external_id = ANY(%(present)s::text[]) RETURNING id",
        kind=kind.value,
        present=list(present),
    )
    await changed(tx, [row["id"] for row in rows])
    return len(rows)


async def get(tx: Tx, kind: EvidenceKind, external_id: str) -> StoredItem:
    """Raises `NotFound`. An archived item is still there."""
    row = await tx.row(
        _SELECT + "WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND external_id = %(external_id)s",
        kind=kind.value,
        external_id=external_id,
    )
    if row is None:
        raise NotFound("There is no such item in the knowledge base.")
    return _stored(row)


async def items(tx: Tx, item_ids: Collection[UUID]) -> list[StoredItem]:
    """Those of the ids that there are, archived ones too, in no particular order."""
    rows = await tx.rows(
        _SELECT + "WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s)",
        ids=list(item_ids),
    )
    return [_stored(row) for row in rows]


async def passages(tx: Tx, item_ids: Collection[UUID]) -> list[StoredPassage]:
    """Passages of the items, by item and then in the item's order (`ordinal` starts at 1)."""
    rows = await tx.rows(
        "SELECT item_id, ordinal, heading, body FROM kb_passage"
        " WHERE tenant_id = %(tenant)s AND item_id = ANY(%(ids)s) ORDER BY item_id, ordinal",
        ids=list(item_ids),
    )
    return [
        StoredPassage(row["item_id"], row["ordinal"], Passage(row["heading"], row["body"])) for row in rows
    ]


async def shelved(tx: Tx, item_ids: Collection[UUID]) -> list[Shelved]:
    """The items with their passages, as search takes them in."""
    pieces: dict[UUID, list[Passage]] = {}
    for each in await passages(tx, item_ids):
        pieces.setdefault(each.item_id, []).append(each.passage)
    return [
        Shelved(
            found.id,
            found.item,
            tuple(pieces.get(found.id, ())),
            archived=found.archived_at is not None or found.hidden,
            version=found.version,
        )
        for found in await items(tx, item_ids)
    ]


async def changes_since(tx: Tx, seq: int, *, limit: int = 1_000) -> list[Change]:
    """What changed after `seq` (0 for everything), oldest first; an item appears once, at its last change."""
    rows = await tx.rows(
        "SELECT seq, item_id FROM kb_change WHERE tenant_id = %(tenant)s AND seq > %(seq)s"
        " ORDER BY seq LIMIT %(limit)s",
        seq=seq,
        limit=limit,
    )
    return [Change(row["seq"], row["item_id"]) for row in rows]


async def last_change(tx: Tx) -> int:
    """The number of the newest change, 0 when there is none."""
    row = await tx.row("SELECT coalesce(max(seq), 0) AS seq FROM kb_change WHERE tenant_id = %(tenant)s")
    return int(row["seq"]) if row else 0


async def counts(tx: Tx) -> Counts:
    row = await tx.row(
        "SELECT count(*) FILTER (WHERE kind = 'kb') AS kb, count(*) FILTER (WHERE kind = 'case') AS cases,"
        "       coalesce(sum((SELECT count(*) FROM kb_passage p"
        "                      WHERE p.tenant_id = i.tenant_id AND p.item_id = i.id)), 0)::bigint AS passages"
        "  FROM kb_item i WHERE tenant_id = %(tenant)s AND archived_at IS NULL"
    )
    assert row is not None
    return Counts(**row)


async def _forget_old(tx: Tx, item_id: UUID, before: int) -> None:
    await tx.run(
        "DELETE FROM kb_version AS old"
        " WHERE tenant_id = %(tenant)s AND item_id = %(id)s AND version < %(before)s"
        "   AND NOT EXISTS (SELECT FROM kb_citation AS cited WHERE cited.tenant_id = old.tenant_id"
        "       AND cited.item_id = old.item_id AND cited.version = old.version)",
        id=item_id,
        before=before,
    )


async def one_writer(tx: Tx) -> None:
    """Hold the tenant's knowledge until the transaction ends: numbers are drawn in the order of commits."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('ccos.kb ' || %(tenant)s::text, 0))")


async def changed(tx: Tx, item_ids: list[UUID]) -> None:
    """Number the change of each item anew; its earlier number goes, so the feed stays as short as it can."""
    if not item_ids:
        return
    await tx.run(
        "DELETE FROM kb_change WHERE tenant_id = %(tenant)s AND item_id = ANY(%(ids)s)", ids=item_ids
    )
    await tx.run(
        "INSERT INTO kb_change (tenant_id, item_id) SELECT %(tenant)s, unnest(%(ids)s::uuid[])", ids=item_ids
    )


# `hidden` is what kb_hidden says, four times as fast: a first index reads every item.
_SELECT = (
    "SELECT id, kind, external_id, title, body, url, visibility, locale, updated_at, valid_until, category,"
    "       tags, use, version, archived_at,"
    "       EXISTS (SELECT FROM kb_category_off AS off WHERE off.tenant_id = kb_item.tenant_id"
    "                  AND kb_within(kb_item.category, off.path)) AS hidden FROM kb_item "
)


def _values(item: Item) -> dict[str, Any]:
    values = asdict(item)
    return values | {
        "kind": item.kind.value,
        "visibility": item.visibility.value,
        "use": item.use.value,
        "category": category_path(item.category),
        "updated_at": utc(item.updated_at),
        "valid_until": utc(item.valid_until),
        "tags": list(item.tags),
    }


def _hash(values: dict[str, Any], pieces: Sequence[Passage]) -> bytes:
    if values["use"] == Use.DRAFT.value:  # as it was hashed before there were hints
        values = {name: value for name, value in values.items() if name != "use"}
    content = storable([values, [[piece.heading, piece.body] for piece in pieces]])
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).digest()


def _stored(row: DictRow) -> StoredItem:
    return StoredItem(row["id"], item_of(row), row["version"], row["archived_at"], row["hidden"])


def item_of(row: DictRow) -> Item:
    return Item(
        kind=EvidenceKind(row["kind"]),
        external_id=row["external_id"],
        title=row["title"],
        body=row["body"],
        url=row["url"],
        visibility=Visibility(row["visibility"]),
        use=Use(row["use"]),
        locale=row["locale"],
        updated_at=row["updated_at"],
        valid_until=row["valid_until"],
        category=row["category"],
        tags=tuple(row["tags"]),
    )
