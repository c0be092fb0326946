"""What the knowledge base of a tenant holds, in figures, and what drafts stand on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.store.database import Tx

AGES = ((30, "up to 30 days"), (90, "up to 90 days"), (365, "up to a year"))
OLDER, UNKNOWN = "older", "unknown"
_FIRST = UUID(int=0)

TOKENS_A_SYLLABLE, TOKENS_A_CHARACTER = 0.7, 0.25
"""As passages are cut by: about what a modern multilingual tokeniser makes of them."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What can be found of one pool. `ages` counts items by when they were last changed at their source;
    `never_cited` those that were stored over 30 days ago and that no draft stands on."""

    items: int
    passages: int
    tokens: int
    locales: dict[str, int]
    visibility: dict[str, int]
    use: dict[str, int]
    ages: dict[str, int]
    archived: int
    hidden: int
    cited: int
    never_cited: int


@dataclass(frozen=True, slots=True)
class Cited:
    kind: EvidenceKind
    external_id: str
    title: str
    drafts: int


async def pool(tx: Tx, kind: EvidenceKind) -> Pool:
    row = await tx.row(
        """
        WITH every AS (
            SELECT id, locale, visibility, use, updated_at, stored_at, archived_at,
                   kb_hidden(%(tenant)s, category) AS hidden,
                   EXISTS (SELECT FROM kb_citation c
                            WHERE c.tenant_id = i.tenant_id AND c.item_id = i.id) AS cited
              FROM kb_item i WHERE tenant_id = %(tenant)s AND kind = %(kind)s),
        item AS (SELECT * FROM every WHERE archived_at IS NULL AND NOT hidden)
        SELECT count(*) AS items,
               count(*) FILTER (WHERE cited) AS cited,
               count(*) FILTER (WHERE NOT cited AND stored_at < now() - interval '30 days') AS never_cited,
               (SELECT count(*) FROM every WHERE archived_at IS NOT NULL) AS archived,
               (SELECT count(*) FROM every WHERE archived_at IS NULL AND hidden) AS hidden,
               (SELECT coalesce(jsonb_object_agg(locale, n), '{}') FROM (
                   SELECT coalesce(locale, 'unknown') AS locale, count(*) AS n FROM item GROUP BY 1) AS l)
                   AS locales,
               (SELECT coalesce(jsonb_object_agg(visibility, n), '{}') FROM (
                   SELECT visibility, count(*) AS n FROM item GROUP BY 1) AS v) AS visibility,
               (SELECT coalesce(jsonb_object_agg(use, n), '{}') FROM (
                   SELECT use, count(*) AS n FROM item GROUP BY 1) AS u) AS use,
               (SELECT coalesce(jsonb_object_agg(coalesce(least, -1), n), '{}') FROM (
                   SELECT (SELECT min(days) FROM unnest(%(days)s::int[]) AS days
                            WHERE updated_at >= now() - make_interval(days => days)) AS least, count(*) AS n
                     FROM item WHERE updated_at IS NOT NULL GROUP BY 1) AS a) AS ages,
               count(*) FILTER (WHERE updated_at IS NULL) AS undated
          FROM item""",
        kind=kind.value,
        days=[days for days, _ in AGES],
    )
    sizes = await tx.row(
        """
        SELECT count(*) AS passages, coalesce(sum(%(a)s * length(held) + (%(s)s - %(a)s)
                   * (length(held) - length(regexp_replace(held, '[가-힣]', '', 'g')))), 0)::bigint AS tokens
          FROM kb_passage p
          JOIN kb_item i ON i.tenant_id = p.tenant_id AND i.id = p.item_id AND kind = %(kind)s
               AND archived_at IS NULL AND NOT kb_hidden(i.tenant_id, category),
               LATERAL (SELECT p.heading || p.body AS held) AS text
         WHERE p.tenant_id = %(tenant)s""",
        kind=kind.value,
        s=TOKENS_A_SYLLABLE,
        a=TOKENS_A_CHARACTER,
    )
    assert row is not None and sizes is not None
    ages = {name: row["ages"].get(str(days), 0) for days, name in AGES}
    ages |= {OLDER: row["ages"].get("-1", 0), UNKNOWN: row["undated"]}
    same = ("items", "locales", "visibility", "use", "archived", "hidden", "cited", "never_cited")
    return Pool(**sizes, ages=ages, **{name: row[name] for name in same})


async def most_cited(tx: Tx, *, limit: int = 10) -> list[Cited]:
    """Items that most drafts stand on, also when they are archived by now."""
    rows = await tx.rows(
        """
        SELECT kind, external_id, title, drafts
          FROM (SELECT item_id, count(DISTINCT draft_id) AS drafts FROM kb_citation
                 WHERE tenant_id = %(tenant)s GROUP BY item_id) AS cited
          JOIN kb_item ON tenant_id = %(tenant)s AND id = item_id
         ORDER BY drafts DESC, kind, external_id LIMIT %(limit)s""",
        limit=limit,
    )
    return [Cited(EvidenceKind(row["kind"]), row["external_id"], row["title"], row["drafts"]) for row in rows]


async def uncited(tx: Tx, item_ids: Collection[UUID], *, stored_before: datetime) -> set[UUID]:
    """Those of the items that can be found, were last stored before then, and that no draft stands on."""
    rows = await tx.rows(
        "SELECT id FROM kb_item i WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s) AND archived_at IS NULL"
        "   AND stored_at < %(before)s AND NOT EXISTS (SELECT FROM kb_citation c"
        "       WHERE c.tenant_id = i.tenant_id AND c.item_id = i.id)",
        ids=list(item_ids),
        before=stored_before,
    )
    return {row["id"] for row in rows}


async def next_ids(tx: Tx, after: UUID | None, *, limit: int) -> list[UUID]:
    """Items that are not archived, by id."""
    rows = await tx.rows(
        "SELECT id FROM kb_item WHERE tenant_id = %(tenant)s AND archived_at IS NULL"
        "   AND id > %(after)s ORDER BY id LIMIT %(limit)s",
        after=after or _FIRST,
        limit=limit,
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Address:
    """Of an item that links may lead to."""

    id: UUID
    external_id: str
    url: str | None
    archived: bool


async def next_addresses(tx: Tx, after: UUID | None, *, limit: int) -> list[Address]:
    """Of procedures, archived ones too, by id."""
    rows = await tx.rows(
        "SELECT id, external_id, url, archived_at IS NOT NULL AS archived FROM kb_item"
        " WHERE tenant_id = %(tenant)s AND kind = 'kb' AND id > %(after)s ORDER BY id LIMIT %(limit)s",
        after=after or _FIRST,
        limit=limit,
    )
    return [Address(**row) for row in rows]


async def living(tx: Tx) -> int:
    """Items that are not archived."""
    row = await tx.row(
        "SELECT count(*) AS n FROM kb_item WHERE tenant_id = %(tenant)s AND archived_at IS NULL"
    )
    return int(row["n"]) if row else 0
