"""HTML to Markdown-ish text: what a reader of the page reads, with headings, steps and tables kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = (
    "script, style, noscript, template, nav, aside, footer, form, iframe, object, svg, button, select,"
    " body > header, [hidden], [role=navigation]"
)
_HTML = re.compile(r"<(?:p|div|h[1-6]|ul|ol|li|table|br|span|a|b|strong|em)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAGS = (
    "p div section article main header blockquote dl dt dd figure figcaption details summary address"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    title: str = ""
    url: str = ""
    locale: str = ""
    updated_at: str = ""


def looks_like_html(text: str) -> bool:
    return "<" in text and bool(_HTML.search(text))


def to_markdown(html: str) -> Page:
    """The page's own content; scripts, styles, navigation and forms are dropped."""
    tree = LexborHTMLParser(html)
    page = Page(
        text="",
        title=_text(tree.css_first("h1")) or _text(tree.css_first("title")),
        url=_attribute(tree, "link[rel=canonical]", "href"),
        locale=_attribute(tree, "html", "lang"),
        updated_at=_attribute(tree, "meta[property='article:modified_time']", "content"),
    )
    for node in tree.css(_DROPPED):
        node.remove()
    root = tree.css_first("main") or tree.css_first("article") or tree.body
    writer = _Writer()
    if root is not None:
        _walk(root, writer)
    return Page(writer.text(), page.title, page.url, page.locale, page.updated_at)


def _text(node: LexborNode | None) -> str:
    return _SPACES.sub(" ", node.text()).strip() if node is not None else ""


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _walk(root: LexborNode, writer: _Writer) -> None:
    """Depth first without recursion, since pages nest as deep as they like."""
    node: LexborNode | None = root
    while node is not None:
        if node.is_text_node:
            writer.words(node.text_content or "")
        else:
            writer.enter(node.tag or "", node)
        if node.child is not None:
            node = node.child
            continue
        while node is not None:
            if not node.is_text_node:
                writer.leave(node.tag or "")
            if node == root:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


class _Writer:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._fresh = True
        self._lists: list[int | None] = []
        self._row: list[str] | None = None
        self._rows = 0
        self._pre = 0

    def text(self) -> str:
        return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", "".join(self._parts))).strip()

    def enter(self, tag: str, node: LexborNode) -> None:
        if tag in _HEADINGS:
            self._block()
            self._write(_HEADINGS[tag])
            self._fresh = True
        elif tag in _BLOCKS:
            self._block()
        elif tag in ("ul", "ol"):
            self._block()
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._bullet()
        elif tag == "table":
            self._block()
            self._rows = 0
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th"):
            if self._row is not None:
                self._row.append("")
        elif tag == "br":
            self._newline()
        elif tag == "pre":
            self._block()
            self._write("```\n")
            self._pre += 1
        elif tag == "img":
            self.words(node.attributes.get("alt") or "")

    def leave(self, tag: str) -> None:
        if tag in _HEADINGS or tag in _BLOCKS or tag == "table":
            self._block()
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._block()
        elif tag == "tr" and self._row is not None:
            self._end_row(self._row)
        elif tag == "pre" and self._pre:
            self._pre -= 1
            self._write("\n```\n\n")
            self._fresh = True

    def words(self, text: str) -> None:
        if self._row:
            self._row[-1] += _SPACES.sub(" ", text)
            return
        if self._pre:
            self._write(text)
            return
        plain = _SPACES.sub(" ", text)
        plain = plain.lstrip() if self._fresh else plain
        if plain:
            self._write(plain)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._fresh = text.endswith("\n")

    def _newline(self) -> None:
        if self._row:
            self._row[-1] += " "
        else:
            self._write("\n")

    def _block(self) -> None:
        if self._row:
            self._row[-1] += " "
        elif self._row is None and not self._fresh and self._parts:
            self._write("\n" + "  " * len(self._lists) if self._lists else "\n\n")
            self._fresh = True

    def _bullet(self) -> None:
        if self._row:
            self._row[-1] += " "
            return
        if not self._fresh or (self._parts and not self._parts[-1].endswith("\n")):
            self._write("\n")
        depth = "  " * max(len(self._lists) - 1, 0)
        count = self._lists[-1] if self._lists else None
        if count is not None:
            self._lists[-1] = count + 1
        self._write(depth + ("- " if count is None else f"{count + 1}. "))
        self._fresh = True

    def _end_row(self, cells: list[str]) -> None:
        self._row = None
        if not cells:
            return
        plain = [cell.strip().replace("|", "/") for cell in cells]
        self._write("| " + " | ".join(plain) + " |\n")
        self._rows += 1
        if self._rows == 1:
            self._write("|" + "---|" * len(cells) + "\n")
