"""The links of an item, and what can be said of each without asking the net. Pure functions over texts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from yarl import URL

from ccos.domain.knowledge import Item

_INLINE = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*(?:<([^<>\n]*)>|((?:[^\s()]|\([^\s()]*\))*))")
_DEFINED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE)
_BARE = re.compile(r"(?<!\]\()(?<![<\w])https?://[^\s<>()\[\]\"'`가-힣]+")
_ANGLED = re.compile(r"<(https?://[^\s<>]+)>")
_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HARMLESS = frozenset({"tel", "sms", "kakaotalk", "kakaolink", "intent", "market", "itms-apps", "geo"})
_SUFFIX = re.compile(r"\.(?:md|markdown|html?|docx|pdf)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """What links may lead to: addresses and external ids, True where the item is archived."""

    urls: Mapping[str, bool] = field(default_factory=dict)
    ids: Mapping[str, bool] = field(default_factory=dict)


def targets(body: str) -> list[str]:
    """Where a Markdown text links to, in order, each once; code is no text."""
    text = _CODE.sub(" ", body)
    found = [angled or plain for angled, plain in _INLINE.findall(text)]
    found += _DEFINED.findall(text) + _ANGLED.findall(text)
    found += [each.rstrip(".,;:!?*_~") for each in _BARE.findall(text)]
    return list(dict.fromkeys(each.strip() for each in found))


def problem(target: str, item: Item, known: Known) -> str | None:
    """Why the link leads nowhere, in words that follow it; None when it may well lead somewhere."""
    if not target:
        return "is empty"
    if target.startswith("#"):
        return None if _slug(unquote(target[1:])) in _anchors(item.body) else "is no heading of the article"
    scheme = _SCHEME.match(target)
    if scheme is not None and scheme[1].lower() == "mailto":
        return None if "@" in target else "has no e-mail address"
    if scheme is not None and scheme[1].lower() in _HARMLESS:
        return None
    address = web_address(target, item)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        return "is of a kind that readers cannot open"
    if address is not None:
        return "leads to an article that is archived" if known.urls.get(_plain(address)) else None
    if scheme is not None or target.startswith("//"):
        return "is no valid web address"
    return _inner(target, item, known)


def web_address(target: str, item: Item) -> URL | None:
    """The link as an address that can be asked; a relative one of an article that has an address itself."""
    try:
        url = URL(target)
        if url.scheme == "" and item.url and not target.startswith("#"):
            url = URL(item.url).join(url)
        if url.scheme not in ("http", "https") or not _host(url):
            return None
        return url.with_fragment(None)
    except ValueError:
        return None


def known(items: Iterable[tuple[str, str | None, bool]]) -> Known:
    """From external ids, addresses, and whether archived; a living item stands before an archived one."""
    urls: dict[str, bool] = {}
    ids: dict[str, bool] = {}
    for external_id, url, archived in items:
        ids[_id(external_id)] = ids.get(_id(external_id), True) and archived
        if url:
            urls[_plain(URL(url))] = urls.get(_plain(URL(url)), True) and archived
    return Known(urls, ids)


def _inner(target: str, item: Item, known: Known) -> str | None:
    path = unquote(target.partition("#")[0].partition("?")[0])
    folder = "" if path.startswith("/") else posixpath.dirname(item.external_id)
    wanted = _id(posixpath.normpath(posixpath.join(folder, path.lstrip("/"))))
    archived = known.ids.get(wanted, known.ids.get(_id(path.lstrip("/"))))
    if archived is None:
        return "leads to no article"
    return "leads to an article that is archived" if archived else None


def _id(external_id: str) -> str:
    return _SUFFIX.sub("", external_id.strip("/")).casefold()


def _plain(url: URL) -> str:
    """One spelling for addresses that are the same page."""
    return f"{_host(url)}{url.path.rstrip('/')}?{url.query_string}"


def _host(url: URL) -> str:
    host = (url.host or "").rstrip(".").lower()
    return host if "." in host or ":" in host or host == "localhost" else ""


def _anchors(body: str) -> set[str]:
    return {_slug(title) for title in _HEADING.findall(_CODE.sub(" ", body))}


def _slug(title: str) -> str:
    """As GitHub and most others make an anchor of a heading."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.strip().lower()))
