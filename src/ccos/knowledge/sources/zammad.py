"""Zammad: answers of the knowledge base with their translations, and closed tickets with their articles.

The knowledge base comes as one tree (`knowledge_bases/init`) without the texts, which are fetched answer by
answer, only for those that changed. Tickets are listed whole, by id; threads come of those that changed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ccos.domain.errors import SourceRefused, SourceUnreadable
from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.sources.cases import Said, case_record
from ccos.knowledge.sources.fields import (
    Record,
    identity,
    listed,
    moment,
    newest,
    path,
    record,
    records,
    text,
    words,
)
from ccos.knowledge.sources.port import Advance, Clock, Gathered, Page, Position, numbered
from ccos.knowledge.sources.wire import SourceMissing, Wire

PAGE = 100
ANSWERS_A_PAGE = 20
OVERLAP = timedelta(minutes=5)
_SOLVED = frozenset({"closed"})
_ADDRESSED = re.compile(r'^"?(?P<name>[^"<]+?)"?\s*<')


@dataclass(frozen=True, slots=True)
class Tree:
    """The knowledge base as assets: records by model and id."""

    assets: Mapping[str, Mapping[str, Record]]
    locales: Mapping[str, str]
    address: str = ""

    @classmethod
    def of(cls, document: object, locales: Iterable[Record] = (), address: str = "") -> Tree:
        assets = record(record(document).get("assets")) or record(document)
        if not isinstance(assets.get("KnowledgeBaseAnswer", {}), dict) or not any(
            name.startswith("KnowledgeBase") for name in assets
        ):
            raise SourceUnreadable("Zammad shows no knowledge base; check that the token may read it.")
        return cls(
            {
                name: {identity(each.get("id")): each for each in records(list(record(kept).values()))}
                for name, kept in assets.items()
            },
            {identity(each.get("id")): text(each.get("locale")) for each in locales},
            address.rstrip("/"),
        )

    def all(self, model: str) -> Mapping[str, Record]:
        return self.assets.get(model, {})

    def answers(self) -> list[Record]:
        """By id, so that a pass that was cut off knows what it has behind it."""
        return sorted(self.all("KnowledgeBaseAnswer").values(), key=lambda each: _number(each.get("id")))

    def translations(self, answer: Record) -> list[Record]:
        own = identity(answer.get("id"))
        return [
            each
            for each in self.all("KnowledgeBaseAnswerTranslation").values()
            if identity(each.get("answer_id")) == own
        ]

    def locale(self, kb_locale_id: object) -> str:
        """The language as Zammad writes it (ko-kr), or its number where the list of them may not be read."""
        within = self.all("KnowledgeBaseLocale").get(identity(kb_locale_id), {})
        return self.locales.get(identity(within.get("system_locale_id")), "")

    def category(self, category_id: object, kb_locale_id: object) -> str | None:
        names: list[str] = []
        at = identity(category_id)
        visited: set[str] = set()
        while at in self.all("KnowledgeBaseCategory") and at not in visited:
            visited.add(at)
            names.insert(0, self._category_name(at, identity(kb_locale_id)))
            at = identity(self.all("KnowledgeBaseCategory")[at].get("parent_id"))
        return path(*names)

    def changed_at(self, answer: Record) -> datetime | None:
        return newest(moment(each.get("updated_at")) for each in (answer, *self.translations(answer)))

    def _category_name(self, category_id: str, kb_locale_id: str) -> str:
        named = [
            each
            for each in self.all("KnowledgeBaseCategoryTranslation").values()
            if identity(each.get("category_id")) == category_id
        ]
        same = [each for each in named if identity(each.get("kb_locale_id")) == kb_locale_id]
        return text((same or named or [{}])[0].get("title"))


def state(answer: Record, now: datetime) -> str:
    """draft, internal, published or archived: the last of its moments that has come."""
    for name in ("archived", "published", "internal"):
        at = moment(answer.get(f"{name}_at"))
        if at is not None and at <= now:
            return name
    return "draft"


def ids_of(answer: Record, tree: Tree) -> list[str]:
    """External ids of an answer: one for each language it is written in."""
    return [_answer_id(answer, each) for each in tree.translations(answer)]


def translations(
    answer: Record,
    tree: Tree,
    contents: Mapping[str, Record],
    into: Gathered,
    *,
    now: datetime,
    locale: str | None = None,
) -> None:
    """An item for each language. What is not published is for agents; what is archived is gone."""
    standing = state(answer, now)
    for each in tree.translations(answer):
        external_id, language = _answer_id(answer, each), tree.locale(each.get("kb_locale_id"))
        if standing == "archived" or (locale and language and language.lower() != locale.lower()):
            into.gone.append(external_id)
            continue
        content = contents.get(identity(each.get("content_id"))) or contents.get(identity(each.get("id")), {})
        changed = tree.changed_at(answer)
        into.add(
            {
                "external_id": external_id,
                "title": text(each.get("title")),
                "body": text(content.get("body")),
                "url": _link(tree, answer, language),
                "internal": standing != "published",
                "locale": language,
                "updated_at": changed.isoformat() if changed else "",
                "category": tree.category(answer.get("category_id"), each.get("kb_locale_id")) or "",
                "tags": words(answer.get("tags")),
            }
        )


def ticket(found: Record, articles: Sequence[Record], into: Gathered) -> None:
    """A closed ticket is a case; one that is open again, merged or removed is none (any more)."""
    external_id = identity(found.get("id"))
    if not external_id:
        return
    made = None
    if solved(found):
        ordered = sorted(articles, key=lambda each: _number(each.get("id")))
        made = case_record(
            external_id,
            text(found.get("title")),
            [said for each in ordered if (said := _said(each)) is not None],
            people=[name for each in ordered for name in _people(each)],
            updated_at=moment(found.get("updated_at")),
            category=text(found.get("group")) or None,
            tags=words(found.get("tags")),
        )
    if made is None:
        into.gone.append(external_id)
    else:
        into.add(made)


def solved(found: Record) -> bool:
    """States have their names with `expand`; some exports nest them."""
    named = found.get("state")
    return (text(named) or text(record(named).get("name"))).lower() in _SOLVED


class Zammad:
    def __init__(self, wire: Wire, kind: EvidenceKind, *, locale: str | None = None) -> None:
        self.kind = kind
        self._wire, self._locale = wire, locale

    def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:
        begun = moment(since)
        if self.kind is EvidenceKind.CASE:
            return self._tickets(begun, position)
        return self._answers(begun, position)

    async def _answers(self, since: datetime | None, position: Position | None) -> AsyncIterator[Page]:
        document = await self._wire.json("/api/v1/knowledge_bases/init", body={})
        tree = Tree.of(document, await self._locales(), str(self._wire.base))
        answers = tree.answers()
        passed = _number((position or {}).get("after", 0))
        left = [each for each in answers if _number(each.get("id")) > passed]
        clock = Clock.at(position)
        if position is None:  # what was read before a cut may have changed since
            clock.saw(*(tree.changed_at(each) for each in answers))
        mark = clock.mark(OVERLAP)
        for start in range(0, max(len(left), 1), ANSWERS_A_PAGE):
            some, into = left[start : start + ANSWERS_A_PAGE], Gathered(self.kind)
            for each in some:
                await self._answer(each, tree, since, into)
            last = start + ANSWERS_A_PAGE >= len(left)
            yield into.page(
                position=None if last else {"after": _number(some[-1].get("id"))} | clock.position(),
                mark=mark.isoformat() if last and mark else None,
                total=len(answers),
            )

    async def _answer(self, answer: Record, tree: Tree, since: datetime | None, into: Gathered) -> None:
        """`published_at` and its kin may lie ahead and come to pass without a change: the state is always
        looked at, the text is fetched when it changed."""
        now = datetime.now(UTC)
        changed = tree.changed_at(answer)
        moments = [moment(answer.get(f"{name}_at")) for name in ("internal", "published", "archived")]
        latest = newest([changed, *(each for each in moments if each and each <= now)])
        if since is not None and latest is not None and latest < since:
            (into.gone if state(answer, now) == "archived" else into.kept).extend(ids_of(answer, tree))
            return
        contents: dict[str, Record] = {}
        if state(answer, now) != "archived":
            wanted = [
                identity(each.get("content_id") or each.get("id")) for each in tree.translations(answer)
            ]
            base = identity(self._knowledge_base(answer, tree))
            try:
                document = await self._wire.json(
                    f"/api/v1/knowledge_bases/{base}/answers/{identity(answer.get('id'))}",
                    {"include_contents": ",".join(wanted)},
                )
            except SourceMissing:  # deleted since the tree was made
                into.gone.extend(ids_of(answer, tree))
                return
            kept = record(record(record(document).get("assets")).get("KnowledgeBaseAnswerTranslationContent"))
            contents = {identity(each.get("id")): each for each in records(list(kept.values()))}
        translations(answer, tree, contents, into, now=now, locale=self._locale)

    async def _tickets(self, since: datetime | None, position: Position | None) -> AsyncIterator[Page]:
        clock, advance = Clock.at(position), Advance()
        start = max(_number((position or {}).get("page", 1)), 1)
        async for number, found in numbered(self._tickets_on, start, whole=since is None):
            fresh = bool(found) and advance.brought(each.get("id") for each in found)
            into = Gathered(self.kind)
            for each in found if fresh else ():
                changed = moment(each.get("updated_at"))
                clock.saw(changed)
                if since is not None and changed is not None and changed < since:
                    into.kept.append(identity(each.get("id")))
                else:
                    ticket(each, await self._thread(each), into)
            yield into.page(position={"page": number + 1} | clock.position())
        mark = clock.mark(OVERLAP)
        yield Page(mark=mark.isoformat() if mark else None)

    async def _tickets_on(self, number: int) -> list[Record]:
        """A shorter page is no sign of the end: the server may have a smaller limit than ours."""
        document = await self._wire.json(
            "/api/v1/tickets", {"expand": "true", "page": number, "per_page": PAGE}
        )
        return records(document) if isinstance(document, list) else listed(document, "tickets")

    async def _thread(self, found: Record) -> list[Record]:
        number = identity(found.get("id"))
        if not solved(found) or not number.isdecimal():
            return []
        try:
            return records(
                await self._wire.json(f"/api/v1/ticket_articles/by_ticket/{number}", {"expand": "true"})
            )
        except SourceMissing:
            return []

    async def _locales(self) -> list[Record]:
        try:
            return records(await self._wire.json("/api/v1/locales"))
        except (SourceRefused, SourceMissing):
            return []

    def _knowledge_base(self, answer: Record, tree: Tree) -> object:
        category = tree.all("KnowledgeBaseCategory").get(identity(answer.get("category_id")), {})
        return category.get("knowledge_base_id") or next(iter(tree.all("KnowledgeBase")), "1")


def _answer_id(answer: Record, translation: Record) -> str:
    return f"{identity(answer.get('id'))}/{identity(translation.get('id'))}"


def _link(tree: Tree, answer: Record, language: str) -> str:
    """Into the agents' view, where every answer that is not archived can be opened."""
    if not tree.address or not language:
        return ""
    category = tree.all("KnowledgeBaseCategory").get(identity(answer.get("category_id")), {})
    base = identity(category.get("knowledge_base_id")) or "1"
    return f"{tree.address}/#knowledge_base/{base}/locale/{language}/answer/{identity(answer.get('id'))}"


def _said(article: Record) -> Said | None:
    """None for a note and for what the system says; `internal` must be there and false."""
    if article.get("internal") is not False:
        return None
    sender = (text(article.get("sender")) or text(record(article.get("sender")).get("name"))).lower()
    if sender == "customer":
        return Said("customer", text(article.get("body")))
    if sender == "agent":
        return Said("agent", text(article.get("body")))
    return None


def _people(article: Record) -> list[str]:
    named = [_ADDRESSED.match(text(article.get(field))) for field in ("from", "to", "reply_to")]
    return [each["name"] for each in named if each]


def _number(value: object) -> int:
    said = str(value)
    return int(said) if said.isdecimal() and len(said) < 19 else 0
