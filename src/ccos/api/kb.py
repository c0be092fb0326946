"""The knowledge base: an article put by whoever keeps it, and search."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from ccos.api.caller import AnyCaller, Curator, Opened
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.knowledge import Item
from ccos.domain.ticket import Label, Text
from ccos.knowledge.anonymous import anonymous
from ccos.knowledge.chunking import passages

router = APIRouter(prefix="/api/kb", tags=["knowledge"])


ArticleId = Annotated[Label, Path(min_length=1, description="The keeper's own id; it may hold slashes")]


class Article(BaseModel):
    """`body` is Markdown. An article sent again unchanged touches nothing."""

    title: Label = Field(min_length=1)
    body: Text = Field(min_length=1)
    kind: EvidenceKind = EvidenceKind.KB
    url: Label | None = None
    visibility: Visibility = Visibility.PUBLIC
    locale: Label | None = None
    updated_at: datetime | None = None
    valid_until: datetime | None = None
    category: Label | None = None
    tags: tuple[Label, ...] = Field((), max_length=50)


class Stored(BaseModel):
    external_id: str
    outcome: Literal["created", "changed", "unchanged"]


@router.put("/{external_id:path}", summary="Put an article")
async def put(external_id: ArticleId, article: Article, caller: Curator, ccos: Opened) -> Stored:
    """Store an article under its own id; it can be found at once.

    Of a solved case (`kind: case`) personal data is left out.
    """
    item = anonymous(Item(external_id=external_id, **article.model_dump()))
    (done,) = await ccos.shelf.put(caller.tenant.id, [(item, passages(item.title, item.body))])
    return Stored(external_id=item.external_id, outcome=done.outcome)


@router.get("/search", summary="Search the knowledge base")
async def search(
    caller: AnyCaller,
    ccos: Opened,
    q: Annotated[str, Query(min_length=1, max_length=10_000)],
    pool: Literal["kb", "case"] = "kb",
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[Evidence]:
    """The best passages for a question, one per item."""
    return await ccos.searcher.search(
        caller.tenant.id,
        [q],
        pool=pool,
        limit=limit,
        now=datetime.now(UTC),
        synonyms=caller.tenant.settings.synonyms,
    )
