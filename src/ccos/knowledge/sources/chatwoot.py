"""Chatwoot: articles of the portals (help centres), and resolved conversations with their messages.

Lists come by page number, without a choice of what changed: whole lists are read, and messages are fetched
of the conversations that changed. An article's text comes with the list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.sources.cases import Said, case_record
from ccos.knowledge.sources.fields import Record, identity, listed, moment, newest, path, record, text, words
from ccos.knowledge.sources.port import Advance, Clock, Gathered, Page, Position, numbered
from ccos.knowledge.sources.wire import SourceMissing, Wire

OVERLAP = timedelta(minutes=5)
MOST_MESSAGE_PAGES = 200
_RESOLVED: tuple[object, ...] = ("resolved", 1)
_STATUS = {0: "draft", 1: "published", 2: "archived"}
_INCOMING: tuple[object, ...] = (0, "incoming")
_OUTGOING: tuple[object, ...] = (1, "outgoing")


def article(found: Record, into: Gathered, *, portal: str = "", address: str = "") -> None:
    """A draft is for agents, an archived article is gone. `portal` is the slug, for the public link."""
    external_id = identity(found.get("id"))
    if not external_id:
        into.note("An article without an id was passed over.")
        return
    said = found.get("status")
    standing = _STATUS.get(said, "draft") if isinstance(said, int) else text(said)
    if standing == "archived":
        into.gone.append(external_id)
        return
    category = record(found.get("category"))
    slug = text(found.get("slug"))
    changed = moment(found.get("updated_at"))
    public = standing == "published"
    within = f"{address.rstrip('/')}/hc/{quote(portal)}/articles/{quote(slug)}"
    into.add(
        {
            "external_id": external_id,
            "title": text(found.get("title")),
            "body": text(found.get("content")),
            "url": within if public and address and portal and slug else "",
            "internal": not public,
            "locale": text(found.get("locale")) or text(category.get("locale")),
            "updated_at": changed.isoformat() if changed else "",
            "category": path(text(category.get("name"))) or "",
            "tags": words(record(found.get("meta")).get("tags")),
        }
    )


def conversation(found: Record, messages: Sequence[Record], into: Gathered) -> None:
    """A resolved conversation is a case; one that is open again is none (any more)."""
    external_id = identity(found.get("id"))
    if not external_id:
        return
    made = None
    if found.get("status") in _RESOLVED:
        ordered = sorted(messages, key=lambda each: (_at(each), _number(each.get("id"))))
        subject = text(record(found.get("additional_attributes")).get("mail_subject"))
        made = case_record(
            external_id,
            subject,
            [said for each in ordered if (said := _said(each)) is not None],
            people=[text(record(each.get("sender")).get("name")) for each in ordered]
            + [text(record(record(found.get("meta")).get("sender")).get("name"))],
            updated_at=_changed_at(found),
            tags=words(found.get("labels")),
        )
    if made is None:
        into.gone.append(external_id)
    else:
        into.add(made)


class Chatwoot:
    def __init__(
        self,
        wire: Wire,
        kind: EvidenceKind,
        *,
        account: int,
        portal: str | None = None,
        locale: str | None = None,
    ) -> None:
        self.kind = kind
        self._wire, self._account = wire, f"/api/v1/accounts/{account}"
        self._portal, self._locale = portal, locale

    def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:
        if self.kind is EvidenceKind.CASE:
            return self._conversations(moment(since), position)
        return self._articles(position)

    async def _articles(self, position: Position | None) -> AsyncIterator[Page]:
        """Portal by portal. Where fewer articles came than the portal says it has, one may have slipped from
        one page to another while the list was read."""
        slugs = await self._portals()
        done = (position or {}).get("portal")
        at = slugs.index(done) if done in slugs else 0
        number = _number((position or {}).get("page", 1)) or 1
        seen = _number((position or {}).get("seen", 0))
        complete = bool((position or {}).get("complete", True))
        for index, slug in enumerate(slugs[at:], start=at):
            advance = Advance()
            while True:
                into = Gathered(self.kind)
                params: dict[str, str | int] = {"page": number}
                if self._locale:
                    params["locale"] = self._locale
                document = await self._wire.json(f"{self._account}/portals/{slug}/articles", params)
                found = listed(document, "payload")
                fresh = bool(found) and advance.brought(each.get("id") for each in found)
                for each in found if fresh else ():
                    article(each, into, portal=slug, address=str(self._wire.base))
                if not fresh:
                    break
                seen += len(found)
                number += 1
                yield into.page(position={"portal": slug, "page": number, "seen": seen, "complete": complete})
            meta = record(document.get("meta"))
            total = _number(meta.get("all_articles_count") or meta.get("articles_count") or 0)
            complete = complete and (self._locale is not None or seen >= total)
            number, seen = 1, 0
            if index + 1 < len(slugs):
                yield into.page(
                    position={"portal": slugs[index + 1], "page": 1, "seen": 0, "complete": complete}
                )
        yield Page(complete=complete)

    async def _conversations(self, since: datetime | None, position: Position | None) -> AsyncIterator[Page]:
        """All of them, oldest first, since those of one state move from page to page while they are read."""
        clock, advance = Clock.at(position), Advance()
        start = max(_number((position or {}).get("page", 1)), 1)
        async for number, found in numbered(self._conversations_on, start, whole=since is None):
            fresh = bool(found) and advance.brought(each.get("id") for each in found)
            into = Gathered(self.kind)
            for each in found if fresh else ():
                changed = _changed_at(each)
                clock.saw(changed)
                if since is not None and changed is not None and changed < since:
                    into.kept.append(identity(each.get("id")))
                else:
                    conversation(each, await self._messages(each), into)
            yield into.page(position={"page": number + 1} | clock.position())
        mark = clock.mark(OVERLAP)
        yield Page(mark=mark.isoformat() if mark else None)

    async def _conversations_on(self, number: int) -> list[Record]:
        document = await self._wire.json(
            f"{self._account}/conversations",
            {"status": "all", "assignee_type": "all", "sort_by": "created_at_asc", "page": number},
        )
        data = record(document.get("data")) if isinstance(document, dict) else {}
        return listed(data or document, "payload")

    async def _messages(self, found: Record) -> list[Record]:
        """All messages of a resolved conversation: pages go back in time from the newest."""
        number = identity(found.get("id"))
        if found.get("status") not in _RESOLVED or not number.isdecimal():
            return []
        gathered: dict[str, Record] = {}
        before: str | None = None
        for _ in range(MOST_MESSAGE_PAGES):
            try:
                document = await self._wire.json(
                    f"{self._account}/conversations/{number}/messages", {"before": before} if before else {}
                )
            except SourceMissing:
                return []
            fresh = {
                key: each
                for each in listed(document, "payload")
                if (key := identity(each.get("id"))) and key not in gathered
            }
            if not fresh:
                break
            gathered |= fresh
            before = str(min(_number(key) for key in fresh))
        return list(gathered.values())

    async def _portals(self) -> list[str]:
        if self._portal:
            return [self._portal]
        document = await self._wire.json(f"{self._account}/portals")
        return sorted({slug for each in listed(document, "payload") if (slug := text(each.get("slug")))})


def _said(message: Record) -> Said | None:
    """None for private notes, for what happened (activity, template) and for what a bot said."""
    if message.get("private") is not False:
        return None
    kind, content = message.get("message_type"), text(message.get("content"))
    sender = text(record(message.get("sender")).get("type")) or text(message.get("sender_type"))
    if kind in _INCOMING:
        return Said("customer", content)
    if kind in _OUTGOING and sender.lower() in ("user", "agent"):
        return Said("agent", content)
    return None


def _changed_at(found: Record) -> datetime | None:
    return newest(moment(found.get(name)) for name in ("updated_at", "last_activity_at", "timestamp"))


def _at(message: Record) -> float:
    at = moment(message.get("created_at"))
    return at.timestamp() if at else 0.0


def _number(value: object) -> int:
    said = str(value)
    return int(said) if said.isdecimal() and len(said) < 19 else 0
