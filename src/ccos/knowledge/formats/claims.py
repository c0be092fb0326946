"""Titles and languages that files claim beside their text, where nobody sees how wrong they are."""

from __future__ import annotations

import re

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_NONE = re.compile(
    r"microsoft (?:word|powerpoint) - .*|.*\.(?:docx?|hwpx?|pdf|html?|txt|pptx?)|untitled.*|제목 ?없음|무제"
    r"|(?:문서|document) ?\d*|(?:워드|word) ?(?:문서|document)",
    re.IGNORECASE,
)


def titled(said: str) -> str:
    """The title in one line, or nothing for what programs put there by themselves."""
    words = " ".join(said.replace("\0", "").split())
    return "" if _NONE.fullmatch(words) else words


def language(said: str) -> str:
    """The language when it is the name of one (ko, ko-KR), or nothing."""
    return said.strip() if _LANGUAGE.fullmatch(said.strip()) else ""
