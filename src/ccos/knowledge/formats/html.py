"""HTML to Markdown-ish text: what a reader of the page reads, with headings, steps and tables kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ccos.knowledge.formats.concealment import concealed

_DROPPED = (
    "script, style, noscript, template, nav, aside, footer, form, iframe, object, svg, button, select,"
    " textarea, canvas, audio, video, annotation, xmp, plaintext, noembed, noframes, datalist,"
    " body > header, [role=navigation]"
)
_HTML = re.compile(r"<(?:p|div|h[1-6]|ul|ol|li|table|br|span|a|b|strong|em)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAGS = (
    "p div section article main header blockquote dl dt dd figure figcaption details summary address"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_DEEPEST = 256
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = "area base br col embed hr img input link meta param source track wbr"
_ENDED_BY_THE_NEXT = "p li dt dd tr td th thead tbody tfoot option script style"
_UNNESTED = frozenset(f"{_VOID} {_ENDED_BY_THE_NEXT}".split())
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Page:
    """`hidden` counts the letters that a reader of the page does not see, which are left out."""

    text: str
    title: str = ""
    url: str = ""
    locale: str = ""
    updated_at: str = ""
    hidden: int = 0


def looks_like_html(text: str) -> bool:
    return "<" in text and bool(_HTML.search(text))


def to_markdown(html: str) -> Page:
    """The page's own content; scripts, styles, navigation, forms and hidden text are dropped."""
    tree = LexborHTMLParser(_flattened(html))
    page = Page(
        text="",
        title=_text(tree.css_first("h1")) or _text(tree.css_first("title")),
        url=_attribute(tree, "link[rel=canonical]", "href"),
        locale=_attribute(tree, "html", "lang"),
        updated_at=_attribute(tree, "meta[property='article:modified_time']", "content"),
    )
    unseen = concealed(tree)
    for node in tree.css(_DROPPED):
        node.remove()
    hidden = len(_text(tree.body))
    for node in unseen:
        node.remove()
    hidden -= len(_text(tree.body))
    root = tree.css_first("main") or tree.css_first("article") or tree.body
    writer = _Writer()
    if root is not None:
        _walk(root, writer)
    return replace(page, text=writer.text(), hidden=hidden)


def _flattened(html: str) -> str:
    """Without elements deeper than anybody nests them: parsing takes the square of the depth.

    The names of those that are too deep become that of an element which holds nothing.
    """
    if html.count("<") <= _DEEPEST:
        return html
    depth = 0

    def renamed(tag: re.Match[str]) -> str:
        nonlocal depth
        if tag[2].lower() in _UNNESTED:
            return tag[0]
        deep = depth > _DEEPEST
        depth += -1 if tag[1] and depth else 0 if tag[1] else 1
        return f"<{tag[1]}wbr" if deep else tag[0]

    return _TAG.sub(renamed, html)


def _text(node: LexborNode | None) -> str:
    return _SPACES.sub(" ", node.text()).strip() if node is not None else ""


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _walk(root: LexborNode, writer: _Writer) -> None:
    """Depth first without recursion, since pages nest as deep as they like."""
    node: LexborNode | None = root
    end = root.mem_id  # == would compare the nodes' HTML, which costs their whole size
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
            if node.mem_id == end:
                return
            if node.next is not None:
                node = node.next
                break
            node = node.parent


class _Writer:
    """Line breaks are owed until words come, so that empty elements leave nothing behind."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._owed = 0
        self._prefix = ""
        self._lists: list[int | None] = []
        self._row: list[str] | None = None
        self._rows = 0
        self._pre = 0

    def text(self) -> str:
        return re.sub(r"[ \t]+\n", "\n", "".join(self._parts)).strip()

    def enter(self, tag: str, node: LexborNode) -> None:
        if tag in _HEADINGS:
            self._break(2)
            self._prefix = _HEADINGS[tag]
        elif tag in _BLOCKS:
            self._break(2)
        elif tag in ("ul", "ol"):
            self._break(2)
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._bullet()
        elif tag == "table":
            self._break(2)
            self._rows = 0
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th"):
            if self._row is not None:
                self._row.append("")
        elif tag == "br":
            self._break(1)
        elif tag == "pre":
            self._break(2)
            self._prefix = "```\n"
            self._pre += 1
        elif tag == "img":
            self.words(node.attributes.get("alt") or "")

    def leave(self, tag: str) -> None:
        if tag in _HEADINGS or tag in _BLOCKS or tag == "table":
            self._break(2)
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._break(2)
        elif tag == "tr" and self._row is not None:
            self._end_row(self._row)
        elif tag == "pre" and self._pre:
            self._pre -= 1
            if not self._prefix:
                self._parts.append("\n```")
            self._prefix = ""
            self._break(2)

    def words(self, text: str) -> None:
        if self._row:
            self._row[-1] += _SPACES.sub(" ", text)
        elif self._pre:
            self._write(text)
        else:
            plain = _SPACES.sub(" ", text)
            self._write(plain.lstrip() if self._owed or self._prefix or not self._parts else plain)

    def _write(self, text: str) -> None:
        if not text:
            return
        if self._parts and self._owed:
            self._parts.append("\n" * self._owed)
            if self._lists and not self._prefix:
                self._parts.append("  " * len(self._lists))
        self._parts.append(self._prefix + text)
        self._owed, self._prefix = 0, ""

    def _break(self, lines: int) -> None:
        """Owes line breaks; in a table cell a space stands for them, in a list one is enough."""
        if self._row:
            self._row[-1] += " "
        elif not self._pre:
            self._owed = max(self._owed, 1 if self._lists else lines)

    def _bullet(self) -> None:
        self._break(1)
        if self._row:
            return
        count = self._lists[-1] if self._lists else None
        if count is not None:
            self._lists[-1] = count + 1
        depth = "  " * max(len(self._lists) - 1, 0)
        self._prefix = depth + ("- " if count is None else f"{count + 1}. ")

    def _end_row(self, cells: list[str]) -> None:
        self._row = None
        if not any(cell.strip() for cell in cells):
            return
        self._break(1)
        self._write("| " + " | ".join(cell.strip().replace("|", "/") for cell in cells) + " |")
        self._rows += 1
        if self._rows == 1:
            self._parts.append("\n|" + "---|" * len(cells))
