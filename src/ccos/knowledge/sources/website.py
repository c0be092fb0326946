"""A plain website: the pages of a sitemap, or those that a page leads to, on one host.

robots.txt is obeyed. Pages are counted, bounded in bytes and time, and never fetched twice in a pass, so that
links in a circle end; a redirect is followed only on the same host, each step checked like a first address.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from ccos.domain.errors import AddressForbidden, SourceDown, SourceRefused, SourceUnreadable
from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.formats.decode import decode
from ccos.knowledge.formats.html import to_markdown
from ccos.knowledge.formats.problem import Unreadable
from ccos.knowledge.sources import pages as reading
from ccos.knowledge.sources.crawl import Crawl
from ccos.knowledge.sources.port import Gathered, Page, Position
from ccos.knowledge.sources.wire import Reply, Sleep, Wire

MOST_PAGE_BYTES = 5_000_000
MOST_SITEMAPS = 50
MOST_REDIRECTS = 5
MOST_DELAY_SECONDS = 10.0
MOST_FAILURES = 20
MOST_SITE_BYTES = 1_000_000_000
MOST_SECONDS = 6 * 3_600.0
"""Of one sync; a site that takes longer goes on at the next."""
PAGES_A_PAGE = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_MARKUP = frozenset({"text/html", "application/xhtml+xml", ""})
_PLAIN = frozenset({"text/plain", "text/markdown"})


class _Outside(Exception):
    """The address is of another host, or a redirect leads to one."""


class Website:
    kind = EvidenceKind.KB

    def __init__(
        self,
        wire: Wire,
        *,
        follow: bool = True,
        max_pages: int = 2_000,
        locale: str | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._wire, self._follow, self._most, self._locale = wire, follow, max_pages, locale
        self._home = wire.base
        self._sleep = sleep

    async def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:  # noqa: ARG002
        """Every pass is a full one: a site does not say what changed."""
        until = asyncio.get_running_loop().time() + MOST_SECONDS
        crawl = Crawl.at(position) if position else await self._begin()
        self._home = URL(crawl.home)
        robots = await self._robots(self._home)
        while True:
            into = Gathered(self.kind)
            for _ in range(PAGES_A_PAGE):
                if not crawl.waiting:
                    break
                if crawl.fetched >= self._most or crawl.size >= MOST_SITE_BYTES:
                    crawl.waiting.clear()
                    crawl.complete = False
                    most = f"{MOST_SITE_BYTES // 1_000_000} MB"
                    most = f"{self._most} pages" if crawl.fetched >= self._most else most
                    into.note(f"There are more than {most}; what is left was not fetched.")
                    break
                await self._visit(URL(crawl.waiting.popleft()), robots, crawl, into)
            if not crawl.waiting:
                yield into.page(complete=crawl.complete)
                return
            yield into.page(
                position=crawl.position(), total=min(crawl.fetched + len(crawl.waiting), self._most)
            )
            if asyncio.get_running_loop().time() >= until:
                raise SourceDown("The site took too long for one sync; the next goes on from here.")

    async def _visit(self, url: URL, robots: reading.Robots, crawl: Crawl, into: Gathered) -> None:
        if not robots.allows(url):
            into.note(f"{url}: robots.txt does not allow it.")
            return
        if crawl.fetched and robots.delay_seconds:
            await self._sleep(min(robots.delay_seconds, MOST_DELAY_SECONDS))
        crawl.fetched += 1
        try:
            at, reply = await self._fetch(url)
        except _Outside:
            into.note(f"{url}: it leads to another address and was left out.")
            return
        except AddressForbidden:
            into.note(f"{url}: it leads to an address of a private network and was left out.")
            return
        except SourceRefused:
            into.note(f"{url}: it may not be read without a sign-in.")
            into.kept.append(_id(url))
            return
        except SourceUnreadable as fault:
            into.note(f"{url}: {fault.sentence}")
            into.kept.append(_id(url))
            return
        except SourceDown as fault:
            crawl.failures += 1
            crawl.complete = False
            if crawl.failures >= MOST_FAILURES or crawl.fetched == crawl.failures == 3:
                raise
            into.note(f"{url}: {fault.sentence}")
            into.kept.append(_id(url))
            return
        crawl.size += len(reply.body)
        if reply.status != 200:
            if reply.status in _GONE:
                into.gone.append(_id(url))
            into.note(f"{url}: it answers with status {reply.status}.")
            return
        self._read(at, reply, crawl, into)

    def _read(self, at: URL, reply: Reply, crawl: Crawl, into: Gathered) -> None:
        if reply.content_type.lower() not in _MARKUP | _PLAIN:
            return
        try:
            text = decode(reply.body)
        except Unreadable as fault:
            into.note(f"{at}: {fault}")
            into.kept.append(_id(at))
            return
        if reply.content_type.lower() in _PLAIN:
            into.add({"external_id": _id(at), "title": "", "body": text, "url": str(at)})
            return
        tree = LexborHTMLParser(text)
        if crawl.follow:
            for link in reading.links(tree, at):
                if (inside := reading.within(link, self._home)) is not None:
                    crawl.meet(inside)
        own = reading.canonical(tree, at)
        if own != at and str(own) in crawl.met:
            return  # it is fetched by its own address
        crawl.met.add(str(own))
        if reading.hidden(tree):
            return
        page = to_markdown(text)
        if not page.text.strip():
            return
        into.add(
            {
                "external_id": _id(own),
                "title": page.title,
                "body": page.text,
                "url": str(own),
                "locale": page.locale or self._locale or "",
                "updated_at": page.updated_at,
            }
        )

    async def _fetch(self, url: URL) -> tuple[URL, Reply]:
        """The page and where it was in the end."""
        for _ in range(MOST_REDIRECTS + 1):
            inside = reading.within(url, self._home)
            if inside is None:
                raise _Outside
            url = inside
            reply = await self._wire.get(url, most_bytes=MOST_PAGE_BYTES)
            if reply.status not in _REDIRECTS:
                return url, reply
            following = reading.address(str(url.join(URL(reply.location or ""))))
            if following is None:
                raise _Outside
            url = following
        raise _Outside

    async def _begin(self) -> Crawl:
        """From the address: a sitemap gives the pages, a page is the first of those that it leads to.

        A site may send us from its address to another way of writing it: from then on that is the site.
        """
        crawl = Crawl(follow=self._follow)
        start = self._wire.base
        for _ in range(MOST_REDIRECTS):
            if not (await self._robots(start)).allows(start):
                raise SourceRefused("The site's robots.txt does not allow its address to be fetched.")
            reply = await self._wire.get(start, most_bytes=reading.MOST_SITEMAP_BYTES)
            if reply.status not in _REDIRECTS:
                break
            try:
                start = start.join(URL(reply.location or ""))
            except ValueError:
                raise SourceUnreadable from None
        if reply.status != 200:
            raise SourceUnreadable(f"The address answers with status {reply.status}; check it.")
        self._home, crawl.home = start, str(start)
        text = reading.sitemap(reply.body)
        if text is not None and reading.is_sitemap(text):
            crawl.follow = False
            await self._sitemap(text, crawl)
        else:
            crawl.meet(start)
        return crawl

    async def _sitemap(self, text: str, crawl: Crawl) -> None:
        """Its pages; sitemaps that it lists are read too, each once, `MOST_SITEMAPS` at most."""
        left, read = deque([text]), set[str]()
        while left:
            found, are_sitemaps = reading.locations(left.popleft())
            for said in found:
                try:
                    url = URL(said)
                    inside = reading.within(url, self._home) if url.host else None
                except ValueError:
                    continue
                if inside is None:
                    continue
                if not are_sitemaps:
                    if (page := reading.address(str(inside))) is not None:
                        crawl.meet(page)
                elif said not in read:
                    if len(read) >= MOST_SITEMAPS:
                        crawl.complete = False
                        return
                    read.add(said)
                    reply = await self._wire.get(inside, most_bytes=reading.MOST_SITEMAP_BYTES)
                    listed = reading.sitemap(reply.body) if reply.status == 200 else None
                    if listed is None:
                        crawl.complete = False
                    else:
                        left.append(listed)

    async def _robots(self, site: URL) -> reading.Robots:
        """None there: all is allowed. A server that fails over it is down, and nothing is fetched."""
        try:
            reply = await self._wire.get(site.origin().with_path("/robots.txt"), most_bytes=MOST_PAGE_BYTES)
        except SourceRefused:
            return reading.Robots("User-agent: *\nDisallow: /")
        return reading.Robots(reply.body.decode("utf-8", "replace") if reply.status == 200 else None)


def _id(url: URL) -> str:
    """The address, or where that is too long for an id its beginning and a digest."""
    said = str(url)
    return said if len(said) <= 200 else f"{said[:150]}#{hashlib.sha256(said.encode()).hexdigest()[:32]}"
