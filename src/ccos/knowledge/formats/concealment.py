"""Text that a page holds and does not show: by an element's own style or a plain rule of its sheet."""

from __future__ import annotations

import contextlib
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])"
    r"|opacity\s*:\s*0(?:\.0*)?(?![.\d])|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
"""Declarations of a style that leave nothing to see."""

_MOST_SHEET_LETTERS, _MOST_RULES = 200_000, 200
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_AT_BLOCK = re.compile(r"@[^{};]{0,200}\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_RULE = re.compile(r"([^{};]{1,300})\{([^{}]*)\}")
_PLAIN_SELECTOR = re.compile(r"[\w-]+|[\w-]*(?:[.#][\w-]+)+")
_HIDDEN = "[hidden], [aria-hidden=true], dialog:not([open])"
_WHOLE = frozenset({"html", "head", "body", "main", "article"})


def concealed(tree: LexborHTMLParser) -> list[LexborNode]:
    """Elements that cannot be seen; pages that hide all of themselves until a script shows it are spared.

    Of the style sheets, rules for single elements, classes and ids are followed, outside of any condition.
    """
    found = tree.css(_HIDDEN)
    found += [node for node in tree.css("[style]") if UNSEEN.search(node.attributes.get("style") or "")]
    sheet = "".join(node.text() for node in tree.css("style"))[:_MOST_SHEET_LETTERS]
    rules = _RULE.finditer(_AT_BLOCK.sub("", _COMMENT.sub("", sheet)))
    unseen = ",".join(rule[1] for rule in rules if UNSEEN.search(rule[2])).split(",")
    plain = dict.fromkeys(each.strip() for each in unseen if _PLAIN_SELECTOR.fullmatch(each.strip()))
    if plain:
        with contextlib.suppress(SelectolaxError):
            found += tree.css(",".join(list(plain)[:_MOST_RULES]))
    return [node for node in found if node.tag not in _WHOLE]
