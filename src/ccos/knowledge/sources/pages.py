"""What a crawler reads: sitemaps, robots.txt, the links of a page. Pure functions over texts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.robotparser import RobotFileParser

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from ccos.domain.errors import SourceError
from ccos.knowledge.sources.wire import USER_AGENT, unpacked

MOST_SITEMAP_BYTES = 50_000_000
"""The protocol's own limit of a sitemap; also when it is unpacked."""
_LOCATION = re.compile(r"<(?:\w+:)?loc>\s*(?:<!\[CDATA\[)?\s*(.*?)\s*(?:\]\]>)?\s*</(?:\w+:)?loc>", re.DOTALL)
_INDEX = re.compile(r"<(?:\w+:)?sitemapindex[\s>]")
_SITEMAP = re.compile(r"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]")
_NOT_PAGES = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|json|xml|pdf|zip|gz|mp4|mp3|woff2?|ttf|exe|dmg|docx?|xlsx?|pptx?)$",
    re.IGNORECASE,
)


def is_sitemap(text: str) -> bool:
    return _SITEMAP.search(text[:4_096]) is not None


def locations(text: str) -> tuple[list[str], bool]:
    """The addresses of a sitemap, and whether they are of further sitemaps.

    It is searched and not parsed: entities that would unfold into gigabytes stay what they are.
    """
    return [html.unescape(each) for each in _LOCATION.findall(text)], _INDEX.search(text[:4_096]) is not None


def sitemap(body: bytes) -> str | None:
    """The text of a sitemap, which may be a gzip file; None when that is broken or unfolds to too much."""
    try:
        whole = unpacked(body, MOST_SITEMAP_BYTES) if body.startswith(b"\x1f\x8b") else body
    except SourceError:
        return None
    return whole.decode("utf-8", "replace")


class Robots:
    """What robots.txt lets us fetch; without a text, everything."""

    def __init__(self, text: str | None) -> None:
        self._rules = RobotFileParser()
        self._rules.parse((text or "").splitlines())

    def allows(self, url: URL) -> bool:
        return self._rules.can_fetch(USER_AGENT, str(url))

    @property
    def delay_seconds(self) -> float:
        """Between two pages, where the site asks for it."""
        try:
            return float(self._rules.crawl_delay(USER_AGENT) or 0)
        except (TypeError, ValueError):
            return 0.0

    @property
    def sitemaps(self) -> list[str]:
        return list(self._rules.site_maps() or ())


def links(tree: LexborHTMLParser, at: URL) -> Iterator[URL]:
    """Where the page leads, in its order, that may be a page; `nofollow` is not followed."""
    if "nofollow" in _robots_meta(tree):
        return
    base = tree.css_first("base[href]")
    start = _joined(at, base.attributes.get("href") if base is not None else None) or at
    for node in tree.css("a[href]"):
        if "nofollow" in (node.attributes.get("rel") or "").lower().split():
            continue
        found = _joined(start, node.attributes.get("href"))
        if found is not None:
            yield found


def hidden(tree: LexborHTMLParser) -> bool:
    """Whether the page asks not to be found."""
    return "noindex" in _robots_meta(tree)


def canonical(tree: LexborHTMLParser, at: URL) -> URL:
    """The address the page calls its own, on the same host; else the one it was fetched from."""
    node = tree.css_first("link[rel=canonical]")
    own = _joined(at, node.attributes.get("href") if node is not None else None)
    return own if own is not None and within(own, at) == own else at


def within(url: URL, home: URL) -> URL | None:
    """The address as one of the site of `home`, or None when it is of another.

    http and https of one host are one site, at their usual ports: the one we came by is asked.
    """
    if url.origin() == home.origin():
        return url
    if url.host == home.host and url.is_default_port() and home.is_default_port():
        return url.with_scheme(home.scheme)
    return None


def address(said: str) -> URL | None:
    """The address without a fragment, or None for what is no web address or plainly no page."""
    return _joined(None, said)


def _joined(at: URL | None, said: str | None) -> URL | None:
    try:
        found = URL((said or "").strip()) if at is None else at.join(URL((said or "").strip()))
        if not said or found.scheme not in ("http", "https") or not found.host or found.user:
            return None
        found = found.with_fragment(None)
        if len(str(found)) > 2_000 or _NOT_PAGES.search(found.path):
            return None
    except ValueError:
        return None
    return found.with_path(found.raw_path, encoded=True, keep_query=True)  # "/" where there was none


def _robots_meta(tree: LexborHTMLParser) -> set[str]:
    said = (node.attributes.get("content") or "" for node in tree.css("meta[name=robots i]"))
    return {part for each in said for part in re.split(r"[\s,]+", each.lower())}
