"""The knowledge base: its items put, read, listed and archived by whoever keeps them, and search."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Response
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from ccos.api.caller import AnyCaller, Curator, Opened
from ccos.api.evidence import NOTES, PassageOut
from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.knowledge import LEVELS, Item, category_levels, category_path
from ccos.domain.ticket import Label, Text
from ccos.knowledge.anonymous import anonymous
from ccos.knowledge.chunking import passages
from ccos.knowledge.filtering import Filter
from ccos.store import catalogue, categories, knowledge, versions
from ccos.store.values import clean
from ccos.store.versions import Since

router = APIRouter(prefix="/api/kb", tags=["knowledge"])

MOST_LISTED = 200

ArticleId = Annotated[Label, Path(min_length=1, description="The keeper's own id; it may hold slashes")]
KnownId = Annotated[str, BeforeValidator(clean), Path(min_length=1, max_length=300)]
Url = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[^\s/][^\s]*$")]
Kind = Annotated[EvidenceKind, Query(description="A procedure and a case may have the same id")]


def _path(given: Any) -> Any:
    """`배송 > 지연 > 택배사`, or a list of the levels. What is neither is left for the type to refuse."""
    if isinstance(given, list) and all(isinstance(level, str) for level in given):
        pass
    elif not isinstance(given, str):
        return given
    if category_levels(given) > LEVELS:
        raise ValueError(f"a category has at most {LEVELS} levels")
    return category_path(given)


Category = Annotated[Label | None, BeforeValidator(_path, json_schema_input_type=str | list[str] | None)]


class Article(BaseModel):
    """`body` is Markdown. An article sent again unchanged touches nothing; what is left out is emptied."""

    model_config = ConfigDict(extra="forbid")

    title: Label = Field(min_length=1)
    body: Text = Field(min_length=1)
    kind: EvidenceKind = EvidenceKind.KB
    url: Url | None = Field(
        None,
        validation_alias=AliasChoices("url", "source_url"),
        description="Where people read it; `source_url` is the same",
    )
    visibility: Visibility = Field(Visibility.PUBLIC, description="internal: never told a customer")
    use: Use = Field(Use.DRAFT, description="hint: agents see it, and no model or rule writes from it")
    locale: Label | None = None
    updated_at: datetime | None = None
    valid_until: datetime | None = None
    category: Category = Field(
        None, description="Up to three levels: `배송 > 지연 > 택배사`, or a list of them"
    )
    tags: tuple[Label, ...] = Field((), max_length=50)


class Stored(BaseModel):
    external_id: str
    kind: EvidenceKind
    outcome: Literal["created", "changed", "unchanged"]
    version: int


class ItemOut(BaseModel):
    """`version` counts contents from 1. `hidden`: its category is switched off, so that it is not found."""

    external_id: str
    kind: EvidenceKind
    title: str
    url: str | None
    visibility: Visibility
    use: Use
    locale: str | None
    category: str | None
    tags: list[str]
    version: int
    updated_at: datetime | None
    valid_until: datetime | None
    stored_at: datetime
    archived_at: datetime | None
    hidden: bool


class ArticleOut(ItemOut):
    """One version of an item. `newest` is the one it has now, `versions` are those that can be read."""

    body: str
    passages: list[PassageOut]
    newest: int
    versions: list[int]
    since: Since = Field(description="What became of the item since this version")
    note: str | None = Field(description="The same in a sentence; null while it is current")


class ItemPage(BaseModel):
    items: list[ItemOut]
    next: str | None = Field(description="Give it as `after` for the following page; null on the last")


class CategoryOut(BaseModel):
    """`items` counts what is in it and below it. `active` is false too while one above it is switched off."""

    path: str
    items: int
    active: bool
    switched_off: bool


class CategoryList(BaseModel):
    categories: list[CategoryOut]


class Switch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: Category = Field(description="`배송 > 지연`, or a list of its levels")
    active: bool


@router.get("", summary="List the knowledge base")
async def list_items(
    caller: AnyCaller,
    ccos: Opened,
    kind: EvidenceKind | None = None,
    external_id: Label | None = None,
    visibility: Visibility | None = None,
    use: Use | None = None,
    locale: Label | None = None,
    category: Annotated[Label | None, Query(description="With those below it: `배송 > 지연`")] = None,
    tag: Label | None = None,
    archived: Literal["no", "only", "also"] = "no",
    stored_since: Annotated[datetime | None, Query(description="Stored or archived since then")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    after: Annotated[Label | None, Query(description="`next` of the page before")] = None,
) -> ItemPage:
    """Items without their texts, the newest first; none is shown twice while others come and go."""
    wanted = catalogue.Wanted(
        kind=kind,
        external_id=external_id,
        visibility=visibility,
        use=use,
        locale=locale,
        category=category,
        tag=tag,
        archived={"no": False, "only": True, "also": None}[archived],
        stored_since=stored_since,
    )
    async with ccos.database.tenant(caller.tenant.id) as tx:
        page = await catalogue.page(tx, wanted, limit=limit, after=after)
    return ItemPage(
        items=[ItemOut.model_validate(line, from_attributes=True) for line in page.items], next=page.next
    )


@router.get("/categories", summary="List the categories")
async def list_categories(caller: AnyCaller, ccos: Opened) -> CategoryList:
    """Every level of every path, with how many items are in it and below it."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await categories.every(tx)
    return CategoryList(categories=[CategoryOut.model_validate(each, from_attributes=True) for each in found])


