"""Zendesk: articles of the help centre, and solved tickets with their comments.

Articles are listed by cursor (`page[size]`, `page[after]`); what changed since a time comes from the
incremental export, which only agents may read: without a token every pass reads all. Tickets come from the
cursor-based incremental export, whose cursor never ends and is where the next pass begins.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ccos.domain.errors import SourceRefused, SourceStuck, SourceUnreadable
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
from ccos.knowledge.sources.port import Advance, Clock, Gathered, Page, Position
from ccos.knowledge.sources.wire import SourceMissing, Wire

PAGE = 100
OVERLAP_SECONDS = 120
"""The export refuses times younger than a minute, and a change may be seen late; twice does no harm."""
MOST_OF_A_SECOND = 1_000
"""The export gives so many at once, from a whole second on."""
MOST_COMMENT_PAGES = 50
COMMENTS_AT_ONCE = 4
_SOLVED = frozenset({"solved", "closed"})


def authorization(token: str, user: str | None) -> str:
    """An API token goes with its user's address, an OAuth token alone."""
    if user is None:
        return f"Bearer {token}"
    return "Basic " + b64encode(f"{user.removesuffix('/token')}/token:{token}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Places:
    """Sections and categories by id."""

    sections: Mapping[str, Record]
    categories: Mapping[str, Record]

    @classmethod
    def of(cls, sections: Iterable[Record], categories: Iterable[Record]) -> Places:
        return cls(
            {identity(each.get("id")): each for each in sections},
            {identity(each.get("id")): each for each in categories},
        )

    def path(self, section_id: object) -> str | None:
        """Category, section, and the sections within it, outermost first."""
        names: list[str] = []
        category: object = None
        at = identity(section_id)
        visited: set[str] = set()
        while at in self.sections and at not in visited:
            visited.add(at)
            section = self.sections[at]
            names.insert(0, text(section.get("name")))
            category = section.get("category_id", category)
            at = identity(section.get("parent_section_id"))
        return path(text(self.categories.get(identity(category), {}).get("name")), *names)


def article(found: Record, places: Places, into: Gathered) -> None:
    """A draft, and what only a segment of users may read, is for agents; an archived article is gone."""
    external_id = identity(found.get("id"))
    if not external_id:
        into.note("An article without an id was passed over.")
        return
    if found.get("archived") is True:
        into.gone.append(external_id)
        return
    changed = newest(moment(found.get(name)) for name in ("updated_at", "edited_at"))
    into.add(
        {
            "external_id": external_id,
            "title": text(found.get("title")) or text(found.get("name")),
            "body": text(found.get("body")),
            "url": text(found.get("html_url")),
            "internal": _internal(found),
            "locale": text(found.get("locale")),
            "updated_at": changed.isoformat() if changed else "",
            "category": places.path(found.get("section_id")) or "",
            "tags": words(found.get("label_names")),
        }
    )


def ticket(found: Record, comments: Sequence[Record], users: Iterable[Record], into: Gathered) -> None:
    """A solved ticket is a case; one that is deleted, or open again, is none (any more)."""
    external_id = identity(found.get("id"))
    if not external_id:
        return
    people = {identity(each.get("id")): each for each in users}
    if text(found.get("status")) not in _SOLVED:
        into.gone.append(external_id)
        return
    made = case_record(
        external_id,
        text(found.get("subject")) or text(found.get("raw_subject")),
        [said for each in comments if (said := _said(each, found, people)) is not None],
        people=[text(each.get("name")) for each in people.values()],
        updated_at=moment(found.get("updated_at")),
        tags=words(found.get("tags")),
    )
    if made is None:
        into.gone.append(external_id)
    else:
        into.add(made)


class Zendesk:
    def __init__(
        self, wire: Wire, kind: EvidenceKind, *, locale: str | None = None, signed_in: bool = False
    ) -> None:
        self.kind = kind
        self._wire, self._signed_in = wire, signed_in
        self._help = "/api/v2/help_center" + (f"/{locale}" if locale else "")
        self._locale = locale

    def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:
        if self.kind is EvidenceKind.CASE:
            return self._tickets(since, position)
        if since is None or not self._signed_in:
            return self._all_articles(position)
        return self._changed_articles(since, position)

    async def _all_articles(self, position: Position | None) -> AsyncIterator[Page]:
        places = await self._places()
        after, clock = (position or {}).get("after"), Clock.at(position)
        advance = Advance()
        while True:
            params: dict[str, str | int] = {"page[size]": PAGE} | ({"page[after]": after} if after else {})
            document = await self._wire.json(f"{self._help}/articles.json", params)
            found = listed(document, "articles")
            advance.brought(each.get("id") for each in found)
            into = Gathered(self.kind)
            for each in found:
                article(each, places, into)
            clock.saw(*(moment(each.get("updated_at")) for each in found))
            meta = record(document.get("meta"))
            if not meta.get("has_more"):
                yield into.page(mark=_mark(clock) if self._signed_in else None)
                return
            after = text(meta.get("after_cursor"))
            if not after:
                raise SourceUnreadable
            advance.to(after)
            yield into.page(position={"after": after} | clock.position())

    async def _changed_articles(self, since: str, position: Position | None) -> AsyncIterator[Page]:
        places = await self._places()
        start = _seconds((position or {}).get("start", since))
        while True:
            try:
                document = await self._wire.json(
                    "/api/v2/help_center/incremental/articles.json", {"start_time": start}
                )
            except SourceRefused as fault:
                if fault.facts.get("status") != 403:
                    raise
                # whose token it is may be no agent: then the list says it all
                async for page in self._all_articles(None):
                    yield page
                return
            found = listed(document, "articles")
            into = Gathered(self.kind)
            for each in found:
                if self._locale is None or text(each.get("locale")).lower() == self._locale.lower():
                    article(each, places, into)
            ends = _seconds(document.get("end_time") or start)
            if ends > start and found and document.get("next_page"):
                start = ends
                yield into.page(position={"start": start})
                continue
            if len(found) >= MOST_OF_A_SECOND:
                raise SourceStuck  # a page full of one second: what is behind it cannot be reached
            yield into.page(mark=str(max(min(ends, _latest(found, ends)) - OVERLAP_SECONDS, _seconds(since))))
            return

    async def _tickets(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:
        cursor = (position or {}).get("cursor") or since
        advance = Advance()
        while True:
            params: dict[str, str | int] = {"cursor": cursor} if cursor else {"start_time": 0}
            document = await self._wire.json(
                "/api/v2/incremental/tickets/cursor.json", params | {"per_page": PAGE}
            )
            found = listed(document, "tickets")
            into = Gathered(self.kind)
            limit = asyncio.Semaphore(COMMENTS_AT_ONCE)
            fetching = [asyncio.create_task(self._thread(each, limit)) for each in found]
            try:
                threads = await asyncio.gather(*fetching)
            finally:
                for task in fetching:
                    task.cancel()
            for each, (comments, users) in zip(found, threads, strict=True):
                ticket(each, comments, users, into)
            following = text(document.get("after_cursor"))
            if document.get("end_of_stream") is True:
                yield into.page(mark=following or cursor)
                return
            if not following:
                raise SourceUnreadable
            if following == cursor:
                raise SourceStuck
            advance.to(following)
            advance.brought(f"{each.get('id')} {each.get('updated_at')}" for each in found)
            cursor = following
            yield into.page(position={"cursor": cursor})

    async def _thread(self, found: Record, limit: asyncio.Semaphore) -> tuple[list[Record], list[Record]]:
        """Comments of a ticket that is a case, and who is who in them."""
        comments: list[Record] = []
        users: list[Record] = []
        number = identity(found.get("id"))
        if text(found.get("status")) not in _SOLVED or not number.isdecimal():
            return comments, users
        after = ""
        advance = Advance()
        async with limit:
            for _ in range(MOST_COMMENT_PAGES):
                params: dict[str, str | int] = {"page[size]": PAGE, "include": "users"}
                try:
                    document = await self._wire.json(
                        f"/api/v2/tickets/{number}/comments.json",
                        params | ({"page[after]": after} if after else {}),
                    )
                except SourceMissing:  # deleted since the list was made
                    return [], []
                comments += listed(document, "comments")
                users += records(document.get("users"))
                meta = record(document.get("meta"))
                after = text(meta.get("after_cursor"))
                if not meta.get("has_more") or not after:
                    break
                advance.to(after)
        return comments, users

    async def _places(self) -> Places:
        return Places.of(await self._whole("sections"), await self._whole("categories"))

    async def _whole(self, name: str) -> list[Record]:
        found: list[Record] = []
        after = ""
        advance = Advance()
        while True:
            params: dict[str, str | int] = {"page[size]": PAGE} | ({"page[after]": after} if after else {})
            document = await self._wire.json(f"{self._help}/{name}.json", params)
            found += listed(document, name)
            meta = record(document.get("meta"))
            after = text(meta.get("after_cursor"))
            if not meta.get("has_more") or not after:
                return found
            advance.to(after)


def _internal(found: Record) -> bool:
    segments = found.get("user_segment_ids")
    return bool(found.get("draft") or found.get("user_segment_id") is not None or segments)


def _said(comment: Record, found: Record, people: Mapping[str, Record]) -> Said | None:
    """None for a note, and for an author of whom it is not known which side they are on."""
    if comment.get("public") is not True:
        return None
    author = identity(comment.get("author_id"))
    role = text(people.get(author, {}).get("role"))
    body = text(comment.get("html_body")) or text(comment.get("plain_body")) or text(comment.get("body"))
    if (author and author == identity(found.get("requester_id"))) or role == "end-user":
        return Said("customer", body)
    if role in ("agent", "admin") or (author and author == identity(found.get("assignee_id"))):
        return Said("agent", body)
    return None


def _mark(clock: Clock) -> str | None:
    mark = clock.mark(timedelta(seconds=OVERLAP_SECONDS))
    return None if mark is None else str(max(int(mark.timestamp()), 0))


def _latest(found: Iterable[Record], otherwise: int) -> int:
    latest = newest(moment(each.get("updated_at")) for each in found)
    return otherwise if latest is None else int(latest.timestamp())


def _seconds(value: object) -> int:
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        raise SourceUnreadable from None
