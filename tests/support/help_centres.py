"""Zendesk, Zammad, Chatwoot and a plain website on the wire, each a small server that misbehaves as told."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

TOKEN = "t0ken-of-the-source"
D = TypeVar("D", bound="Desk")


@dataclass
class Desk:
    """`faults` are used up from the front, one for each request whose path holds the key.

    busy (429 with Retry-After 7), busy_long (an hour), e500, truncated, html, slow, private (redirect to an address of
    the inside), refused (401), big.
    """

    port: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    pages: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, part: str) -> list[dict[str, str]]:
        return [query for path, query in self.seen if part in path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.path, dict(request.query)))
        self.logins.add(request.headers.get("Authorization") or request.headers.get("api_access_token") or "")
        for part, waiting in self.faults.items():
            if part in request.path and waiting:
                fault = waiting.pop(0)
                if fault != "ok":
                    return await self._misbehave(request, fault)
        answered = await self.reply(request)
        if isinstance(answered, web.StreamResponse):
            return answered
        if answered is None:
            return web.json_response({"error": "RecordNotFound"}, status=404)
        return web.json_response(answered)

    async def reply(self, request: web.Request) -> Any:
        """What is at the path: JSON, a response, or None for nothing."""
        found = self.pages.get(request.path)
        return found(request) if callable(found) else found

    async def _misbehave(self, request: web.Request, fault: str) -> web.StreamResponse:
        match fault:
            case "busy":
                return web.Response(status=429, headers={"Retry-After": "7"})
            case "busy_long":
                return web.Response(status=429, headers={"Retry-After": "3600"})
            case "e500":
                return web.Response(status=500, text="<h1>oops</h1>")
            case "truncated":
                whole = json.dumps(await self.reply(request))
                return web.Response(text=whole[: len(whole) // 2], content_type="application/json")
            case "html":
                return web.Response(text="<html><h1>Sign in</h1></html>", content_type="text/html")
            case "private":
                return web.Response(status=302, headers={"Location": "http://10.0.0.7/latest/meta-data"})
            case "packed" | "packed_broken":
                whole = gzip.compress(json.dumps(await self.reply(request)).encode())
                cut = len(whole) // 2 if fault == "packed_broken" else len(whole)
                headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
                return web.Response(body=whole[:cut], headers=headers)
            case odd if odd.startswith("json:"):
                return web.Response(text=odd.removeprefix("json:"), content_type="application/json")
            case "forbidden":
                return web.Response(status=403)
            case "refused":
                return web.Response(status=401)
            case "slow":
                reply = web.StreamResponse()
                await reply.prepare(request)
                await reply.write(b'{"articles": [')
                await asyncio.sleep(30)
                return reply
        raise AssertionError(fault)


@dataclass
class ZendeskDesk(Desk):
    articles: list[dict[str, Any]] = field(default_factory=list)
    sections: list[dict[str, Any]] = field(default_factory=list)
    categories: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)
    size: int = 2
    export_size: int = 5
    standing: bool = False
    """The cursor does not advance."""

    async def reply(self, request: web.Request) -> Any:
        path, query = request.path, request.query
        if path.endswith("/incremental/articles.json"):
            return self._incremental(int(query["start_time"]))
        if path.endswith("/incremental/tickets/cursor.json"):
            return self._ticket_stream(int(query.get("cursor") or query["start_time"]))
        if path.endswith("/comments.json"):
            number = path.split("/")[-2]
            return {
                "comments": self.comments.get(number, []),
                "users": self.users,
                "meta": {"has_more": False},
            }
        for name in ("articles", "sections", "categories"):
            if path.endswith(f"/{name}.json"):
                return self._listed(name, int(query.get("page[after]") or 0))
        return None

    def _listed(self, name: str, start: int) -> dict[str, Any]:
        kept = getattr(self, name)
        end = start + self.size
        more = end < len(kept)
        after = start if self.standing else end
        meta = {"has_more": more, "after_cursor": str(after) if more else None}
        return {name: kept[start:end], "meta": meta, "links": {"next": "https://elsewhere.example"}}

    def _incremental(self, start: int) -> dict[str, Any]:
        later = sorted((each for each in self.articles if stamp(each) >= start), key=stamp)
        some = later[: self.export_size]
        ends = stamp(some[-1]) if some else start
        return {
            "articles": some,
            "count": len(later),
            "end_time": ends,
            "next_page": f"https://elsewhere.example/api?start_time={ends}" if some else None,
        }

    def _ticket_stream(self, start: int) -> dict[str, Any]:
        """The cursor is a place in the stream of changes."""
        end = start if self.standing else min(start + self.size, len(self.tickets))
        return {
            "tickets": self.tickets[start : start + self.size],
            "after_cursor": str(end),
            "end_of_stream": not self.standing and end == len(self.tickets),
        }


@dataclass
class ZammadDesk(Desk):
    tree: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    tickets: list[dict[str, Any]] = field(default_factory=list)
    articles: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    size: int = 2

    async def reply(self, request: web.Request) -> Any:
        path, query = request.path, request.query
        if path == "/api/v1/knowledge_bases/init" and request.method == "POST":
            return self.tree
        if path == "/api/v1/locales":
            return [{"id": 30, "locale": "ko-kr"}, {"id": 12, "locale": "en-us"}]
        if "/answers/" in path:
            wanted = query["include_contents"].split(",")
            found = {key: each for key, each in self.contents.items() if key in wanted}
            return {"id": 1, "assets": {"KnowledgeBaseAnswerTranslationContent": found}}
        if path == "/api/v1/tickets":
            start = (int(query["page"]) - 1) * self.size
            return web.json_response(self.tickets[start : start + self.size])
        if path.startswith("/api/v1/ticket_articles/by_ticket/"):
            return web.json_response(self.articles.get(path.rsplit("/", 1)[1], []))
        return None


@dataclass
class ChatwootDesk(Desk):
    portals: list[str] = field(default_factory=lambda: ["help"])
    articles: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    size: int = 2
    total: int | None = None

    async def reply(self, request: web.Request) -> Any:
        path, query = request.path, request.query
        account = "/api/v1/accounts/1"
        if path == f"{account}/portals":
            return {"payload": [{"id": n, "slug": slug} for n, slug in enumerate(self.portals)]}
        if path.startswith(f"{account}/portals/") and path.endswith("/articles"):
            total = len(self.articles) if self.total is None else self.total
            return {"payload": self._some(self.articles, query), "meta": {"all_articles_count": total}}
        if path == f"{account}/conversations":
            return {"data": {"meta": {}, "payload": self._some(self.conversations, query)}}
        if path.endswith("/messages"):
            kept = self.messages.get(path.split("/")[-2], [])
            before = int(query.get("before") or 10**9)
            return {"meta": {}, "payload": [each for each in kept if each["id"] < before][-self.size :]}
        return None

    def _some(self, kept: list[dict[str, Any]], query: Any) -> list[dict[str, Any]]:
        start = (int(query.get("page", 1)) - 1) * self.size
        return kept[start : start + self.size]


@dataclass
class Site(Desk):
    """`pages` by path: HTML as a text, or a response-maker."""

    async def reply(self, request: web.Request) -> Any:
        found = self.pages.get(request.path_qs, self.pages.get(request.path))
        if found is None:
            return web.Response(status=404, text="<h1>Not found</h1>", content_type="text/html")
        if callable(found):
            return found(request)
        if isinstance(found, bytes):
            return web.Response(body=found, content_type="application/gzip")
        xml = found.lstrip().startswith("<?xml")
        plain = request.path == "/robots.txt"
        kind = "application/xml" if xml else "text/plain" if plain else "text/html"
        return web.Response(text=found, content_type=kind)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    """The desk on a free port of this machine."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", desk.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    desk.port = runner.addresses[0][1]
    try:
        yield desk
    finally:
        await runner.cleanup()