@router.put("/categories", summary="Switch a category on or off")
async def switch_category(wish: Switch, caller: Curator, ccos: Opened) -> CategoryOut:
    """Off: no draft and no search finds what is in it and below it, until it is on again."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        done = await categories.switch(tx, wish.path or "", active=wish.active)
    return CategoryOut.model_validate(done, from_attributes=True)


@router.get("/search", summary="Search the knowledge base")
async def search(
    caller: AnyCaller,
    ccos: Opened,
    q: Annotated[str, Query(min_length=1, max_length=10_000)],
    pool: Literal["kb", "case"] = "kb",
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
    visibility: Annotated[Label | None, Query(description="public or internal; left out: both")] = None,
    updated_after: Annotated[
        Label | None, Query(description="A day or a moment; without a zone it is one of `CCOS_TIMEZONE`")
    ] = None,
    locale: Annotated[Label | None, Query(description="`en` stands for `en-GB` too")] = None,
    category: Annotated[Label | None, Query(description="With those below it: `배송 > 지연`")] = None,
) -> list[Evidence]:
    """The best passages for a question, one per item.

    What says nothing of its time, locale or category is not found where one is asked for.
    """
    only = Filter.of(
        zone=ZoneInfo(ccos.settings.timezone),
        visibility=visibility,
        updated_after=updated_after,
        locale=locale,
        category=category,
    )
    return await ccos.searcher.search(
        caller.tenant.id,
        [q],
        pool=pool,
        limit=limit,
        now=datetime.now(UTC),
        synonyms=caller.tenant.settings.synonyms,
        only=only,
    )


@router.put("/{external_id:path}", summary="Put an article")
async def put(external_id: ArticleId, article: Article, caller: Curator, ccos: Opened) -> Stored:
    """Store an article under its own id; it can be found at once. Its former version is kept.

    Of a solved case (`kind: case`) personal data is left out.
    """
    item = anonymous(Item(external_id=external_id, **article.model_dump()))
    (done,) = await ccos.shelf.put(caller.tenant.id, [(item, passages(item.title, item.body))])
    return Stored(external_id=item.external_id, kind=item.kind, outcome=done.outcome, version=done.version)


@router.get("/{external_id:path}", summary="Read an article")
async def read_item(
    external_id: KnownId,
    caller: AnyCaller,
    ccos: Opened,
    kind: Kind = EvidenceKind.KB,
    version: Annotated[int | None, Query(ge=1, description="Left out: the newest")] = None,
) -> ArticleOut:
    """An item as it is or, with `version`, exactly as it was; an archived one too."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await versions.get(tx, kind, external_id, version)
        kept = await versions.kept(tx, kind, external_id)
        (since,) = await versions.since(
            tx,
            [Evidence(n=1, kind=kind, id=external_id, title="", snippet="", score=0, version=found.version)],
            now=datetime.now(UTC),
        )
    item = found.item
    return ArticleOut(
        **{name: getattr(item, name) for name in Article.model_fields if name != "tags"},
        external_id=item.external_id,
        tags=list(item.tags),
        version=found.version,
        newest=found.newest,
        versions=kept,
        stored_at=found.stored_at,
        archived_at=found.archived_at,
        hidden=found.hidden,
        passages=PassageOut.every(found.passages),
        since=since,
        note=NOTES[since],
    )


@router.delete("/{external_id:path}", summary="Archive an article", status_code=204)
async def archive_item(
    external_id: KnownId, caller: Curator, ccos: Opened, kind: Kind = EvidenceKind.KB
) -> Response:
    """It is found no more, and what drafts stand on can still be read. Doing it again is harmless."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        found = await knowledge.get(tx, kind, external_id)
        if found.archived_at is None:
            await knowledge.archive(tx, kind, external_id)
    return Response(status_code=204)
