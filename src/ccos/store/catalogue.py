"""Lists of what is in the knowledge base, page by page, without the texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.errors import BadInput
from ccos.domain.evidence import EvidenceKind, Use, Visibility
from ccos.domain.knowledge import category_path
from ccos.store.database import Tx
from ccos.store.values import utc


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list holds; None: whatever it is. A category stands for those below it too."""

    kind: EvidenceKind | None = None
    external_id: str | None = None
    visibility: Visibility | None = None
    use: Use | None = None
    locale: str | None = None
    category: str | None = None
    tag: str | None = None
    archived: bool | None = False
    stored_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    kind: EvidenceKind
    external_id: str
    title: str
    url: str | None
    visibility: Visibility
    use: Use
    locale: str | None
    category: str | None
    tags: tuple[str, ...]
    version: int
    updated_at: datetime | None
    valid_until: datetime | None
    stored_at: datetime
    archived_at: datetime | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the following page starts; None on the last."""

    items: tuple[Line, ...]
    next: str | None


async def page(tx: Tx, wanted: Wanted, *, limit: int = 50, after: str | None = None) -> Page:
    """The newest first, by when they first came. Raises `BadInput` when `after` is not an earlier `next`.

    An item that comes, changes or goes meanwhile moves no other: none is shown twice or missed.
    """
    rows = await tx.rows(
        """
        SELECT id, kind, external_id, title, url, visibility, use, locale, category, tags, version,
               updated_at, valid_until, stored_at, archived_at,
               kb_hidden(tenant_id, category) AS hidden FROM kb_item
         WHERE tenant_id = %(tenant)s
           AND (%(kind)s::text IS NULL OR kind = %(kind)s)
           AND (%(external_id)s::text IS NULL OR external_id = %(external_id)s)
           AND (%(visibility)s::text IS NULL OR visibility = %(visibility)s)
           AND (%(use)s::text IS NULL OR use = %(use)s)
           AND (%(locale)s::text IS NULL OR locale = %(locale)s)
           AND (%(category)s::text IS NULL OR kb_within(category, %(category)s))
           AND (%(tag)s::text IS NULL OR %(tag)s = ANY(tags))
           AND (%(archived)s::bool IS NULL OR (archived_at IS NOT NULL) = %(archived)s)
           AND (%(since)s::timestamptz IS NULL OR greatest(stored_at, archived_at) >= %(since)s)
           AND (%(after)s::uuid IS NULL OR id < %(after)s)
         ORDER BY id DESC LIMIT %(limit)s""",
        kind=wanted.kind and wanted.kind.value,
        external_id=wanted.external_id,
        visibility=wanted.visibility and wanted.visibility.value,
        use=wanted.use and wanted.use.value,
        locale=wanted.locale,
        category=category_path(wanted.category),
        tag=wanted.tag,
        archived=wanted.archived,
        since=utc(wanted.stored_since),
        after=_read(after),
        limit=limit + 1,
    )
    shown = rows[:limit]
    return Page(
        tuple(
            Line(
                kind=EvidenceKind(row["kind"]),
                visibility=Visibility(row["visibility"]),
                use=Use(row["use"]),
                tags=tuple(row["tags"]),
                **{name: row[name] for name in _AS_THEY_ARE},
            )
            for row in shown
        ),
        str(shown[-1]["id"]) if len(rows) > limit else None,
    )


_AS_THEY_ARE = (
    "external_id", "title", "url", "locale", "category", "version", "updated_at", "valid_until", "stored_at",
    "archived_at", "hidden",
)  # fmt: skip


def _read(after: str | None) -> UUID | None:
    try:
        return None if after is None else UUID(after)
    except ValueError:
        raise BadInput("The page mark is not one that was given out; start from the first page.") from None