def stamp(article: dict[str, Any]) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(article["updated_at"]).timestamp())


def zendesk_article(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"환불 안내 {number}",
        "body": f"<h2>순서</h2><ol><li>주문 내역을 엽니다.</li><li>{number}번 단추를 누릅니다.</li></ol>",
        "html_url": f"https://shop.zendesk.com/hc/ko/articles/{number}",
        "locale": "ko",
        "section_id": 20,
        "draft": False,
        "user_segment_id": None,
        "label_names": ["환불"],
        "updated_at": f"2026-03-{number % 27 + 1:02}T09:00:00Z",
    } | more


def zendesk_desk(count: int = 5) -> ZendeskDesk:
    return ZendeskDesk(
        articles=[zendesk_article(number) for number in range(1, count + 1)],
        sections=[
            {"id": 20, "name": "카드", "category_id": 10, "parent_section_id": 21},
            {"id": 21, "name": "환불", "category_id": 10, "parent_section_id": None},
        ],
        categories=[{"id": 10, "name": "결제"}],
    )


def zammad_desk() -> ZammadDesk:
    """Answer 1 published in two languages, 2 internal, 3 a draft, 4 archived."""
    old = "2026-01-05T00:00:00.000Z"
    states = {
        1: {"published_at": old},
        2: {"internal_at": old},
        3: {},
        4: {"published_at": old, "archived_at": old},
    }
    answers = {
        str(number): {
            "id": number,
            "category_id": 6,
            "updated_at": f"2026-02-0{number}T00:00:00.000Z",
            "tags": ["vip"],
            "internal_at": None,
            "published_at": None,
            "archived_at": None,
        }
        | moments
        for number, moments in states.items()
    }
    written = [(11, 1, 1), (12, 1, 2), (13, 2, 1), (14, 3, 1), (15, 4, 1)]
    return ZammadDesk(
        tree={
            "KnowledgeBase": {"1": {"id": 1}},
            "KnowledgeBaseLocale": {
                "1": {"id": 1, "system_locale_id": 30},
                "2": {"id": 2, "system_locale_id": 12},
            },
            "KnowledgeBaseCategory": {
                "5": {"id": 5, "knowledge_base_id": 1, "parent_id": None},
                "6": {"id": 6, "knowledge_base_id": 1, "parent_id": 5},
            },
            "KnowledgeBaseCategoryTranslation": {
                "1": {"id": 1, "category_id": 5, "kb_locale_id": 1, "title": "배송"},
                "2": {"id": 2, "category_id": 6, "kb_locale_id": 1, "title": "조회"},
                "3": {"id": 3, "category_id": 6, "kb_locale_id": 2, "title": "Tracking"},
            },
            "KnowledgeBaseAnswer": answers,
            "KnowledgeBaseAnswerTranslation": {
                str(own): {
                    "id": own,
                    "answer_id": answer,
                    "kb_locale_id": locale,
                    "title": f"답변 {answer}" if locale == 1 else f"Answer {answer}",
                    "content_id": own + 100,
                    "updated_at": answers[str(answer)]["updated_at"],
                }
                for own, answer, locale in written
            },
        },
        contents={str(own + 100): {"id": own + 100, "body": f"<p>본문 {own}</p>"} for own, _, _ in written},
    )


def chatwoot_article(number: int, status: str = "published", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "slug": f"article-{number}",
        "title": f"교환 안내 {number}",
        "content": f"## 교환\n\n{number}일 안에 신청합니다.",
        "status": status,
        "updated_at": 1_770_000_000 + number,
        "category": {"id": 3, "name": "교환", "locale": "ko"},
        "meta": {"tags": ["exchange"]},
    } | more


@contextmanager
def served(desk: D) -> Iterator[D]:
    """The desk in a thread of its own, for what is tried from outside of a test's loop."""
    ready, stopped = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with running(desk):
            loops.append(asyncio.get_running_loop())
            ready.set()
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield desk
    finally:
        loops[0].call_soon_threadsafe(stopped.set)
        thread.join(20)
        assert not thread.is_alive()
